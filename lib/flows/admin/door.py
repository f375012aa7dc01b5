"""Turns away everybody who is not an administrator: one sentence, whatever they send, and nothing is remembered.

A former administrator loses the conversation as well: the list is asked at every update (lib/flows).
"""

from lib import text
from lib.telegram import conversation
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Say the sentence; to a press as a toast, so that an old screen does not change."""
    turn.state = conversation.State(limits=turn.state.limits)
    words = text.say(text.guess(turn.came.person.language_code), "admin.door")
    if turn.came.kind == "press":
        await turn.answer(words, alert=True)
    else:
        await turn.chat.say(words)
