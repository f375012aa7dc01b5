"""Methods that pass a message on, or keep it at the top of its chat."""

from typing import Any

from dev.telegram import cast
from dev.telegram.methods.asked import Asked
from dev.telegram.methods.editing import BODY
from dev.telegram.records import Json, Posted, Refused

CONTENT = (*BODY, "voice", "sticker", "location", "contact")


async def forward_message(asked: Asked) -> Json:
    """Put a message into a chat with a note of who wrote it and when, also if it had been passed on before."""
    asked.chat()
    posted, content = _source(asked, "forward", "forwarded")
    own = {"type": "user", "sender_user": posted.message["from"], "date": posted.message["date"]}
    return asked.say({**content, "forward_origin": posted.message.get("forward_origin", own)})


async def copy_message(asked: Asked) -> Json:
    """Put a message's content into a chat as the bot's own, with another caption if one is given."""
    asked.chat()
    _, content = _source(asked, "copy", "copied")
    if asked.p.has("caption") and "text" not in content:
        content = {k: v for k, v in content.items() if not k.startswith("caption")} | asked.caption()
    return {"message_id": asked.say(content)["message_id"]}


async def pin_chat_message(asked: Asked) -> bool:
    """Keep a message at the top of its chat; getChat tells which one it is."""
    chat = asked.chat()
    number = asked.p.number("message_id")
    if number not in chat.messages or chat.messages[number].deleted:
        raise Refused(400, "Bad Request: message to pin not found")
    chat.pinned = number
    asked.world.keep_chat(chat)
    return True


async def unpin_chat_message(asked: Asked) -> bool:
    chat = asked.chat()
    if asked.p.has("message_id") and asked.p.number("message_id") != chat.pinned:
        raise Refused(400, "Bad Request: message to unpin not found")
    chat.pinned = 0
    asked.world.keep_chat(chat)
    return True


async def get_chat_member(asked: Asked) -> Json:
    """Tell whether somebody is in a private chat: the person and the bot are, unless the person has blocked it."""
    chat = asked.world.chats.get((asked.bot.name, asked.p.number("chat_id")))
    if chat is None or not chat.started:
        raise Refused(400, "Bad Request: chat not found")
    known = {
        chat.user_id: cast.wire_user(asked.world.users[chat.user_id]),
        asked.bot.account.id: asked.bot.account.user,
    }
    user = known.get(asked.p.number("user_id"))
    if user is None:
        raise Refused(400, "Bad Request: user not found")
    gone = chat.blocked and user["id"] == asked.bot.account.id
    return {"status": "kicked", "until_date": 0, "user": user} if gone else {"status": "member", "user": user}


async def get_user_profile_photos(asked: Asked) -> Json:
    """Answer that there are none: people here have a colour and no picture."""
    if asked.p.number("user_id") not in asked.world.users:
        raise Refused(400, "Bad Request: user not found")
    return {"total_count": 0, "photos": []}


def _source(asked: Asked, verb: str, done: str) -> tuple[Posted, dict[str, Any]]:
    """Return the message that a call names and what of it can be passed on."""
    chat = asked.world.chats.get((asked.bot.name, asked.p.number("from_chat_id")))
    if chat is None:
        raise Refused(400, "Bad Request: chat not found")
    posted = chat.messages.get(asked.p.number("message_id"))
    if posted is None or posted.deleted:
        raise Refused(400, f"Bad Request: message to {verb} not found")
    content = {name: posted.message[name] for name in CONTENT if name in posted.message}
    if not content or posted.message.get("has_protected_content"):
        raise Refused(400, f"Bad Request: message can't be {done}")
    return posted, content


METHODS = {
    "forwardMessage": forward_message,
    "copyMessage": copy_message,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "getChatMember": get_chat_member,
    "getUserProfilePhotos": get_user_profile_photos,
}
