"""How the stand-in carries updates to a webhook: order, retries, expiry, replay."""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.responses import Response
from telegram import (
    Update,
    error,
)

from dev.telegram import World, delivery
from tests.dev.telegram_lab import ALICE, BOB, OK_BUTTON, Lab, Stage, picture, until


async def test_updates_carry_the_secret_and_count_up(lab: Lab) -> None:
    await lab.act("text", text="one")
    await lab.act("text", text="two")
    first, second = lab.webhook.updates
    assert second.update_id == first.update_id + 1
    assert set(lab.webhook.secrets) == {"s3cret"}


async def test_a_press_is_answered_once_with_a_toast(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "Sure?", reply_markup=OK_BUTTON)

    async def answer(update: Update) -> None:
        await lab.bot.answer_callback_query(update.callback_query.id, "Done", show_alert=True)

    lab.webhook.handle = answer
    pressed = await lab.act("press", message_id=sent.message_id, data="card:ok")
    assert pressed["callback_answer"] == {"text": "Done", "show_alert": True}
    assert lab.webhook.updates[0].callback_query.message.reply_markup == OK_BUTTON
    with pytest.raises(error.BadRequest, match="Query is too old and response timeout expired or query id is invalid"):
        await lab.bot.answer_callback_query(pressed["callback_query_id"])


async def test_a_failed_update_is_retried_at_once_and_then_ever_later(lab: Lab) -> None:
    lab.webhook.answers.extend([Response(status_code=500)] * 3)
    sent = await lab.act("text", text="again")
    assert sent["delivery"] | {"ms": 0} == {"state": "delivered", "attempts": 4, "status": 200, "ms": 0, "body": ""}
    trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
    assert [one.get("next_in") for one in trace["attempts"]] == [0, 2, 4, None]
    waits = [later - sooner for (sooner, _), (later, _) in zip(lab.webhook.came, lab.webhook.came[1:], strict=False)]
    assert waits[1] >= 0.02
    assert waits[2] >= 0.04
    info = await lab.bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"


def test_the_waits_double_up_to_a_minute_or_two() -> None:
    backoff = delivery.Backoff()
    waits = [backoff.next(0) for _ in range(9)]
    assert waits[:6] == [0, 2, 4, 8, 16, 32]
    assert all(60 <= one <= 120 for one in waits[6:])
    assert backoff.next(7) == 7
    assert backoff.next(9999) == 3600


async def test_retry_after_is_obeyed(lab: Lab) -> None:
    lab.webhook.answers.append(Response(status_code=503, headers={"Retry-After": "10"}))
    sent = await lab.act("text", text="busy")
    trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
    assert [one.get("next_in") for one in trace["attempts"]] == [10, None]
    assert lab.webhook.came[1][0] - lab.webhook.came[0][0] >= 0.1


async def test_one_chat_waits_for_its_turn_and_others_do_not(lab: Lab) -> None:
    gate = asyncio.Event()

    async def hold(update: Update) -> None:
        if update.message and update.message.text == "first":
            await gate.wait()

    lab.webhook.handle = hold
    keyboard = await lab.bot.send_message(ALICE, "x", reply_markup=OK_BUTTON)
    await lab.act("text", wait=False, text="first")
    await lab.act("text", wait=False, text="second")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok")
    await lab.act("text", user=BOB, text="third")
    assert [one.message.text if one.message else "press" for one in lab.webhook.updates] == ["first", "press", "third"]
    assert (await lab.bot.get_webhook_info()).pending_update_count == 2
    gate.set()
    await until(lambda: len(lab.webhook.came) == 4)
    assert lab.webhook.updates[-1].message.text == "second"


async def test_max_connections_bounds_what_runs_at_once(lab: Lab) -> None:
    lab.world.bots["studio"].webhook.changed_at = 0
    await lab.listen(max_connections=2)

    async def slow(update: Update) -> None:
        await asyncio.sleep(0.02)

    lab.webhook.handle = slow
    users = [(await lab.sim.post("/users", json={"first_name": f"U{n}"})).json()["id"] for n in range(6)]
    assert users[0] == 1_000_000
    await asyncio.gather(*(lab.act("text", user=user, text="/start") for user in users))
    assert lab.webhook.busiest == 2


