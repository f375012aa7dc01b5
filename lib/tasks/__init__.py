"""The kinds of job, each with its module, which is imported for the first job; and which of them run by the clock."""

from collections.abc import Callable
from datetime import timedelta

from lib.jobs.periodic import Schedule
from lib.jobs.run import Kind, Rate
from lib.providers import makers


def made(product: str) -> Kind:
    """Return how many orders a worker takes at a time: two that it draws itself, many that others draw for it.

    Fewer begin than the provider would let begin, so that those of several pictures get on.
    """
    if not makers.is_remote(product):
        return Kind("lib.tasks.order.steps", lanes=2)
    return Kind("lib.tasks.order.steps", lanes=24, gather=12, rate=Rate("orders", 15, timedelta(seconds=10)))


type Kinds = dict[str, Kind | Callable[[], Kind]]

# What needs Pillow, NumPy or the encoder: done by api/render, which alone carries them. It tells of what failed, too.
HEAVY: Kinds = {
    "card": lambda: made("card"),
    "background": lambda: made("background"),
    "video": lambda: made("video5"),
    "cut": Kind("lib.tasks.cut.make", lanes=1),
    "touch": Kind("lib.tasks.cut.touch", lanes=1),
    "words": Kind("lib.tasks.words", lanes=4),
    "listing": Kind("lib.tasks.listing", lanes=4),
    "strip": Kind("lib.tasks.strip", lanes=1),
    "brand": Kind("lib.tasks.brand", lanes=1),
    "chart": Kind("lib.tasks.chart", lanes=2),
    "poster": Kind("lib.tasks.poster", lanes=1),
    "notice": Kind("lib.tasks.notice", lanes=8),
}

# What api/drain does.
LIGHT: Kinds = {
    "answer": Kind("lib.tasks.answer", lanes=40),
    "voice": Kind("lib.tasks.voice", lanes=8),
    "notice": HEAVY["notice"],
    "sheet": Kind("lib.tasks.sheet", lanes=2),
    "tell": Kind("lib.tasks.tell", lanes=8, batch=30),
    **{f"part_{bot}": Kind("lib.tasks.part", lanes=2, at_once=2) for bot in ("client", "partner", "studio")},
    "audience": Kind("lib.tasks.audience", lanes=2),
    "resume": Kind("lib.tasks.resume", lanes=2),
    "progress": Kind("lib.tasks.progress", lanes=2),
    "erase": Kind("lib.tasks.erase", lanes=1),
    "audit": Kind("lib.tasks.audit", lanes=1),
    "tidy": Kind("lib.tasks.tidy", lanes=1),
    "resend": Kind("lib.tasks.resend", lanes=2),
    "stars": Kind("lib.tasks.stars", lanes=1),
    "referrals": Kind("lib.tasks.referrals", lanes=4),
    "points": Kind("lib.tasks.points", lanes=1),
    "release": Kind("lib.tasks.release", lanes=1),
    "requests": Kind("lib.tasks.requests", lanes=2),
    "handback": Kind("lib.tasks.handback", lanes=2),
    "relay": Kind("lib.tasks.relay", lanes=2),
    "digest": Kind("lib.tasks.digest", lanes=4),
    "misses": Kind("lib.tasks.misses", lanes=2),
    "analysis": Kind("lib.tasks.analysis", lanes=4),
    "week": Kind("lib.tasks.week", lanes=1),
}

TASKS: Kinds = HEAVY | LIGHT

SCHEDULES = {
    "audit": Schedule("30 3 * * *", zone="Europe/Moscow"),
    "tidy": Schedule("45 3 * * *", zone="Europe/Moscow"),
    "stars": Schedule("23 * * * *"),
    # every hour it is just after midnight at some shop
    "points": Schedule("7 * * * *"),
    # each hour it is morning at some shop; one that an outage swallowed is made up for
    "requests": Schedule("0 * * * *", catch_up=True),
    "digest": Schedule("0 * * * *", catch_up=True),
    "week": Schedule("0 10 * * 1", zone="Europe/Moscow"),
    "misses": Schedule("0 * * * *", catch_up=True),
}
