import pytest

from lib.telegram.client import Button, Key, Keys


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
    assert button.markup().to_dict() == wire


def test_keys_ask_for_the_phone_and_go_after_one_press():
    wire = Keys([[Key("Поделиться номером", contact=True)], [Key("Отмена")]], placeholder="Номер").markup().to_dict()
    assert wire["keyboard"] == [[{"text": "Поделиться номером", "request_contact": True}], [{"text": "Отмена"}]]
    assert (wire["one_time_keyboard"], wire["input_field_placeholder"]) == (True, "Номер")


def test_no_keys_take_away_those_that_are_there():
    assert Keys().markup().to_dict() == {"remove_keyboard": True}
