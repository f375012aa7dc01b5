"""What people do in the simulator, and what its control API tells."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from telegram import (
    InputMediaPhoto,
    Update,
    error,
)

from dev.telegram import Hooks, World, control, markup
from tests.dev.telegram_lab import ALICE, OK_BUTTON, Lab, Stage, bomb, film, invoice, picture, until


async def test_a_photo_arrives_recompressed_in_sizes(lab: Lab) -> None:
    sent = await lab.upload(("cup.png", picture(2000, 1500, "PNG")), caption="a cup")
    message = lab.webhook.updates[0].message
    assert [one.width for one in message.photo] == [90, 320, 800, 1280]
    assert message.caption == "a cup"
    loaded = await (await lab.bot.get_file(message.photo[-1].file_id)).download_as_bytearray()
    assert Image.open(io.BytesIO(loaded)).size == (1280, 960)
    shown = await lab.sim.get(sent["message"]["sim"]["files"][message.photo[-1].file_id].removeprefix("/sim"))
    assert shown.content == bytes(loaded)
    assert shown.headers["content-security-policy"] == "sandbox"


async def test_an_album_is_one_update_each_with_one_group(lab: Lab) -> None:
    sent = await lab.upload(*[(f"{n}.jpg", picture(60, 60)) for n in range(3)], caption="three")
    messages = [one.message for one in lab.webhook.updates]
    assert [one.update_id for one in lab.webhook.updates] == sent["update_ids"]
    assert len({one.media_group_id for one in messages}) == 1
    assert [one.caption for one in messages] == ["three", None, None]


async def test_what_is_no_picture_goes_as_a_file_only(lab: Lab) -> None:
    answer = await lab.upload(("x.heic", b"\0\0\0\x18ftypheic"))
    assert answer["error"]["code"] == "not_a_photo"
    await lab.upload(("x.heic", b"\0\0\0\x18ftypheic"), kind="document")
    assert lab.webhook.updates[0].message.document.mime_type == "image/heic"
    assert (await lab.upload(("bomb.png", bomb())))["error"]["code"] == "not_a_photo"
    await lab.upload(("bomb.png", bomb()), kind="document")
    assert lab.webhook.updates[1].message.document.thumbnail is None


async def test_get_file_serves_20_megabytes_at_most(lab: Lab) -> None:
    await lab.upload(("big.bin", bytes(20 * 1024 * 1024 + 1)), kind="document")
    with pytest.raises(error.BadRequest, match="File is too big"):
        await lab.bot.get_file(lab.webhook.updates[0].message.document.file_id)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_stickers_voices_films_and_contacts_arrive(lab: Lab) -> None:
    await lab.upload(("s.webp", picture(512, 512, "WEBP")), kind="sticker")
    await lab.upload(("v.ogg", b"OggS" + bytes(9000)), kind="voice")
    await lab.upload(("f.mp4", film()), kind="video")
    await lab.act("contact")
    sticker, voice, video, contact = [one.message for one in lab.webhook.updates]
    assert sticker.sticker.width == 512
    assert voice.voice.duration == 2
    assert (video.video.mime_type, video.video.width, video.video.duration) == ("video/mp4", 320, 3)
    assert contact.contact.user_id == ALICE


async def test_a_text_over_4096_leaves_as_two_messages(lab: Lab) -> None:
    sent = await lab.act("text", text="я" * 5000)
    assert [len(one.message.text) for one in lab.webhook.updates] == [4096, 904]
    assert len(sent["update_ids"]) == 2


async def test_stars_are_paid_listed_and_given_back(lab: Lab) -> None:
    async def agree(update: Update) -> None:
        if update.pre_checkout_query:
            await lab.bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=True)

    lab.webhook.handle = agree
    paid = await lab.act("pay", message_id=await invoice(lab))
    message = lab.webhook.updates[-1].message
    charge = message.successful_payment.telegram_payment_charge_id
    assert paid["payment"] == {"status": "paid", "charge_id": charge}
    assert message.successful_payment.invoice_payload == "order:1"
    await lab.bot.refund_star_payment(ALICE, charge)
    with pytest.raises(error.BadRequest, match="Charge_already_refunded"):
        await lab.bot.refund_star_payment(ALICE, charge)
    listed = (await lab.bot.get_star_transactions()).transactions
    assert [(one.id, bool(one.source), bool(one.receiver)) for one in listed] == [
        (charge, True, False),
        (charge, False, True),
    ]
    assert listed[0].source.user.id == ALICE
    await until(lambda: lab.webhook.updates[-1].message.refunded_payment)


async def test_a_bot_can_decline_a_payment(lab: Lab) -> None:
    async def decline(update: Update) -> None:
        await lab.bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=False, error_message="Sold out")

    lab.webhook.handle = decline
    paid = await lab.act("pay", message_id=await invoice(lab))
    assert paid["payment"] == {"status": "declined", "error_message": "Sold out"}
    assert lab.world.payments == {}


async def test_a_trace_tells_the_story_of_an_update(stage: Stage) -> None:
    states = iter([{"state": None}, {"state": "card:title"}])

    async def state(bot: str, user_id: int) -> Any:
        return next(states, "later")

    async def story(bot: str, user_id: int, since: float, log: Any) -> Any:
        return {"jobs": [{"id": 7}], "ledger": [{"delta": -1, "log": log and log["sql"]}]}

    async with stage.play(World(hooks=Hooks(user_state=state, story=story))) as lab:

        async def reply(update: Update) -> None:
            await lab.bot.send_message(update.effective_user.id, "title?")

        lab.webhook.handle = reply
        await lab.listen()
        sent = await lab.act("text", text="/start")
        lab.world.log_line({"event": "update", "bot": "studio", "update_id": sent["update_id"], "sql": 2})
        await lab.bot.send_message(ALICE, "by a worker")
        trace = (await lab.sim.get(f"/updates/studio/{sent['update_id']}")).json()
        messages = (await lab.history())["messages"]
    assert trace["update"]["message"]["text"] == "/start"
    assert [(one["method"], one["params"]["text"]) for one in trace["calls"]] == [("sendMessage", "title?")]
    assert (trace["state_before"], trace["state_after"]) == ({"state": None}, {"state": "card:title"})
    assert (trace["log"]["sql"], trace["jobs"], trace["ledger"][0]["log"]) == (2, [{"id": 7}], 2)
    assert messages[1]["sim"]["update_id"] == sent["update_id"]
    assert messages[1]["sim"]["calls"] == [trace["calls"][0]["id"]]
    assert messages[2]["sim"]["update_id"] is None


async def test_events_follow_what_happens(lab: Lab) -> None:
    start = lab.world.feed.seq
    await lab.bot.send_message(ALICE, "seen")
    seen: list[Any] = []
    async with lab.sim.stream("GET", f"/events?after={start}") as stream:
        await lab.act("text", text="hello")
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
            if seen and seen[-1]["type"] == "delivery":
                break
    assert [one["type"] for one in seen] == ["message", "call", "message", "delivery"]
    assert [one["seq"] for one in seen] == list(range(start + 1, start + 5))
    assert seen[0]["message"]["sim"]["html"] == "seen"
    assert seen[3]["status"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_the_control_api_is_for_this_machine_only(lab: Lab, headers: dict[str, str]) -> None:
    assert (await lab.sim.get("/state", headers=headers)).status_code == 403


async def test_any_update_can_be_sent_as_it_is(lab: Lab) -> None:
    user = {"id": ALICE, "is_bot": False, "first_name": "A"}
    query = {"id": "1", "from": user, "query": "x", "offset": ""}
    await lab.act("update", raw={"inline_query": query})
    assert lab.webhook.updates[0].inline_query.query == "x"
    assert (await lab.sim.post(f"/chats/studio/{ALICE}/update", json={"update_id": 1})).status_code == 400


async def test_mistakes_get_a_sentence(lab: Lab) -> None:
    wrong = [
        lab.sim.get("/chats/nobot/1001"),
        lab.sim.get("/chats/studio/4242"),
        lab.sim.get("/updates/studio/1"),
        lab.sim.get("/files/nothing"),
        lab.sim.post("/faults", json={"kind": "earthquake"}),
        lab.sim.post(f"/chats/studio/{ALICE}/text", content=b"{"),
        lab.sim.post(f"/chats/studio/{ALICE}/press", json={"message_id": 99, "data": "x"}),
        lab.sim.post("/parts/moon/stop"),
    ]
    for answer in await asyncio.gather(*wrong):
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<b>a<i>b</i></b>c", "<b>a<i>b</i></b>c"),
        ('<a href="https://x.org/?a=1&amp;b">x</a>', '<a href="https://x.org/?a=1&amp;b" target="_blank"'),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<pre><code class="language-py">1 &lt; 2</code></pre>', "<pre>1 &lt; 2</pre>"),
        ("<tg-spoiler>s</tg-spoiler>", '<span class="tg-spoiler">s</span>'),
        ("  see lotok.ru\n", "see lotok.ru"),
    ],
)
def test_html_comes_back_safe(source: str, shown: str) -> None:
    assert markup.safe_html(*markup.parse(source, "HTML", None)).startswith(shown)


def test_the_handbook_names_every_route() -> None:
    handbook = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    for method, path, _ in control.ROUTES:
        assert f"{method} /sim{path.replace(':int', '')}" in handbook


async def everything(lab: Lab) -> None:
    """Make an update of every kind."""
    keyboard = await lab.bot.send_message(ALICE, "x", reply_markup=OK_BUTTON)
    sent = await lab.act("text", text="/menu @anna #sale https://lotok.example x@y.org")
    await lab.act("text", text="yes", reply_to=keyboard.message_id)
    await lab.act("edit", message_id=sent["message"]["message_id"], text="no")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok")
    await lab.act("press", message_id=keyboard.message_id, data="card:ok", old=True)
    for kind, name in [
        ("photo", "a.jpg"),
        ("document", "a.png"),
        ("sticker", "a.webp"),
        ("video", "a"),
        ("voice", "a"),
    ]:
        data = film() if kind == "video" else picture(400, 300)
        sent = await lab.upload((name, data), kind=kind, caption="<b>")
        if kind == "photo":
            mended = await lab.act("edit", message_id=sent["message"]["message_id"], text="@anna")
            assert mended["message"]["caption"] == "@anna"
    await lab.act("contact")
    await lab.act("pay", wait=False, message_id=await invoice(lab))
    checkout = next(iter(lab.world.checkouts))
    await lab.bot.answer_pre_checkout_query(checkout, ok=True)
    await until(lambda: lab.world.payments)
    await lab.bot.refund_star_payment(ALICE, next(iter(lab.world.payments)))
    await lab.act("block")
    kinds = {"message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"}
    assert {one.kind for one in lab.world.updates.values()} == kinds


@pytest.mark.long
async def test_a_draft_is_stopped_once_and_gone_with_the_next_message(lab: Lab) -> None:
    await lab.act("text", text="hi")
    shown = {"chat_id": ALICE, "draft_id": 9, "text": "wri", "can_stop": True}
    await lab.bot._post("sendMessageDraft", shown)
    await lab.act("stop")
    assert lab.world.problems == []
    [stopped] = [one.update for one in lab.world.updates.values() if one.kind == "stopped_message_generation"]
    assert stopped["stopped_message_generation"]["draft_id"] == 9
    assert "from" not in stopped["stopped_message_generation"]
    [chat] = lab.world.chats.values()
    assert chat.draft == 0
    await lab.bot._post("sendMessageDraft", {**shown, "draft_id": 10})
    await lab.bot.send_message(ALICE, "written")
    assert chat.draft == 0


async def test_every_update_and_answer_is_as_the_definition_says(lab: Lab) -> None:
    album = [InputMediaPhoto(picture(50, 50)), InputMediaPhoto(picture(60, 60))]
    sent = await lab.bot.send_media_group(ALICE, album)
    await lab.bot.edit_message_caption(ALICE, sent[0].message_id, caption="a")
    await lab.bot.get_file((await lab.bot.send_video(ALICE, film(), duration=3)).video.file_id)
    await lab.bot.forward_message(ALICE, ALICE, sent[0].message_id)
    await lab.bot.copy_message(ALICE, ALICE, sent[0].message_id)
    await lab.bot.pin_chat_message(ALICE, sent[0].message_id)
    await lab.bot.send_voice(ALICE, b"OggS")
    await lab.bot.send_location(ALICE, 1, 2)
    await lab.bot.get_chat_member(ALICE, ALICE)
    await lab.bot.get_user_profile_photos(ALICE)
    await lab.bot.get_chat(ALICE)
    await lab.bot.get_me()
    await lab.bot.get_my_commands()
    await lab.bot.get_chat_menu_button()
    await lab.bot.send_message_draft(ALICE, 1, "wri")
    await lab.bot.set_message_reaction(ALICE, sent[0].message_id, "👍")
    await everything(lab)
    await lab.bot.get_webhook_info()
    await lab.bot.get_star_transactions()
    spec = lab.world.spec
    for update in lab.world.updates.values():
        assert spec.check_type("Update", update.update) == []
    for call in lab.world.calls.values():
        kinds = spec.methods[call.method]["returns"]
        assert call.status == 200
        assert min((spec.check_type(kind, call.result) for kind in kinds), key=len) == [], call.method


async def test_every_update_is_what_another_library_expects(lab: Lab) -> None:
    types = pytest.importorskip("aiogram.types", reason="aiogram is a second opinion, not a requirement")
    await everything(lab)
    for record in lab.world.updates.values():
        types.Update.model_validate(record.update)
