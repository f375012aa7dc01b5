"""The crowd, as Locust plays it: everything has its planned moment, and what is late counts as slow.

A closed loop (wait for the answer, then go on) would ask less of a platform that stalls, and hide it. So a schedule is
made beforehand, each act begins at its moment whatever the others do, and its time is taken from that moment. The HTTP
client is the one of Locust's FastHttpUser. Settings come as JSON in LOAD; what was found goes to the file it names.

It runs in an environment of its own (bench/loading/requirements.txt), beside the project's.
"""

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import gevent
import psutil
from geventhttpclient import HTTPClient
from locust import User, events, task

from bench.updating import letters

LOAD: dict[str, Any] = json.loads(os.environ["LOAD"])
UPDATES = itertools.count(LOAD["first_update"])
P95, WRONG, BUSY = 200, 0.001, 0.9
ACTS = ("registrations", "messages", "transactions", "lists")


class Crowd(User):
    """All of the people; Locust runs one of it, which plays the whole schedule and ends the run."""

    def on_start(self) -> None:
        common = {"concurrency": 200, "network_timeout": 30, "connection_timeout": 10}
        self.doors = [HTTPClient("127.0.0.1", port, **common) for port in LOAD["ports"]]
        self.telegram = HTTPClient("127.0.0.1", LOAD["telegram"], **common)
        self.turns = itertools.cycle(range(len(self.doors)))

    @task
    def play(self) -> None:
        """Begin each act at its planned moment, and stop when the last is over."""
        for cashier in LOAD["cashiers"]:
            self.deliver("partner", press(cashier, "till:find", 1))
        began, acts = time.monotonic() + 1, []
        for at, name, number in schedule():
            gevent.sleep(max(0.0, began + at - time.monotonic()))
            acts.append(gevent.spawn(getattr(self, name), began + at, number))
        gevent.joinall(acts, timeout=60)
        self.environment.runner.quit()

    def registrations(self, planned: float, number: int) -> None:
        """Meet the bot and consent: the second begins when the first is answered, as it must."""
        self.send("registrations", planned, "studio", letters.said(number, next(UPDATES), "/start"))
        self.send("registrations", time.monotonic(), "studio", press(number, "start:accept", 1))

    def messages(self, planned: float, number: int) -> None:
        """Write something in the studio bot."""
        self.send("messages", planned, "studio", letters.said(number, next(UPDATES), "Кружка ручной работы"))

    def lists(self, planned: float, number: int) -> None:
        """Read the list of one's orders."""
        self.send("lists", planned, "studio", letters.said(number, next(UPDATES), "/history"))

    def transactions(self, planned: float, number: int) -> None:
        """Give points at the till: find the client, type the bill, confirm."""
        cashier, phone = LOAD["cashiers"][number % len(LOAD["cashiers"])], random.choice(LOAD["phones"])
        self.send("transactions", planned, "partner", letters.said(cashier, next(UPDATES), phone))
        self.send("transactions", time.monotonic(), "partner", letters.said(cashier, next(UPDATES), "350"))
        shown = self.screen(cashier)
        self.send("transactions", time.monotonic(), "partner", press(cashier, "till:give", shown))

    def send(self, name: str, planned: float, bot: str, body: bytes) -> None:
        """Deliver an update to one of the instances; it took as long as since its planned moment."""
        failed: Exception | None = None
        try:
            self.deliver(bot, body)
        except Exception as error:  # whatever the network says is a failure of this request
            failed = error
        spent = (time.monotonic() - planned) * 1000
        told = {"request_type": "update", "name": name, "response_time": spent, "response_length": 0}
        events.request.fire(**told, exception=failed, context={})

    def deliver(self, bot: str, body: bytes) -> None:
        """Post an update as Telegram does; raise RuntimeError for any status but 200."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": LOAD["secret"], "Content-Type": "application/json"}
        headers |= {"x-vercel-internal-invocation-id": "load"}
        answer = self.doors[next(self.turns)].post(f"/api/telegram/{bot}", body=body, headers=headers)
        answer.read()
        if answer.status_code != 200:
            raise RuntimeError(f"status {answer.status_code}")

    def screen(self, number: int) -> int:
        """Ask the stand-in of Telegram which message this person was sent last."""
        asked = json.dumps({"chat_id": letters.FIRST + number}).encode()
        return int(json.loads(self.telegram.post("/bot/screen", body=asked).read())["result"])


def press(number: int, data: str, message_id: int) -> bytes:
    """Return the press of a button."""
    return letters.pressed(number, next(UPDATES), data, message_id)


def schedule() -> list[tuple[float, str, int]]:
    """Return what is to begin when, and by whom: evenly spread, but for the registrations, which come all at once."""
    people, dice = itertools.cycle(range(LOAD["people"])), random.Random(7)
    due = [(2.0, "registrations", LOAD["people"] + LOAD["cast"] + n) for n in range(LOAD["registrations"])]
    for name, rate in LOAD["rates"].items():
        for n in range(round(rate * LOAD["seconds"])):
            number = n if name == "transactions" else next(people)
            due.append(((n + dice.random()) / rate, name, number))
    return sorted(due)


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """Write down what was found; the exit code says whether it is good."""
    found: dict[str, Any] = {"acts": {}}
    for name in ACTS:
        one = environment.stats.get(name, "update")
        p95 = one.get_response_time_percentile(0.95) or 0
        half = one.get_response_time_percentile(0.5) or 0
        found["acts"][name] = {"sent": one.num_requests, "failed": one.num_failures, "p50": half, "p95": p95}
    total, used = environment.stats.total, psutil.Process().cpu_times()
    found["share"] = (used.user + used.system) / max(time.time() - psutil.Process().create_time(), 1)
    found["p95"] = total.get_response_time_percentile(0.95) or 0
    found["errors"] = [
        f"{one.occurrences} × {one.name}: {one.error}"[:200] for one in environment.stats.errors.values()
    ]
    Path(LOAD["out"]).write_text(json.dumps(found))
    slow = max(one["p95"] for name, one in found["acts"].items() if name != "registrations")
    good = slow < P95 and total.num_failures <= total.num_requests * WRONG and found["share"] < BUSY
    environment.process_exit_code = 0 if good else 1
