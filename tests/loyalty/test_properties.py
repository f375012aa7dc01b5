"""Random histories of one shop's points, on the real Postgres, against a model of a few lines.

The clock jumps over midnights and over the begin of summer time. After each step every balance and every lot must be
the model's; at the end of a history the audit must find nothing.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from lib.loyalty import night, offers, points
from lib.office import audit
from tests.loyalty_lab import Shop, make_member, make_shop
from tests.sizes import size

PEOPLE = 2
ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 27, 20, 30, tzinfo=UTC)
EARN_BP, MAX_PAY_PCT, HOLD_DAYS, EXPIRE_DAYS = 1000, 50, 1, 2
EXTRA, EXTRA_FROM, EXTRA_A_DAY = 7, 20_000, 2  # a promotion's points, from which money on, for how many bills a day

some = st.integers(0, 10_000)  # an index, taken modulo what there is
bills = st.integers(1, 60_000)


def midnight(moment: datetime, days: int) -> datetime:
    """Return the begin of a day at the shop, so many days on."""
    return datetime.combine(moment.astimezone(ZONE).date() + timedelta(days=days), datetime.min.time(), ZONE)


@dataclass
class Lot:
    txn: int
    points: int
    left: int
    active_at: datetime
    expires_at: datetime
    pending: bool
    expired: int = 0


@dataclass
class Purse:
    """The model's view of one member. Lots are in the order in which they came.

    `owed` is what reversals could not take, as it was spent. A purchase's points repay it, or the spent ones that come
    back.
    """

    lots: list[Lot] = field(default_factory=list)
    owed: int = 0

    def total(self, *, pending: bool) -> int:
        return sum(lot.left for lot in self.lots if lot.pending == pending)

    def settle(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.left:
                lot.pending = lot.pending and lot.active_at > now
            if not lot.pending and lot.expires_at <= now:
                lot.expired += lot.left
                lot.left = 0

    def add(self, txn: int, number: int, now: datetime, hold: int) -> None:
        active = midnight(now, hold) if hold else now
        self.lots.append(Lot(txn, number, number, active, midnight(active, EXPIRE_DAYS + 1), hold > 0))

    def earn(self, txn: int, number: int, now: datetime) -> int:
        """Add the points of a purchase; return how many of them repay what is owed."""
        self.add(txn, number, now, HOLD_DAYS)
        late = min(self.owed, number)
        self.lots[-1].left -= late
        self.owed -= late
        return late

    def take(self, number: int, first: int | None = None) -> list[tuple[int, int]]:
        """Take points out of what expires first, of one lot before all others; return (lot's txn, points)."""
        order = [lot for lot in self.lots if lot.left and not lot.pending]
        order.sort(key=lambda lot: (lot.txn != first, lot.expires_at))
        used = []
        for lot in order:
            part = min(number, lot.left)
            if part:
                lot.left -= part
                number -= part
                used.append((lot.txn, part))
        assert number == 0
        return used

    def take_back(self, txn: int) -> int:
        """Take new points back; return what is missing."""
        [lot] = [lot for lot in self.lots if lot.txn == txn]
        if lot.pending:
            missing, lot.left = lot.points - lot.left, 0
        else:
            taken = min(lot.points - lot.expired, self.total(pending=False))
            self.take(taken, first=txn)
            missing = lot.points - lot.expired - taken
        self.owed += missing
        return missing

    def give_back(self, used: list[tuple[int, int]]) -> None:
        for txn, part in used:
            [lot] = [lot for lot in self.lots if lot.txn == txn]
            lot.left += part
        late = min(self.owed, sum(part for _, part in used))
        self.owed -= late
        self.take(late)


@dataclass
class Deed:
    """An operation that may be reversed: by whom it was, what it used, and the points for its rest."""

    txn: int
    member: int
    key: str
    bill: int
    spent: int | None = None
    used: list[tuple[int, int]] = field(default_factory=list)
    rest: int | None = None
    gift_on: date | None = None
    reversed: bool = False


class Points(RuleBasedStateMachine):
    """One history. `url` and `run` are given by the test; everything happens in a transaction that is undone."""

    url = ""
    run: Callable[[Awaitable[Any]], Any]

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.purses: dict[int, Purse] = {}
        self.deeds: list[Deed] = []
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
            found = self.run(audit.check(self.conn))
            assert [one for one in found if one.check != "points were due two days ago"] == []
        finally:
            self.run(self.undo())

    @initialize()
    def begin(self) -> None:
        self.shop: Shop = self.run(
            make_shop(
                self.conn, earn_bp=EARN_BP, max_pay_pct=MAX_PAY_PCT, hold_days=HOLD_DAYS, expire_days=EXPIRE_DAYS,
                tz=str(ZONE),
            )
        )  # fmt: skip
        self.run(self._promote())
        for _ in range(PEOPLE):
            self.purses[self.run(make_member(self.conn, self.shop)).id] = Purse()

    async def _promote(self) -> None:
        dates = {"starts_on": BEGIN.date(), "ends_on": BEGIN.date() + timedelta(days=700), "daily_limit": EXTRA_A_DAY}
        terms = {"kind": "extra", "title": "Ещё", "extra_points": EXTRA, "min_bill_minor": EXTRA_FROM}
        made = await offers.add_promotion(self.conn, self.shop.id, self.shop.owner.id, **terms, **dates)
        await offers.decide_promotion(self.conn, self.shop.id, made, self.shop.owner.id, "approved")

    def earned(self, member: int, paid: int) -> tuple[int, date | None]:
        """Return what money paid earns now, and the day of the promotion if it counts."""
        today, plain = self.now.astimezone(ZONE).date(), paid * EARN_BP // 1_000_000
        had = [deed for deed in self.deeds if (deed.member, deed.gift_on) == (member, today) and not deed.reversed]
        return (plain + EXTRA, today) if paid >= EXTRA_FROM and len(had) < EXTRA_A_DAY else (plain, None)

    def somebody(self, index: int) -> int:
        return list(self.purses)[index % PEOPLE]

    def attempt(self, work: Awaitable[Any]) -> Any:
        """Return the receipt, or the code of the refusal; what a refused operation did is undone."""

        async def inside() -> Any:
            try:
                async with self.conn.transaction():
                    return await work
            except errors.AppError as error:
                return error.code

        return self.run(inside())

    def common(self, key: str | None = None) -> dict[str, Any]:
        return {"key": key or f"key:{len(self.deeds)}:{self.now.isoformat()}", "now": self.now}

    @rule(who=some, bill=bills)
    def accrue(self, who: int, bill: int) -> None:
        member, common = self.somebody(who), self.common()
        done = self.attempt(
            points.accrue(self.conn, self.shop.id, member, self.shop.cashier.id, bill_minor=bill, **common)
        )
        earned, gift_on = self.earned(member, bill)
        if earned == 0:
            assert done in ("bill_too_small", "key_reused")
            return
        if done == "key_reused":
            return
        purse = self.purses[member]
        if not done.repeated:
            purse.settle(self.now)
            assert done.recovered == purse.earn(done.txn_id, earned, self.now)
            self.deeds.append(Deed(done.txn_id, member, common["key"], bill, gift_on=gift_on))
            assert done.points == earned

    @rule(who=some, bill=bills, number=st.integers(1, 400))
    def redeem(self, who: int, bill: int, number: int) -> None:
        member, common = self.somebody(who), self.common()
        done = self.attempt(
            points.redeem(
                self.conn,
                self.shop.id,
                member,
                self.shop.cashier.id,
                bill_minor=bill,
                points=number,
                shown=True,
                **common,
            )
        )
        if done == "key_reused" or (not isinstance(done, str) and done.repeated):
            return
        purse = copy.deepcopy(self.purses[member])
        purse.settle(self.now)
        if number > bill * MAX_PAY_PCT // 10_000:
            assert done == "over_share"
        elif number > purse.total(pending=False):
            assert done == "short_of_points"
        else:
            deed = Deed(done.txn_id, member, common["key"], bill, number, purse.take(number))
            earned, deed.gift_on = self.earned(member, bill - number * 100)
            assert done.earned == earned
            if earned:
                deed.rest = self.run(self._rest(done.txn_id))
                assert done.recovered == purse.earn(deed.rest, earned, self.now)
            self.purses[member] = purse
            self.deeds.append(deed)

    async def _rest(self, txn: int) -> int:
        cursor = await self.conn.execute("select id from point_txns where parent_id = %s and kind = 'accrue'", (txn,))
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    @rule(who=some, number=st.integers(1, 300))
    def grant(self, who: int, number: int) -> None:
        member, common = self.somebody(who), self.common()
        done = self.attempt(
            points.grant(self.conn, self.shop.id, member, self.shop.owner.id, points=number, reason="", **common)
        )
        if done == "key_reused" or done.repeated:
            return
        purse = self.purses[member]
        purse.settle(self.now)
        purse.add(done.txn_id, number, self.now, 0)
        self.deeds.append(Deed(done.txn_id, member, common["key"], 0))

    @precondition(lambda self: self.deeds)
    @rule(index=some)
    def reverse(self, index: int) -> None:
        deed = self.deeds[index % len(self.deeds)]
        done = self.attempt(
            points.reverse(
                self.conn, self.shop.id, deed.txn, self.shop.owner.id, reason="", key=f"r:{deed.txn}:{index}",
                now=self.now,
            )
        )  # fmt: skip
        if deed.reversed:
            assert done == "already_reversed" or done.repeated
            return
        purse = self.purses[deed.member]
        purse.settle(self.now)
        missing = 0
        if deed.spent is None:
            missing = purse.take_back(deed.txn)
        else:
            purse.give_back(deed.used)
            if deed.rest is not None:
                missing = purse.take_back(deed.rest)
        assert done.missing == missing
        deed.reversed = True

    @precondition(lambda self: [deed for deed in self.deeds if deed.bill and deed.spent is None])
    @rule(index=some, dearer=st.booleans())
    def repeat(self, index: int, dearer: bool) -> None:
        receipts = [deed for deed in self.deeds if deed.bill and deed.spent is None]
        deed = receipts[index % len(receipts)]
        again = self.attempt(
            points.accrue(
                self.conn, self.shop.id, deed.member, self.shop.cashier.id, bill_minor=deed.bill + dearer,
                key=deed.key, now=self.now,
            )
        )  # fmt: skip
        assert again == "key_reused" if dearer else (again.repeated and again.txn_id == deed.txn)

    @rule(hours=st.sampled_from([1, 3, 5, 12, 23, 24, 25, 49]))
    def jump(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def night(self) -> None:
        self.run(night.settle(self.conn, self.shop.id, now=self.now))
        for purse in self.purses.values():
            purse.settle(self.now)

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        balances, lots, owed = self.run(self._look())
        assert owed == {member: purse.owed for member, purse in self.purses.items()}
        assert balances == {
            (member, kind): purse.total(pending=kind == "pending")
            for member, purse in self.purses.items()
            for kind in ("available", "pending")
        }
        assert sorted(lots) == sorted(
            (member, lot.txn, lot.left, lot.pending, lot.expires_at)
            for member, purse in self.purses.items()
            for lot in purse.lots
        )

    async def _look(self) -> tuple[dict[tuple[int, str], int], list[Any], dict[int, int]]:
        members = list(self.purses)
        cursor = await self.conn.execute(
            "select member_id, kind, balance from point_accounts where member_id = any(%s)", (members,)
        )
        balances = {(member, kind): balance for member, kind, balance in await cursor.fetchall()}
        cursor = await self.conn.execute(
            "select member_id, txn_id, remaining, pending, expires_at from point_lots where member_id = any(%s)",
            (members,),
        )
        lots = await cursor.fetchall()
        cursor = await self.conn.execute("select id, owed from members where id = any(%s)", (members,))
        return balances, lots, dict(await cursor.fetchall())


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_whatever_happens_the_points_are_as_the_model_says(common: str, loop: asyncio.Runner) -> None:
    async def awaited(work: Awaitable[Any]) -> Any:
        return await work

    class Here(Points):
        url = common
        run = staticmethod(lambda work: loop.run(awaited(work)))

    run_state_machine_as_test(
        Here,
        settings=settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=size(4, 10),
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
