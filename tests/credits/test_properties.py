"""Random histories of payments, refunds, promo codes and orders on the real Postgres, against a small model."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

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
from lib.credits import catalog, ledger
from lib.office import audit
from tests import factories
from tests.sizes import size

BY = {"actor": "ops:test", "reason": "a test"}
CODES = {"ONE": (2, 1), "FEW": (1, 3)}  # credits, how often per person; FEW can be used four times by all
FEW_IN_ALL = 4

some = st.integers(0, 10_000)  # an index, taken modulo what there is
people = st.integers(0, 1)


@dataclass
class Bought:
    """The model's view of a payment."""

    person: int
    credits: int
    payment: ledger.Payment
    state: str = "paid"
    owed: int = 0


@dataclass
class Model:
    """Balances as they should be, and why."""

    balances: list[int] = field(default_factory=lambda: [0, 0])
    bought: dict[str, Bought] = field(default_factory=dict)
    uses: dict[tuple[str, int], int] = field(default_factory=dict)

    def settle(self, person: int) -> int:
        settled = 0
        for one in self.bought.values():
            if one.person == person and one.owed and self.balances[person]:
                part = min(one.owed, self.balances[person])
                one.owed -= part
                one.state = "debt" if one.owed else "refunded"
                self.balances[person] -= part
                settled += part
        return settled


class Shop(RuleBasedStateMachine):
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

    def attempt(self, work: Awaitable[Any]) -> tuple[Any, str]:
        """Return what this returns, or the code of the error of ours that it raises; what it did is undone then."""

        async def attempt() -> tuple[Any, str]:
            try:
                async with self.conn.transaction():
                    return await work, ""
            except errors.AppError as error:
                return None, error.code

        return self.run(attempt())

    def payment(self, index: int) -> Bought:
        return list(self.model.bought.values())[index % len(self.model.bought)]

    @initialize()
    def begin(self) -> None:
        self.people = [self.run(factories.make_user(self.conn)) for _ in range(2)]
        self.packs = self.run(catalog.list_packs(self.conn))
        for code, (worth, per_person) in CODES.items():
            limits = {"per_person": per_person, "total": FEW_IN_ALL if code == "FEW" else None}
            self.run(catalog.add_promo(self.conn, code, worth, **limits, **BY))

    @rule(person=people, pack=some, charge=st.integers(1, 6))
    def pay(self, person: int, pack: int, charge: int) -> None:
        """A charge id that is told of again, even with other facts, changes nothing."""
        wanted = self.packs[pack % len(self.packs)]
        facts = {"bot": "studio", "charge_id": f"c{charge}", "payload": wanted.payload, "stars": wanted.stars}
        paid = self.run(ledger.record_payment(self.conn, self.people[person].id, **facts))
        assert paid.created == (f"c{charge}" not in self.model.bought)
        if paid.created:
            self.model.balances[person] += wanted.credits
            settled = self.model.settle(person)
            self.model.bought[f"c{charge}"] = Bought(person, wanted.credits, paid.payment)
            assert paid.settled == settled

    @precondition(lambda self: self.model.bought)
    @rule(index=some)
    def begin_refund(self, index: int) -> None:
        one = self.payment(index)
        _, code = self.attempt(ledger.begin_payment_refund(self.conn, one.payment.id, **BY))
        if one.state == "refunding":
            assert code == ""
        elif one.state != "paid":
            assert code == "refunded_already"
        elif self.model.balances[one.person] < one.credits:
            assert code == "short_of_credits"
        else:
            assert code == ""
            one.state = "refunding"
            self.model.balances[one.person] -= one.credits

    @precondition(lambda self: self.model.bought)
    @rule(index=some, refunded=st.booleans())
    def end_refund(self, index: int, refunded: bool) -> None:
        one = self.payment(index)
        ended = self.run(ledger.end_payment_refund(self.conn, one.payment.id, refunded=refunded, reason="a test"))
        assert ended == (one.state == "refunding")
        if ended:
            one.state = "refunded" if refunded else "paid"
            self.model.balances[one.person] += 0 if refunded else one.credits

    @precondition(lambda self: self.model.bought)
    @rule(index=some)
    def charge_back(self, index: int) -> None:
        one = self.payment(index)
        back = self.run(ledger.record_payment_refund(self.conn, one.payment.charge_id, 1))
        assert back.changed == (one.state in ("paid", "refunding"))
        if one.state == "refunding":
            one.state = "refunded"
        elif one.state == "paid":
            taken = min(one.credits, self.model.balances[one.person])
            assert back.taken == taken
            self.model.balances[one.person] -= taken
            one.owed = one.credits - taken
            one.state = "debt" if one.owed else "refunded"

    @rule(person=people, code=st.sampled_from([*CODES, "NONE"]), small=st.booleans())
    def redeem(self, person: int, code: str, small: bool) -> None:
        user = self.people[person]
        found = self.run(ledger.redeem(self.conn, user.id, user.tg_id, code.lower() if small else code))
        worth, per_person = CODES.get(code, (0, 0))
        own = self.model.uses.get((code, person), 0)
        if not worth:
            wanted = "unknown"
        elif own >= per_person:
            wanted = "used"
        elif code == "FEW" and sum(n for (name, _), n in self.model.uses.items() if name == code) >= FEW_IN_ALL:
            wanted = "used_up"
        else:
            wanted = "taken"
            self.model.uses[code, person] = own + 1
            self.model.balances[person] += worth
        assert found.outcome == wanted

    @rule(person=people, price=st.integers(1, 40))
    def order(self, person: int, price: int) -> None:
        _, code = self.attempt(factories.make_job(self.conn, self.people[person], price=price))
        if self.model.balances[person] < price:
            assert code == "short_of_credits"
        else:
            assert code == ""
            self.model.balances[person] -= price

    @invariant()
    def every_balance_and_payment_is_the_models(self) -> None:
        if not hasattr(self, "people"):
            return
        for person, balance in zip(self.people, self.model.balances, strict=True):
            assert self.run(ledger.safe_get_balance(self.conn, person.id)) == balance
        for one in self.model.bought.values():
            kept = self.run(ledger.get_payment(self.conn, one.payment.id))
            assert (kept.state, kept.owed, kept.credits) == (one.state, one.owed, one.credits)


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_whatever_happens_in_the_shop_the_money_is_right(common: str, loop: asyncio.Runner) -> None:
    async def awaited(work: Awaitable[Any]) -> Any:
        return await work

    class Here(Shop):
        url = common
        run = staticmethod(lambda work: loop.run(awaited(work)))

    run_state_machine_as_test(
        Here,
        settings=settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=size(5, 40),
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
