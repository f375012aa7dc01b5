"""The Bot API of the stand-in against the real python-telegram-bot: messages, files, faults."""

from typing import Any

import httpx
import pytest
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    error,
)
from telegram.constants import ParseMode

from dev.telegram import faults
from tests.dev.telegram_lab import ALICE, BOB, OK_BUTTON, Lab, picture, until


async def test_send_message_keeps_entities_in_utf16_and_shows_safe_html(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "🎉 <b>A&amp;B</b> &lt;script&gt;", parse_mode=ParseMode.HTML)
    assert sent.text == "🎉 A&B <script>"
    assert (sent.entities[0].type, sent.entities[0].offset, sent.entities[0].length) == ("bold", 3, 3)
    shown = (await lab.history())["messages"][-1]
    assert shown["sim"]["html"] == "🎉 <b>A&amp;B</b> &lt;script&gt;"
    assert not shown["sim"]["outgoing"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<big>x</big>", 'Can\'t parse entities: unsupported start tag "big" at byte offset 0'),
        ("я<b>x", "Can't parse entities: can't find end tag corresponding to start tag \"b\""),
        ("<b>x</i>", 'Can\'t parse entities: unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("", "Message text is empty"),
        ("я" * 4097, "Message is too long"),
    ],
)
async def test_send_message_refuses_what_telegram_refuses(lab: Lab, text: str, words: str) -> None:
    with pytest.raises(error.BadRequest) as refusal:
        await lab.bot.send_message(ALICE, text, parse_mode=ParseMode.HTML)
    assert refusal.value.message.lower() == words.lower()


async def test_long_callback_data_is_refused(lab: Lab) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="я" * 33)]])
    with pytest.raises(error.BadRequest, match="Button_data_invalid"):
        await lab.bot.send_message(ALICE, "x", reply_markup=keyboard)


async def test_a_chat_that_was_never_started_is_forbidden(lab: Lab) -> None:
    with pytest.raises(error.Forbidden, match="can't initiate"):
        await lab.bot.send_message(BOB, "hello")
    with pytest.raises(error.BadRequest, match="Chat not found"):
        await lab.bot.send_message(4242, "hello")


async def test_the_same_text_again_is_not_modified(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "one", reply_markup=OK_BUTTON)
    with pytest.raises(error.BadRequest, match="Message is not modified: specified new message content and reply"):
        await lab.bot.edit_message_text("one", ALICE, sent.message_id, reply_markup=OK_BUTTON)
    edited = await lab.bot.edit_message_text("one", ALICE, sent.message_id)
    assert edited.reply_markup is None
    assert edited.edit_date


async def test_edits_of_what_is_not_there_are_refused(lab: Lab) -> None:
    photo = await lab.bot.send_photo(ALICE, picture())
    with pytest.raises(error.BadRequest, match="Message to edit not found"):
        await lab.bot.edit_message_text("x", ALICE, 999)
    with pytest.raises(error.BadRequest, match="There is no text in the message to edit"):
        await lab.bot.edit_message_text("x", ALICE, photo.message_id)
    await lab.bot.delete_message(ALICE, photo.message_id)
    with pytest.raises(error.BadRequest, match="Message to edit not found"):
        await lab.bot.edit_message_caption(ALICE, photo.message_id, caption="x")


async def test_a_text_becomes_a_picture_and_another_picture(lab: Lab) -> None:
    status = await lab.bot.send_message(ALICE, "queued")
    media = InputMediaPhoto(InputFile(picture(900, 1200), attach=True), caption="<b>done</b>", parse_mode="HTML")
    card = await lab.bot.edit_message_media(media, ALICE, status.message_id, reply_markup=OK_BUTTON)
    assert (card.text, card.caption, card.photo[-1].width) == (None, "done", 900)
    again = await lab.bot.edit_message_media(InputMediaPhoto(card.photo[-1].file_id), ALICE, status.message_id)
    assert again.photo == card.photo
    assert again.caption is None


async def test_a_document_keeps_its_bytes_and_answers_a_message(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "queued")
    file = picture(300, 400, "PNG")
    document = await lab.bot.send_document(ALICE, file, filename="card.png", reply_to_message_id=sent.message_id)
    assert document.reply_to_message.message_id == sent.message_id
    assert (document.document.mime_type, document.document.thumbnail.height) == ("image/png", 320)
    loaded = await (await lab.bot.get_file(document.document.file_id)).download_as_bytearray()
    assert bytes(loaded) == file
    by_id = await lab.bot.send_document(ALICE, document.document.file_id)
    assert by_id.document.file_unique_id == document.document.file_unique_id


async def test_an_album_is_several_messages_of_one_group(lab: Lab) -> None:
    sent = await lab.bot.send_media_group(ALICE, [InputMediaPhoto(picture(100, 100)), InputMediaPhoto(picture(90, 90))])
    assert len({one.media_group_id for one in sent}) == 1
    mixed = [InputMediaPhoto(sent[0].photo[0].file_id), InputMediaDocument(picture(50, 50))]
    with pytest.raises(error.BadRequest, match="can't be mixed"):
        await lab.bot.send_media_group(ALICE, mixed)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((3000, 100), "Photo_invalid_dimensions"),
        ((9000, 1200), "Photo_invalid_dimensions"),
        (None, "Image_process_failed"),
    ],
)
async def test_a_bad_photo_is_refused(lab: Lab, size: tuple[int, int] | None, words: str) -> None:
    photo = picture(*size) if size else b"no picture"
    with pytest.raises(error.BadRequest, match=words):
        await lab.bot.send_photo(ALICE, photo)


