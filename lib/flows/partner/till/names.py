"""How the till calls a client: on a button, on a screen, and when several, or nobody, may be meant."""

from lib.loyalty import phones
from lib.loyalty.members import FoundMember, Member
from lib.telegram import screen
from lib.telegram.dispatch import Turn


def of(member: Member) -> dict[str, str]:
    """Return the fields `name` and `tail` of a screen."""
    return {"name": member.name, "tail": _tail(member.phone_tail)}


def line(row: FoundMember) -> str:
    """Return a client as a button's label: the name, and the whole number if that was typed, else its end."""
    return f"{screen.short(row.name, 14)} {phones.shown(row.phone) if row.phone else _tail(row.phone_tail)}".strip()


def several(turn: Turn, numbers: list[str]) -> str:
    """Ask who is meant and, of a phone number, say how it was read."""
    key = "partner.till.which_number" if numbers else "partner.till.many"
    return turn.text(key, numbers=_listed(numbers))


def nobody(turn: Turn, numbers: list[str]) -> str:
    """Say that nobody was found and, of a phone number, how it was read."""
    return turn.text("partner.till.nobody_called" if numbers else "partner.till.nobody", numbers=_listed(numbers))


def _listed(numbers: list[str]) -> str:
    return ", ".join(map(phones.shown, numbers))


def _tail(tail: str) -> str:
    return f"··{tail}" if tail else ""
