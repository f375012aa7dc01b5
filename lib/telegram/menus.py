"""The flows of each bot, and which of them an update belongs to."""

import functools
import importlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import limits
from lib.telegram import conversation
from lib.telegram.update import Incoming, Sender


@dataclass(frozen=True)
class Menu:
    """The flows of one bot. Every name is a flow: a module of `package`, or of `shared` when it is not the bot's own.

    `commands`: flow by command. `other`: the flow for updates that no other wants. `stranger`: the flow for people who
    have not consented. `files`: those that take a photo or file while they are in progress; the first takes all others,
    too. `words`: the flow for words while nothing is in progress: what a menu invites to type is typed an hour later,
    too, when its state is forgotten. `links`: flow by the payload's beginning, up to its first "_", of a link
    ?start=c_4f2a. `payments`: the flow for checkout, paid and refunded. `contacts`: the flow for a number that is
    shared when nothing asks for it any more: Telegram keeps the key for that below the chat. `stops`: the flow whose
    drafts are stopped. `open`: the flows left to people whom an administrator has shut out. `former`: flows by their
    former names, which old buttons and states say. `admits` says at every update whether a Telegram id may use the bot:
    others get to `stranger`; consent is not asked then.
    """

    package: str
    commands: Mapping[str, str]
    other: str
    stranger: str
    files: Sequence[str] = ()
    words: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    payments: str = ""
    contacts: str = ""
    flows: Sequence[str] = ()
    open: Sequence[str] = ()
    stops: str = ""
    shared: "SharedFlows | None" = None
    former: Mapping[str, str] = field(default_factory=dict)
    admits: Callable[[int], bool] | None = None

    @functools.cached_property
    def own(self) -> frozenset[str]:
        """The names of the bot's own flows."""
        named = (self.other, self.stranger, self.payments, self.words, *self.files, *self.links.values(), *self.flows)
        return frozenset((*self.commands.values(), *named)) - {""} - frozenset(self.every)

    @property
    def every(self) -> Collection[str]:
        """The names of the flows that it shares with the other bots."""
        return {*self.shared.commands.values(), self.shared.closed} - {""} if self.shared else ()

    def linked(self, payload: str) -> str:
        """Return the flow that a link's payload leads to, "" when there is none."""
        return self.links.get(payload.partition("_")[0], "")

    def module(self, name: str) -> Any:
        """Return a flow, imported on first use."""
        package = self.shared.package if self.shared and name not in self.own else self.package
        return importlib.import_module(f"{package}.{name}")


@dataclass(frozen=True)
class SharedFlows:
    """The flows that bots have in common: their package, flow by command, and the one for people who were shut out.

    Somebody who was shut out may still use the commands: they are about one's own data. `open`: the flows that a
    stranger needs to know what they consent to; with them somebody who was shut out can write to us.
    """

    package: str
    commands: Mapping[str, str]
    closed: str = ""
    open: Collection[str] = ()


@dataclass(frozen=True)
class Flows:
    """The product's flows and what dispatch must ask the product for.

    `meet` returns what State.who holds, with a true "consent" once the person may go on, or a true "banned" when they
    were shut out. `bury` keeps an update that failed for good. `blocked` learns that a person has blocked or
    unblocked a bot. `pace` is how many updates of one person are worked on; a faster person is told to wait.
    """

    menus: Mapping[str, Menu]
    meet: Callable[[Sender], Awaitable[dict[str, Any]]]
    bury: Callable[[str, int, bytes, str, int], Awaitable[None]]
    blocked: Callable[[str, int, bool], Awaitable[None]]
    pace: limits.Limit | None = None


def choose(menu: Menu, came: Incoming, state: conversation.State) -> str:
    """Return the name of the one flow that this update belongs to."""
    step = state.step.partition(":")[0]
    step = menu.former.get(step, step)
    step = step if step in menu.own or step in menu.every else ""
    if came.payment and menu.payments:
        return menu.payments
    if menu.admits and not menu.admits(came.person.id):
        return menu.stranger
    if state.who.get("banned") and menu.shared:
        prefix = came.text.partition(":")[0]
        asked = {"text": step, "press": prefix, "command": menu.commands.get(came.command, "")}.get(came.kind, "")
        return asked if asked in {*menu.open, *menu.shared.open} else _shared(menu, came) or menu.shared.closed
    if not menu.admits and not state.who.get("consent"):
        asked = _shared(menu, came)
        return asked if menu.shared and asked in menu.shared.open else menu.stranger
    if came.kind == "command":
        linked = menu.linked(came.text) if came.command == "start" else ""
        return linked or menu.commands.get(came.command) or _shared(menu, came) or menu.other
    if came.kind == "press":
        prefix = came.text.partition(":")[0]
        prefix = menu.former.get(prefix, prefix)
        return prefix if prefix in menu.own or prefix in menu.every else menu.other
    if came.kind == "contact":
        return step or menu.contacts or menu.other
    if menu.files and came.attachment:
        return step if step in menu.files else menu.files[0]
    if menu.files and state.blind and came.kind == "text" and not step:
        return menu.files[0]  # we cannot see what it answers: what we take orders from is there
    return step or (menu.words if came.kind == "text" else "") or menu.other


def _shared(menu: Menu, came: Incoming) -> str:
    """Return the flow of all bots that was asked for by command or button, "" for any other."""
    prefix = came.text.partition(":")[0] if came.kind == "press" else ""
    if prefix in menu.every and prefix not in menu.own:
        return prefix
    return menu.shared.commands.get(came.command, "") if menu.shared and came.kind == "command" else ""
