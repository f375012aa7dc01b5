"""Carries updates to the webhooks by Telegram's rules, as its Bot API server has them: order, retries, expiry.

    queued -> attempt -> 2xx: delivered
                      -> anything else: wait 0, 2, 4, 8, 16, 32, then 60 to 120 seconds (or Retry-After), again
                      -> too old: expired

In one queue the next update goes only after the one before it was delivered or expired; queues run side by side.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol

import httpx

from dev.telegram.records import Bot, Json, Update
from lib import wire

ANSWER = timedelta(seconds=60)
GONE_SECONDS = 23 * 3600
LONGEST_RETRY_AFTER = 3600
DAY = 24 * 3600.0
SHORT = 150.0  # seconds that a press or a pre-checkout lives


class Surroundings(Protocol):
    """What a delivery needs of the world around it: the bots, the time, and somebody to keep and show what happened."""

    bots: dict[str, Bot]
    clock: Callable[[], float]
    time_scale: float
    on_reply: Callable[[Bot, Json], Awaitable[Any]] | None

    def in_flight(self, record: Update) -> AbstractContextManager[None]: ...
    def keep_update(self, record: Update) -> None: ...
    def emit(self, kind: str, **payload: Any) -> None: ...
    async def user_state(self, record: Update) -> Any: ...


def queue_of(update: Json) -> tuple[str, int, float]:
    """Return the queue an update belongs to, its user, and the seconds it lives."""
    for kind in ("callback_query", "pre_checkout_query", "shipping_query"):
        if kind in update:
            user = int(update[kind]["from"]["id"])
            return f"{'press' if kind == 'callback_query' else 'checkout'}:{user}", user, SHORT
    for kind in ("my_chat_member", "chat_member"):
        if kind in update:
            return f"member:{update[kind]['chat']['id']}", int(update[kind]["from"]["id"]), DAY
    body = next((value for name, value in update.items() if name != "update_id" and isinstance(value, dict)), {})
    chat = (body.get("chat") or body.get("from") or {"id": 0})["id"]
    return f"chat:{chat}", int((body.get("from") or {"id": chat})["id"]), DAY


class Backoff:
    """The waits between the attempts at one update."""

    def __init__(self) -> None:
        self.failures = 0
        self._delay = 1.0

    def next(self, retry_after: float) -> float:
        """Return the seconds to wait after one more failure; the first retry comes at once."""
        self.failures += 1
        if retry_after:
            return min(retry_after, LONGEST_RETRY_AFTER)
        if self.failures == 1:
            return 0.0
        self._delay = min(self._delay * 2, random.uniform(60, 120))
        return self._delay


class Delivery:
    """The queues of all bots; each that holds something has a task."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._queues: dict[tuple[str, str], deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs = False

    async def start(self) -> None:
        self._runs = True
        for key in list(self._queues):
            self._run(key)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runs:
            self._runs = False
            await wire.close()

    def add(self, record: Update) -> None:
        """Put an update at the end of its queue."""
        key = (record.bot, record.queue)
        waiting = self._queues.get(key)
        if waiting is not None:
            waiting.append(record)
        else:
            self._queues[key] = deque([record])
            if self._runs:
                self._run(key)
        bot = self._world.bots[record.bot]
        if not bot.webhook.url:
            bot.wake()  # somebody may be asking for updates

    def pending(self, bot: str) -> list[Update]:
        found = [one for (name, _), queue in self._queues.items() if name == bot for one in queue]
        return sorted((one for one in found if one.state == "pending"), key=lambda one: one.update_id)

    def confirm(self, record: Update) -> None:
        """Take an update for delivered: the bot has asked for those behind it."""
        self._end(record, "delivered")

    def drop(self, bot: str) -> None:
        """Forget the updates that wait for a bot, as drop_pending_updates asks."""
        for record in self.pending(bot):
            self._end(record, "dropped")

    async def replay(self, record: Update, times: int, *, together: bool) -> list[Json]:
        """Send an update again, past the queues and with no retries; return the attempts."""
        bot = self._world.bots[record.bot]
        if not bot.webhook.url:
            return []
        if together:
            return list(await asyncio.gather(*(self._attempt(bot, record, replay=True) for _ in range(times))))
        return [await self._attempt(bot, record, replay=True) for _ in range(times)]

    def _run(self, key: tuple[str, str]) -> None:
        task = asyncio.create_task(self._drain(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, key: tuple[str, str]) -> None:
        queue = self._queues[key]
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, record: Update) -> None:
        bot, backoff = self._world.bots[record.bot], Backoff()
        while record.state == "pending":
            left = record.expires_at - self._world.clock()
            if left <= 0:
                self._end(record, "expired")
                return
            if not bot.webhook.url:
                await _changed(bot, min(left, 60))
                continue
            async with bot.slots:
                attempt = await self._attempt(bot, record)
            if 200 <= attempt["status"] < 300:
                self._end(record, "delivered")
                return
            wait = backoff.next(attempt.pop("retry_after"))
            attempt["next_in"] = wait
            self._tell(record)
            await _changed(bot, min(wait * self._world.time_scale, left))

    async def _attempt(self, bot: Bot, record: Update, *, replay: bool = False) -> Json:
        world, first = self._world, not record.attempts
        if first:
            record.state_before = await world.user_state(record)
        webhook, at, started = bot.webhook, world.clock(), time.perf_counter()
        with world.in_flight(record):
            status, body, retry_after = await self._post(webhook.url, webhook.secret_token, record.update)
        ms = round((time.perf_counter() - started) * 1000, 1)
        attempt: Json = {"at": at, "ms": ms, "status": status, "body": body[:2000], "replay": replay}
        record.attempts.append(attempt)
        self._judge(bot, status, body)
        await self._reply(bot, status, body)
        record.state_after = await world.user_state(record)
        if replay:
            world.keep_update(record)
            self._tell(record)
        else:
            attempt["retry_after"] = retry_after
        return attempt

    async def _post(self, url: str, secret: str, update: Json) -> tuple[int, str, float]:
        """Return status, text and Retry-After seconds of the webhook's answer; status 0 when there was none."""
        named = [("X-Telegram-Bot-Api-Secret-Token", secret)] if secret else []
        if not self._runs:
            return 0, "stopped", 0.0
        body = json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            answer = await wire.post(url, body, [("Content-Type", "application/json"), *named], ANSWER)
        except TimeoutError:
            return 0, "Read timeout expired", 0.0
        except wire.NoConnection:
            return 0, "Connection refused", 0.0
        except (OSError, ValueError) as error:
            return 0, f"Connection failed: {error}", 0.0
        asked = answer.headers.get("retry-after", "") if not 200 <= answer.status < 300 else ""
        return answer.status, answer.body.decode(errors="replace"), float(asked) if asked.isdigit() else 0.0

    async def _reply(self, bot: Bot, status: int, body: str) -> None:
        """Make the call that a webhook's answer holds, if it holds one; nobody hears of its outcome."""
        if not 200 <= status < 300 or '"method"' not in body or self._world.on_reply is None:
            return
        try:
            wish = json.loads(body)
        except ValueError:
            return
        if isinstance(wish, dict) and isinstance(wish.get("method"), str):
            await self._world.on_reply(bot, wish)

    def _judge(self, bot: Bot, status: int, body: str) -> None:
        """Note a failure for getWebhookInfo; a webhook that is gone for 23 hours is removed."""
        webhook, now = bot.webhook, self._world.clock()
        if 200 <= status < 300:
            webhook.gone_since = 0.0
            return
        webhook.last_error_date = int(now)
        reason = httpx.codes.get_reason_phrase(status)
        webhook.last_error_message = f"Wrong response from the webhook: {status} {reason}" if status else body
        if status != 410:
            webhook.gone_since = 0.0
        elif not webhook.gone_since:
            webhook.gone_since = now
        elif now - webhook.gone_since > GONE_SECONDS:
            webhook.url = ""

    def _end(self, record: Update, state: str) -> None:
        record.state = state
        if record.attempts:
            record.attempts[-1].pop("retry_after", None)
        record.done.set()
        self._tell(record)

    def _tell(self, record: Update) -> None:
        self._world.keep_update(record)
        last: Json = record.attempts[-1] if record.attempts else {}
        facts: dict[str, Any] = {"status": last.get("status"), "ms": last.get("ms"), "next_in": last.get("next_in")}
        self._world.emit(
            "delivery",
            bot=record.bot,
            user_id=record.user_id,
            update_id=record.update_id,
            state=record.state,
            attempts=len(record.attempts),
            dropped=record.state not in ("pending", "delivered"),
            **facts,
        )


async def _changed(bot: Bot, seconds: float) -> None:
    """Wait, but no longer than until the bot's webhook changes."""
    try:
        await asyncio.wait_for(bot.changed.wait(), max(seconds, 0))
    except TimeoutError:
        return
