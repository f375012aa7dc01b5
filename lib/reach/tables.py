"""The screens of a shop's analysis as text: tables that fit a phone, and the buttons below them."""

import html
from collections.abc import Sequence
from datetime import date
from itertools import batched

from lib import text
from lib.loyalty.partners import Partner
from lib.loyalty.reports import ShopSummary
from lib.reach import analysis, trends
from lib.reach.analysis import BusyHour, Cohort, OwedPoints
from lib.reach.periods import SPANS, Period
from lib.telegram.client import Button, Keyboard

SCREENS = ("period", "hours", "cohorts", "owed")
# The figures of a comparison: a name, the field of the summary, the form in which it is said.
FIGURES = (
    ("turnover", "turnover_minor", "money"),
    ("receipts", "receipts", "number"),
    ("average", "average_bill_minor", "money"),
    ("active", "active", "number"),
    ("new", "new_clients", "number"),
    ("returning", "returning_clients", "number"),
    ("issued", "issued", "number"),
    ("redeemed", "redeemed", "number"),
    ("nps", "nps", "score"),
)
WIDE = 32  # signs of a line of a table that a phone shows without breaking it


def period(shop: Partner, asked: Period, now: ShopSummary, before: ShopSummary, language: str) -> str:
    """Return a period beside the one before it."""
    dates = {"dates": trends.said(language, asked)}
    dates["before"] = trends.dates(language, asked.before_first, asked.before_last)
    lines = [
        text.say(
            language,
            "digest.row",
            label=text.say(language, f"digest.label.{name}"),
            now=one,
            before=other,
            by=f" {by}" if by else "",
        )
        for name, one, other, by in rows(language, now, before)
    ]
    return "\n\n".join([text.say(language, "digest.period", title=shop.title, **dates), "\n".join(lines)])


def rows(language: str, now: ShopSummary, before: ShopSummary) -> list[tuple[str, str, str, str]]:
    """Return the figures of a comparison: a name, what it is and was, and by how much it changed."""
    return [_row(language, *one, now, before) for one in FIGURES]


def _row(
    language: str, name: str, field: str, form: str, now: ShopSummary, before: ShopSummary
) -> tuple[str, str, str, str]:
    one, other = getattr(now, field), getattr(before, field)
    by = (trends.steps if form == "score" else trends.change)(language, one, other)
    return name, amount(language, one, form), amount(language, other, form), by


def amount(language: str, value: int | None, form: str) -> str:
    """Return a figure as its form has it: money, a score, or a number."""
    if form == "score":
        return trends.score(language, value)
    if value is None:
        return trends.NONE
    return text.money(language, value) if form == "money" else text.number(language, value)


def home(shop: Partner, asked: Period, now: ShopSummary, before: ShopSummary, language: str) -> str:
    """Return the figures of the last days, and by how much the turnover differs from the days before them."""
    none = text.say(language, "partner.figures.none")

    def share(points: int | None) -> str:
        return none if points is None else text.percent(language, round(points, -2))

    fields = {**vars(now), "turnover": now.turnover_minor, "new": now.new_clients, "returning": now.returning_clients}
    fields |= {"available": now.available + now.pending, "liability": now.liability_minor}
    fields |= {"churn": share(now.churn_bp), "redemption": share(now.redemption_bp)}
    fields["average"] = none if now.average_bill_minor is None else text.money(language, now.average_bill_minor)
    fields["nps"] = none if now.nps is None else (f"{now.nps:+d}" if now.nps else "0").replace("-", "−")
    fields["change"] = _change(language, now.turnover_minor, before.turnover_minor)
    return text.say(language, "partner.figures.home", title=shop.title, days=int(asked.code), **fields)


def _change(language: str, now: int, before: int) -> str:
    """Return by how much the period differs from the one before; nothing without one."""
    if not before:
        return ""
    percent = round((now - before) * 100 / before)
    return f" ({'+' if percent > 0 else ''}{text.percent(language, percent * 100)})"


def home_keyboard(shop_id: int, code: str, language: str) -> Keyboard:
    """Return the spans, what else there is to see, and the files to order."""
    spans = [
        Button(
            f"{'• ' if str(one) == code else ''}{text.say(language, 'partner.figures.span', days=one)}",
            f"figures:home:{one}",
        )
        for one in SPANS
    ]
    ways = (
        ("digest.button.compare", f"compare:period:{shop_id}:week"),
        ("digest.button.home", "digests:home"),
        ("partner.button.groups", "figures:groups"),
        ("partner.button.team_figures", f"figures:team:{code}"),
        ("partner.button.marks", "marks:list"),
        ("partner.button.invites", "invites:list"),
        ("partner.button.chart", f"figures:chart:{code}"),
        ("digest.button.pdf", f"figures:pdf:{code}"),
        ("partner.button.exports", "exports:home"),
        ("partner.button.poster", "figures:poster"),
    )
    rows = batched((Button(text.say(language, label), data) for label, data in ways), 2)
    return [spans, *map(list, rows), [Button(text.say(language, "button.menu"), "menu:home")]]


