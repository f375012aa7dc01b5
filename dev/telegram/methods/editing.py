"""Methods that change or delete a message of the bot."""

from dev.telegram.methods.asked import Asked
from dev.telegram.methods.sending import content
from dev.telegram.records import Chat, Json, Posted, Refused

SAME = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
MEDIA = ("photo", "document", "video", "animation", "audio")
BODY = ("text", "entities", "caption", "caption_entities", *MEDIA)
DELETE_SECONDS = 48 * 3600


async def edit_message_text(asked: Asked) -> Json:
    chat, posted = asked.own("edit")
    if "text" not in posted.message:
        raise Refused(400, "Bad Request: there is no text in the message to edit")
    text, entities = asked.words("text", "entities")
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    return _replace(asked, chat, posted, {"text": text, **({"entities": entities} if entities else {})})


async def edit_message_caption(asked: Asked) -> Json:
    chat, posted = asked.own("edit")
    kept = {name: posted.message[name] for name in MEDIA if name in posted.message}
    if not kept:
        raise Refused(400, "Bad Request: there is no caption in the message to edit")
    return _replace(asked, chat, posted, {**kept, **asked.caption()})


async def edit_message_media(asked: Asked) -> Json:
    """Put other media into a message; a text message becomes a media message."""
    asked.own("edit")
    item = asked.p.json("media")
    if not isinstance(item, dict):
        raise Refused(400, "Bad Request: can't parse InputMedia: expected an Object")
    new = {**await content(asked, str(item.get("type")), item), **asked.caption(item)}
    chat, posted = asked.own("edit")  # again: it may be gone after the picture was read
    if "media_group_id" in posted.message and item["type"] == "document" and "document" not in posted.message:
        raise Refused(400, "Bad Request: can't use the media of the specified type in the album")
    return _replace(asked, chat, posted, new)


async def edit_message_reply_markup(asked: Asked) -> Json:
    chat, posted = asked.own("edit")
    return _replace(asked, chat, posted, {name: posted.message[name] for name in BODY if name in posted.message})


async def delete_message(asked: Asked) -> bool:
    chat, posted = asked.own("delete")
    if asked.world.clock() - posted.message["date"] > DELETE_SECONDS:
        raise Refused(400, "Bad Request: message can't be deleted for everyone")
    asked.world.delete(chat, posted, asked.call)
    return True


async def delete_messages(asked: Asked) -> bool:
    chat = asked.chat()
    for number in asked.p.json("message_ids") or []:
        posted = chat.messages.get(int(number))
        if posted and not posted.deleted:
            asked.world.delete(chat, posted, asked.call)
    return True


def _replace(asked: Asked, chat: Chat, posted: Posted, body: Json) -> Json:
    """Give a message its new body and keyboard; a keyboard that is not given again is gone."""
    keyboard = asked.inline()
    new = body | ({"reply_markup": keyboard} if keyboard else {})
    old = {name: value for name, value in posted.message.items() if name in (*BODY, "reply_markup")}
    if new == old:
        raise Refused(400, SAME)
    kept = {name: value for name, value in posted.message.items() if name not in old}
    posted.message = {**kept, **new, "edit_date": int(asked.world.clock())}
    asked.world.edited(chat, posted, asked.call)
    return posted.message


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