async def test_updates_wait_for_a_webhook_and_only_wanted_ones_come(stage: Stage) -> None:
    async with stage.play(World()) as lab:
        sent = await lab.act("text", wait=False, text="early")
        assert (await lab.bot.get_webhook_info()).pending_update_count == 1
        await lab.listen(allowed_updates=["message"])
        await until(lambda: lab.webhook.came)
        assert lab.webhook.updates[0].update_id == sent["update_id"]
        await lab.act("block")
        await lab.act("unblock")
        assert len(lab.webhook.came) == 1


async def test_a_dead_function_is_tried_again(stage: Stage) -> None:
    async with stage.play(World(time_scale=0.01)) as lab:
        await lab.bot.set_webhook("http://127.0.0.1:1/hook")
        await lab.act("text", wait=False, text="anyone?")
        record = next(iter(lab.world.updates.values()))
        await until(lambda: len(record.attempts) > 1)
        assert (await lab.bot.get_webhook_info()).last_error_message == "Connection refused"
        lab.world.bots["studio"].webhook.changed_at = 0
        await lab.listen()
        await until(lambda: record.state == "delivered")


async def test_updates_expire_and_a_webhook_long_gone_is_removed(stage: Stage) -> None:
    now = [1_800_000_000.0]
    async with stage.play(World(time_scale=0.001, clock=lambda: now[0])) as lab:
        await lab.listen()
        sent = await lab.act("text", text="/start")
        lab.webhook.answers.extend([Response(status_code=500)] * 3)

        async def later(update: Update) -> None:
            now[0] += 80

        lab.webhook.handle = later
        pressed = await lab.act("press", message_id=sent["message"]["message_id"], data="x")
        assert (pressed["delivery"]["state"], pressed["delivery"]["attempts"]) == ("expired", 2)

        async def much_later(update: Update) -> None:
            now[0] += 12 * 3600

        lab.webhook.answers.clear()
        lab.webhook.answers.extend([Response(status_code=410)] * 9)
        lab.webhook.handle = much_later
        await lab.act("text", wait=False, text="anyone?")
        await lab.act("text", wait=False, user=BOB, text="anyone?")
        await until(lambda: not lab.world.bots["studio"].webhook.url)


async def test_replay_sends_the_same_update_also_at_once(lab: Lab) -> None:
    sent = await lab.act("text", text="buy")

    together = asyncio.Barrier(3)

    async def slow(update: Update) -> None:
        await asyncio.wait_for(together.wait(), 60)

    lab.webhook.handle = slow
    answer = await lab.sim.post(f"/updates/studio/{sent['update_id']}/replay", json={"times": 3, "together": True})
    assert [one["status"] for one in answer.json()["attempts"]] == [200, 200, 200]
    assert {one.update_id for one in lab.webhook.updates} == {sent["update_id"]}
    assert lab.webhook.busiest == 3


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_set_webhook_twice_a_second_is_flood_unless_nothing_changes(lab: Lab) -> None:
    await lab.listen()
    with pytest.raises(error.RetryAfter):
        await lab.bot.set_webhook(f"{lab.address}/other")
    with pytest.raises(error.BadRequest, match="an https url must be provided"):
        await lab.bot.set_webhook("http://example.org/hook")


async def test_the_answer_to_a_webhook_may_hold_a_call(lab: Lab) -> None:
    body = json.dumps({"method": "sendMessage", "chat_id": ALICE, "text": "by answer"})
    lab.webhook.answers.append(Response(body, media_type="application/json"))
    await lab.act("text", text="hi")
    assert (await lab.history())["messages"][-1]["text"] == "by answer"


@pytest.mark.long
async def test_chats_and_undelivered_updates_survive_a_restart(stage: Stage, tmp_path: Path) -> None:
    async with stage.play(World(tmp_path)) as lab:
        await lab.upload(("a.jpg", picture()), wait=0)
        before = await lab.history()
        waiting = before["messages"][0]["sim"]["update_id"]
    async with stage.play(World(tmp_path)) as lab:
        after = await lab.history()
        assert after["messages"] == before["messages"]
        await lab.listen()
        await until(lambda: lab.webhook.came)
        assert lab.webhook.updates[0].update_id == waiting
        file_id = after["messages"][0]["photo"][-1]["file_id"]
        assert await (await lab.bot.get_file(file_id)).download_as_bytearray()
        assert (await lab.act("text", text="next"))["update_id"] == waiting + 1
