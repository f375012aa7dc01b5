import json

import pytest

from dev.telegram.spec import Spec
from lib import errors
from lib.telegram.update import SENT, StarPayment, parse

ALICE = {"id": 7, "is_bot": False, "first_name": "Алиса"}
MESSAGE = {"message_id": 5, "date": 1, "chat": {"id": 7, "type": "private"}, "from": ALICE}
BILL = {"currency": "XTR", "total_amount": 50, "invoice_payload": "pack:5"}
CHARGED = {**BILL, "telegram_payment_charge_id": "t", "provider_payment_charge_id": "p"}


def came(**update):
    return parse(json.dumps({"update_id": 1, **update}).encode())


@pytest.mark.parametrize(("owner", "own"), [({"user_id": 7}, True), ({"user_id": 8}, False), ({}, False)])
def test_only_the_phone_of_ones_own_account_is_ones_own(owner, own):
    contact = {"phone_number": "+79990001122", "first_name": "А", **owner}
    found = came(message={**MESSAGE, "contact": contact})
    assert (found.kind, found.phone, found.own_phone) == ("contact", "+79990001122", own)


def test_a_checkout_says_what_is_about_to_be_paid():
    found = came(pre_checkout_query={"id": "9", "from": ALICE, **BILL})
    assert (found.kind, found.payment) == ("checkout", StarPayment("XTR", 50, "pack:5", query_id="9"))


def test_a_payment_is_known_by_its_charge():
    found = came(message={**MESSAGE, "successful_payment": CHARGED})
    assert (found.kind, found.payment) == ("paid", StarPayment("XTR", 50, "pack:5", charge_id="t"))
    assert found.person.id == 7


def test_a_renewal_of_a_subscription_says_until_when_it_runs():
    paid = {**CHARGED, "is_recurring": True, "subscription_expiration_date": 1900000000}
    assert came(message={**MESSAGE, "successful_payment": paid}).payment.until == 1900000000
    assert came(message={**MESSAGE, "successful_payment": paid}).payment.renewal
    first = {**paid, "is_first_recurring": True}
    assert not came(message={**MESSAGE, "successful_payment": first}).payment.renewal


def test_a_refund_names_the_charge_that_is_given_back():
    found = came(message={**MESSAGE, "refunded_payment": CHARGED})
    assert (found.kind, found.payment) == ("refunded", StarPayment("XTR", 50, "pack:5", charge_id="t"))


def test_an_amount_below_zero_is_no_update():
    with pytest.raises(errors.Invalid):
        came(pre_checkout_query={"id": "9", "from": ALICE, **BILL, "total_amount": -1})


def test_word_of_a_refund_is_the_bots_own_message_and_belongs_to_the_chats_person():
    bot = {"id": 99, "is_bot": True, "first_name": "Лоток"}
    back = {**BILL, "telegram_payment_charge_id": "t"}
    found = came(message={**MESSAGE, "from": bot, "refunded_payment": back})
    assert (found.kind, found.person.id, found.payment.charge_id) == ("refunded", 7, "t")


SPEC = Spec()


# What the Bot API 10.1 calls a service message, and what it calls a message with something in it that people send.
SERVICE = {
    *("boost_added", "channel_chat_created", "chat_background_set", "chat_owner_changed", "chat_owner_left"),
    *(
        "chat_shared",
        "checklist_tasks_added",
        "checklist_tasks_done",
        "delete_chat_photo",
        "direct_message_price_changed",
    ),
    *("forum_topic_closed", "forum_topic_created", "forum_topic_edited", "forum_topic_reopened"),
    *("general_forum_topic_hidden", "general_forum_topic_unhidden", "gift", "gift_upgrade_sent", "giveaway_completed"),
    *("giveaway_created", "group_chat_created", "managed_bot_created", "message_auto_delete_timer_changed"),
    *("paid_message_price_changed", "poll_option_added", "poll_option_deleted", "proximity_alert_triggered"),
    *("refunded_payment", "successful_payment", "suggested_post_approval_failed", "suggested_post_approved"),
    *("suggested_post_declined", "suggested_post_paid", "suggested_post_refunded", "supergroup_chat_created"),
    *("unique_gift", "users_shared", "video_chat_ended", "video_chat_participants_invited", "video_chat_scheduled"),
    *("video_chat_started", "web_app_data", "write_access_allowed"),
}
WITH_CONTENT = {
    *(
        "animation",
        "audio",
        "checklist",
        "dice",
        "document",
        "game",
        "invoice",
        "live_photo",
        "location",
        "photo",
        "poll",
    ),
    *("rich_message", "sticker", "story", "venue", "video", "video_note", "voice"),
}


