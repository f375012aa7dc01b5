"""Conversations of clients with a shop, line by line, and who answers: the assistant, or a person of the staff.

    bot ──hand_over──> person ──hand_back, or no answer for PERSON_FOR──> closed
     └────────────────close (/new)─────────────────────────────────────────┘

One talk of a person with a shop is open at a time; what they write next begins another. Each question has the next
number of a run: an answer to an older one comes too late. A line is written once for each key, `once`. Lines are kept
for 90 days. The caller names the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lib import cache, db, errors

SQL = db.load("talks")

LAST = 20  # lines that an answer is made from
WORDS = 4096
PERSON_FOR = timedelta(hours=2)
KEPT = timedelta(days=90)
ENDED = timedelta(minutes=2)
ANSWER = "answer"  # the task that answers
UNLIMITED = {"client": 2**31 - 1, "shop": 2**31 - 1}


@dataclass(frozen=True)
class Talk:
    """A conversation; `state` is 'bot' or 'person', `taken_by` the one of the staff who answers."""

    id: int
    partner_id: int
    user_id: int
    is_test: bool
    run_no: int
    state: str
    person_until: datetime | None
    taken_by: int | None
    summary: str
    summary_upto: int
    started_at: datetime
    last_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class WaitingTalk:
    """A talk that a person was called into; `taker` is who answers it, "" while nobody does."""

    id: int
    partner_id: int
    user_id: int
    person_until: datetime
    last_at: datetime
    name: str
    taker: str


@dataclass(frozen=True)
class TalkLine:
    """A line of a talk, by the client, the bot or the staff; a note says what happened."""

    id: int
    role: str
    words: str
    status: str
    run_no: int
    staff_id: int | None
    missed: bool
    thumb: int | None
    created_at: datetime


@dataclass(frozen=True)
class HeardLine:
    """What a client said, in which talk and run; and the shop that answers, as `versions.OpenShop` has it.

    `is_new`: these words were not there before. `asked`: a job will answer them. `facts` changes with what the shop is
    and has. `misses`: the ready answer is in the talk, and so many of the last, in a row, were of no use; else None.
    """

    id: int
    title: str
    city: str
    address: str
    contact: str
    menu_version: int
    tz: str
    hours: dict[str, Any]
    talk_id: int
    line_id: int
    run_no: int
    state: str
    taken_by: int | None
    is_new: bool
    asked: bool
    facts: str
    misses: int | None


@dataclass(frozen=True)
class ReadyAnswer:
    """An answer made before its question is heard; it counts where the shop's `facts` are still those of then."""

    facts: str
    words: str
    missed: bool


@dataclass(frozen=True)
class BegunAnswer:
    """The line of an answer; status 'begun' until it has ended, message_id once it was sent.

    `halt`: whose budget is spent, "client" or "shop", so that no model is asked; "" for nobody's.
    """

    id: int
    status: str
    words: str
    message_id: int | None
    halt: str = ""


@dataclass(frozen=True)
class AnswerUse:
    """What an answer used; cost in millionths of a dollar."""

    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    cost_micro: int = 0


async def hear(
    conn: db.Connection,
    partner_id: int,
    user_id: int,
    words: str,
    *,
    once: str,
    at: datetime,
    queue: dict[str, Any] | None = None,
    ready: ReadyAnswer | None = None,
    is_test: bool = False,
) -> HeardLine | None:
    """Add what a client says; None when the shop does not answer now. Gone for an erased person.

    With `queue`, the arguments of a job that answers, it is queued in the same statement unless a person answers; with
    a `ready` answer that is added.
    """
    if not words.strip():
        raise errors.Invalid("words_empty")
    ids = {"partner_id": partner_id, "user_id": user_id, "is_test": is_test}
    task = None if queue is None else ANSWER
    line = {"words": words.strip()[:WORDS], "once": once, "at": at}
    told = {"expects": ready and ready.facts, "reply": ready and ready.words[:WORDS], "missed": ready and ready.missed}
    asked = {"task": task, "args": queue or {}}
    return await SQL.hear.within(_of(partner_id)).one(conn, HeardLine, **ids, **line, **asked, **told)


def ended(line_id: int, why: str) -> cache.Command:
    """Return the command that ends an answer under way: "stop" by the client, "next" for another question."""
    return ["SET", cache.key(f"answer_end:{line_id}"), why, "PX", int(ENDED.total_seconds() * 1000)]


