"""What has come of a broadcast: who got it, who pressed a button, who came back and what they spent."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lib import clock, db, text
from lib.loyalty.partners import PLATFORM
from lib.reach import broadcasts, parts, reading
from lib.reach.broadcasts import Broadcast
from lib.reach.parts import Fate
from lib.telegram.client import Button, Keyboard

SQL = db.load("reach")


@dataclass(frozen=True)
class CastReport:
    """The sums by outcome, and what people did then; who came back is known of a shop's broadcast alone.

    `forgotten`: it is so old that only the sums are kept, and no longer who the people were. `next_at`: all that wait
    are asleep until then.
    """

    sums: list[int]
    clicked: int
    came_back: int
    turnover_minor: int
    forgotten: bool = False
    next_at: datetime | None = None

    def of(self, outcome: Fate) -> int:
        """Return how many people have this outcome."""
        return self.sums[outcome]

    @property
    def done(self) -> int:
        """How many have an outcome."""
        return sum(self.sums) - self.of(Fate.WAITING) - self.of(Fate.BEGUN)


async def report(conn: db.Connection, one: Broadcast) -> CastReport:
    """Return what has come of it by now."""
    ids = {"partner_id": one.partner_id, "id": one.id}
    sums = await SQL.sums.within(PLATFORM).one(conn, dict, **ids)
    clicked = await SQL.clicks.within(PLATFORM).one(conn, int, **ids) or 0
    back = await SQL.came_back.within(PLATFORM).one(conn, dict, **ids) if one.partner_id else None
    assert sums is not None
    money = back or {"people": 0, "turnover_minor": 0}
    next_at = await parts.next_at(conn, one, clock.now()) if one.state == "running" else None
    return CastReport(sums["sums"], clicked, money["people"], money["turnover_minor"], sums["forgotten"], next_at)


def shown(one: Broadcast, report: CastReport, language: str) -> tuple[str, Keyboard]:
    """Return a broadcast's screen: how far it is, its outcomes, and what may be done with it."""
    names = {outcome.name.lower(): report.of(outcome) for outcome in Fate}
    state = f"{one.state}.{one.reason}" if one.state == "paused" and one.reason else one.state
    head = text.say(language, "news.report.head", number=one.id, state=text.say(language, f"news.state.{state}"))
    if one.state in BEFORE:
        return "\n\n".join([head, reading.whole(one, language), _when(one, language)]), _rows(one, report, language)
    head = "\n".join(
        [head, *([text.say(language, "news.words", words=text.short(one.words, 80))] if one.words else [])]
    )
    lines = [head, text.say(language, "news.report.sums", done=report.done, audience=one.audience, **names)]
    if report.next_at:
        lines.append(text.say(language, "news.report.next", at=report.next_at.astimezone(ZoneInfo(one.zone))))
    if one.paid:
        stars = broadcasts.most_stars(report.of(Fate.SENT))
        lines.append(text.say(language, "news.report.paid", stars=stars, most=broadcasts.most_stars(one.audience)))
    if clicks := _clicks(one, report, language):
        lines.append(clicks)
    if report.came_back:
        fields = {"back": report.came_back, "turnover": report.turnover_minor}
        lines.append(text.say(language, "news.report.back", **fields))
    if report.forgotten and report.of(Fate.UNKNOWN):
        lines.append(text.say(language, "news.report.forgotten"))
    return "\n\n".join(lines), _rows(one, report, language)


def _clicks(one: Broadcast, report: CastReport, language: str) -> str:
    """Say who pressed a button that leads to a promotion; who opens a link, no bot gets to know."""
    kinds = {"promotion" if "promotion" in button else "link" for button in one.buttons}
    said = [text.say(language, "news.report.clicked", clicked=report.clicked)] if "promotion" in kinds else []
    return "\n".join([*said, *([text.say(language, "news.report.links")] if "link" in kinds else [])])


BEFORE = ("review", "scheduled")  # nobody has got it


def _when(one: Broadcast, language: str) -> str:
    return text.say(language, "news.report.when", when=reading.when(one, language))


WISHES = {
    "scheduled": ("cancel",),
    "cutting": ("cancel",),
    "running": ("pause", "cancel"),
    "paused": ("resume", "cancel"),
    "review": ("cancel",),
}


def _rows(one: Broadcast, report: CastReport, language: str) -> Keyboard:
    flow = "cast" if one.partner_id else "casts"
    wishes = [*WISHES.get(one.state, ())]
    if one.state == "done" and report.of(Fate.UNKNOWN) and not report.forgotten:
        wishes.append("unknown")
    label = {wish: text.say(language, f"news.button.{wish}", number=report.of(Fate.UNKNOWN)) for wish in wishes}
    rows = [[Button(label[wish], f"{flow}:{wish}:{one.id}") for wish in wishes]] if wishes else []
    rows.append([Button(text.say(language, "news.button.refresh"), f"{flow}:one:{one.id}")])
    rows.append([Button(text.say(language, "button.back"), f"{flow}:list")])
    rows[-1].append(Button(text.say(language, "button.menu"), "menu:home"))
    return rows
