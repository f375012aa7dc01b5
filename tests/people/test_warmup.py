import argparse
import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dev import functions, upstash
from dev.faults import Fault
from dev.stack import ROOT
from lib import db, errors, log, shelves
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.people import profiles, users, warmup
from ops import warmup_cache
from tests import factories
from tests.conftest import SETTINGS, Database
from tests.loyalty_lab import make_shop
from tests.redis_lab import TOKEN, empty_redis, running_upstash  # noqa: F401


@pytest.fixture
async def people(redis: upstash.Upstash, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[users.User]:
    """Three people who were here today, one who was not, one who has blocked the bot; their profiles are warmed."""
    monkeypatch.setattr(warmup, "LOADERS", {"profile": profiles.warm})
    async with database.connect() as conn:
        found = [await factories.make_user(conn) for _ in range(5)]
        await conn.execute("update users set seen_at = now() - interval '2 days' where id = %s", (found[3].id,))
        await users.mark_blocked(conn, found[4].tg_id, "studio", True)
    return found


async def test_a_profile_is_read_by_both_ids_and_asked_of_neon_once(
    people: list[users.User], database: Database
) -> None:
    alice = people[0]
    first = await profiles.by_id(alice.id)
    assert first is not None
    assert (first.first_name, first.created_at) == (alice.first_name, alice.created_at)
    assert await profiles.by_tg_id(alice.tg_id) == first
    async with database.connect() as conn:
        await conn.execute("update users set first_name = 'Алла'")
    assert await profiles.by_id(alice.id) == first
    await profiles.forget(alice.id, alice.tg_id)
    for found in (await profiles.by_id(alice.id), await profiles.by_tg_id(alice.tg_id)):
        assert found is not None
        assert found.first_name == "Алла"
    assert await profiles.by_id(10_000_000) is None


async def test_the_warm_up_stores_who_was_here_today(people: list[users.User], redis: upstash.Upstash) -> None:
    assert await warmup.act({"action": "warmup"}) == {
        "action": "warmup",
        "classes": {"profile": {"warmed": 3, "found": 3}},
    }
    for user in people[:3]:
        assert await profiles.by_id(user.id) == await profiles.by_tg_id(user.tg_id)
    stats = (await shelves.statistics())["stats"]
    assert (stats["classes"]["profile"]["hits"], stats["classes"]["profile"]["misses"]) == (6, 0)


async def test_a_class_without_a_loader_warms_nothing(people: list[users.User]) -> None:
    assert await warmup.act({"action": "warmup-menu"}) == {
        "action": "warmup-menu",
        "classes": {"menu": {"warmed": 0, "found": 0}},
    }


async def test_a_menu_is_warmed_read_once_and_a_new_one_is_seen_at_once(
    redis: upstash.Upstash, database: Database
) -> None:
    latte, mocca = (MenuItem(title, "Кофе", title, (Variant("", 25000),)) for title in ("Латте", "Мокко"))
    async with database.connect() as conn:
        shop = await make_shop(conn)
        await versions.publish(conn, shop.id, shop.owner.id, [latte], seen=0)
        assert (await warmup.act({"action": "warmup-menu"}))["classes"] == {"menu": {"warmed": 1, "found": 1}}
        await versions.publish(conn, shop.id, shop.owner.id, [mocca], seen=1)
        assert await versions.published(shop.id) == versions.MenuVersion(1, (latte,))
        await versions.forget(shop.id)
        assert await versions.published(shop.id) == versions.MenuVersion(2, (mocca,))
        redis.faults.now = Fault("503")
        assert (await versions.published(shop.id)).items == (mocca,)


async def test_a_question_reads_redis_once_and_never_a_menu_that_was_replaced(
    redis: upstash.Upstash, database: Database
) -> None:
    latte, mocca = (MenuItem(title, "Кофе", title, (Variant("", 25000),)) for title in ("Латте", "Мокко"))
    async with database.connect() as conn:
        shop = await make_shop(conn)

        async def found(question: str) -> list[MenuItem]:
            is_open = await versions.open_shop(conn, shop.id)
            assert is_open is not None
            return [one.item for one in (await versions.index(is_open)).ask(question).items]

        await versions.publish(conn, shop.id, shop.owner.id, [latte], seen=0)
        assert await found("латте") == [latte]
        redis.faults.now = Fault("503")
        assert await found("латте") == [latte]
        redis.faults.now = None
        await warmup.act({"action": "warmup-menu"})
        await versions.publish(conn, shop.id, shop.owner.id, [mocca], seen=1)  # the process dies before it forgets
        assert await found("латте мокко") == [mocca]


async def test_another_instance_answers_from_a_new_menu_at_once(
    redis: upstash.Upstash, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    latte, mocca = (MenuItem(title, "Кофе", title, (Variant("", 25000),)) for title in ("Латте", "Мокко"))
    caches: list[dict[tuple[int, int], Index]] = [{}, {}]  # what two instances have in their memory
    async with database.connect() as conn:
        shop = await make_shop(conn)

        async def answers() -> list[list[MenuItem]]:
            found = []
            for cache in caches:
                monkeypatch.setattr(versions, "_indexes", cache)
                is_open = await versions.open_shop(conn, shop.id)
                assert is_open is not None
                found.append([one.item for one in (await versions.index(is_open)).ask("латте мокко").items])
            return found

        await versions.publish(conn, shop.id, shop.owner.id, [latte], seen=0)
        assert await answers() == [[latte], [latte]]
        await versions.amend(conn, shop.id, shop.owner.id, lambda items: [mocca])
        assert await answers() == [[mocca], [mocca]]


async def test_one_more_class_is_one_more_line(people: list[users.User], monkeypatch: pytest.MonkeyPatch) -> None:
    async def menus(_: db.Connection, limit: int) -> AsyncIterator[tuple[int, int]]:
        yield await shelves.MENU.put_many({7: ["soup"]}, variant="full"), 1

    monkeypatch.setattr(warmup, "LOADERS", {**warmup.LOADERS, "menu": menus})
    assert (await warmup.act({"action": "warmup-menu"}))["classes"] == {"menu": {"warmed": 1, "found": 1}}
    assert set((await warmup.act({"action": "warmup"}))["classes"]) == {"profile", "menu"}


async def test_what_was_warmed_is_cleared(people: list[users.User]) -> None:
    await warmup.act({"action": "warmup"})
    assert (await warmup.act({"action": "clear-prefix", "prefix": "user:profile:tg:"}))["cleared"] == [
        "user:profile:tg:"
    ]
    assert len((await warmup.act({"action": "clear"}))["cleared"]) == len(shelves.SHELVES)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"action": "explode"}, "'explode'; known: warmup, warmup-menu, clear, clear-prefix"),
        ({}, "known: warmup"),
        ([], "known: warmup"),
        ({"action": ["warmup"]}, "known: warmup"),
        ({"action": "clear-prefix"}, "name one, such as"),
        ({"action": "clear-prefix", "prefix": ""}, "name one, such as"),
        ({"action": "clear-prefix", "prefix": 7}, "name one, such as"),
        ({"action": "clear-prefix", "prefix": "users:"}, "known: user:profile:"),
    ],
)
async def test_an_order_that_cannot_be_understood_says_what_can(order: Any, says: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        await warmup.act(order)
    assert says in caught.value.detail


async def test_clearing_without_redis_is_not_claimed(redis: upstash.Upstash) -> None:
    redis.faults.now = Fault("503")
    with pytest.raises(errors.Unavailable):
        await warmup.act({"action": "clear"})


async def test_the_function_warms_shows_and_clears(
    people: list[users.User], upstash_at: tuple[upstash.Upstash, str], database: Database
) -> None:
    services = {
        "DATABASE_URL": database.url,
        "UPSTASH_REDIS_REST_URL": upstash_at[1],
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
    }
    function = functions.Function("api/cache/index.py", functions.environment(SETTINGS | services), root=ROOT)
    await function.start()
    headers = {"authorization": f"Bearer {SETTINGS['ADMIN_API_TOKEN']}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        url = f"http://127.0.0.1:{await function.port()}/api/cache"
        warmed = await client.post(url, json={"action": "warmup"})
        shown = await client.get(url)
        cleared = await client.post(url, json={"action": "clear-prefix", "prefix": "user:profile:"})
    await function.stop()
    classes = {"menu": {"warmed": 0, "found": 0}, "profile": {"warmed": 3, "found": 3}}
    assert warmed.json() == {"action": "warmup", "classes": classes}
    assert shown.json()["available"]
    assert shown.json()["stats"]["totalKeys"] in (6, 7), "and the batch of figures that is not folded yet"
    assert cleared.json()["cleared"] == ["user:profile:", "user:profile:tg:"]


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    warmup_cache.add_arguments(parser)
    return parser.parse_args(words)


def test_a_profile_is_forgotten_where_it_is_written_once_somebody_reads_it_and_not_before() -> None:
    own = {"lib/shelves.py", "lib/people/profiles.py"}
    files = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "lib").rglob("*.py")}
    others = [text for name, text in files.items() if name not in own]
    reads = [text for text in others if re.search(r"profiles\.by_|shelves\.PROFILE\w*\.read", text)]
    forgets = [text for text in others if re.search(r"profiles\.forget|shelves\.PROFILE\w*\.(forget|put)", text)]
    assert bool(reads) == bool(forgets) == ("profile" in warmup.LOADERS)


