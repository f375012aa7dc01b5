"""Methods that put a message into a chat: texts, photos, files, films, voices, albums, places."""

import secrets
import time
from typing import Any

from dev.telegram import media
from dev.telegram.files import PHOTO_LIMIT, File
from dev.telegram.methods.asked import Asked
from dev.telegram.records import Json, Refused
from dev.telegram.wire import Upload

NAMES = {"photo": "Photo", "document": "Document", "video": "Video", "voice": "VoiceNote", "sticker": "Sticker"}
MOST_SIDES = 10_000
MOST_RATIO = 20
FREE = 30  # messages of a bot within a second


def _pay(asked: Asked) -> None:
    """Take a tenth of a Star for a message above thirty within a second, where the bot has allowed it."""
    if not asked.p.flag("allow_paid_broadcast"):
        return
    second, number = int(time.time()), 0
    if asked.world.paid_now.get(asked.bot.name, (0, 0))[0] == second:
        number = asked.world.paid_now[asked.bot.name][1]
    asked.world.paid_now[asked.bot.name] = (second, number + 1)
    asked.world.paid_messages[asked.bot.name] += number >= FREE


async def send_message(asked: Asked) -> Json:
    asked.chat()
    _pay(asked)
    text, entities = asked.words("text", "entities")
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    return asked.say({"text": text, **({"entities": entities} if entities else {})})


async def send_photo(asked: Asked) -> Json:
    return await _send(asked, "photo")


async def send_document(asked: Asked) -> Json:
    return await _send(asked, "document")


async def send_video(asked: Asked) -> Json:
    return await _send(asked, "video")


async def send_voice(asked: Asked) -> Json:
    return await _send(asked, "voice")


async def send_location(asked: Asked) -> Json:
    asked.chat()
    place = {name: asked.p.values.get(name) for name in ("latitude", "longitude")}
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            place[name] = float(str(place[name]))
        except ValueError:
            raise Refused(400, f"Bad Request: {name} is empty") from None
        if not abs(place[name]) <= most:
            raise Refused(400, f"Bad Request: invalid {name} specified")
    return asked.say({"location": place})


async def _send(asked: Asked, kind: str) -> Json:
    asked.chat()
    _pay(asked)
    caption = asked.caption()
    return asked.say({**await content(asked, kind), **caption})


async def send_media_group(asked: Asked) -> list[Json]:
    """Send an album of 2 to 10: photos and films together, documents only with their like."""
    asked.chat()
    items = asked.p.json("media")
    if not isinstance(items, list) or not 2 <= len(items) <= 10:
        raise Refused(400, "Bad Request: wrong number of items in the album, from 2 to 10 expected")
    kinds = {str(item.get("type")) for item in items}
    if len(kinds) > 1 and kinds != {"photo", "video"}:
        raise Refused(400, f"Bad Request: {(kinds - {'photo', 'video'}).pop()} can't be mixed with other media types")
    group = str(secrets.randbelow(10**17))
    contents = [{**await content(asked, item["type"], item), **asked.caption(item)} for item in items]
    return [asked.say({**one, "media_group_id": group}) for one in contents]


async def content(asked: Asked, kind: str, item: Json | None = None) -> Json:
    """Return the media field of a message, from the call's arguments or from one InputMedia `item`."""
    if kind not in NAMES:
        raise Refused(400, "Bad Request: can't parse InputMedia: type is invalid")
    given = await asked.file(kind, item.get("media") if item is not None else None)
    facts = item if item is not None else asked.p.values
    file = _known(asked, given, kind) if isinstance(given, str) else await _stored(asked, given, kind, facts)
    files, bot = asked.world.files, asked.bot
    return {kind: files.photo_json(bot, file) if kind == "photo" else files.file_json(bot, file)}


def _known(asked: Asked, file_id: str, kind: str) -> File:
    file = asked.world.files.find(asked.bot, file_id)
    if file.kind != kind:
        words = f"can't use file of type {NAMES.get(file.kind, 'Thumbnail')} as {NAMES[kind]}"
        raise Refused(400, f"Bad Request: {words}")
    return file


async def _stored(asked: Asked, upload: Upload, kind: str, facts: Json) -> File:
    files, user_id = asked.world.files, asked.call.user_id or 0
    if kind == "photo":
        _check_photo(upload.data)
        try:
            return (await files.photo(upload.data, user_id))[-1]
        except media.Undecodable:
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
    if kind == "voice":
        seconds = _whole(facts, "duration")
        return files.other("voice", upload.data, upload.name or "voice.oga", user_id, duration=seconds)
    if kind == "video":
        try:
            wide, high, seconds = media.film(upload.data)
        except media.Undecodable:
            raise Refused(400, "Bad Request: VIDEO_CONTENT_TYPE_INVALID") from None
        shape = {
            "width": _whole(facts, "width") or wide,
            "height": _whole(facts, "height") or high,
            "duration": _whole(facts, "duration") or seconds,
        }
        return files.other("video", upload.data, upload.name or "video.mp4", user_id, **shape)
    return await files.document(upload.data, upload.name or "document", upload.mime, user_id)


def _whole(facts: Json, name: str) -> int:
    value: Any = facts.get(name) or 0
    return int(float(value))


def _check_photo(data: bytes) -> None:
    if len(data) > PHOTO_LIMIT:
        raise Refused(400, f"Bad Request: file of size {len(data)} bytes is too big for a photo")
    try:
        width, height = media.size(data)
    except media.Undecodable:
        raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
    if width + height > MOST_SIDES or max(width, height) > MOST_RATIO * min(width, height):
        raise Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")


METHODS = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendVideo": send_video,
    "sendVoice": send_voice,
    "sendLocation": send_location,
    "sendMediaGroup": send_media_group,
}
