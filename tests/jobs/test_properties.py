"""Random histories of the queue and the credits, on the real Postgres, against a model of a few lines.

After each step every balance and every state must be the model's; at the end of a history the audit must find nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lib import db, errors
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.table import Job
from lib.office import audit
from tests import factories
from tests.sizes import size

PEOPLE = 3
FINAL = ("done", "failed", "cancelled")
AN_HOUR = timedelta(hours=1)

some = st.integers(0, 10_000)  # an index, taken modulo what there is


@dataclass
class Order:
    """The model's view of a job."""

    job: Job
    state: str = "queued"
    attempts: int = 0
    token: UUID | None = None
    lapsed: bool = False
    later: bool = False
    unwanted: bool = False
    refunded: bool = False

    @property
    def claimable(self) -> bool:
        return (self.state in ("queued", "waiting") and not self.later) or (self.state == "running" and self.lapsed)


@dataclass
class Model:
    """Balances and orders as they should be."""

    balances: dict[int, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    runs: list[Job] = field(default_factory=list)  # every lease that was ever given out

    def end(self, order: Order, state: str) -> None:
        order.state, order.token = state, None
        if state != "done":
            self.refund(order)

    def refund(self, order: Order) -> int:
        if order.refunded or not order.job.price:
            return 0
        order.refunded = True
        self.balances[order.job.user_id] += order.job.price
        return order.job.price


class Queue(RuleBasedStateMachine):
    """One history. `url` and `run` are given by the test; everything happens in a transaction that is undone."""

    url = ""
    run: Callable[[Awaitable[Any]], Any]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.conn, self.undo = self.run(self._open())

    async def _open(self) -> tuple[db.Connection, Callable[[], Awaitable[None]]]:
        opened = db.connect(self.url)
        conn = await opened.__aenter__()
        await conn.execute("begin")

        async def undo() -> None:
            await conn.execute("rollback")
            await opened.__aexit__(None, None, None)

        return conn, undo

    def teardown(self) -> None:
        try:
            assert self.run(audit.check(self.conn)) == []
        finally:
            self.run(self.undo())

    def order(self, index: int) -> Order:
        return list(self.model.orders.values())[index % len(self.model.orders)]

    def refused(self, work: Awaitable[Any]) -> str:
        """Return the code of the error of ours that this raises; what it did is undone."""

        async def attempt() -> str:
            try:
                async with self.conn.transaction():
                    await work
            except errors.AppError as error:
                return error.code
            return ""

        return self.run(attempt())

    @initialize()
    def begin(self) -> None:
        for _ in range(PEOPLE):
            user = self.run(factories.make_user(self.conn, credits=4))
            self.model.balances[user.id] = 4

    @rule(who=some, amount=st.integers(1, 9))
    def grant(self, who: int, amount: int) -> None:
        user_id = list(self.model.balances)[who % PEOPLE]
        self.run(factories.grant(self.conn, user_id, amount))
        self.model.balances[user_id] += amount

    @rule(who=some, price=st.integers(0, 5), most=st.integers(1, 3), priority=st.integers(0, 1), later=st.booleans())
    def enqueue(self, who: int, price: int, most: int, priority: int, later: bool) -> None:
        user_id = list(self.model.balances)[who % PEOPLE]
        wanted = {"task": "card", "key": f"key:{len(self.model.orders)}", "args": {"who": who}, "price": price}
        wanted |= {"priority": priority, "max_attempts": most, "run_at": datetime.now(UTC) + AN_HOUR if later else None}
        placing = table.create_job_and_consume_credit(self.conn, user_id, **wanted)
        if price > self.model.balances[user_id]:
            assert self.refused(placing) == "short_of_credits"
            return
        placed = self.run(placing)
        self.model.balances[user_id] -= price
        self.model.orders[placed.job.id] = Order(placed.job, later=later)
        assert placed.created
        assert placed.balance == self.model.balances[user_id]

    @precondition(lambda self: self.model.orders)
    @rule(index=some, dearer=st.booleans())
    def duplicate(self, index: int, dearer: bool) -> None:
        job = self.order(index).job
        wanted = {"task": job.task, "key": job.key, "args": job.args, "price": job.price + dearer}
        placing = table.create_job_and_consume_credit(self.conn, job.user_id, **wanted)
        if not dearer:
            again = self.run(placing)
            assert (again.job.id, again.created) == (job.id, False)
        elif job.price < self.model.balances[job.user_id]:
            assert self.refused(placing) == "key_reused"
        else:
            assert self.refused(placing) in ("key_reused", "short_of_credits")

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        could = {job_id: order for job_id, order in self.model.orders.items() if order.claimable}
        got = self.run(table.fetch_next_queued_job(self.conn, ["card"], AN_HOUR, limit))
        assert len(got) <= limit
        assert len({job.id for job in got}) == len(got)
        for job in got:
            order = could.pop(job.id)
            assert not order.unwanted
            assert order.attempts < order.job.max_attempts
            order.state, order.token, order.lapsed, order.attempts = "running", job.lease_token, False, job.attempts
            self.model.runs.append(job)
        ended = 0
        for job_id, order in could.items():  # those that were not given out are as they were, or at their end
            found = self.run(table.get_job_by_id(self.conn, job_id))
            if found.state in FINAL:
                assert order.unwanted or order.attempts >= order.job.max_attempts
                self.model.end(order, "cancelled" if order.unwanted else "failed")
                ended += 1
        assert got or ended or not could

    @precondition(lambda self: self.model.runs)
    @rule(index=some, state=st.sampled_from(["done", "failed", "cancelled", "queued", "waiting"]), later=st.booleans())
    def report(self, index: int, state: str, later: bool) -> None:
        """A worker says what became of a job, possibly long after it lost it, possibly twice."""
        run = self.model.runs[-1 - index % min(len(self.model.runs), 6)]
        order = self.model.orders[run.id]
        now = datetime.now(UTC)
        run_at = (now + AN_HOUR if later else now - AN_HOUR) if state in ("queued", "waiting") else None
        code = "test" if state == "failed" else None
        moving = table.update_job_status(self.conn, run, state, run_at=run_at, error_code=code)
        if order.state != "running" or order.token != run.lease_token:
            assert self.refused(moving) == "lease_lost"
            return
        assert self.run(moving).state == state
        if state in FINAL:
            self.model.end(order, state)
        else:
            order.state, order.token, order.later = state, None, later
            order.attempts = 0 if state == "waiting" else order.attempts

    @precondition(lambda self: self.model.orders)
    @rule(index=some, own=st.booleans())
    def cancel(self, index: int, own: bool) -> None:
        order = self.order(index)
        user_id = order.job.user_id if own else order.job.user_id + 1_000_000
        cancelling = table.cancel_job(self.conn, order.job.id, user_id)
        if not own:
            assert self.refused(cancelling) == "no_job"
        elif order.state != "queued":
            assert self.refused(cancelling) == "job_begun"
        else:
            assert self.run(cancelling).state == "cancelled"
            self.model.end(order, "cancelled")

    @precondition(lambda self: self.model.orders)
    @rule(index=some)
    def ask_to_cancel(self, index: int) -> None:
        order = self.order(index)
        asked = self.run(table.ask_to_cancel(self.conn, order.job.id))
        assert (asked is not None) == (order.state in ("running", "waiting"))
        if asked:
            order.unwanted = True
            order.later = order.later and order.state != "waiting"

    @precondition(lambda self: self.model.orders)
    @rule(index=some)
    def the_worker_dies(self, index: int) -> None:
        order = self.order(index)
        if order.state == "running":
            self.run(factories.expire_lease(self.conn, order.job))
            order.lapsed = True

    @precondition(lambda self: self.model.orders)
    @rule(index=some)
    def time_comes(self, index: int) -> None:
        order = self.order(index)
        self.run(self.conn.execute("update jobs set run_at = now() - interval '1 s' where id = %s", (order.job.id,)))
        order.later = False

    @precondition(lambda self: self.model.orders)
    @rule(index=some)
    def refund(self, index: int) -> None:
        """An operator gives the credits back: once, and only for what can no longer run."""
        order = self.order(index)

        async def refund() -> int:
            cursor = await self.conn.execute("select amount from refund_credit(%s)", (order.job.id,))
            return sum(row[0] for row in await cursor.fetchall())

        assert self.run(refund()) == (self.model.refund(order) if order.state in FINAL else 0)

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        states, balances = self.run(self._look())
        assert states == {job_id: (order.state, order.attempts) for job_id, order in self.model.orders.items()}
        assert balances == self.model.balances

    async def _look(self) -> tuple[dict[int, Any], dict[int, int]]:
        cursor = await self.conn.execute("select id, state, attempts from every_job where task = 'card'")
        states = {job_id: (state, attempts) for job_id, state, attempts in await cursor.fetchall()}
        return states, {user_id: await ledger.safe_get_balance(self.conn, user_id) for user_id in self.model.balances}


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_whatever_happens_the_queue_and_the_credits_are_as_the_model_says(common: str, loop: asyncio.Runner) -> None:
    async def awaited(work: Awaitable[Any]) -> Any:
        return await work

    class Here(Queue):
        url = common
        run = staticmethod(lambda work: loop.run(awaited(work)))

    run_state_machine_as_test(
        Here,
        settings=settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=size(5, 60),
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
