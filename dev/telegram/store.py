"""Keeps the simulated Telegram on disk: JSON documents and bytes in one SQLite file, in memory when there is no folder.

Write-ahead logging makes every write atomic, so the chats survive `kill -9` between any two of them.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists docs (kind text, key text, body text not null, primary key (kind, key)) without rowid;
create table if not exists blobs (key text primary key, body blob not null);
"""


class Store:
    """Documents by kind and key, and bytes by key. A write after `close` is answered but not kept."""

    def __init__(self, folder: Path | None) -> None:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / "telegram.sqlite3") if folder else ":memory:"
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = off")  # only a power cut could lose a write
        self._db.executescript(SCHEMA)
        self._closed = False

    def put(self, kind: str, key: str, doc: dict[str, Any]) -> None:
        body = json.dumps(doc, ensure_ascii=False, default=str)
        self._write("insert or replace into docs values (?, ?, ?)", kind, key, body)

    def drop(self, kind: str, key: str) -> None:
        self._write("delete from docs where kind = ? and key = ?", kind, key)

    def all(self, kind: str) -> list[dict[str, Any]]:
        rows = self._db.execute("select body from docs where kind = ?", (kind,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def put_blob(self, key: str, data: bytes) -> None:
        self._write("insert or replace into blobs values (?, ?)", key, data)

    def blob(self, key: str) -> bytes:
        query = "select body from blobs where key = ?"
        row = None if self._closed else self._db.execute(query, (key,)).fetchone()
        return row[0] if row else b""

    def close(self) -> None:
        self._closed = True
        self._db.close()

    def _write(self, statement: str, *values: str | bytes) -> None:
        if not self._closed:
            self._db.execute(statement, values)
