"""What clients of others ask the stand-in first: polling, passing messages on, who is there, voices and places."""

import asyncio
import re
from pathlib import Path

import pytest
from telegram import error

from dev.telegram.methods import METHODS
from tests.dev.telegram_lab import ALICE, BOB, Lab, film, picture

STRANGER = 4242


@pytest.fixture
async def polling(lab: Lab) -> Lab:
    await lab.bot.delete_webhook()
    return lab


async def test_updates_are_asked_for_and_confirmed_by_the_next_offset(polling: Lab) -> None:
    for text in ("one", "two", "three"):
        await polling.act("text", wait=False, text=text)
    first = await polling.bot.get_updates(limit=2)
    assert [one.message.text for one in first] == ["one", "two"]
    assert [one.message.text for one in await polling.bot.get_updates()] == ["one", "two", "three"]
    rest = await polling.bot.get_updates(offset=first[-1].update_id + 1)
    assert [one.message.text for one in rest] == ["three"]
    assert await polling.bot.get_updates(offset=rest[-1].update_id + 1) == ()
    assert {one.state for one in polling.world.updates.values()} == {"delivered"}


async def test_a_negative_offset_keeps_the_last_ones(polling: Lab) -> None:
    for text in ("one", "two", "three"):
        await polling.act("text", wait=False, text=text)
    assert [one.message.text for one in await polling.bot.get_updates(offset=-1)] == ["three"]
    assert [one.message.text for one in await polling.bot.get_updates()] == ["three"]


async def test_a_call_waits_until_something_comes(polling: Lab) -> None:
    asked = asyncio.create_task(polling.bot.get_updates(timeout=30))
    while not polling.world.bots["studio"].polls:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await polling.act("text", wait=False, text="now")
    assert [one.message.text for one in await asked] == ["now"]


async def test_a_second_call_ends_the_first(polling: Lab) -> None:
    asked = asyncio.create_task(polling.bot.get_updates(timeout=30))
    while not polling.world.bots["studio"].polls:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert await polling.bot.get_updates() == ()
    with pytest.raises(error.Conflict, match="terminated by other getUpdates"):
        await asked


async def test_a_bot_with_a_webhook_may_not_ask(lab: Lab) -> None:
    with pytest.raises(error.Conflict, match="webhook is active"):
        await lab.bot.get_updates()


async def test_only_the_kinds_that_were_asked_for_come(polling: Lab) -> None:
    await polling.bot.get_updates(allowed_updates=["callback_query"])
    await polling.act("text", wait=False, text="unheard")
    assert await polling.bot.get_updates() == ()


async def test_a_forwarded_message_says_who_wrote_it(lab: Lab) -> None:
    said = await lab.act("text", text="из рук в руки")
    sent = await lab.bot.forward_message(ALICE, ALICE, said["message"]["message_id"])
    assert sent.text == "из рук в руки"
    assert sent.forward_origin.sender_user.id == ALICE
    again = await lab.bot.forward_message(ALICE, ALICE, sent.message_id)
    assert again.forward_origin == sent.forward_origin


async def test_a_copy_is_the_bots_own_and_may_have_another_caption(lab: Lab) -> None:
    photo = await lab.bot.send_photo(ALICE, picture(), caption="old")
    copied = await lab.bot.copy_message(ALICE, ALICE, photo.message_id, caption="new")
    shown = (await lab.history())["messages"][-1]
    assert (shown["message_id"], shown["caption"]) == (copied.message_id, "new")
    assert "forward_origin" not in shown


@pytest.mark.parametrize(("verb", "done"), [("forward", "forwarded"), ("copy", "copied")])
async def test_what_is_not_there_or_protected_is_not_passed_on(lab: Lab, verb: str, done: str) -> None:
    call = getattr(lab.bot, f"{verb}_message")
    with pytest.raises(error.BadRequest, match=f"essage to {verb} not found"):
        await call(ALICE, ALICE, 4242)
    kept = await lab.bot.send_message(ALICE, "x", protect_content=True)
    with pytest.raises(error.BadRequest, match=f"can't be {done}"):
        await call(ALICE, ALICE, kept.message_id)


async def test_a_pinned_message_is_told_by_get_chat(lab: Lab) -> None:
    sent = await lab.bot.send_message(ALICE, "rules")
    assert await lab.bot.pin_chat_message(ALICE, sent.message_id)
    assert (await lab.bot.get_chat(ALICE)).pinned_message.message_id == sent.message_id
    assert await lab.bot.unpin_chat_message(ALICE)
    assert (await lab.bot.get_chat(ALICE)).pinned_message is None
    with pytest.raises(error.BadRequest, match="essage to pin not found"):
        await lab.bot.pin_chat_message(ALICE, 4242)


async def test_the_person_and_the_bot_are_in_their_chat(lab: Lab) -> None:
    for user in (ALICE, lab.world.bots["studio"].account.id):
        assert (await lab.bot.get_chat_member(ALICE, user)).status == "member"
    with pytest.raises(error.BadRequest, match="ser not found"):
        await lab.bot.get_chat_member(ALICE, BOB)
    with pytest.raises(error.BadRequest, match="hat not found"):
        await lab.bot.get_chat_member(STRANGER, ALICE)
    await lab.act("block")
    assert (await lab.bot.get_chat_member(ALICE, lab.world.bots["studio"].account.id)).status == "kicked"


async def test_nobody_here_has_a_profile_photo(lab: Lab) -> None:
    assert (await lab.bot.get_user_profile_photos(ALICE)).total_count == 0
    with pytest.raises(error.BadRequest, match="ser not found"):
        await lab.bot.get_user_profile_photos(STRANGER)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_a_voice_and_a_place_arrive(lab: Lab) -> None:
    voice = await lab.bot.send_voice(ALICE, b"OggS" + bytes(900), duration=2, caption="слушайте")
    assert (voice.voice.mime_type, voice.voice.duration, voice.caption) == ("audio/ogg", 2, "слушайте")
    place = (await lab.bot.send_location(ALICE, 55.79, 49.12)).location
    assert (place.latitude, place.longitude) == (55.79, 49.12)
    with pytest.raises(error.BadRequest, match="latitude"):
        await lab.bot.send_location(ALICE, 91, 0)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize("data", [b"film", b"\0\0\0\x18ftypmp42", picture(50, 50), film(0, 0)])
async def test_a_film_that_is_none_is_refused(lab: Lab, data: bytes) -> None:
    with pytest.raises(error.BadRequest, match=r"(?i)video_content_type_invalid"):
        await lab.bot.send_video(ALICE, data)
    answer = await lab.upload(("f.mp4", data), kind="video")
    assert answer["error"]["code"] == "not_a_film"
    assert (await lab.bot.send_video(ALICE, film(320, 568, 7))).video.duration == 7


def test_the_docs_list_the_methods():
    text = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    [listed] = re.findall(r"^Methods: (.*?)\. Any other", text, re.MULTILINE | re.DOTALL)
    assert {name.lower() for name in re.findall(r"`(\w+)`", listed)} == set(METHODS)
