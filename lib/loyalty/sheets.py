"""CSV files for Excel in Russian: a mark at the beginning, semicolons, decimal commas, and no cell that is a formula.

Rows are read a page at a time and given out as bytes, so that a million of them need no more memory than a page.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lib import db, typed
from lib.loyalty.partners import Partner, of

SQL = db.load("loyalty_reports")

PAGE = 1000

CLIENTS = (
    *("Карта", "Имя", "Телефон (конец)", "Город", "С нами с", "Последний визит", "Визитов"),
    *("Потрачено, ₽", "Баллов", "Ждут"),
)
OPERATIONS = (
    *("Номер", "Когда", "Что", "Карта", "Клиент", "Чек, ₽", "Деньгами, ₽", "Баллов"),
    *("Баланс после", "Отменяет", "Причина", "Кто"),
)
KINDS = {
    "accrue": "Начисление",
    "redeem": "Списание",
    "service": "Услуга за баллы",
    "welcome": "Приветственные",
    "birthday": "День рождения",
    "grant": "Вручную",
    "referral": "За приглашённого",
    "activate": "Стали доступны",
    "expire": "Сгорели",
    "reverse": "Отмена",
    "recover": "Удержано за отменённое",
    "merge": "Объединение карт",
}

# How a page is read: a borrowed connection for each, so that none is held while a file is being sent.
type Reader = Callable[
    [Callable[[db.Connection], Awaitable[list[dict[str, object]]]]], Awaitable[list[dict[str, object]]]
]


async def clients(partner: Partner, *, read: Reader = db.run) -> AsyncIterator[bytes]:
    """Give out a shop's clients, a page of lines at a time."""
    yield b"\xef\xbb\xbf" + _lines([CLIENTS])
    after = 0
    query = SQL.client_rows.within(of(partner.id))
    while True:
        rows = await read(lambda conn, a=after: query.all(conn, dict, partner_id=partner.id, after=a, limit=PAGE))  # type: ignore[misc]
        if rows:
            yield _lines(_client(row, partner) for row in rows)
            after = int(str(rows[-1]["id"]))
        if len(rows) < PAGE:
            return


async def operations(
    partner: Partner, since: datetime, until: datetime, *, read: Reader = db.run
) -> AsyncIterator[bytes]:
    """Give out a shop's operations of a period, oldest first, a page of lines at a time."""
    yield b"\xef\xbb\xbf" + _lines([OPERATIONS])
    query = SQL.operation_rows.within(of(partner.id))
    place: dict[str, object] = {"after_at": since - timedelta(seconds=1), "after_id": 0}
    period = {"partner_id": partner.id, "since": since, "until": until, "limit": PAGE}
    while True:
        rows = await read(lambda conn, at=dict(place): query.all(conn, dict, **period, **at))  # type: ignore[misc]
        if rows:
            yield _lines(_operation(row, partner) for row in rows)
            place = {"after_at": rows[-1]["created_at"], "after_id": rows[-1]["id"]}
        if len(rows) < PAGE:
            return


def cell(value: object) -> str:
    """Write one cell: quoted where need be, and never a formula, whatever a client is called."""
    words = "" if value is None else typed.visible(str(value))
    if words[:1] in ("=", "+", "-", "@", "\t", "\r") and not isinstance(value, int):
        words = "'" + words
    if any(sign in words for sign in ';"\n\r'):
        words = '"' + words.replace('"', '""') + '"'
    return words


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    return "".join(";".join(map(cell, row)) + "\r\n" for row in rows).encode()


def _client(row: dict[str, object], partner: Partner) -> list[object]:
    return [
        *(row["card_no"], row["name"], _tail(row["phone_tail"]), row["city"]),
        *(_when(row["joined_at"], partner), _when(row["last_visit_at"], partner), row["visits"]),
        *(_roubles(row["spent_minor"]), row["available"], row["pending"]),
    ]


def _operation(row: dict[str, object], partner: Partner) -> list[object]:
    return [
        *(row["id"], _when(row["created_at"], partner), KINDS[str(row["kind"])], row["card_no"], row["name"]),
        *(_roubles(row["bill_minor"]), _roubles(row["paid_minor"]), row["points"], row["available_after"]),
        *(row["reverses_id"], row["reason"], row["actor"]),
    ]


def _tail(digits: object) -> str:
    """Write the end of a number as the bot does: as a number it would lose its zeros."""
    return f"··{digits}" if digits else ""


def _roubles(minor: object) -> str:
    whole, rest = divmod(int(str(minor)), 100)
    return f"{whole},{rest:02}"


def _when(at: object, partner: Partner) -> str:
    return f"{at.astimezone(ZoneInfo(partner.tz)):%d.%m.%Y %H:%M}" if isinstance(at, datetime) else ""
