"""Says in words what is wrong just now, the worst first: with the queue, the money, the makers of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from lib import config, db
from lib.flows.admin import lists
from lib.office.pulse import Pulse
from lib.studio import spending
from lib.telegram.dispatch import Turn

KEYS = {name: key for name, (key, _) in config.PROVIDERS.items()}


def worries(turn: Turn, pulse: Pulse) -> list[str]:
    """Return a line for everything that is wrong, the worst first; none when all is well."""
    lines = []
    if pulse.stuck() and pulse.waiting_since:
        since = lists.span(turn, pulse.waiting_since)
        lines.append(turn.text("admin.worry.stuck", since=since, queued=pulse.queued))
    if pulse.is_failing and pulse.failing_task:
        task = lists.named(turn, "task", pulse.failing_task)
        lines.append(turn.text("admin.worry.failing", task=task, failed=pulse.failed, finished=pulse.finished))
    if pulse.letters:
        lines.append(turn.text("admin.worry.letters", n=pulse.letters))
    if pulse.refunding:
        lines.append(turn.text("admin.worry.refunding", n=pulse.refunding))
    if pulse.unmatched:
        lines.append(turn.text("admin.worry.unmatched", n=pulse.unmatched))
    if pulse.debts:
        lines.append(turn.text("admin.worry.debts", n=pulse.debts))
    return lines


@dataclass(frozen=True)
class ProviderHealth:
    """How a provider does, and why nobody may ask it now: off, spent, money, down; "" when everybody may."""

    facts: spending.ProviderState
    halt: str


async def services() -> list[ProviderHealth]:
    """Return all of them, the one that needs no key last."""
    keyed = config.get().keyed_providers
    found = await db.run(lambda conn: spending.states(conn, [*KEYS, "local"]))
    return [
        ProviderHealth(one, "off" if one.provider in KEYS and one.provider not in keyed else one.halt) for one in found
    ]


def service_worries(turn: Turn, found: Sequence[ProviderHealth]) -> list[str]:
    """Return a line for everything that is wrong with the services in use."""
    return [
        turn.text("admin.worry.provider", name=service_name(turn, one), why=why)
        for one in found
        for why in _whys(turn, one)
    ]


def _whys(turn: Turn, one: ProviderHealth) -> list[str]:
    facts, found = one.facts, []
    if one.halt == "off":
        return []
    if one.halt:
        found.append(service_state(turn, one))
    if facts.is_nearly_spent:
        money_of_day = {"spent": cents(facts.spent), "limit": cents(facts.daily_limit or 0)}
        found.append(turn.text("admin.worry.provider.spent", **money_of_day))
    if facts.is_failing:
        failed = {
            "hour": facts.hour,
            "hour_failed": facts.hour_failed,
            "day": facts.day,
            "day_failed": facts.day_failed,
        }
        found.append(turn.text("admin.worry.provider.failing", **failed))
    return found


def service_name(turn: Turn, one: ProviderHealth) -> str:
    """Return what a service is called."""
    return lists.named(turn, "provider_name", one.facts.provider)


def service_state(turn: Turn, one: ProviderHealth) -> str:
    """Return why a service may not be asked now, or that it may."""
    return turn.text(f"admin.provider.{one.halt or 'ready'}", setting=KEYS.get(one.facts.provider, ""))


def cents(thousandths: int) -> int:
    """Return an amount of ours; a started cent is a whole one."""
    return -(-thousandths // 10)
