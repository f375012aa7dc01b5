"""Boots the functions again when their code has changed on the disk."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from dev import functions
from dev.parts import one_line
from dev.stack import Stack

EVERY = 0.7
FOLDERS = ("api", "lib", "sql")
KINDS = (".py", ".sql", ".mo")


async def watch(root: Path, stack: Stack, say: Callable[[str], None]) -> None:
    """Look for changed files again and again; say which, and how the functions took them."""
    known = _state(root)
    while True:
        await asyncio.sleep(EVERY)
        now = await asyncio.to_thread(_state, root)
        changed = sorted(str(path.relative_to(root)) for path, _ in known ^ now)
        known = now
        if changed:
            say(f"{changed[0]} changed{f' and {len(set(changed)) - 1} more' if len(set(changed)) > 1 else ''}: ")
            say(await _restart(stack))


async def _restart(stack: Stack) -> str:
    began = time.monotonic()
    try:
        await asyncio.gather(*(function.restart() for function in stack.functions.values()))
    except functions.BootFailed as failure:
        return f"  it does not start: {one_line(failure)}"
    return f"  the functions run the new code after {time.monotonic() - began:.1f} s"


def _state(root: Path) -> set[tuple[Path, int]]:
    files = (path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in KINDS)
    found = set()
    for path in files:
        try:
            found.add((path, path.stat().st_mtime_ns))
        except FileNotFoundError:  # an editor replaces files
            continue
    return found
