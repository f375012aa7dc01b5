"""A CSV file for Excel: UTF-8 with its mark, semicolons and decimal commas in Russian, commas and points in English.

It is packed as it is written. One that Telegram takes unpacked is unpacked at the end, as a double click opens it.
"""

import shutil
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lib.tables import cells
from lib.tables.cells import Column, SheetStyle

PLAIN = 45_000_000  # bytes; Telegram takes 50 MB of a bot
LEVEL = 6
PIECE = 1 << 20


class Lines:
    """A CSV file that is being written, beside the path that it will have."""

    def __init__(self, path: Path, columns: Sequence[Column], style: SheetStyle) -> None:
        self.path = path
        self._separator = cells.SEPARATORS[style.language]
        self._writers = [cells.csv_writer(column, style) for column in columns]
        self._packed = path.with_name(f"{path.name}.zip")
        self._zip = zipfile.ZipFile(self._packed, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._entry = self._zip.open(path.name, "w")
        self._raw = 0
        self._write([tuple(cells.csv_plain(style.title(column), self._separator) for column in columns)], mark="\ufeff")

    @property
    def size(self) -> int:
        """How many bytes are on the disk by now, packed."""
        return self._packed.stat().st_size

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write a page of rows."""
        if rows:
            self._write(cells.transposed(self._writers, rows))

    def close(self) -> Path:
        """Finish the file; return the plain one, or the packed one where the plain one is too large to be sent."""
        if self._entry.closed:
            return self.path if self.path.exists() else self._packed
        self._entry.close()
        self._zip.close()
        if self._raw > PLAIN:
            return self._packed
        with (
            zipfile.ZipFile(self._packed) as packed,
            packed.open(self.path.name) as inside,
            self.path.open("wb") as plain,
        ):
            shutil.copyfileobj(inside, plain, PIECE)
        self._packed.unlink()
        return self.path

    def _write(self, rows: Iterable[tuple[str, ...]], mark: str = "") -> None:
        data = (mark + "".join(self._separator.join(row) + "\r\n" for row in rows)).encode()
        self._raw += len(data)
        self._entry.write(data)