async def test_the_verb_shows_lines_without_a_terminal(people: list[users.User], capsys: Any) -> None:
    assert await warmup_cache.run(arguments()) == 0
    assert capsys.readouterr().out.splitlines() == ["profile: 0 of 3 stored", "profile: 3 of 3 stored"]


async def test_the_verb_draws_a_bar_in_a_terminal(
    people: list[users.User], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert await warmup_cache.run(arguments("--only", "profile")) == 0
    *_, last = capsys.readouterr().out.split("\r")
    assert last == f"profile        {'█' * 30} 3/3\n"


async def test_the_verb_reports_in_json_and_fails_without_redis(
    people: list[users.User],
    redis: upstash.Upstash,
    capsys: Any,
) -> None:
    assert await warmup_cache.run(arguments("--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"complete": True, "classes": {"profile": {"warmed": 3, "found": 3}}}
    redis.faults.now = Fault("503")
    assert await warmup_cache.run(arguments("--json")) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["complete"] is False


async def test_a_thundering_herd_asks_neon_once(people: list[users.User]) -> None:
    with log.scope("update") as record:
        found = await asyncio.gather(*(profiles.by_id(people[0].id) for _ in range(20)))
    assert len({profile.id for profile in found if profile}) == 1
    assert record["sql"] == 1
