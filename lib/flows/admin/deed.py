"""What an administrator is about to do: the flow `act` asks for it step by step, the menu drops it."""

from dataclasses import dataclass

from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class DeedDraft:
    """What an administrator is about to do: to whom or what, how much, and why, as far as it has been said."""

    name: str
    subject: str = ""
    numbers: tuple[int, ...] = ()
    reason: str = ""


DEED = DraftKey("act", DeedDraft)
