"""The data files that the owner edits, and what is said of their age.

Each entry of prices, extensions and limits has its source, its date and whether a person has verified it.
"""

import functools
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data"


@functools.cache
def read(name: str) -> dict[str, Any]:
    """Read one data file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def prices() -> dict[str, Any]:
    """Read what providers take."""
    return read("prices")


def limits() -> dict[str, Any]:
    """Read the bounds, the thresholds, and what providers can do."""
    return read("limits")


def features() -> dict[str, Any]:
    """Read what may stand in the way of a move, with its remedies."""
    found: dict[str, Any] = read("features")["features"]
    return found


def extension(name: str, provider: str, major: int) -> tuple[str, str]:
    """Say what a provider's table knows of an extension: yes, care, no or ask, and a remark.

    A table that does not name it knows nothing of it: the answer is then to ask the provider, never "missing".
    """
    table = read("extensions")
    known = table["providers"].get(provider)
    name = table["names"].get(name, name)
    if known is None:
        return "ask", ""
    if known.get("any") or name in known["yes"]:
        return "yes", ""
    if name in known["until"]:
        last = known["until"][name]
        return ("yes", "") if major <= last else ("no", f"up to Postgres {last}")
    for answer in ("care", "no"):
        if name in known[answer]:
            return answer, str(known[answer][name])
    return "ask", ""


def ages(today: date) -> Iterator[tuple[str, str, int, bool, str]]:
    """Name each entry of the tables: table, provider, days since its date, verified, source."""
    for table in ("prices", "extensions"):
        for provider, entry in read(table)["providers"].items():
            days = (today - date.fromisoformat(entry["as_of"])).days
            yield table, provider, days, bool(entry["verified"]), str(entry["source"])


def old(provider: str, today: date, table: str = "prices") -> bool:
    """Say whether a provider's entry is older than its table allows."""
    entry = read(table)["providers"][provider]
    allowed: int = prices()["old_after_days"]
    return (today - date.fromisoformat(entry["as_of"])).days > allowed
