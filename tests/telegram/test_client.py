from datetime import timedelta

import pytest

from lib import config, errors, limits
from lib.telegram import client
from lib.telegram.client import Button, Key, Keys, Picture
from tests.dev.telegram_lab import ALICE, picture


@pytest.mark.parametrize(
    ("button", "wire"),
    [
        (Button("Меню", "menu:home"), {"text": "Меню", "callback_data": "menu:home"}),
        (Button("Сайт", url="https://lotok.shop"), {"text": "Сайт", "url": "https://lotok.shop"}),
        (Button("Карта", app="https://lotok.shop/a"), {"text": "Карта", "web_app": {"url": "https://lotok.shop/a"}}),
        (Button("Оплатить ⭐️ 50", pay=True), {"text": "Оплатить ⭐️ 50", "pay": True}),
        (Button("Да", "a:b", style="success"), {"text": "Да", "callback_data": "a:b", "style": "success"}),
    ],
)
def test_a_button_does_one_thing(button, wire):
    assert button.markup() == wire
    assert Button.read(wire) == button, "as a press shows it"


def test_keys_ask_for_the_phone_and_go_after_one_press():
    wire = Keys([[Key("Поделиться номером", contact=True)], [Key("Отмена")]], placeholder="Номер").markup()
    assert wire["keyboard"] == [[{"text": "Поделиться номером", "request_contact": True}], [{"text": "Отмена"}]]
    assert (wire["one_time_keyboard"], wire["input_field_placeholder"]) == (True, "Номер")


def test_no_keys_take_away_those_that_are_there():
    assert Keys().markup() == {"remove_keyboard": True}


@pytest.fixture
def chat(lab, monkeypatch):
    """Alice's chat, through the client and the settings that the functions use."""
    monkeypatch.setenv("TELEGRAM_API_URL", f"{lab.address}/telegram")
    monkeypatch.setenv("STUDIO_BOT_TOKEN", lab.world.bots["studio"].account.token)
    config.get.cache_clear()
    yield client.Chat("studio", ALICE)
    monkeypatch.undo()
    config.get.cache_clear()


async def test_a_file_that_was_sent_goes_again_by_its_id(chat, lab):
    first = await chat.send_photo(Picture("a.jpg", picture(400, 300)), "Кружка", [[Button("Меню", "menu:home")]])
    again = await chat.send_photo(Picture("a.jpg", file_id=first.file_id))
    assert again.message_id > first.message_id == chat.sent[0]
    shown = (await lab.history())["messages"]
    assert [one.get("caption") for one in shown if "photo" in one] == ["Кружка", None]


async def test_an_answer_hangs_on_its_message_and_survives_its_deletion(chat, lab):
    asked = await chat.say("Вопрос")
    await chat.send_document(Picture("a.json", b"{}"), "Ответ", reply_to=asked)
    assert await chat.delete(asked)
    await chat.send_document(Picture("a.json", b"{}"), "Ещё ответ", reply_to=asked)
    assert not await chat.delete(asked)


async def test_an_album_has_its_caption_once(chat, lab):
    photos = [Picture(f"{number}.jpg", picture(400, 300 + number)) for number in range(3)]
    sent = await chat.send_album(photos, "Три вида")
    files = await chat.send_documents([Picture("a.png", picture(kind="PNG")), Picture("b.json", b"{}")], "Файлы")
    assert all(one.file_id for one in (*sent, *files))
    captions = [one.get("caption") for one in (await lab.history())["messages"][-5:]]
    assert captions == ["Три вида", None, None, None, "Файлы"]


async def test_keys_come_and_go(chat, lab):
    await chat.say("Номер?", Keys([[Key("Поделиться номером", contact=True)]]))
    assert lab.world.chat("studio", ALICE).reply_keyboard["keyboard"][0][0]["request_contact"]
    await lab.act("contact")
    assert lab.webhook.updates[-1].message.contact.user_id == ALICE
    await chat.say("Спасибо", Keys())
    assert lab.world.chat("studio", ALICE).reply_keyboard is None


async def test_stars_are_asked_for_taken_and_given_back_once(chat, lab):
    bill = client.Invoice("5 кредитов", "Пять карточек", "pack:5", 50)
    sent = await chat.send_invoice(bill, [[Button("Оплатить ⭐️ 50", pay=True)], [Button("Меню", "menu:home")]])

    async def let_through(update):
        if update.pre_checkout_query:
            await chat.answer_checkout(update.pre_checkout_query.id)

    lab.webhook.handle = let_through
    assert (await lab.act("pay", message_id=sent.message_id))["payment"]["status"] == "paid"
    charge = lab.webhook.updates[-1].message.successful_payment.telegram_payment_charge_id
    await chat.refund(charge)
    await chat.refund(charge)
    with pytest.raises(errors.Rejected):
        await chat.refund("another")


async def test_a_payment_can_be_stopped_with_a_sentence(chat, lab):
    sent = await chat.send_invoice(client.Invoice("5 кредитов", "Пять карточек", "pack:5", 50))

    async def refuse(update):
        await chat.answer_checkout(update.pre_checkout_query.id, "Цена изменилась")

    lab.webhook.handle = refuse
    outcome = (await lab.act("pay", message_id=sent.message_id))["payment"]
    assert outcome == {"status": "declined", "error_message": "Цена изменилась"}


async def test_the_person_sees_what_the_bot_is_doing(chat):
    await chat.act("upload_video")


@pytest.mark.parametrize(("paced", "paused"), [(False, {"pause:studio:1001"}), (True, {"pause:studio"})])
@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")  # the library's own use of its own property
async def test_telegrams_pause_is_noted_for_all_instances(chat, lab, redis, paced, paused):
    await lab.sim.post("/faults", json={"method": "sendMessage", "kind": "429", "retry_after": 30})
    slow = client.Chat("studio", ALICE, paced=paced)
    with pytest.raises(errors.Unavailable) as caught:
        await slow.say("Привет")
    assert caught.value.retry_after == timedelta(seconds=30)
    [keys] = await redis._redis.run([[b"KEYS", b"local:pause:*"]])
    assert {key.decode().removeprefix("local:") for key in keys} == paused


async def test_a_paced_chat_books_its_slots_and_another_does_not(chat, redis):
    await chat.say("Сразу")
    assert redis.requests == 0
    paced = client.Chat("studio", ALICE, paced=True)
    await paced.say("В свой черёд")
    with pytest.raises(errors.Unavailable, match="too_many_messages"):
        await limits.reserve("studio", ALICE, patience=timedelta(0))


async def test_a_paced_chat_sends_nothing_when_its_slot_is_too_far_away(chat, lab, redis):
    await limits.pause("studio", timedelta(seconds=60), ALICE)
    before = len((await lab.history())["messages"])
    with pytest.raises(errors.Unavailable, match="too_many_messages"):
        await client.Chat("studio", ALICE, paced=True).say("Рано")
    assert len((await lab.history())["messages"]) == before


async def test_a_revoked_token_is_something_to_wait_for_and_is_not_shown(chat, lab, monkeypatch):
    monkeypatch.setenv("STUDIO_BOT_TOKEN", "123456789:" + "revoked" * 5)
    config.get.cache_clear()
    with pytest.raises(errors.Unavailable, match="token") as caught:
        await chat.say("Привет")
    assert "revoked" not in str(caught.value)
