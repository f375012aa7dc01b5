"""The trail of what was done by hand, by whom and why; and which alerts an administrator wants to hear."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db

SQL = db.load("admin")
PAGE = 10

# The areas that the trail can be narrowed down to: the first words of the actions.
AREAS: dict[str, tuple[str, ...]] = {
    "money": ("credits", "payment"),
    "prices": ("product", "pack", "promo", "provider"),
    "people": ("user", "phone"),
    "queue": ("job", "letter"),
}


@dataclass(frozen=True)
class Deed:
    """A line of the trail. The actor is "admin:<Telegram id>", an operator ("ops:<name>") or "telegram"."""

    id: int
    actor: str
    action: str
    subject: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


def actor(tg_id: int) -> str:
    """Return how an administrator is named in the trail."""
    return f"admin:{tg_id}"


async def note(
    conn: db.Connection,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write a line."""
    facts = {"actor": actor, "action": action, "subject": subject, "reason": reason}
    await SQL.note.run(conn, **facts, before=before, after=after)


async def read(
    conn: db.Connection,
    *,
    area: str = "",
    subject: str | None = None,
    by: str | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Deed]:
    """Return a page, newest first: of one area, about one subject ("user 5"), by one actor, or of all."""
    areas = list(AREAS[area]) if area in AREAS else None
    page = {"before": before, "limit": limit}
    return await SQL.trail.all(conn, Deed, areas=areas, subject=subject, actor=by, **page)


async def names(conn: db.Connection, actors: Sequence[str]) -> dict[str, str]:
    """Return the names of those actors that are administrators."""
    found = {name: int(name[6:]) for name in actors if re.fullmatch(r"admin:\d{1,18}", name)}
    rows = await SQL.names.all(conn, dict, tg_ids=list(set(found.values())))
    known = {row["tg_id"]: row["name"] for row in rows}
    return {name: known[tg_id] for name, tg_id in found.items() if tg_id in known}


async def muted(conn: db.Connection, tg_id: int) -> set[str]:
    """Return the kinds of alerts that an administrator does not want to hear."""
    return set(await SQL.muted.all(conn, str, tg_id=tg_id))


async def mute(conn: db.Connection, tg_id: int, kind: str, *, off: bool) -> None:
    """Switch a kind of alert off or on for one administrator; repeating it changes nothing."""
    await (SQL.mute if off else SQL.unmute).run(conn, tg_id=tg_id, kind=kind)
