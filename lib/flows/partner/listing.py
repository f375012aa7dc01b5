"""A list of what a shop offers: promotions, or services for points."""

from collections.abc import Sequence

from lib.loyalty.offers import Promotion, Service
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


def rows(turn: Turn, flow: str, found: Sequence[Service | Promotion], new: str) -> Keyboard:
    """Return ten of them, each with its state, the way to the rest if more were found, and to a new one."""
    lines = [[Button(f"{_mark(one)} {screen.short(one.title, 16)}", f"{flow}:one:{one.id}")] for one in found[:10]]
    if len(found) > 10:
        lines.append([screen.button(turn, "partner.button.more", f"{flow}:list:{found[9].id}")])
    return [*lines, [screen.button(turn, new, f"{flow}:new", style="primary")]]


def _mark(one: Service | Promotion) -> str:
    return {"pending": "🕓", "rejected": "✖️"}.get(one.status, "✅" if one.shown else "⏸")
