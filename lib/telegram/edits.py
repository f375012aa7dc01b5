"""A message that its writer has mended: as long as the answer is the current one, the edit takes its place.

State.heard is the last message that answered a step: its id, the step it answered, the step it led to, and a
mark of its words, as Telegram also tells of changes that nobody sees. An edit counts when the conversation stands
where that answer led to, within the same flow: whatever the words have done by then, nothing is done twice.
"""

import zlib
from dataclasses import replace

from lib.telegram.conversation import State
from lib.telegram.update import Incoming

KINDS = ("text", "photo", "document")


def hear(state: State, came: Incoming, step: str, *, settled: bool = False) -> None:
    """Remember a message that has just answered `step`; `settled`: it has had its effect, which no edit changes."""
    if came.kind not in KINDS:
        return
    begun = step or (state.step if came.attachment else "")
    state.heard = {}
    if begun:
        led_to, file = "" if settled else state.step, came.attachment.unique_id if came.attachment else ""
        state.heard = {"id": came.message_id, "step": begun, "led_to": led_to, "file": file, "mark": _mark(came)}


def is_new(state: State, came: Incoming) -> bool:
    """Tell whether an edit changes the last message that answered a step."""
    heard = state.heard
    return heard.get("id") == came.message_id and heard.get("mark") != _mark(came)


def again(state: State, came: Incoming) -> Incoming | None:
    """Go back to the step that the message answered and return it as a new answer; None when it is too late.

    A mended caption answers as words would: the picture is there already.
    """
    heard = state.heard
    if state.step != heard["led_to"] or state.step.partition(":")[0] != heard["step"].partition(":")[0]:
        return None
    state.step = heard["step"]
    if came.attachment and came.attachment.unique_id == heard.get("file") and came.text:
        return replace(came, kind="text", attachment=None, edited=False)
    return replace(came, edited=False)


def _mark(came: Incoming) -> int:
    return zlib.crc32(f"{came.attachment.unique_id if came.attachment else ''}:{came.text}".encode())
