"""The broadcasts of a shop as a file."""

from lib import db
from lib.tables.cells import Column
from lib.tables.source import Source

SQL = db.load("reach")

STATES = ("cutting", "running", "paused", "done", "cancelled")
OUTCOMES = ("sent", "blocked", "refused", "skipped", "unknown", "pressed", "back")
_TITLE = "partner.sheet.column."

BROADCASTS = Source(
    columns=(
        Column(f"{_TITLE}number", "whole", 9),
        Column(f"{_TITLE}begun", "moment", 17),
        Column(f"{_TITLE}ended", "moment", 17),
        Column(f"{_TITLE}state", "name", 16, names={state: f"news.state.{state}" for state in STATES}),
        Column(f"{_TITLE}words", width=50),
        Column(f"{_TITLE}audience", "whole", 12),
        *(Column(f"{_TITLE}{name}_people", "whole", 13) for name in OUTCOMES),
        Column(f"{_TITLE}turnover", "money", 15),
    ),
    count=SQL.broadcast_count,
    rows=SQL.broadcast_rows,
)
