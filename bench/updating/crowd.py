"""Plays people at the webhook, alone and in crowds, and measures the cost: trips, processor, memory, time."""

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import psutil

from bench.updating import letters, region

PRICE = 0.20 / 100_000  # dollars for a command of Upstash, pay as you go
DEAREST = {"ms": 2.5}  # what the dearest hot update takes of the processor; measured, or the target
HOT = ("menu press", "text in a form", "photo", "balance")
MESSAGES = {"photo": 2}  # the cut is promised, and the words are asked for
STEP = 5.0  # seconds of each step of the crowd
SLOW, WRONG = 0.2, 0.001


@dataclass
class Crowd:
    """People with the studio bot; each is known by a number, and a person's updates never overlap."""

    here: region.Region
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    known: int = 0

    async def join(self, number: int) -> int:
        """Meet the bot and consent: two updates, and a row in the ledger."""
        first = await self.here.send(letters.said(number, next(self.ids), "/start"))
        return max(first, await self.here.send(letters.pressed(number, next(self.ids), "start:accept", 1)))

    async def gather(self, people: int) -> None:
        """Let so many people join."""
        for start in range(self.known, self.known + people, 10):
            await asyncio.gather(*(self.join(number) for number in range(start, start + 10)))
        self.known += people

    def letter(self, kind: str, number: int) -> bytes:
        """Return the next update of a kind."""
        update = next(self.ids)
        if kind == "menu press":
            return letters.pressed(number, update, "menu:help", 5)
        if kind == "photo":
            return letters.photo(number, update)
        return letters.said(number, update, {"text in a form": "Кружка", "balance": "/balance"}[kind])


