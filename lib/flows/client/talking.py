"""The talk of a client with a shop that is open in the chat: what is typed is asked of that shop."""

from dataclasses import dataclass

from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class MenuTalk:
    """The shop whose menu is being asked about, and the line of the last question that a worker answers."""

    shop: int
    line: int = 0


TALK = DraftKey("menu_talk", MenuTalk)


def listen(turn: Turn, shop: int) -> None:
    """Take what is typed on a screen of a shop's for a question to it; what is still being written can be stopped."""
    before = TALK.of(turn.state)
    turn.state.step = "ask:words"
    TALK.keep(turn.state, before if before and before.shop == shop else MenuTalk(shop))
