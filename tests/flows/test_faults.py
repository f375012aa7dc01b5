"""What a bad day does to an order: nothing is lost, nothing is charged twice, and the user reads a sentence."""

import asyncio
import random
from datetime import UTC, datetime

import httpx
import pytest

from lib import VERSION, migrations, tally
from lib.reach import metrics
from tests.flows.chat import Chat, until, words
from tests.flows.studio.test_order import to_confirm
from tests.sizes import few

WORKER = "api/render.py"


async def test_two_updates_of_one_user_at_once_do_not_overwrite_each_other(seller, photo, shop):
    await seller.sends_photo(photo)
    await asyncio.gather(seller.says("Кружка"), seller.presses("Без текста"))
    await seller.says("/menu")
    draft = (await shop.state(seller))["data"]["draft"]
    assert (draft["title"], bool(draft["file_id"])) == ("Кружка", True)


async def test_a_429_while_answering_is_waited_out(seller, photo, shop):
    await shop.fault(seller, "sendMessage", "429", retry_after=1)
    await seller.sends_photo(photo)
    await seller.sees("напишите название")
    assert seller.delivery["attempts"] > 1


async def test_an_answer_lost_after_a_charge_charges_once(seller, photo, shop):
    await to_confirm(seller, photo)
    await shop.fault(seller, "editMessageText", "500")
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    assert await shop.balance(seller) == 1
    assert len(await shop.jobs(seller)) == 1


async def test_a_webhook_killed_between_the_charge_and_its_200_charges_once(seller, photo, shop):
    await to_confirm(seller, photo)
    async with shop.without_worker():
        await shop.fault(seller, "editMessageText", "slow", seconds=6)
        pressing = asyncio.create_task(seller.presses("Сделать"))
        await until(lambda: shop.jobs(seller))  # the charge is committed, the answer hangs
        await shop.stack.functions["api/telegram/index.py"].kill()
        await shop.forget_turn(seller)  # it would run out 25 seconds later
        await pressing
    assert seller.delivery["attempts"] > 1
    await shop.settle(seller)
    assert (await shop.balance(seller), len(await shop.jobs(seller))) == (1, 1)
    await seller.sees("Карточка готова")


@pytest.mark.long
async def test_all_that_came_three_times_more_and_shuffled_changes_nothing(newcomer, photo, shop):
    people = [await newcomer(consent=True) for _ in range(3)]
    updates = []
    for person in people:
        await to_confirm(person, photo)
        await person.presses("Сделать")
        await shop.settle(person)
        history = (await shop.http.get(person.path)).json()["messages"]
        updates += [(person, one["sim"]["update_id"]) for one in history if one["sim"].get("update_id")] * 3
    before = [(await shop.balance(person), len(await shop.jobs(person))) for person in people]
    shown = [[words(one) for one in await person.messages()] for person in people]
    random.Random(4).shuffle(updates)
    assert len(updates) >= 3 * 3 * 3
    for start in range(0, len(updates), 6):
        await asyncio.gather(*(shop.replay(person, one, times=1) for person, one in updates[start : start + 6]))
    assert [(await shop.balance(person), len(await shop.jobs(person))) for person in people] == before
    assert [[words(one) for one in await person.messages()] for person in people] == shown


@pytest.mark.parametrize("fault", few(["429", "500"], 1))
async def test_a_delivery_that_fails_is_tried_again(seller, photo, shop, fault):
    await to_confirm(seller, photo)
    await shop.fault(seller, "editMessageMedia", fault, retry_after=1)
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Карточка готова")
    assert await shop.balance(seller) == 1


async def test_a_user_who_blocks_the_bot_is_remembered_and_the_order_ends(seller, photo, shop):
    await to_confirm(seller, photo)
    await shop.fault(seller, "editMessageMedia", "403")
    await seller.presses("Сделать")
    await shop.settle(seller)
    [job] = await shop.jobs(seller)
    assert job["state"] == "done"


async def test_blocking_and_coming_back_is_remembered(seller, shop):
    async def blocked():
        [row] = await shop.rows("select blocked_at is not null as is from users where tg_id = %s", seller.user["id"])
        return row["is"]

    await seller.blocks()
    assert await blocked()
    await seller.comes_back()
    assert not await blocked()


async def test_a_deleted_status_message_does_not_lose_the_card(seller, photo, shop):
    await to_confirm(seller, photo)
    description = "Bad Request: message to edit not found"
    await shop.fault(seller, "editMessageMedia", "400", description=description)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")


MOMENTS = {
    "ordered": "true",
    "claimed": "attempts > 0",
    "photo kept": "checkpoint ? 'source'",
    "drawn": "exists (select 1 from files where job_id = every_job.id and kind = 'card')",
}


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_worker_killed_at_any_moment_loses_nothing(seller, photo, shop, moment):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    [job] = await shop.jobs(seller)
    came = f"select id from every_job where id = %s and {MOMENTS[moment]}"
    await until(lambda: shop.rows(came, job["id"]))
    await shop.stack.functions[WORKER].kill()
    await shop.settle(seller)
    await seller.sees("Карточка готова")
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge"]


