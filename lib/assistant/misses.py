"""What clients asked for and a shop's menu did not have, counted without the people who asked.

Lines of talks that found nothing are folded into counts when the shop looks: hot answers do nothing for it. A question
is kept as the words that name goods; what looks like a phone, a card, a link or a name is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lib import db
from lib.menu import chatter, words
from lib.menu.index import Index

SQL = db.load("assistants")

FOLDED = 1_000  # lines at once
KEPT = timedelta(days=180)
WEEK, MORNING = timedelta(days=7), 11
MOST_WORDS, LENGTH = 6, 80

_PRIVATE = re.compile(
    r"\d[\d\s()+-]{5,}|https?:|www\.|@\w|\b\w+\.(?:ru|com|рф|org|net)\b"
    r"|\b(?:зовут|фамилия|отчество|паспорт\w*|пароль|прожива\w+|квартира|подъезд|домофон|my name|password|passport)\b",
    re.IGNORECASE,
)
# A patronymic, or a surname after a word with a capital letter.
_NAMED = re.compile(
    r"\b[А-ЯЁ]\w+(?:ович|евич|овна|евна|ична)(?:у|а|ем|ой|е|ы)?\b"
    r"|\b(?:меня|это|от|для|к|у|мастера?у?|имя|спросить|позовите)\s+[А-ЯЁA-Z][а-яёa-z]+\b"
)


@dataclass(frozen=True)
class MenuMiss:
    """Words that clients asked for and did not find: how often, and when last."""

    id: int
    words: str
    count: int
    last_on: date


@dataclass(frozen=True)
class AssistantDay:
    """What the assistant did on one day; cost in millionths of a dollar."""

    day: date
    answers: int
    missed: int
    liked: int
    disliked: int
    tokens: int
    cost_micro: int


@dataclass(frozen=True)
class DislikedAnswer:
    """An answer that got a thumbs-down, and what it answered."""

    question: str
    answer: str
    day: date


@dataclass(frozen=True)
class _MissedLine:
    id: int
    words: str
    at: datetime


def goods(question: str) -> str:
    """Return the words of a question that name goods, "" where there are none or it may be about a person."""
    if _PRIVATE.search(question) or _NAMED.search(question):
        return ""
    said = [one for one in words.split(words.plain(question)) if one not in chatter.COMMON | chatter.TALK]
    kept = [one for one in said if not one.isdigit() or len(one) < 4][:MOST_WORDS]
    return " ".join(kept)[:LENGTH].strip() if any(not one.isdigit() for one in kept) else ""


async def fold(conn: db.Connection, partner_id: int, *, now: datetime) -> None:
    """Count what is not counted yet."""
    scope = db.Scope(tenant=partner_id)
    lines = await SQL.missed_lines.within(scope).all(conn, _MissedLine, partner_id=partner_id, limit=FOLDED)
    if not lines:
        return
    found: dict[str, tuple[str, int, date]] = {}
    for line in lines:
        if asked := goods(line.words):
            key = " ".join(sorted({words.stem(one) for one in asked.split()}))[:LENGTH]
            first, count, _ = found.get(key, (asked, 0, None))
            found[key] = (first, count + 1, line.at.date())
    said, counts, days = zip(*found.values(), strict=True) if found else ((), (), ())
    columns = {"keys": [*found], "words": [*said], "counts": [*counts], "days": [*days]}
    ids = {"partner_id": partner_id, "line_id": lines[-1].id, "since": (now - KEPT).date()}
    await SQL.keep_misses.within(scope).run(conn, **ids, **columns)


async def listed(conn: db.Connection, partner_id: int, index: Index, *, limit: int) -> list[MenuMiss]:
    """Return what was asked for most; what the menu has by now is forgotten."""
    found = await SQL.list_misses.within(db.Scope(tenant=partner_id)).all(
        conn, MenuMiss, partner_id=partner_id, limit=100
    )
    had = [one.id for one in found if (answer := index.ask(one.words)).items and not answer.guess]
    if had:
        await drop(conn, partner_id, had)
    return [one for one in found if one.id not in had][:limit]


async def shops(conn: db.Connection, now: datetime, *, after: int = 0, limit: int = 100) -> list[int]:
    """Return a page of the shops where it is Monday morning and clients asked in vain in the last week."""
    asked = {"now": now, "since": now - WEEK, "hour": MORNING, "after": after, "limit": limit}
    return await SQL.shops_that_missed.within(db.Scope(platform=True)).all(conn, int, **asked)


async def get(conn: db.Connection, partner_id: int, miss_id: int) -> MenuMiss | None:
    """Return one of them."""
    return await SQL.get_miss.within(db.Scope(tenant=partner_id)).one(
        conn, MenuMiss, partner_id=partner_id, miss_id=miss_id
    )


async def drop(conn: db.Connection, partner_id: int, ids: Sequence[int]) -> None:
    """Forget some of them."""
    await SQL.drop_misses.within(db.Scope(tenant=partner_id)).run(conn, partner_id=partner_id, ids=[*ids])


async def figures(conn: db.Connection, partner_id: int, *, since: datetime) -> list[AssistantDay]:
    """Return what the assistant did by day, newest first."""
    return await SQL.assistant_days.within(db.Scope(tenant=partner_id)).all(
        conn, AssistantDay, partner_id=partner_id, since=since
    )


async def disliked(conn: db.Connection, partner_id: int, *, limit: int) -> list[DislikedAnswer]:
    """Return the last answers that clients did not like."""
    return await SQL.disliked_answers.within(db.Scope(tenant=partner_id)).all(
        conn, DislikedAnswer, partner_id=partner_id, limit=limit
    )