async def trips(here: region.Region) -> str:
    """Return the table of the hot updates' round trips, commands and times."""
    crowd = Crowd(here)
    await crowd.gather(10)
    lines = [
        "| update | Upstash before the answer | after it | Neon | Telegram | commands | $ per 1,000 updates "
        "| until the answer, ms | until the 200, ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in HOT:
        for number in range(10):
            await here.send(crowd.letter(kind, number))
        rows = [await _one(here, crowd.letter(kind, turn % 10)) for turn in range(30)]
        row = {name: statistics.median(one[name] for one in rows) for name in rows[0]}
        lines.append(
            f"| {kind} | {row['before']:.0f} | {row['after']:.0f} | {row['neon']:.0f} | {row['telegram']:.0f} "
            f"| {row['commands']:.0f} | {row['commands'] * PRICE * 1000:.3f} | {row['answer']:.0f} | {row['ms']:.0f} |"
        )
    return "\n".join(lines)


async def _one(here: region.Region, body: bytes) -> dict[str, float]:
    here.told()
    here.turns()
    began = time.monotonic()
    assert await here.send(body) == 200
    ms = (time.monotonic() - began) * 1000
    told, turns = here.told(), here.turns()
    answered = min(at for method, _, at in told["calls"] if method != "redis")
    before = sum(method == "redis" and at < answered for method, _, at in told["calls"])
    return {
        "before": before,
        "after": told["redis"] - before,
        "neon": turns["neon"],
        "telegram": told["telegram"],
        "commands": told["redis_commands"],
        "answer": (answered - began) * 1000,
        "ms": ms,
    }


async def processor(here: region.Region, updates: int) -> str:
    """Return the table of the processor's time for each hot update, the services' apart.

    Many people send them, because one person would be told to wait.
    """
    crowd, person = Crowd(here), itertools.cycle(range(200))
    await crowd.gather(200)
    found: list[float] = []
    lines = ["| update | the function, ms of processor | updates per processor second |", "| --- | --- | --- |"]
    for kind in HOT:
        best = 1.0
        here.told()
        for _ in range(3):
            used = here.cpu()
            for _ in range(updates):
                assert await here.send(crowd.letter(kind, next(person))) == 200
            best = min(best, (here.cpu() - used) / updates)
        answered = sum(method != "answerCallbackQuery" for method, _, _ in here.told()["calls"] if method != "redis")
        assert answered == 3 * updates * MESSAGES.get(kind, 1), f"{kind}: {answered} answers"
        found.append(best * 1000)
        lines.append(f"| {kind} | {best * 1000:.2f} | {1 / best:.0f} |")
    DEAREST["ms"] = max(found)
    return "\n".join(lines)


async def memory(here: region.Region, updates: int) -> str:
    """Return the memory of an instance while so many updates come, each from another person."""
    crowd = Crowd(here)
    people = max(200, updates // 50)
    await crowd.gather(200)
    found = [(0, here.memory())]
    for part in range(5):
        for start in range(0, updates // 5, 20):
            numbers = [(part * updates // 5 + start + one) % people for one in range(20)]
            kinds = random.Random(start).choices(HOT, k=20)
            await asyncio.gather(*(here.send(crowd.letter(k, n)) for k, n in zip(kinds, numbers, strict=True)))
        found.append(((part + 1) * updates // 5, here.memory()))
    said = ", ".join(f"{mb:.1f} MB after {count:,}" for count, mb in found)
    grown = found[-1][1] - found[1][1]
    return f"Memory of the instance: {said}. From the first fifth to the last it grew by {grown:.1f} MB."


@dataclass
class Step:
    """The outcome of one rate of updates."""

    rate: float
    sent: int = 0
    times: list[float] = field(default_factory=list)
    failed: int = 0
    span: float = STEP
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def p95(self) -> float:
        return sorted(self.times)[int(len(self.times) * 0.95)] if self.times else 9.9


async def mix(here: region.Region) -> tuple[str, str]:
    """Raise the mix of updates until it is too much; return the table, and what it came to in words."""
    crowd = Crowd(here)
    began = time.monotonic()
    statuses = await asyncio.gather(*(crowd.join(number) for number in range(100)))
    crowd.known = 100
    joined = (
        f"100 simultaneous registrations (200 updates): all in {time.monotonic() - began:.1f} s, "
        f"{sum(status != 200 for status in statuses)} failed."
    )
    await crowd.gather(1900)
    lines = ["| mix | updates/s | p50, ms | p95, ms | failed | busiest processes, share of a core |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    best = 0.0
    for scale in (1, 2, 4, 6, 8, 10, 12, 16):
        step = await _step(here, crowd, scale)
        busiest = sorted(step.shares.items(), key=lambda item: -item[1])[:3]
        half, shares = statistics.median(step.times), ", ".join(f"{name} {share:.2f}" for name, share in busiest)
        lines.append(
            f"| ×{scale} | {len(step.times) / step.span:.0f} | {half * 1000:.0f} | {step.p95 * 1000:.0f} "
            f"| {step.failed} of {step.sent} | {shares} |"
        )
        if step.p95 > SLOW or step.failed > WRONG * step.sent:
            ended = f"what gives way first is {busiest[0][0]} with {busiest[0][1]:.2f} of a core"
            break
        best = len(step.times) / step.span
    else:
        ended = "nothing had given way by then"
    return joined + "\n\n" + "\n".join(lines), f"Kept up to {best:.0f} updates/s; {ended}"


async def _step(here: region.Region, crowd: Crowd, scale: int) -> Step:
    """Send the mix at a multiple of its rate for some seconds; nobody waits for anybody else's answer."""
    rates: dict[str, tuple[float, Callable[[int], Awaitable[int]]]] = {
        "messages": (1000 / 60, lambda n: here.send(crowd.letter("text in a form", n))),
        "transactions": (100 / 60, crowd.join),
        "lists": (50.0, lambda n: here.send(crowd.letter("balance", n))),
    }
    step, dice = Step(sum(rate for rate, _ in rates.values()) * scale), random.Random(scale)
    due = []
    for name, (rate, act) in rates.items():
        times = [dice.random() * STEP for _ in range(round(rate * scale * STEP))]
        due += [(at, name, act) for at in times]
    due.sort(key=lambda one: one[0])
    processes = _processes(here)
    before = {name: _used(pids) for name, pids in processes.items()}
    began, tasks = time.monotonic(), []
    person = itertools.cycle(dice.sample(range(crowd.known), crowd.known))
    for at, name, act in due:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        number = next(person)
        if name == "transactions":
            number, crowd.known = crowd.known, crowd.known + 1
        tasks.append(asyncio.create_task(_timed(step, act, number)))
    await asyncio.gather(*tasks)
    step.span = time.monotonic() - began
    step.shares = {name: (_used(pids) - before[name]) / step.span for name, pids in processes.items()}
    return step


async def _timed(step: Step, act: Callable[[int], Awaitable[int]], number: int) -> None:
    began = time.monotonic()
    step.sent += 1
    if await act(number) == 200:
        step.times.append(time.monotonic() - began)
    else:
        step.failed += 1


def _processes(here: region.Region) -> dict[str, list[psutil.Process]]:
    postgres = [one for one in psutil.process_iter(["name"]) if one.info["name"] == "postgres"]
    function = here.instances[0].pid
    assert function
    return {
        "the function": [psutil.Process(function)],
        "Postgres": postgres,
        "the stand-ins": [psutil.Process(here.services.pid)],
        "the distances": [psutil.Process(one.pid) for one in here.far.values()],
        "the crowd itself": [psutil.Process()],
    }


def _used(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            used = process.cpu_times()
        except psutil.Error:
            continue
        total += used.user + used.system
    return total


async def together(here: region.Region) -> str:
    """Send 20 updates of one person at once, and one of each of 200 people; return what came of it."""
    crowd = Crowd(here)
    await crowd.gather(20)
    here.told()
    bodies = [crowd.letter("balance", 0) for _ in range(20)]
    await asyncio.gather(*(_until_taken(here, body) for body in bodies + bodies))
    answers = sum(method == "sendMessage" for method, _, _ in here.told()["calls"])
    await asyncio.gather(*(_until_taken(here, letters.said(5000 + n, next(crowd.ids), "/start")) for n in range(200)))
    told = here.told()
    chats = {chat for method, chat, _ in told["calls"] if method == "sendMessage"}
    return (
        f"20 updates of one person at once, each delivered twice, offered again as Telegram does: {answers} answers. "
        f"200 people at once: {len(chats)} answered, {told.get('mixed_up', 0)} with another's name."
    )


async def _until_taken(here: region.Region, body: bytes) -> None:
    while await here.send(body) != 200:  # noqa: ASYNC110 - what Retry-After says
        await asyncio.sleep(1)
