"""The requests of a shop as a file."""

from lib import db
from lib.assistant import requests
from lib.tables.cells import Column
from lib.tables.source import Source

SQL = db.load("requests")

WHY = (*requests.REASONS, "client", "erased", "shop_gone", "forgotten")
_TITLE = "partner.sheet.column."


def _named(what: str, codes: tuple[str, ...]) -> dict[str, str]:
    return {code: f"partner.sheet.{what}.{code}" for code in codes}


REQUESTS = Source(
    columns=(
        Column(f"{_TITLE}number", "whole", 9),
        Column(f"{_TITLE}at", "moment", 17),
        Column(f"{_TITLE}state", "name", 14, names=_named("state", (*requests.OPEN, *requests.CLOSED))),
        Column(f"{_TITLE}name", width=22),
        Column(f"{_TITLE}whole_phone", width=16),
        Column(f"{_TITLE}way", "name", 12, names=_named("way", requests.WAYS)),
        Column(f"{_TITLE}address", width=30),
        Column(f"{_TITLE}wanted", width=16),
        Column(f"{_TITLE}payment", "name", 13, names=_named("payment", requests.PAYMENTS)),
        Column(f"{_TITLE}goods", width=44),
        Column(f"{_TITLE}items", "whole", 9),
        Column(f"{_TITLE}sum", "money", 13),
        Column(f"{_TITLE}cancelled_sum", "money", 13),
        Column(f"{_TITLE}ended", "moment", 17),
        Column(f"{_TITLE}reason", "name", 26, names={code: f"request.why.{code}" for code in WHY}),
        Column(f"{_TITLE}comment", width=30),
    ),
    count=SQL.request_count,
    rows=SQL.request_rows,
)
