"""Tables as files that a spreadsheet opens: a page of rows at a time, in the memory of a page, however long they are.

cells    what a column holds, and how its cells are written
book     an XLSX file, its sheets written straight into the zip
lines    a CSV file, in a zip when it is too large without
source   where the rows come from: one moment of the database, by a cursor of the server's

A file is written on the disk, page by page, so that what sends it has no more than a piece of it in memory.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class TableFile(Protocol):
    """A file that is being written."""

    @property
    def size(self) -> int:
        """How many bytes it has by now, about."""

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows; what a row has beyond the columns is left out."""

    def close(self) -> Path:
        """Finish the file, once, and return where it is."""