async def test_a_file_id_belongs_to_one_bot_and_one_kind(lab: Lab) -> None:
    photo = (await lab.bot.send_photo(ALICE, picture())).photo[-1]
    await lab.act("text", bot="client", wait=False, text="/start")
    with pytest.raises(error.BadRequest, match="Wrong file_id"):
        await lab.bot_of("client").send_photo(ALICE, photo.file_id)
    with pytest.raises(error.BadRequest, match="Can't use file of type photo as document"):
        await lab.bot.send_document(ALICE, photo.file_id)


async def test_reply_keyboards_come_and_go(lab: Lab) -> None:
    contact = ReplyKeyboardMarkup([[KeyboardButton("My number", request_contact=True)], ["No"]], resize_keyboard=True)
    sent = await lab.bot.send_message(ALICE, "Your number?", reply_markup=contact)
    assert sent.reply_markup is None
    assert (await lab.history())["reply_keyboard"]["keyboard"][1] == [{"text": "No"}]
    await lab.bot.send_message(ALICE, "Thanks", reply_markup=ReplyKeyboardRemove())
    assert (await lab.history())["reply_keyboard"] is None


async def test_a_chat_action_is_over_with_the_next_message(lab: Lab) -> None:
    await lab.bot.send_chat_action(ALICE, "upload_photo")
    assert (await lab.history())["action"] == "upload_photo"
    await lab.bot.send_message(ALICE, "here")
    assert (await lab.history())["action"] is None


async def test_commands_are_kept_by_scope_and_language(lab: Lab) -> None:
    await lab.bot.set_my_commands([BotCommand("start", "Start")])
    await lab.bot.set_my_commands([BotCommand("start", "Начать")], language_code="ru")
    assert (await lab.bot.get_my_commands(language_code="ru"))[0].description == "Начать"
    state = (await lab.sim.get("/state")).json()
    assert state["bots"][0]["commands"] == [{"command": "start", "description": "Начать"}]
    assert state["users"][0]["first_name"] == "Анна"


async def test_unknown_methods_and_tokens(lab: Lab) -> None:
    token = lab.world.bots["studio"].account.token
    async with httpx.AsyncClient(base_url=f"{lab.address}/telegram", trust_env=False, verify=False) as client:
        unknown = await client.post(f"/bot{token}/sendDream")
        stranger = await client.post("/bot1:wrong/getMe")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, 404)
    assert stranger.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert lab.world.problems == [f"sendDream: no such method in {lab.world.spec.version}"] * bool(
        lab.world.spec.version
    )
    lab.world.problems.clear()


async def test_a_call_that_breaks_the_definition_is_a_problem(lab: Lab) -> None:
    if not lab.world.spec.methods:
        pytest.skip("the definition of the Bot API is not here")
    await lab.bot.send_message(ALICE, "x", api_kwargs={"colour": "red"})
    await lab.bot.send_chat_action(ALICE, "typing", message_thread_id="soon")
    problems = list(lab.world.problems)
    lab.world.problems.clear()
    assert problems[0] == "sendMessage: unknown field colour"
    assert "sendChatAction.message_thread_id: expected Integer" in problems[1]


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_faults_answer_as_telegram_does(lab: Lab) -> None:
    async def fault(kind: str, **more: Any) -> None:
        await lab.sim.post("/faults", json={"method": "sendMessage", "kind": kind, **more})

    await fault("429", retry_after=7)
    with pytest.raises(error.RetryAfter) as flood:
        await lab.bot.send_message(ALICE, "x")
    assert flood.value.retry_after == 7
    await fault("403")
    with pytest.raises(error.Forbidden, match="bot was blocked by the user"):
        await lab.bot.send_message(ALICE, "x")
    await fault("500")
    with pytest.raises(error.NetworkError):
        await lab.bot.send_message(ALICE, "x")
    await lab.bot.send_message(ALICE, "well again")
    assert (await lab.sim.get("/state")).json()["faults"] == []


async def test_a_lost_answer_may_have_had_its_effect(lab: Lab) -> None:
    hasty = lab.bot_of("studio", read_timeout=0.2)
    for kind in ("timeout", "timeout_after"):
        await lab.sim.post("/faults", json={"method": "*", "kind": kind, "user_id": ALICE})
        with pytest.raises(error.TimedOut):
            await hasty.send_message(ALICE, kind)
    said = lab.world.chats["studio", ALICE].messages
    await until(lambda: "timeout_after" in [one.message.get("text") for one in said.values()])
    assert "timeout" not in [one.message.get("text") for one in said.values()]


async def test_a_line_that_stays_silent_is_cut(lab: Lab) -> None:
    await lab.sim.post("/faults", json={"method": "sendMessage", "kind": "timeout", "seconds": 0.05})
    with pytest.raises(error.NetworkError):
        await lab.bot.send_message(ALICE, "x")


async def test_a_user_who_blocks_the_bot_gets_nothing(lab: Lab) -> None:
    await lab.act("block")
    change = lab.webhook.updates[0].my_chat_member
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    with pytest.raises(error.Forbidden, match="bot was blocked by the user"):
        await lab.bot.send_message(ALICE, "x")
    refused = await lab.sim.post(f"/chats/studio/{ALICE}/text", json={"text": "hi"})
    assert refused.json()["error"]["code"] == "blocked"
    await lab.act("unblock")
    await lab.bot.send_message(ALICE, "x")


def test_a_fault_is_narrowed_to_bot_and_user() -> None:
    some = faults.Faults()
    some.add({"method": "sendMessage", "kind": "403", "bot": "studio", "user_id": 5, "times": 2})
    assert some.take("studio", "getMe", 5) is None
    assert some.take("client", "sendMessage", 5) is None
    assert some.take("studio", "sendmessage", 5)
    assert some.take("studio", "sendMessage", 5)
    assert some.take("studio", "sendMessage", 5) is None
