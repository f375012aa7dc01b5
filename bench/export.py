"""A million rows as one file: how long, how much memory, and does Telegram take it? As XLSX and CSV, of real Postgres.

The job is the product's, in a process of its own; the file goes to Telegram's stand-in over HTTP. QUICK=1 takes 50,000.
"""

import asyncio
import os

from bench.results import Failed
from bench.till import export, lend
from bench.till.export import Export
from dev import postgres

OPERATIONS = 50_000 if os.environ.get("QUICK") else 1_000_000
MEMORY = 256_000_000  # bytes that an export may need, however long a shop's history is
TELEGRAM = 50_000_000
FORMS = ("xlsx", "csv")


def run() -> str:
    """Measure and return the table."""
    return asyncio.run(_measure())


async def _measure() -> str:
    with postgres.lent({"max_connections": "50"}) as data:
        await lend.prepare(postgres.url(data), data.parent)
        filled = {"partners": 1, "members": OPERATIONS // 20, "operations": OPERATIONS}
        async with lend.database(data.parent, "export", **filled) as url:
            found = {form: await export.export(url, form) for form in FORMS}
    for form, one in found.items():
        _check(form, one)
    head = (
        "| form | s | rows/s | µs of CPU a row | files | MB | memory at most | of it before | loop late, p99 |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    rows = [_row(form, one) for form, one in found.items()]
    about = (
        f"{OPERATIONS:,} operations of one shop with {OPERATIONS // 20:,} clients, 18 columns, by the task `sheet`: "
        "from the claim of the job until Telegram's stand-in has the file. Memory is VmHWM of the worker's process, "
        f"which may have {MEMORY / 1e6:.0f} MB. The loop is looked at each 5 ms: a broadcast's messages share it."
    )
    return "\n".join([head, *rows, "", about])


def _check(form: str, one: Export) -> None:
    if one.peak > MEMORY:
        raise Failed(f"the {form} took {one.peak / 1e6:.0f} MB of memory, more than {MEMORY / 1e6:.0f}")
    if len(one.files) != 1 or one.files[0] > TELEGRAM:
        raise Failed(f"the {form} came as {len(one.files)} files of {[size // 1_000_000 for size in one.files]} MB")


def _row(form: str, one: Export) -> str:
    sizes = f"{len(one.files)} | {sum(one.files) / 1e6:.0f}"
    memory = f"{one.peak / 1e6:.0f} MB | {one.before / 1e6:.0f} MB"
    return (
        f"| {form} | {one.seconds:.0f} | {OPERATIONS / one.seconds:,.0f} | {one.cpu / OPERATIONS * 1e6:.0f} | {sizes} "
        f"| {memory} | {one.late * 1000:.0f} ms |"
    )
