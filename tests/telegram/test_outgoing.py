"""What a bot sends, as the Bot API takes it: buttons, keys, files by id or by bytes, invoices; and Stars that come."""

from datetime import UTC, datetime

import pytest
from telegram import Chat, Message, PhotoSize, StarTransaction, TransactionPartnerFragment, TransactionPartnerUser, User

from lib.telegram import outgoing
from lib.telegram.outgoing import Button, Film, Invoice, Key, Keys, Picture

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("button", "shown"),
    [
        (Button("Меню", "menu:home"), {"text": "Меню", "callback_data": "menu:home"}),
        (Button("Да", "y", style="success"), {"text": "Да", "style": "success", "callback_data": "y"}),
        (Button("Сайт", url="https://a.b"), {"text": "Сайт", "url": "https://a.b"}),
        (Button("Карта", app="https://a.b/app"), {"text": "Карта", "web_app": {"url": "https://a.b/app"}}),
        (Button("Заплатить", pay=True), {"text": "Заплатить", "pay": True}),
        (Button("А\u202eБ", "x"), {"text": "АБ", "callback_data": "x"}),
    ],
)
def test_a_button_does_one_thing(button, shown):
    assert button.markup() == shown


def test_keys_go_after_one_press_and_no_rows_take_them_away():
    keys = Keys([[Key("Отправить номер", contact=True)], [Key("Не сейчас")]], placeholder="Номер")
    assert keys.markup() == {
        "keyboard": [[{"text": "Отправить номер", "request_contact": True}], [{"text": "Не сейчас"}]],
        "resize_keyboard": True,
        "one_time_keyboard": True,
        "input_field_placeholder": "Номер",
    }
    assert Keys().markup() == {"remove_keyboard": True}
    assert "input_field_placeholder" not in Keys([[Key("Да")]]).markup()


def test_a_message_without_buttons_names_none():
    assert outgoing.markup(None) == outgoing.markup([]) == {}
    assert outgoing.markup([[Button("А", "a")]]) == {
        "reply_markup": {"inline_keyboard": [[{"text": "А", "callback_data": "a"}]]}
    }
    assert outgoing.below("", None) == {}
    assert outgoing.below("<b>Готово</b>", None) == {"caption": "<b>Готово</b>", "parse_mode": "HTML"}


def test_an_answer_may_outlive_what_it_answers():
    assert outgoing.reply(7) == {"reply_parameters": {"message_id": 7, "allow_sending_without_reply": True}}
    assert outgoing.reply(None) == outgoing.reply(0) == {}


def test_what_telegram_knows_is_not_uploaded_again():
    assert Picture("a.png", b"bytes", "AgAC").content() == "AgAC"
    assert Picture("a.png", b"bytes").content() == b"bytes"


def test_a_film_says_what_a_player_must_know():
    film = Film(Picture("a.mp4", b"film"), 1080, 1920, 5, Picture("a.jpg", b"cover"))
    facts = {"width": 1080, "height": 1920, "duration": 5, "supports_streaming": True}
    assert film.facts() == facts | {"cover": b"cover"}
    assert Film(Picture("a.mp4", b"film"), 1080, 1920, 5).facts() == facts


def test_in_an_album_a_new_cover_goes_as_the_thumbnail_and_a_known_one_as_the_cover():
    new = outgoing.in_album(Film(Picture("a.mp4", b"film"), 9, 16, 5, Picture("a.jpg", b"cover")), "Готово")
    assert (new.cover, new.thumbnail.input_file_content, new.caption) == (None, b"cover", "Готово")
    known = outgoing.in_album(Film(Picture("a.mp4", file_id="BAAC"), 9, 16, 5, Picture("a.jpg", file_id="AgAC")), "")
    assert (known.media, known.cover, known.thumbnail, known.caption) == ("BAAC", "AgAC", None, None)
    photo = outgoing.in_album(Picture("a.jpg", file_id="AgAC"), "Готово")
    assert (photo.type, photo.media, photo.parse_mode) == ("photo", "AgAC", "HTML")


def test_an_invoice_is_in_stars_with_one_price():
    fields = Invoice("10 кредитов", "На 10 карточек", "pack:1", 50).fields()
    assert (fields["currency"], fields["provider_token"], fields["payload"]) == ("XTR", "", "pack:1")
    assert [(price.label, price.amount) for price in fields["prices"]] == [("10 кредитов", 50)]


def test_of_a_photo_the_largest_size_is_kept():
    sizes = [PhotoSize(f"id{side}", f"u{side}", side, side) for side in (90, 320, 800)]
    message = Message(5, NOW, Chat(1, "private"), photo=sizes)
    assert outgoing.sent(message) == outgoing.SentMessage(5, "id800")
    assert outgoing.sent(Message(6, NOW, Chat(1, "private"), text="x")) == outgoing.SentMessage(6)


def payer(kind="invoice_payment", payload="pack:1"):
    return TransactionPartnerUser(kind, User(7, "Алиса", False), invoice_payload=payload)


@pytest.mark.parametrize(
    ("side", "partner", "found"),
    [
        ("source", payer(), (7, "pack:1", False)),
        ("receiver", payer(), (7, "pack:1", True)),
        ("source", payer(payload=None), (7, "", False)),
        ("source", payer("gift_purchase"), None),
        ("receiver", TransactionPartnerFragment(), None),
        ("source", None, None),
    ],
)
def test_stars_are_a_persons_when_an_invoice_was_their_reason(side, partner, found):
    one = outgoing.stars(StarTransaction("c1", 50, NOW, **{side: partner}))
    assert (one and (one.tg_id, one.payload, one.refunded)) == found
    if one:
        assert (one.charge_id, one.amount, one.first_name, one.at) == ("c1", 50, "Алиса", NOW)