@pytest.mark.long
@pytest.mark.parametrize("part", ["upstash", "postgres"])
async def test_a_restart_in_the_middle_loses_nothing(seller, photo, shop, part):
    await seller.sends_photo(photo)
    await shop.switch(part, "stop")
    await shop.tried(seller, "Кружка")
    await shop.switch(part, "start")
    await seller.sees("Что сделать из этого фото")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await shop.switch(part, "restart")
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Карточка готова: Ozon")
    assert await shop.balance(seller) == 1


async def test_an_update_that_fails_three_times_is_buried_and_the_user_told(seller, shop):
    dina = Chat(shop.http, "studio", {"id": 1005})  # the administrator of the local stack
    await dina.says("/start")
    await seller.says("/menu")
    await shop.break_state(seller)
    await seller.says("Кружка")
    await seller.sees("Не получилось обработать ваше сообщение")
    [letter] = await shop.rows(
        "select * from dead_letters where (payload -> 'message' -> 'from' ->> 'id')::bigint = %s", seller.user["id"]
    )
    assert letter["tries"] == 3
    await dina.sees(f"Не удалось обработать обновление {letter['update_id']}")
    assert seller.delivery["status"] == 200


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": "wrong-secret-000000"}])
async def test_a_webhook_without_its_secret_is_refused(shop, headers):
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.post(f"{shop.stack.deployment}/api/telegram/studio", json={"update_id": 1}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"update_id": "x"}', b'{"update_id": 1, "message": 5}', b"\xff" * 50, b"9" * 5000],
)
async def test_what_can_never_parse_is_answered_200(shop, body):
    headers = {"X-Telegram-Bot-Api-Secret-Token": shop.stack.settings["WEBHOOK_SECRET"]}
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.post(f"{shop.stack.deployment}/api/telegram/studio", content=body, headers=headers)
    assert answer.status_code == 200


@pytest.mark.long
async def test_a_bot_without_a_token_is_off(shop):
    headers = {"X-Telegram-Bot-Api-Secret-Token": shop.stack.settings["WEBHOOK_SECRET"]}
    url = f"{shop.stack.deployment}/api/telegram/partner"
    async with shop.setting("PARTNER_BOT_TOKEN", ""), httpx.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.post(url, json={"update_id": 1}, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "local-cron-secret"}])
async def test_the_drain_lets_only_the_cron_in(shop, headers):
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        for method in ("GET", "POST"):
            answer = await http.request(method, f"{shop.stack.deployment}/api/drain", headers=headers)
            assert answer.status_code == 403


async def test_an_update_costs_two_round_trips_to_redis(seller, photo, shop):
    await shop.forget_outage(seller)
    await seller.sends_photo(photo)
    record = await shop.record(seller)
    assert (record["redis"], record.get("sql", 0)) == (2, 0)
    assert record["redis_commands"] in (5, 6)  # with one update of twenty the instance's counts travel
    await seller.says("Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    assert (await shop.record(seller))["sql"] == 1


@pytest.mark.long
async def test_health_asks_neon_for_those_with_the_token_alone(seller, shop):
    for _ in range(tally.ENDED + 1):  # so many are counted before an instance hands them over
        await seller.says("/start")
    token = {"Authorization": f"Bearer {shop.stack.settings['ADMIN_API_TOKEN']}"}
    scraper = {"Authorization": f"Bearer {shop.stack.settings['METRICS_TOKEN']}"}
    async with httpx.AsyncClient(base_url=shop.stack.deployment, timeout=60, trust_env=False, verify=False) as http:
        well = await http.get("/api/health", headers=token)
        await shop.stack.tick()
        await shop.switch("postgres", "stop")
        ill, probe = await http.get("/api/health", headers=token), await http.get("/api/health")
        figures = await http.get("/api/metrics", headers=scraper)
        await shop.switch("postgres", "start")
    assert (well.status_code, well.json()["ok"], well.json()["redis"]["state"]) == (200, True, "available")
    assert well.json()["database"]["migration"] == migrations.available()[-1].name
    assert well.json()["webhooks"]["studio"]["is_set"]
    deployed = well.json()["deployment"]
    assert (deployed["version"], deployed["migration"]) == (VERSION, migrations.available()[-1].name)
    assert datetime.fromisoformat(deployed["since"]) <= datetime.now(UTC)
    assert (ill.status_code, ill.json()["database"]["state"]) == (503, "unavailable")
    assert (probe.status_code, probe.json()) == (200, {"ok": True, "redis": "available"})
    assert (figures.status_code, figures.headers["content-type"]) == (200, metrics.TYPE)
    assert 'lotok_updates_total{bot="studio",outcome="done"}' in figures.text
    assert "lotok_snapshot_age_seconds" in figures.text, "a scrape needs no Postgres"


async def test_a_bots_name_in_the_query_does_not_override_the_path(shop):
    headers = {"X-Telegram-Bot-Api-Secret-Token": shop.stack.settings["WEBHOOK_SECRET"]}
    async with httpx.AsyncClient(base_url=shop.stack.deployment, trust_env=False, verify=False) as http:
        answer = await http.post("/api/telegram/studio?bot=partner", json={"update_id": 1}, headers=headers)
    assert answer.status_code == 200
