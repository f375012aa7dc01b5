"""One update, from the request's body to the status that Telegram gets.

    parse -> begin the turn -> one flow, imported on first use -> end the turn -> 200

200   it is done, was done before, can never be parsed, or has failed often enough to be buried
503   not now: another update holds the turn, a service is out of reach, or Telegram wants a pause. It offers it again
500   the flow failed; the third failure buries the update, tells the user, and answers 200

A failure of a service is not the update's fault and is not counted: Telegram keeps the update for 24 hours.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from lib import errors, limits, log, tally, text
from lib.telegram import conversation, edits, fsm
from lib.telegram.client import Button, Chat, Keyboard, Keys, Picture
from lib.telegram.menus import Flows, Menu, choose
from lib.telegram.update import Incoming, parse

TRIES = 3
DONE = "done_by"  # State.data: the message and the data of the press that had its effect last
LINK = "link"  # the payload that brought a stranger, kept in State.data until they have consented

type Work = Callable[[], Awaitable[object]]
type Begun = Awaitable[fsm.HeldTurn | None]


@dataclass
class Turn:
    """One update while a flow works on it: what came, the state, and the chat to answer in.

    `stranger`: the person has not consented; `meets`: what a flow did for one is to be followed by the consent.
    `settled`: what was said or pressed has had its effect, so that an edit, or the same press again, comes too late.
    """

    came: Incoming
    state: conversation.State
    chat: Chat
    after: list[Work] = field(default_factory=list)
    answered: bool = False
    stranger: bool = False
    meets: bool = False
    settled: bool = False

    def text(self, key: str, **fields: Any) -> str:
        """Return a sentence in the person's language."""
        return text.say(self.language, key, **fields)

    @property
    def language(self) -> str:
        """The person's language, 'ru' or 'en'."""
        return str(self.state.who.get("language", "ru"))

    @property
    def on_screen(self) -> bool:
        """Whether a button of the current screen was pressed, not one of an older message."""
        return self.came.kind == "press" and self.came.message_id == self.state.data.get("screen")

    async def answer(self, words: str = "", *, alert: bool = False) -> None:
        """Stop the pressed button's spinner, once, with a toast if there are words."""
        if self.came.kind == "press" and not self.answered:
            self.answered = True
            await self.chat.answer(self.came.press_id, words, alert=alert)

    async def limited(self, limit: limits.Limit) -> bool:
        """Take a turn at an action and return False; or tell the person, once, how long to wait, and return True."""
        wait = limits.take(self.state.limits, limit)
        if not wait:
            return False
        log.note(limited=limit.action, wait=wait)
        words = self.too_often(wait)
        told = limits.Limit(f"told:{limit.action}", 1, timedelta(seconds=wait))
        if self.came.kind == "press":
            await self.answer(words, alert=True)
        elif not limits.take(self.state.limits, told):
            await self.chat.say(words)
        return True

    def too_often(self, wait: int) -> str:
        """Say how many seconds to wait; from two minutes on, how many minutes."""
        if wait < 120:
            return self.text("error.too_often", wait=wait)
        return self.text("error.too_often_minutes", wait=-(-wait // 60))

    async def ask(self, words: str, keys: Keys) -> None:
        """Send a message that brings keys below the input field or, with Keys(), takes them away. It is no screen."""
        await asyncio.gather(self.chat.say(words, keys), self.answer())
        self.state.data["screen"] = 0

    async def show(self, words: str, keyboard: Keyboard) -> None:
        """Make this the current screen: rewrite the message whose button was pressed, else send a new one."""
        pictured, _ = (self.state.data.pop(name, None) for name in ("pictured", "awaits"))
        if self.on_screen and pictured:  # a picture's message cannot become a text
            await self.chat.delete(self.came.message_id)
        elif self.on_screen:
            edited, _ = await asyncio.gather(self.chat.edit(self.came.message_id, words, keyboard), self.answer())
            if edited:
                return
        message_id, _ = await asyncio.gather(self.chat.say(words, keyboard), self.answer())
        self.state.data["screen"] = message_id

    async def swap(self, button: Button) -> bool:
        """Put a button in the place of the pressed one and keep the others; False for a message too old to be read."""
        rows = [[button if one.data == self.came.text else one for one in row] for row in self.came.rows]
        return bool(rows) and await self.chat.mark(self.came.message_id, rows)

    async def show_picture(self, picture: Picture, words: str, keyboard: Keyboard) -> None:
        """Make a picture the current screen, in the message whose button was pressed if that is the screen."""
        already = len(self.chat.sent)
        if self.on_screen:
            await asyncio.gather(self.chat.show_picture(self.came.message_id, picture, words, keyboard), self.answer())
        else:
            await asyncio.gather(self.chat.send_photo(picture, words, keyboard), self.answer())
        self.state.data["pictured"] = True
        if len(self.chat.sent) > already:
            self.state.data["screen"] = self.chat.sent[-1]


@dataclass
class Outcome:
    """The status for Telegram, and the work to do once it has it."""

    status: int
    retry_after: timedelta | None = None
    after: list[Work] = field(default_factory=list)


async def handle(bot: str, raw: bytes, flows: Flows, *, begun: Begun | None = None) -> Outcome:
    """Handle one update of one bot; raise Missing when there is no such bot.

    `begun` is the person's turn where it is being taken already.
    """
    menu = flows.menus.get(bot)
    if menu is None:
        raise errors.Missing("no_bot")
    with log.scope("update", bot=bot) as record:
        outcome = await _handle(bot, menu, raw, flows, begun)
        record["status"] = outcome.status
    tally.timed("update", bot, _fate(record), ms=record["ms"])
    return outcome


def _fate(record: log.Record) -> str:
    """Name what became of an update."""
    if record["status"] != 200:
        return "failed" if record["status"] == 500 else "later"
    return next((fate for fate in ("buried", "repeated", "refused") if record.get(fate)), "done")


async def _handle(bot: str, menu: Menu, raw: bytes, flows: Flows, begun: Begun | None) -> Outcome:
    try:
        came = parse(raw)
    except errors.Invalid as error:
        log.note(refused=str(error))
        return Outcome(200)
    if came is None:
        log.note(refused="nothing to answer")
        return Outcome(200)
    log.note(update_id=came.update_id, user_id=came.person.id, kind=came.kind)
    try:
        held = await (begun or fsm.begin(bot, came.person.id, came.update_id))
    except errors.Unavailable as error:
        log.note(refused=str(error))
        return Outcome(503, error.retry_after)
    if held is None:
        log.note(repeated=True)
        return Outcome(200)
    if held.paused and not came.payment:
        log.note(refused="Telegram wants a pause")
        await _quietly(fsm.release(held))
        return Outcome(503, held.paused)
    return await _run(menu, Turn(came, held.state.copy(), Chat(bot, came.person.id)), held, raw, flows)


async def _run(menu: Menu, turn: Turn, held: fsm.HeldTurn, raw: bytes, flows: Flows) -> Outcome:
    try:
        try:
            async with asyncio.timeout(fsm.HANDLER_LIMIT.total_seconds()):
                await _flow(menu, turn, flows)
                await turn.answer()
        except errors.Blocked:
            await flows.blocked(turn.chat.bot, turn.came.person.id, True)
        held.wrote = turn.chat.wrote
        await fsm.end(held, turn.state)
    except errors.Unavailable as error:
        log.failure(error)
        await _quietly(fsm.release(held))
        return Outcome(503, error.retry_after)
    except Exception as error:
        log.failure(error)
        return await _count(turn, held, raw, flows, error)
    return Outcome(200, after=turn.after)


async def _flow(menu: Menu, turn: Turn, flows: Flows) -> None:
    """Let a flow answer; for an account that was erased meanwhile, as a newcomer's first update."""
    try:
        await _answer(menu, turn, flows)
    except errors.Gone:
        log.note(gone=True)
        turn.state = conversation.State(limits=turn.state.limits)
        await _answer(menu, turn, flows)


async def _answer(menu: Menu, turn: Turn, flows: Flows) -> None:
    came = turn.came
    if came.kind in ("blocked", "unblocked"):
        await flows.blocked(turn.chat.bot, came.person.id, came.kind == "blocked")
        return
    if came.kind == "stopped":
        if menu.stops and turn.state.who.get("consent"):
            await menu.module(menu.stops).handle(turn)
        return
    if flows.pace and not came.payment and await turn.limited(flows.pace):
        return
    admitted = menu.admits is None or menu.admits(came.person.id)
    if admitted and not turn.state.who.get("consent"):
        turn.state.who = await flows.meet(came.person)
    if came.edited and not await _mended(turn):
        return
    step, said = turn.state.step, turn.came
    await _handled(menu, turn)
    if turn.state.who and not turn.stranger:
        edits.hear(turn.state, said, step, settled=turn.settled)


async def _mended(turn: Turn) -> bool:
    """Take an edit for the answer that it mends, if that is still the current one; else say that it comes too late."""
    if not edits.is_new(turn.state, turn.came):
        return False
    answer = edits.again(turn.state, turn.came)
    if answer is None:
        await turn.chat.say(turn.text("error.edited_late"))
        return False
    turn.came = answer
    return True


async def _handled(menu: Menu, turn: Turn) -> None:
    """Have the one flow work that the update belongs to, and whatever follows from it."""
    came, name = turn.came, choose(menu, turn.came, turn.state)
    log.note(flow=name)
    turn.stranger = not (menu.admits or turn.state.who.get("consent") or turn.state.who.get("banned"))
    if name == menu.stranger and came.command == "start" and menu.linked(came.text):
        turn.state.data[LINK] = came.text
    if came.kind == "press" and turn.state.data.get(DONE) == [came.message_id, came.text]:
        await turn.answer(turn.text("error.done_already"), alert=True)
        return
    await menu.module(name).handle(turn)
    if turn.settled and came.kind == "press":
        turn.state.data[DONE] = [came.message_id, came.text]
    if turn.stranger and turn.meets:
        await menu.module(menu.stranger).handle(turn)
    if LINK in turn.state.data and turn.state.who.get("consent"):
        await _follow(menu, turn)


async def _follow(menu: Menu, turn: Turn) -> None:
    """Lead somebody who came by a link, and had to consent first, to where the link leads.

    The message of the consent keeps its words and loses the button that would ask again.
    """
    payload = turn.state.data.pop(LINK)
    if not menu.linked(payload):
        return
    await asyncio.gather(turn.answer(), *([turn.chat.strip(turn.came.message_id)] if turn.on_screen else []))
    turn.came = replace(turn.came, kind="command", command="start", text=payload)
    log.note(linked=menu.linked(payload))
    await menu.module(menu.linked(payload)).handle(turn)


async def _count(turn: Turn, held: fsm.HeldTurn, raw: bytes, flows: Flows, error: Exception) -> Outcome:
    """Let Telegram try again, or bury the update that has failed often enough and say so."""
    try:
        tries = await fsm.failed(held)
        if tries < TRIES:
            await fsm.release(held)
            return Outcome(500)
        await flows.bury(held.bot, held.update_id, raw, f"{type(error).__name__}: {error}", tries)
        await fsm.end(held, held.state)
    except errors.Unavailable as fault:
        log.note(refused=str(fault))
        await _quietly(fsm.release(held))
        return Outcome(503)
    log.note(buried=True)
    await _quietly(turn.chat.say(turn.text("error.buried")))
    return Outcome(200)


async def _quietly(work: Awaitable[Any]) -> None:
    """Do what is only a courtesy: the update's outcome stands whether it works or not."""
    try:
        await work
    except errors.AppError as error:
        log.note(courtesy_failed=str(error))