async def begin_answer(
    conn: db.Connection,
    partner_id: int,
    talk_id: int,
    run_no: int,
    *,
    at: datetime,
    most: AnswerUse,
    limits: Mapping[str, int] = UNLIMITED,
) -> BegunAnswer | None:
    """Begin the answer of a run; None when it is not wanted any more. Done again, it returns the line as it is by then.

    `most` is the model and what it may cost at most; `limits` are the answers of a model within 24 hours, by client
    and by shop.
    """
    ids = {"partner_id": partner_id, "talk_id": talk_id, "run_no": run_no}
    use = {"model": most.model, "cost_micro": most.cost_micro, "client": limits["client"], "shop": limits["shop"]}
    return await SQL.begin_answer.within(_of(partner_id)).one(conn, BegunAnswer, **ids, **use, at=at)


async def end_answer(
    conn: db.Connection,
    partner_id: int,
    line_id: int,
    words: str,
    *,
    use: AnswerUse,
    status: str = "complete",
    missed: bool = False,
) -> bool:
    """End an answer once: complete, stopped, broken or dropped. False when nobody wants a whole one any more."""
    ids = {"partner_id": partner_id, "line_id": line_id}
    told = {"words": words[:WORDS], "status": status, "missed": missed}
    ended = await SQL.end_answer.within(_of(partner_id)).one(conn, int, **ids, **told, **vars(use))
    return ended is not None


async def note_message(conn: db.Connection, partner_id: int, line_id: int, message_id: int) -> None:
    """Remember in which message of the client's chat a line was sent."""
    await SQL.note_message.within(_of(partner_id)).run(
        conn, partner_id=partner_id, line_id=line_id, message_id=message_id
    )


async def answer(
    conn: db.Connection, partner_id: int, talk_id: int, run_no: int, words: str, *, at: datetime, missed: bool = False
) -> int | None:
    """Add an answer that needed no model, once a run; return the line's id, None when it is not wanted any more."""
    ids = {"partner_id": partner_id, "talk_id": talk_id, "run_no": run_no}
    told = {"words": words[:WORDS], "missed": missed, "at": at}
    return await SQL.add_answer.within(_of(partner_id)).one(conn, int, **ids, **told)


async def note(conn: db.Connection, partner_id: int, talk_id: int, words: str, *, once: str, at: datetime) -> bool:
    """Add what happened to a talk, once for each key; tell whether it is new."""
    line = {"words": words[:WORDS], "once": once, "at": at}
    made = await SQL.add_note.within(_of(partner_id)).one(conn, int, partner_id=partner_id, talk_id=talk_id, **line)
    return made is not None


async def get(conn: db.Connection, partner_id: int, talk_id: int) -> Talk:
    """Return a talk of this shop, open or closed. Missing("no_talk")."""
    found = await SQL.get_talk.within(_of(partner_id)).one(conn, Talk, partner_id=partner_id, talk_id=talk_id)
    if found is None:
        raise errors.Missing("no_talk", str(talk_id))
    return found


async def open_of(conn: db.Connection, partner_id: int, user_id: int, *, is_test: bool = False) -> Talk | None:
    """Return a person's open talk with a shop, None when there is none."""
    ids = {"partner_id": partner_id, "user_id": user_id, "is_test": is_test}
    return await SQL.get_open_talk.within(_of(partner_id)).one(conn, Talk, **ids)


async def lines(
    conn: db.Connection,
    partner_id: int,
    talk_id: int,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = LAST,
) -> list[TalkLine]:
    """Return the last lines of a talk, oldest first, of those before one line and after another."""
    page = {"partner_id": partner_id, "talk_id": talk_id, "before": before, "after": after, "limit": limit}
    found = await SQL.list_lines.within(_of(partner_id)).all(conn, TalkLine, **page)
    return found[::-1]


async def close(conn: db.Connection, partner_id: int, user_id: int, *, at: datetime, is_test: bool = False) -> bool:
    """Close a person's talk with a shop, also one that the staff have taken; tell whether there was one."""
    ids = {"partner_id": partner_id, "user_id": user_id, "is_test": is_test}
    return await SQL.close_talk.within(_of(partner_id)).one(conn, int, **ids, at=at) is not None