def hours(shop: Partner, asked: Period, found: list[BusyHour], language: str) -> str:
    """Return the receipts by hour and weekday."""
    head = text.say(language, "digest.hours", title=shop.title, dates=trends.said(language, asked))
    lines = analysis.grid(found)
    if not lines:
        return f"{head}\n\n{text.say(language, 'digest.hours.none')}"
    most = max(max(counts) for _, counts in lines)
    wide = max(3, len(str(most)) + 1)
    names = "".join(text.say(language, f"digest.short.{day}").rjust(wide) for day in range(7))
    table = [f"  {names}"]
    table += [
        f"{hour:>2}" + "".join((str(one) if one else "·").rjust(wide) for one in counts) for hour, counts in lines
    ]
    best = max(found, key=lambda one: (one.receipts, -one.weekday, -one.hour))
    busiest = text.say(
        language,
        "digest.hours.best",
        weekday=text.say(language, f"digest.weekday.{best.weekday}"),
        first=f"{best.hour}:00",
        last=f"{(best.hour + 1) % 24}:00",
        receipts=best.receipts,
    )
    return f"{head}\n\n{_table(table)}\n{busiest}"


def cohorts(shop: Partner, found: list[Cohort], today: date, language: str) -> str:
    """Return which share of each month's new buyers came in the months after."""
    head = text.say(language, "digest.cohorts", title=shop.title)
    if not found:
        return f"{head}\n\n{text.say(language, 'digest.cohorts.none')}"
    rows = [(month(language, one.month), one.clients, one.shares(today)) for one in found]
    wide = 4 if any(share == 100 for _, _, shares in rows for share in shares) else 3
    size = max(5, *(len(str(clients)) + 1 for _, clients, _ in rows))
    names = "".join(str(number).rjust(wide) for number in range(1, analysis.MONTHS + 1))
    table = [" " * 3 + text.say(language, "digest.cohorts.size").rjust(size) + names]
    for name, clients, shares in rows:
        table.append(name + str(clients).rjust(size) + "".join(cell(share).rjust(wide) for share in shares))
    return f"{head}\n\n{_table(table)}\n{text.say(language, 'digest.cohorts.read')}"


def cell(share: int | None) -> str:
    """Return a share as a table has it: a dot for a month that has not come."""
    return "·" if share is None else str(share)


def owed(shop: Partner, found: OwedPoints, language: str) -> str:
    """Return how many points expire in which month, and what they would pay."""
    head = text.say(language, "digest.owed", title=shop.title)
    if not found.total:
        return f"{head}\n\n{text.say(language, 'digest.owed.none')}"
    lines = [(f"{month(language, one.month)} {one.month.year}", one.points) for one in found.months if one.month]
    lines += [(text.say(language, f"digest.owed.{name}"), getattr(found, name)) for name in ("later", "never")]
    lines.append((text.say(language, "digest.owed.total"), found.total))
    shown = [
        (name, text.number(language, points), _roubles(shop, points, language)) for name, points in lines if points
    ]
    wide, price = (max(len(one[place]) for one in shown) for place in (1, 2))
    table = [name.ljust(9) + points.rjust(wide + 1) + money.rjust(price + 2) for name, points, money in shown]
    return f"{head}\n\n{_table(table)}\n{text.say(language, 'digest.owed.read')}"


def _roubles(shop: Partner, points: int, language: str) -> str:
    return text.money(language, points * shop.minor_per_point // 100 * 100)


def month(language: str, on: date) -> str:
    """Return a month in three letters."""
    return text.say(language, f"digest.mon.{on.month}")


def _table(lines: Sequence[str]) -> str:
    """Return lines in letters of one width, the spaces between digits as wide as others."""
    plain = "\n".join(line.replace("\u00a0", " ").replace("\u202f", " ").rstrip() for line in lines)
    return f"<pre>{html.escape(plain, quote=False)}</pre>"


def keyboard(shop_id: int, what: str, code: str, language: str) -> Keyboard:
    """Return the ways from a screen: other periods where it has one, the other screens, the picture, the page."""

    def button(name: str, data: str, mark: str = "") -> Button:
        return Button(mark + text.say(language, f"digest.button.{name}"), data)

    found: Keyboard = []
    if what in ("period", "hours"):
        codes = ("week", "month") if what == "period" else ("30", "90")
        ways = [button(f"span.{one}", f"compare:{what}:{shop_id}:{one}", "• " if one == code else "") for one in codes]
        found.append([*ways, button("own", f"compare:own:{shop_id}:{what}")])
    others = [one for one in SCREENS if one != what]
    first = {"period": "week", "hours": "90", "cohorts": "", "owed": ""}
    found.append([button(f"screen.{one}", f"compare:{one}:{shop_id}:{first[one]}".rstrip(":")) for one in others])
    made = [button("chart", f"compare:chart:{shop_id}:{what}:{code}".rstrip(":"))]
    if what == "period":
        made.append(button("pdf", f"compare:pdf:{shop_id}:{code}"))
    found.append(made)
    menu = Button(text.say(language, "button.menu"), "menu:home")
    return [*found, [Button(text.say(language, "button.back"), "figures:home"), menu]]
