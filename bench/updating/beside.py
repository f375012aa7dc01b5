"""Ours beside aiogram and python-telegram-bot's Application: import, processor's time, memory, and the cold start."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

from bench.updating import letters, region
from dev import functions
from dev.stack import ROOT

FOLDER = ROOT / ".dev" / "bench" / "bots"
AIOGRAM = "aiogram==3.31.0"
BASE = "httpx, psycopg, psycopg_pool, starlette.applications, upstash_redis.asyncio, telegram"
TIMED = "import time; began = time.perf_counter(); import {}; print((time.perf_counter() - began) * 1000)"
NAMES = {"ours": "ours", "aiogram": AIOGRAM.replace("==", " "), "ptb": "python-telegram-bot's Application"}


def install() -> str:
    """Install aiogram outside of the product's environment; return why it cannot be, or ""."""
    if (FOLDER / "aiogram").exists():
        return ""
    FOLDER.mkdir(parents=True, exist_ok=True)
    base = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    command = [str(base), "-m", "pip", "install", "--quiet", "--target", str(FOLDER), AIOGRAM]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()[-200:]


async def bots(here: region.Region, updates: int, rounds: int) -> str:
    """Return the table of the three bots."""
    reason = install()
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in NAMES:
            if name != "aiogram" or not reason:
                found.setdefault(name, []).append(await _bot(here, name, updates))
    lines = ["| bot | import, ms | then the first answer, ms | processor per update, ms | memory, MB |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name, rows in found.items():
        best = {key: min(row[key] for row in rows) for key in rows[0]}
        lines.append(
            f"| {NAMES[name]} | {best['import']:.0f} | {best['first']:.0f} | {best['cpu']:.2f} | {best['mb']:.0f} |"
        )
    notes = [f"aiogram is not compared: {reason}"] if reason else [_ratio(found)]
    notes.append(
        "The best of the rounds. Ours imports the whole webhook, with database, Redis and HTTP. Each answers a command "
        "and a press (edit and answer) over HTTP to the same Telegram; nobody keeps state."
    )
    return "\n".join(lines) + "\n\n" + " ".join(notes)


def _ratio(found: dict[str, list[dict[str, float]]]) -> str:
    ours, others = found["ours"], [found[name] for name in ("aiogram", "ptb")]
    imports = min(row["import"] for row in others[0]) / min(row["import"] for row in ours)
    faster = min(min(row["cpu"] for row in rows) for rows in others)
    cpu = min(row["cpu"] for row in ours)
    return (
        f"aiogram's import takes {imports:.1f} times as long as ours; the faster of the two takes {faster / cpu:.2f} "
        "times as much of the processor for an update."
    )


async def _bot(here: region.Region, name: str, updates: int) -> dict[str, float]:
    settings = functions.environment(here.settings())
    paths = [str(ROOT), *([str(FOLDER)] if name == "aiogram" else [])]
    python = sys.executable
    env = settings | {"PYTHONPATH": ":".join(paths)}
    port = here.far["telegram"].port
    command = [python, str(ROOT / "bench" / "updating" / "rivals.py"), name, str(port), str(updates)]
    process = await asyncio.create_subprocess_exec(
        *command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, wrong = await process.communicate()
    lines = [line for line in said.decode().splitlines() if line.startswith('{"import"')]
    if not lines:
        raise RuntimeError(wrong.decode()[-800:])
    return dict(json.loads(lines[0]))


def imports(rounds: int) -> str:
    """Return what importing the webhook takes beside its five libraries."""
    times: dict[str, list[float]] = {BASE: [], "api.telegram.index": []}
    for _ in range(rounds):
        for names, found in times.items():
            said = subprocess.run(
                [sys.executable, "-c", TIMED.format(names)], cwd=ROOT, capture_output=True, check=True
            )
            found.append(float(said.stdout))
    base, ours = (min(found) for found in times.values())
    own = statistics.median(_own_share() for _ in range(3))
    return (
        f"`import api.telegram.index` takes {ours:.0f} ms, its five libraries alone {base:.0f} ms: {ours / base:.2f} "
        f"times, allowed are 1.3. Of it {own:.0f} ms are our own modules (`-X importtime`)."
    )


def _own_share() -> float:
    command = [sys.executable, "-X", "importtime", "-c", "import api.telegram.index"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stderr
    rows = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+((?:lib|api)\S*)", said)
    return sum(int(own) for own, _ in rows) / 1000


async def cold(here: region.Region, rounds: int) -> str:
    """Return the phases of a cold start under the real runtime, up to the first update's 200."""
    rows: list[dict[str, float]] = []
    loop = asyncio.get_running_loop()
    for number in range(rounds):
        began = loop.time()
        function = await here.boot()
        booted = loop.time()
        at = len(here.instances) - 1
        assert await here.send(letters.said(900 + number, 900_000 + number, "/start"), at) == 200
        first = loop.time()
        assert await here.send(letters.said(900 + number, 910_000 + number, "/start"), at) == 200
        boot = function.boots[-1]
        rows.append(
            {
                "process and runtime": (booted - began) * 1000 - boot.user_ms,
                "our imports": boot.user_ms,
                "first update": (first - booted) * 1000,
                "second update": (loop.time() - first) * 1000,
            }
        )
        await function.stop()
    best = {name: min(row[name] for row in rows) for name in rows[0]}
    phases = ", ".join(f"{name} {ms:.0f} ms" for name, ms in best.items())
    return f"A cold start under vercel-runtime, with bytecode, the best of {rounds}: {phases}."
