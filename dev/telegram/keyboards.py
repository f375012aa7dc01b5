"""Checks keyboards as Telegram does, and refuses them in its words."""

import re
from typing import Any

from dev.telegram.records import Json, Refused

INLINE_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
MOST_BUTTONS = 100


def inline(markup: Any) -> Json | None:
    """Return an inline keyboard checked button by button, or None when there is none to show."""
    if not markup:
        return None
    if not isinstance(markup, dict) or not isinstance(markup.get("inline_keyboard"), list):
        raise Refused(400, "Bad Request: object expected as reply markup")
    rows = [row for row in markup["inline_keyboard"] if row]
    for row in rows:
        for button in row:
            _check_inline(button)
    if sum(len(row) for row in rows) > MOST_BUTTONS:
        raise Refused(400, "Bad Request: reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def reply(markup: Json) -> Json | None:
    """Return a reply keyboard with every button as an object, or None when it is taken away."""
    if markup.get("remove_keyboard"):
        return None
    rows = [[{"text": one} if isinstance(one, str) else one for one in row] for row in markup["keyboard"]]
    if any(not button.get("text") for row in rows for button in row):
        raise Refused(400, "Bad Request: keyboard button text must be non-empty")
    return {**markup, "keyboard": [row for row in rows if row]}


def is_inline(markup: Any) -> bool:
    return isinstance(markup, dict) and "inline_keyboard" in markup


def _check_inline(button: Any) -> None:
    prefix = "Bad Request: can't parse inline keyboard button: "
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise Refused(400, prefix + 'Field "text" must be non-empty' if isinstance(button, dict) else prefix)
    if not any(name in button for name in INLINE_ACTIONS):
        raise Refused(400, prefix + "Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= 64:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not re.match(r"(https?|tg)://[^\s/]+", str(url)):
        raise Refused(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    app = button.get("web_app")
    if app is not None and not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", str(app.get("url", ""))):
        raise Refused(
            400,
            f"Bad Request: inline keyboard button Web App URL '{app.get('url')}' is invalid: "
            "Only HTTPS links are allowed",
        )
