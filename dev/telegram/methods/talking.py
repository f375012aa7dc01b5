"""Methods around a conversation: chat actions, answers to presses, drafts, reactions, files, who is there."""

from dev.telegram import cast, markup
from dev.telegram.methods.asked import Asked
from dev.telegram.records import Json, Refused

ACTIONS = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
)
PRESS_SECONDS = 15.0  # Telegram's apps stop waiting about then
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def send_chat_action(asked: Asked) -> bool:
    chat = asked.chat()
    if asked.p.text("action") not in ACTIONS:
        raise Refused(400, "Bad Request: wrong parameter action in request")
    asked.world.set_action(chat, asked.p.text("action"))
    return True


async def answer_callback_query(asked: Asked) -> bool:
    """Stop a button's spinner, once and in time."""
    world, p = asked.world, asked.p
    press = world.presses.get(p.text("callback_query_id"))
    late = press is not None and world.clock() - press.at > PRESS_SECONDS
    if press is None or press.bot != asked.bot.name or press.answer is not None or late:
        raise Refused(400, TOO_OLD)
    if len(p.text("text")) > 200:
        raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
    press.answer = {"text": p.text("text"), "show_alert": p.flag("show_alert")}
    world.emit(
        "callback_answer",
        bot=press.bot,
        user_id=press.user_id,
        callback_query_id=p.text("callback_query_id"),
        message_id=press.message_id,
        **press.answer,
    )
    return True


async def send_message_draft(asked: Asked) -> bool:
    """Show words that are still being written, for half a minute; the message itself comes with sendMessage."""
    chat = asked.chat()
    if not asked.p.number("draft_id"):
        raise Refused(400, "Bad Request: DRAFT_ID_INVALID")
    text, entities = asked.words("text", "entities") if asked.p.text("text") else ("", [])
    asked.world.show_draft(
        chat, asked.p.number("draft_id"), text, markup.safe_html(text, entities), can_stop=asked.p.flag("can_stop")
    )
    return True


async def set_message_reaction(asked: Asked) -> bool:
    chat = asked.chat()
    posted = chat.messages.get(asked.p.number("message_id"))
    if posted is None or posted.deleted:
        raise Refused(400, "Bad Request: message to react not found")
    posted.reaction = asked.p.json("reaction") or []
    asked.world.edited(chat, posted, asked.call)
    return True


async def get_file(asked: Asked) -> Json:
    if not asked.p.has("file_id"):
        raise Refused(400, "Bad Request: file_id not specified")
    file = asked.world.files.find(asked.bot, asked.p.text("file_id"))
    return asked.world.files.link(asked.bot, file, asked.world.clock())


async def get_chat(asked: Asked) -> Json:
    user = asked.world.users.get(asked.p.number("chat_id"))
    if user is None:
        raise Refused(400, "Bad Request: chat not found")
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, True)}
    chat = asked.world.chats.get((asked.bot.name, user["id"]))
    pinned = chat.messages.get(chat.pinned) if chat else None
    return {**cast.wire_chat(user), **full, **({"pinned_message": pinned.message} if pinned else {})}


METHODS = {
    "sendChatAction": send_chat_action,
    "answerCallbackQuery": answer_callback_query,
    "sendMessageDraft": send_message_draft,
    "setMessageReaction": set_message_reaction,
    "getFile": get_file,
    "getChat": get_chat,
}
