"""The orders of the studio as a file: a seller's own, or everybody's for an administrator."""

from lib import db
from lib.tables.cells import Column
from lib.tables.source import Source

SQL = db.load("results")

PRODUCTS = ("card", "set", "background", "video5", "video10", "batch")
STATES = ("queued", "running", "waiting", "done", "failed", "cancelled")
_TITLE = "partner.sheet.column."
_MADE = {"mend": "partner.sheet.order.mend"} | {name: f"studio.product.{name}" for name in PRODUCTS}

OWN = (
    Column(f"{_TITLE}number", "whole", 10),
    Column(f"{_TITLE}at", "moment", 17),
    Column(f"{_TITLE}what", "name", 20, names=_MADE),
    Column(f"{_TITLE}title", width=30),
    Column(f"{_TITLE}pieces", "whole", 8),
    Column(f"{_TITLE}state", "name", 14, names={state: f"partner.sheet.order.{state}" for state in STATES}),
    Column(f"{_TITLE}charged", "whole", 12),
    Column(f"{_TITLE}returned", "whole", 12),
    Column(f"{_TITLE}ended", "moment", 17),
)
SELLER = (Column(f"{_TITLE}seller", width=24), Column(f"{_TITLE}seller_id", "code", 14))

ORDERS = Source(columns=OWN, count=SQL.order_count, rows=SQL.order_rows, whose="user_id")
EVERY_ORDER = Source(columns=(*OWN, *SELLER), count=SQL.order_count, rows=SQL.order_rows, whose="user_id")
