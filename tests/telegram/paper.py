"""A chat on paper: a turn whose answers are written down here and go nowhere."""

from dataclasses import dataclass, field

from lib.telegram import conversation
from lib.telegram.client import Chat
from lib.telegram.dispatch import Turn
from lib.telegram.update import Incoming, Sender

ALICE = Sender(7, "Алиса", "", "", "ru")
SCREEN = 100


@dataclass
class Paper(Chat):
    """What a person sees: the words on the screen, its buttons by label, and the toasts."""

    words: str = ""
    buttons: dict[str, str] = field(default_factory=dict)
    toasts: list[str] = field(default_factory=list)

    async def say(self, text, markup=None, *, reply_to=None):
        self.words, self.buttons = text, {one.label: one.data for row in markup or [] for one in row}
        return SCREEN

    async def edit(self, message_id, text, keyboard=None):
        await self.say(text, keyboard)
        return True

    async def answer(self, press_id, words="", *, alert=False):
        self.toasts.append(words)


def turn(came, state=None, paper=None):
    """A turn of Alice's: what came, in the state that the turn before has left."""
    return Turn(came, state or conversation.State(who={"language": "ru"}), paper or Paper("partner", ALICE.id))


def press(data, message_id=SCREEN):
    """A pressed button, of the screen if nothing else is said."""
    return Incoming(1, "press", ALICE, text=data, press_id="1", message_id=message_id)


def text(words):
    """Words that were typed."""
    return Incoming(1, "text", ALICE, text=words, message_id=SCREEN + 1)