def test_every_service_message_is_silent_and_everything_else_is_answered():
    fields = {field["name"] for field in SPEC.types["Message"]["fields"]}
    assert fields >= SERVICE | WITH_CONTENT
    assert not SERVICE & SENT
    assert WITH_CONTENT <= SENT


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": {**MESSAGE, "text": "Чек"}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"chat_background_set": {"type": {"type": "fill"}}},
        {"write_access_allowed": {}},
        {"something_of_next_year": {}},
    ],
)
def test_a_service_message_is_nothing_to_answer(content):
    assert came(message={**MESSAGE, **content}) is None


def test_a_sticker_is_still_something_to_answer():
    assert came(message={**MESSAGE, "sticker": {"file_id": "a"}}).kind == "other"


@pytest.mark.parametrize("between", [" ", "\u00a0", "\n", "  "])
def test_a_command_ends_at_any_space(between):
    found = came(message={**MESSAGE, "text": f"/Promo@lotok_bot{between}ВЕСНА 5"})
    assert (found.kind, found.command, found.text) == ("command", "promo", "ВЕСНА 5")


def test_a_video_has_its_file_and_caption_for_who_takes_one():
    video = {
        "file_id": "f",
        "file_unique_id": "u",
        "width": 720,
        "height": 1280,
        "duration": 3,
        "mime_type": "video/mp4",
    }
    found = came(message={**MESSAGE, "video": {**video, "file_size": 400}, "caption": "Пироги"})
    assert (found.kind, found.text, found.attachment, found.caption) == ("other", "", None, "Пироги")
    assert (found.video.kind, found.video.mime, found.video.size) == ("video", "video/mp4", 400)
    with pytest.raises(errors.Invalid):
        came(message={**MESSAGE, "video": {**video, "width": None}})


def test_an_edit_of_words_is_one_and_other_edits_are_none():
    found = came(edited_message={**MESSAGE, "edit_date": 2, "text": "Кружка"})
    assert (found.kind, found.text, found.message_id, found.edited) == ("text", "Кружка", 5, True)
    assert not came(message={**MESSAGE, "text": "Кружка"}).edited
    for content in ({"location": {"latitude": 1, "longitude": 1}}, {"text": "/start"}, {"sticker": {"file_id": "a"}}):
        assert came(edited_message={**MESSAGE, "edit_date": 2, **content}) is None


def test_a_stopped_draft_names_the_chat_and_nobody():
    chat = {"id": 7, "type": "private", "first_name": "Алиса"}
    found = came(stopped_message_generation={"chat": chat, "draft_id": 31})
    assert (found.kind, found.person.id, found.text) == ("stopped", 7, "31")
    assert came(stopped_message_generation={"chat": {"id": -7, "type": "group"}, "draft_id": 31}) is None


@pytest.mark.parametrize("odd", [{"draft_id": "x"}, {"draft_id": -1, "chat": {"id": -5, "type": "private"}}, 5])
def test_an_odd_stop_is_no_update(odd):
    with pytest.raises(errors.Invalid):
        came(stopped_message_generation=odd)


def test_a_voice_message_says_how_long_it_is():
    voice = {"file_id": "f", "file_unique_id": "u", "duration": 3, "mime_type": "audio/ogg", "file_size": 400}
    found = came(message={**MESSAGE, "voice": voice})
    assert (found.kind, found.voice.file_id, found.seconds, found.attachment) == ("voice", "f", 3, None)
    with pytest.raises(errors.Invalid):
        came(message={**MESSAGE, "voice": {**voice, "duration": None}})
