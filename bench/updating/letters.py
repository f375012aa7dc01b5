"""Updates as Telegram sends them, and the conversations that the bench has with the studio bot."""

import json
from typing import Any

DATE = 1_790_000_000
FIRST = 5_000_000_000  # the id of the person with number 0
SIZES = ((90, 68, 1_500), (320, 240, 18_000), (800, 600, 75_000), (1280, 960, 140_000))


def person(number: int) -> dict[str, Any]:
    """Return who writes."""
    return {
        "id": FIRST + number,
        "is_bot": False,
        "first_name": f"Алиса{number}",
        "last_name": "Петрова",
        "username": f"alice_{number}",
        "language_code": "ru",
    }


def _message(number: int, update: int, **content: Any) -> dict[str, Any]:
    who = person(number)
    chat = {name: who[name] for name in ("id", "first_name", "last_name", "username")} | {"type": "private"}
    return {"message_id": 1000 + update, "from": who, "chat": chat, "date": DATE, **content}


def said(number: int, update: int, text: str) -> bytes:
    """Return an update with a text or a command."""
    command = {"entities": [{"type": "bot_command", "offset": 0, "length": len(text)}]} if text[0] == "/" else {}
    return _dump(update, message=_message(number, update, text=text, **command))


def photo(number: int, update: int) -> bytes:
    """Return an update with a photo in the four sizes that Telegram makes of it."""
    sizes = [
        {
            "file_id": f"AgACAgIAAxkBAAI{update:08d}{side}AAJh7zEbDKvZSa{wide}{'x' * 30}",
            "file_unique_id": f"AQADge{update:06d}{side}",
            "width": wide,
            "height": high,
            "file_size": size,
        }
        for side, (wide, high, size) in enumerate(SIZES)
    ]
    return _dump(update, message=_message(number, update, photo=sizes))


def pressed(number: int, update: int, data: str, message_id: int) -> bytes:
    """Return an update with the press of a button on a message of the bot."""
    who = person(number)
    bot = {"id": 123456789, "is_bot": True, "first_name": "Лоток", "username": "lotok_bot"}
    rows = [[("Новая карточка", "card:new")], [("Помощь", "menu:help"), ("English", "language:other")]]
    keyboard = [[{"text": text, "callback_data": told} for text, told in row] for row in rows]
    shown = _message(number, update, text="Лоток · карточки товаров\n\nБаланс: 2 кредита.")
    shown |= {"message_id": message_id, "from": bot, "reply_markup": {"inline_keyboard": keyboard}}
    press = {"id": str(update * 7919), "from": who, "message": shown, "chat_instance": "-391", "data": data}
    return _dump(update, callback_query=press)


def _dump(update: int, **content: Any) -> bytes:
    return json.dumps({"update_id": update, **content}, ensure_ascii=False).encode()
