"""Shows a text in a chat while it is being written: the newest words win, and the whole text ends it as one message.

As a draft where the chat takes drafts (private chats; Telegram shows a stop button), else as a message that is edited.
Drafts are plain: half of a mark would be refused. Telegram drops a draft after 30 seconds and with the next message.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from lib import errors, log
from lib.telegram.client import Chat, Keyboard

PACE = 0.8  # seconds between two drafts
EDIT_PACE = 1.6
FIRST = 0.15  # between two looks until there is something to show
REFRESH = 20.0


class LiveText:
    """A text that grows: `words` returns it as far as it may be shown, and is asked when it is time to show it.

    `look` says why nobody wants it any more, "" as long as somebody does.
    """

    def __init__(self, chat: Chat, draft_id: int, words: Callable[[], str], look: Callable[[], Awaitable[str]]) -> None:
        self.chat, self.draft_id, self._words, self._look = chat, draft_id, words, look
        self.verdict = ""
        self.message_id = 0
        self._shown = ""
        self._drafts = True
        self._next_at = 0.0
        self._shown_at = time.monotonic()
        self._grown = asyncio.Event()

    def grow(self) -> None:
        """Hear that there is more; the first words are shown at once."""
        self._grown.set()

    async def follow[T](self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what the work makes, showing the text meanwhile; None when it was stopped (`verdict`)."""
        task = asyncio.create_task(work)
        try:
            while not task.done():
                await self._step()
                if self.verdict:
                    return None
                await self._rest(task)
            return task.result()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, errors.AppError):
                await task

    async def _rest(self, task: asyncio.Task[Any]) -> None:
        """Wait for the next look: a pace, or less when the work ends or its first words come."""
        if self._shown:
            await asyncio.wait({task}, timeout=PACE)
            return
        grown = asyncio.create_task(self._grown.wait())
        await asyncio.wait({task, grown}, timeout=PACE, return_when=asyncio.FIRST_COMPLETED)
        grown.cancel()
        if self._grown.is_set():
            self._grown.clear()
            await asyncio.wait({task}, timeout=FIRST)

    async def _step(self) -> None:
        """Ask whether to go on, and show what is new."""
        looked, _ = await asyncio.gather(self._look(), self._show())
        self.verdict = self.verdict or looked

    async def _show(self) -> None:
        now = time.monotonic()
        if now < self._next_at:
            return
        words = self._words()
        stale = now - self._shown_at > REFRESH
        if (words == self._shown and not stale) or not (words or stale):
            return
        try:
            await (self._draft(words) if self._drafts else self._edit(words))
        except errors.Unavailable as fault:  # a flood: the newest words come when it is over
            wait = fault.retry_after.total_seconds() if fault.retry_after else PACE
            self._next_at = now + wait
            log.note(draft_paused=wait)
            return
        self._shown, self._shown_at = words, now

    async def _draft(self, words: str) -> None:
        self._next_at = time.monotonic() + PACE
        self._drafts = await self.chat.draft(self.draft_id, words)
        if not self._drafts and words:
            await self._edit(words)

    async def _edit(self, words: str) -> None:
        self._next_at = time.monotonic() + EDIT_PACE
        if not words:
            await self.chat.act()
        elif self.message_id:
            await self.chat.edit_plain(self.message_id, words)
        else:
            self.message_id = await self.chat.say_plain(words)

    async def end(self, words: str, entities: Sequence[dict[str, Any]], keyboard: Keyboard) -> int:
        """Send the whole text as one message, or make it of the one that was edited; return its id."""
        if self.message_id and await self.chat.edit_plain(self.message_id, words, entities, keyboard):
            return self.message_id
        try:
            return await self.chat.say_plain(words, entities, keyboard)
        except errors.Blocked:
            raise
        except errors.Rejected as refusal:
            log.event("answer_without_entities", error=refusal.detail[:200])
            return await self.chat.say_plain(words, (), keyboard)

    async def drop(self) -> None:
        """Take away what was shown, as another answer takes its place; a draft goes by itself."""
        if self.message_id:
            await self.chat.delete(self.message_id)
