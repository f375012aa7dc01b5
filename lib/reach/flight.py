"""The blocks of a part that are under way: the next one goes out while the last answers of the one before are awaited.

Two blocks at most are under way, so that a worker's death leaves no more people unknown. A block is begun shortly
before its slots: where another part's blocks come in between, so much later. Telegram's pause is looked at before each
message; whom it keeps from being written to waits on, for a later block.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from lib import limits
from lib.reach import parts, sending
from lib.reach.parts import Fate, Recipient
from lib.reach.sending import LongPause, Mail

AT_ONCE = 2  # blocks
LOOK_EVERY = 5  # messages: how often others' pauses are asked for


class Flight:
    """The messages of one worker that are under way, and the outcomes that its next turn has to note.

    Left with an exception, it stops all of them: the part may be another's by now.
    """

    def __init__(self, mail: Mail, give_up_at: float) -> None:
        self.mail = mail
        self.give_up_at = give_up_at
        self.must_rest = False  # Telegram wants nothing for long
        self._under_way: set[int] = set()
        self._known: list[tuple[int, Fate]] = []
        self._blocks: list[asyncio.Task[None]] = []
        self._messages: set[asyncio.Task[None]] = set()
        self._booked = asyncio.Event()  # whether the last block knows its slots
        self._ends_at = 0.0  # when these are over
        self._gap = 0.0  # seconds that another part's block takes between two of this one

    async def __aenter__(self) -> "Flight":
        return self

    async def __aexit__(self, *_: object) -> None:
        left = [*self._blocks, *self._messages]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    @property
    def people(self) -> int:
        """How many people are under way."""
        return len(self._under_way)

    def noted(self) -> list[tuple[int, Fate]]:
        """Return by place what is known since the last call, and who is still under way."""
        known, self._known = self._known, []
        return known + [(place, Fate.BEGUN) for place in sorted(self._under_way)]

    def begin(self, people: Sequence[Recipient]) -> None:
        """Have these people written to."""
        if people:
            self._under_way.update(one.place for one in people)
            self._booked.clear()
            self._blocks.append(asyncio.create_task(self._send(people)))

    async def room(self) -> None:
        """Wait until the next block may begin: no more than one is under way, and its last messages go out."""
        while len(self._blocks) >= AT_ONCE:
            await self._first_back()
        if self._blocks:
            await self._booked.wait()
            await asyncio.sleep(max(0.0, self._ends_at + self._gap - sending.EARLY - time.time()))

    async def land(self) -> None:
        """Wait for all answers."""
        while self._blocks:
            await self._first_back()

    async def _first_back(self) -> None:
        await self._blocks[0]
        del self._blocks[0]

    async def _send(self, people: Sequence[Recipient]) -> None:
        """Send a block in its slots. Time is up, or Telegram wants nothing for long: all of them wait on."""
        slot = None
        try:
            slot = await self.mail.slot(len(people), self.give_up_at)
        except LongPause:
            self.must_rest = True
        finally:
            self._book(slot, len(people))
        sent = await self._go_out(slot, people) if slot else []
        for one in people[len(sent) :]:
            self._learn(one, Fate.WAITING)
        await asyncio.gather(*sent)

    def _book(self, slot: limits.Slot | None, number: int) -> None:
        """Keep when the block is over, and whether somebody's block came in between: it is not free at once then."""
        if slot is not None:
            gap = slot.at - self._ends_at if slot.at > time.time() else 0.0
            if gap < 1.5 * parts.BLOCK * slot.interval:  # longer is a pause
                self._gap = max(gap, 0.0)
            self._ends_at = slot.at + number * slot.interval
        self._booked.set()

    async def _go_out(self, slot: limits.Slot, people: Sequence[Recipient]) -> list[asyncio.Task[None]]:
        """Begin each message in its slot, until Telegram wants nothing; return those that are begun."""
        bot, sent = self.mail.one.bot, list[asyncio.Task[None]]()
        for number, one in enumerate(people):
            await slot.wait(number)
            if number % LOOK_EVERY == LOOK_EVERY - 1:
                self._start(limits.look(bot))
            if limits.resting(bot):
                break
            sent.append(self._start(self._message(one)))
        return sent

    def _start(self, what: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(what)
        self._messages.add(task)
        task.add_done_callback(self._messages.discard)
        return task

    async def _message(self, one: Recipient) -> None:
        self._learn(one, await self.mail.send(one))

    def _learn(self, one: Recipient, fate: Fate) -> None:
        self._under_way.discard(one.place)
        self._known.append((one.place, fate))
