"""A shop's clients and operations as files: which columns there are, and that they add up."""

from dataclasses import dataclass
from datetime import datetime

from lib import db
from lib.loyalty.partners import of
from lib.tables.cells import Column
from lib.tables.source import Source

SQL = db.load("loyalty_reports")

KINDS = (
    *("accrue", "redeem", "service", "welcome", "birthday", "grant", "referral", "activate", "expire", "reverse"),
    *("recover", "merge"),
)
_TITLE = "partner.sheet.column."

CLIENTS = Source(
    columns=(
        Column(f"{_TITLE}card", "code", 11),
        Column(f"{_TITLE}name", width=24),
        Column(f"{_TITLE}phone", width=12),
        Column(f"{_TITLE}city", width=18),
        Column(f"{_TITLE}joined", "moment", 17),
        Column(f"{_TITLE}last_visit", "moment", 17),
        Column(f"{_TITLE}visits", "whole", 9),
        Column(f"{_TITLE}spent_money", "money", 14),
        Column(f"{_TITLE}available", "whole", 10),
        Column(f"{_TITLE}pending", "whole", 14),
    ),
    count=SQL.client_count,
    rows=SQL.client_rows,
)

OPERATIONS = Source(
    columns=(
        Column(f"{_TITLE}number", "whole", 10),
        Column(f"{_TITLE}at", "moment", 17),
        Column(f"{_TITLE}what", "name", 22, names={kind: f"partner.kind.{kind}" for kind in KINDS}),
        Column(f"{_TITLE}card", "code", 11),
        Column(f"{_TITLE}name", width=24),
        Column(f"{_TITLE}bill", "money", 13),
        Column(f"{_TITLE}paid", "money", 13),
        *(Column(f"{_TITLE}{name}", "whole", 12) for name in ("given", "spent", "expired", "change", "moved", "after")),
        Column(f"{_TITLE}reverses", "whole", 10),
        Column(f"{_TITLE}reward", width=24),
        Column(f"{_TITLE}reason", width=30),
        Column(f"{_TITLE}actor", width=22),
        Column(f"{_TITLE}giver", width=22),
    ),
    count=SQL.operation_count,
    rows=SQL.operation_rows,
)


@dataclass(frozen=True)
class Across:
    """Operations of which one row is in a file and the other in no file of that period: taken back in another one."""

    earlier: int
    later: int


async def reversals_across(conn: db.Connection, partner_id: int, since: datetime, until: datetime) -> Across:
    """Count reversals of what was done before a period, and what was done in it and taken back after it."""
    period = {"partner_id": partner_id, "since": since, "until": until}
    found = await SQL.reversals_across.within(of(partner_id)).one(conn, Across, **period)
    assert found is not None
    return found
