"""One update, from the request's body to the status that Telegram gets.

    parse -> begin the turn -> one flow, imported on first use -> end the turn -> 200

200   it is done, was done before, can never be parsed, or has failed often enough to be buried
503   not now: another update holds the turn, or a service is out of reach. Telegram offers it again
500   the flow failed; the third failure buries the update, tells the user, and answers 200

A failure of a service is not the update's fault and is not counted: Telegram keeps the update for 24 hours.
"""

import asyncio
import copy
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lib import errors, log, text
from lib.telegram import fsm
from lib.telegram.client import Chat, Keyboard
from lib.telegram.update import Incoming, Person, parse

TRIES = 3

type Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Menu:
    """What one bot answers: flow names by command, the flow for files, the flow for all else, the one for strangers."""

    package: str
    commands: Mapping[str, str]
    files: str
    other: str
    stranger: str


@dataclass(frozen=True)
class Flows:
    """The product's flows and what dispatch must ask the product for.

    `meet` returns what State.who holds, with a true "consent" once the person may go on. `bury` keeps an update that
    failed for good. `blocked` learns that a person has blocked or unblocked a bot.
    """

    menus: Mapping[str, Menu]
    meet: Callable[[Person], Awaitable[dict[str, Any]]]
    bury: Callable[[str, int, bytes, str, int], Awaitable[None]]
    blocked: Callable[[int, bool], Awaitable[None]]


@dataclass
class Turn:
    """One update while a flow works on it: what came, the state, and the chat to answer in."""

    came: Incoming
    state: fsm.State
    chat: Chat
    after: list[Work] = field(default_factory=list)
    answered: bool = False

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

    async def show(self, words: str, keyboard: Keyboard) -> None:
        """Make this the current screen: rewrite the message whose button was pressed, else send a new one."""
        if self.on_screen:
            edited, _ = await asyncio.gather(self.chat.edit(self.came.message_id, words, keyboard), self.answer())
            if edited:
                return
        message_id, _ = await asyncio.gather(self.chat.say(words, keyboard), self.answer())
        self.state.data["screen"] = message_id


@dataclass
class Outcome:
    """The status for Telegram, and the work to do once it has it."""

    status: int
    retry_after: timedelta | None = None
    after: list[Work] = field(default_factory=list)


async def handle(bot: str, raw: bytes, flows: Flows) -> Outcome:
    """Handle one update of one bot; raise Missing when there is no such bot."""
    menu = flows.menus.get(bot)
    if menu is None:
        raise errors.Missing("no_bot")
    with log.scope("update", bot=bot) as record:
        outcome = await _handle(bot, menu, raw, flows)
        record["status"] = outcome.status
    return outcome


async def _handle(bot: str, menu: Menu, raw: bytes, flows: Flows) -> Outcome:
    try:
        came = parse(raw)
    except errors.Invalid as error:
        log.note(refused=str(error))
        return Outcome(200)
    if came is None:
        log.note(refused="not a private chat")
        return Outcome(200)
    log.note(update_id=came.update_id, user_id=came.person.id, kind=came.kind)
    try:
        held = await fsm.begin(bot, came.person.id, came.update_id)
    except errors.Unavailable as error:
        log.note(refused=str(error))
        return Outcome(503, error.retry_after)
    if held is None:
        log.note(repeated=True)
        return Outcome(200)
    return await _run(menu, Turn(came, copy.deepcopy(held.state), Chat(bot, came.person.id)), held, raw, flows)


async def _run(menu: Menu, turn: Turn, held: fsm.Held, raw: bytes, flows: Flows) -> Outcome:
    try:
        async with asyncio.timeout(fsm.HANDLER_LIMIT.total_seconds()):
            await _flow(menu, turn, flows)
            await turn.answer()
        await fsm.end(held, turn.state)
    except errors.Blocked:
        await flows.blocked(turn.came.person.id, True)
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
    came = turn.came
    if came.kind in ("blocked", "unblocked"):
        await flows.blocked(came.person.id, came.kind == "blocked")
        return
    if not turn.state.who.get("consent"):
        turn.state.who = await flows.meet(came.person)
    name = choose(menu, came, turn.state)
    log.note(flow=name)
    await importlib.import_module(f"{menu.package}.{name}").handle(turn)


def choose(menu: Menu, came: Incoming, state: fsm.State) -> str:
    """Return the name of the one flow that this update belongs to."""
    prefix = came.text.partition(":")[0] if came.kind == "press" else ""
    if not state.who.get("consent"):
        return menu.stranger
    if came.kind == "command":
        return menu.commands.get(came.command, menu.other)
    if prefix:
        return prefix if prefix in menu.commands.values() or prefix == menu.files else menu.other
    if came.attachment or (state.blind and came.kind == "text" and not state.step):
        return menu.files  # a text, too, when we cannot see what it answers: what we take orders from is there
    return state.step.partition(":")[0] or menu.other


async def _count(turn: Turn, held: fsm.Held, raw: bytes, flows: Flows, error: Exception) -> Outcome:
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
