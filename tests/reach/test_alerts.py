"""When an alert fires and is over, what each rule sees, and that a row cannot be wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import text
from lib.reach import alerts, telling
from lib.reach.alerts import Alert, AlertRule, Sight
from lib.reach.history import History
from tests.factories import refused
from tests.reach.test_metrics import LEFT

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = AlertRule("lag", lambda _: iter(()), after=2 * MINUTE)
QUIET = replace(LEFT, at=NOW.timestamp(), jobs=[], counts={}, providers=[])


def play(*seen, rule=RULE, step=MINUTE):
    """Look once a minute, seen or not; return the states, and the changes of the last look."""
    known, states, change = [], [], None
    for number, is_seen in enumerate(seen):
        found = {(rule.name, ""): (rule, {"minutes": number})} if is_seen else {}
        change = alerts.advance(known, found, NOW + number * step)
        known = change.kept
        states.append(known[0].state if known else None)
    return states, change


def test_it_fires_once_it_was_seen_for_long_enough():
    states, change = play(1, 1, 1)
    assert states == ["pending", "pending", "firing"]
    assert [one.facts for one in change.fired] == [{"minutes": 2}]
    assert (change.fired[0].since, change.fired[0].fired_at) == (NOW, NOW + 2 * MINUTE)


def test_what_was_never_worth_telling_is_forgotten():
    states, change = play(1, 0)
    assert states == ["pending", None]
    assert [one.name for one in change.gone] == ["lag"]


def test_it_fires_on_for_five_minutes_against_flapping():
    states, _ = play(1, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    assert states[2:] == ["firing"] * 8
    states, change = play(1, 1, 1, 0, 0, 0, 0, 0, 0)
    assert states[-2:] == ["firing", "resolved"]
    assert [one.resolved_at for one in change.resolved] == [NOW + 8 * MINUTE]


def test_after_it_is_over_it_has_to_be_seen_for_as_long_again():
    states, change = play(1, 1, 1, 0, 0, 0, 0, 0, 0, 1)
    assert states[-1] == "pending"
    assert change.fired == []


def test_only_what_time_alone_will_change_asks_for_another_look():
    assert play(1)[1].look_again
    assert not play(1, 1, 1)[1].look_again, "it fires, and Postgres may sleep"
    assert play(1, 1, 1, 0)[1].look_again
    assert not play(1, 1, 1, 0, 0, 0, 0, 0, 0)[1].look_again


def seen(**more):
    sight = Sight(**{"now": NOW, "snapshot": QUIET, "history": History(), **more})
    return {f"{name}:{label}" if label else name: facts for (name, label), (_, facts) in alerts.read(sight).items()}


def counted(*moments):
    """Return a history of (minutes ago, updates, of them failed)."""
    found = History()
    for ago, updates, bad in moments:
        totals = {"update|studio|done|1": updates - bad, "update|studio|failed|1": bad}
        found = found.add((NOW - ago * MINUTE).timestamp(), totals)
    return found


def test_a_quiet_platform_has_nothing_to_say():
    assert seen() == {}


def test_the_queue_is_late_and_a_job_is_stuck():
    at = NOW.timestamp()
    late = [{"task": "card", "state": "queued", "number": 1, "since": at - 121}]
    stuck = [{"task": "video", "state": "waiting", "number": 1, "since": at - 901}]
    assert seen(snapshot=replace(QUIET, jobs=late)) == {"lag": {"minutes": 2}}
    assert seen(snapshot=replace(QUIET, jobs=stuck)) == {"oldest": {"minutes": 15}}


def test_a_webhooks_error_of_yesterday_is_over():
    broken = {"pending_update_count": 101, "last_error_date": NOW.timestamp() - 60}
    assert seen(hooks={"client": broken}) == {"webhook:client": {"pending": 101}}
    assert seen(hooks={"client": broken | {"last_error_date": NOW.timestamp() - 86_400}}) == {}
    assert seen(hooks={"client": broken | {"pending_update_count": 3}, "studio": {}}) == {}


@pytest.mark.parametrize(
    ("moments", "names"),
    [
        ([(60, 0, 0), (5, 9000, 100), (0, 10_000, 160)], {"errors", "slow_errors"}),  # 1.6 %, and it goes on
        ([(60, 0, 0), (30, 8000, 160), (5, 9000, 160), (0, 10_000, 160)], {"slow_errors"}),  # it is over
        ([(60, 0, 0), (5, 900, 8), (0, 1000, 9)], set()),  # 0.9 %, and too few to say
        ([(60, 0, 0), (5, 15, 3), (0, 20, 4)], set()),  # a fifth of next to nothing
        ([(60, 0, 0), (5, 15, 3), (0, 20, 5)], {"errors"}),
        ([(360, 0, 0), (30, 90_000, 700), (0, 100_000, 800)], {"errors", "slow_errors"}),  # 0.8 % for six hours
        ([(4000, 0, 0), (360, 90_000, 120), (0, 100_000, 140)], {"slow_errors"}),  # 0.14 % for three days
    ],
)
def test_errors_burn_the_budget_too_fast_and_are_enough_to_say_so(moments, names):
    assert set(seen(history=counted(*moments))) == names


@pytest.mark.parametrize("name", ["neon_hours", "neon_gb", "redis_commands", "blob_puts", "blob_gb"])
def test_a_months_plan_is_told_from_seventy_percent_on(name):
    assert seen(plan={name: 0.699}) == {}
    assert seen(plan={name: 0.7}) == {name: {"percent": 7000}}
    assert seen(plan={name: 1.234}) == {name: {"percent": 12_300}}
    [rule] = [one for one in alerts.RULES if one.name == name]
    assert rule.severity == "ticket"
    alert = Alert(name, "", "ticket", "firing", NOW, facts={"percent": 7000})
    for language, percent in (("ru", "70\u00a0%"), ("en", "70%")):
        said = telling.said(language, alert, NOW + MINUTE)
        assert percent in said
        assert "PLAN_LIMITS" in said, "with a line of what to do"


def test_a_night_without_a_backup_is_told_that_morning_where_there_were_some():
    at = int(NOW.timestamp())
    assert seen(saved_at=at - 30 * 3600) == {"saved": {"hours": 30}}
    assert seen(saved_at=at - 30 * 3600 + 1) == seen(saved_at=0) == {}
    alert = Alert("saved", "", "ticket", "firing", NOW, facts={"hours": 30})
    assert "Резервной копии нет уже 30 ч" in telling.said("ru", alert, NOW)
    assert "sudo lotok backup make" in telling.said("en", alert, NOW)


def test_broadcasts_that_many_disliked_are_told():
    assert seen(snapshot=replace(QUIET, counts={"disliked": 2})) == {"disliked": {"number": 2}}


def test_one_in_a_hundred_messages_that_telegram_puts_off_is_told():
    def floods(calls, floods):
        start = History().add(NOW.timestamp() - 3600, {"call|client|message|done": 0})
        sent = {"call|client|message|done": calls - floods, "call|client|message|flood": floods}
        return start.add(NOW.timestamp(), sent)

    assert seen(history=floods(10_000, 100)) == {}
    assert seen(history=floods(10_000, 101)) == {"floods": {"failed": 101, "updates": 10_000}}
    assert seen(history=floods(100, 9)) == {}, "too few to say"


def test_money_is_short_and_a_budget_is_nearly_spent():
    kie = {"provider": "kie", "spent": 41_000, "limit": 50_000, "halt": "money", "hour": 0, "hour_failed": 0}
    assert seen(snapshot=replace(QUIET, providers=[kie])) == {"money:kie": {}, "budget:kie": {"percent": 8200}}
    assert seen(snapshot=replace(QUIET, providers=[kie | {"halt": "off"}])) == {}


def test_what_waits_for_somebody_is_counted():
    counts = {"letters": 2, "unmatched": 1, "debt": 3, "failed_hour": 3, "finished_hour": 30}
    found = seen(snapshot=replace(QUIET, counts=counts), findings=4)
    assert found == {
        "letters": {"number": 2},
        "unmatched": {"number": 1},
        "debt": {"number": 3},
        "jobs": {"failed": 3, "finished": 30},
        "audit": {"number": 4},
    }


@pytest.mark.parametrize("rule", alerts.RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_is_wrong_and_what_to_do(rule):
    names = ("minutes", "pending", "failed", "updates", "finished", "number", "percent", "days", "hours")
    facts = dict.fromkeys(names, 1)
    for language in text.LANGUAGES:
        assert text.say(language, f"alarm.{rule.name}", label="kie", **facts)
        assert text.say(language, f"alarm.todo.{rule.name}", label="kie")


async def test_how_it_stands_is_kept_from_look_to_look(conn):
    sight = Sight(NOW, replace(QUIET, counts={"debt": 2}), History())
    change = await alerts.look(conn, sight)
    assert [one.name for one in change.fired] == ["debt"]
    again = await alerts.look(conn, replace(sight, now=NOW + MINUTE))
    assert (again.fired, [one.key for one in again.firing]) == ([], [("debt", "")])
    over = Sight(NOW + 2 * MINUTE, QUIET, History())
    assert (await alerts.look(conn, over)).resolved == []
    done = await alerts.look(conn, replace(over, now=NOW + 8 * MINUTE))
    assert [one.name for one in done.resolved] == ["debt"]
    await alerts.look(conn, replace(over, now=NOW + timedelta(days=8), findings=1))
    assert [one.name for one in await alerts.every(conn)] == ["audit"]


async def test_a_row_cannot_fire_and_be_over(conn):
    row = Alert("lag", "", "page", "firing", NOW, fired_at=NOW, resolved_at=NOW)
    async with refused(conn, psycopg.errors.CheckViolation):
        await alerts.SQL.keep.run(conn, kept=alerts._json([vars(row)]), gone="[]", now=NOW)