async def hand_over(conn: db.Connection, partner_id: int, talk_id: int, *, at: datetime) -> bool:
    """Let the staff answer for the next two hours; False when they do already, or the talk is closed."""
    ids = {"partner_id": partner_id, "talk_id": talk_id}
    return await SQL.hand_over_talk.within(_of(partner_id)).one(conn, int, **ids, until=at + PERSON_FOR) is not None


async def take(conn: db.Connection, partner_id: int, talk_id: int, actor_id: int, *, at: datetime) -> bool:
    """Let one of the staff answer a talk that was handed over; False when another does, or nobody needs to."""
    ids = {"partner_id": partner_id, "talk_id": talk_id, "actor_id": actor_id}
    return await SQL.take_talk.within(_of(partner_id)).one(conn, int, **ids, until=at + PERSON_FOR) is not None


async def reply(
    conn: db.Connection, partner_id: int, talk_id: int, actor_id: int, words: str, *, once: str, at: datetime
) -> int | None:
    """Add the words of the one who has taken a talk, once for each key; return the line's id.

    None when the talk is not theirs any more, or the words are there already.
    """
    if not words.strip():
        raise errors.Invalid("words_empty")
    ids = {"partner_id": partner_id, "talk_id": talk_id, "actor_id": actor_id}
    line = {"words": words.strip()[:WORDS], "once": once, "at": at, "until": at + PERSON_FOR}
    return await SQL.add_staff_line.within(_of(partner_id)).one(conn, int, **ids, **line)


async def hand_back(conn: db.Connection, partner_id: int, talk_id: int, *, at: datetime) -> bool:
    """End a talk that the staff answered; the client's next words begin another, with the assistant."""
    ids = {"partner_id": partner_id, "talk_id": talk_id}
    return await SQL.hand_back_talk.within(_of(partner_id)).one(conn, int, **ids, at=at) is not None


async def with_people(
    conn: db.Connection, partner_id: int, *, at: datetime, after: tuple[datetime, int] | None = None, limit: int = 10
) -> list[WaitingTalk]:
    """Return a page of the talks that wait for the staff, those that have waited longest first.

    `after` is (person_until, id) of the page before's last.
    """
    after_at, after_id = after or (None, None)
    page = {"at": at, "after_at": after_at, "after_id": after_id, "limit": limit}
    return await SQL.list_person_talks.within(_of(partner_id)).all(conn, WaitingTalk, partner_id=partner_id, **page)


async def taker(conn: db.Connection, partner_id: int, talk_id: int) -> str:
    """Return the first name of the one who answers a talk, "" for nobody."""
    ids = {"partner_id": partner_id, "talk_id": talk_id}
    return await SQL.taker_of_talk.within(_of(partner_id)).one(conn, str, **ids) or ""


async def rate(conn: db.Connection, partner_id: int, user_id: int, talk_id: int, run_no: int, thumb: int) -> bool:
    """Put a client's thumb, 1 or -1, under the answer of a run; tell whether it was an answer to them."""
    ids = {"partner_id": partner_id, "user_id": user_id, "talk_id": talk_id, "run_no": run_no}
    return await SQL.rate_line.within(_of(partner_id)).one(conn, int, **ids, thumb=thumb) is not None


async def misses(conn: db.Connection, partner_id: int, talk_id: int) -> int:
    """Return how many of a talk's last answers, in a row, found nothing or were not liked."""
    found = await SQL.count_misses.within(_of(partner_id)).one(conn, int, partner_id=partner_id, talk_id=talk_id)
    return found or 0


async def summarise(conn: db.Connection, partner_id: int, talk_id: int, summary: str, *, upto: int) -> bool:
    """Keep what was said up to a line; False when a later summary is there, or the talk is closed."""
    ids = {"partner_id": partner_id, "talk_id": talk_id}
    return (
        await SQL.summarise_talk.within(_of(partner_id)).one(conn, int, **ids, summary=summary, upto=upto) is not None
    )


async def forget_old(conn: db.Connection, now: datetime, limit: int = 1000) -> int:
    """Forget some of what was said more than 90 days ago; return how many rows."""
    return await SQL.forget_old_talks.one(conn, int, before=now - KEPT, limit=limit) or 0


def _of(partner_id: int) -> db.Scope:
    return db.Scope(tenant=partner_id)
