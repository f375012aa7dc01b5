"""What a broadcast looks like to its reader: the words, a picture, the buttons, and the way out of it."""

from typing import Any
from zoneinfo import ZoneInfo

from lib import clock, text
from lib.reach import hours
from lib.reach.broadcasts import Broadcast
from lib.telegram import client
from lib.telegram.client import Button, Chat, Film, Keyboard, Picture, SentMessage
from lib.text import HtmlSentence

AWAY = "news.auto.away_words"  # what a shop without words of its own says to those who have been away


def words(one: Broadcast, language: str) -> str:
    """Return the message: the shop's name, its words, and by whom it is paid where that must be said."""
    head = text.say(language, "news.from_shop", shop=one.shop) if one.shop else ""
    mark = text.say(language, "news.mark", advertiser=one.advertiser, erid=one.erid) if one.advertiser else ""
    said = text.say(language, "news.words", words=_words(one, language)) if one.words else ""
    return HtmlSentence("\n\n".join(part for part in (head, said, mark) if part))


def _words(one: Broadcast, language: str) -> str:
    """Return its words; an invitation in our words has those of its reader's language."""
    is_ours = one.kind == "away" and one.words == text.say(text.LANGUAGES[0], AWAY)
    return text.say(language, AWAY) if is_ours else one.words


def whole(one: Broadcast, language: str) -> HtmlSentence:
    """Return all that it says as a text, with each link in full, for its author and for who has to let it pass."""
    said = text.say(language, "news.words", words=one.words) if one.words else text.say(language, "news.edit.no_words")
    parts = [said, *([text.say(language, f"news.edit.{one.file['kind']}")] if one.file else [])]
    for button in one.buttons:
        key = "news.edit.promo" if "promotion" in button else "news.edit.button"
        parts.append(text.say(language, key, label=button["label"], target=button.get("url", "")))
    if one.advertiser:
        parts.append(text.say(language, "news.edit.mark", advertiser=one.advertiser, erid=one.erid))
    return HtmlSentence("\n".join(parts))


def when(one: Broadcast, language: str) -> HtmlSentence:
    """Return in words when it goes; of a moment at night also when people are awake."""
    at = (one.run_at or clock.now()).astimezone(ZoneInfo(one.zone))
    key = "now" if one.run_at is None else "clock" if one.by_clock else "at" if one.partner_id else "at.platform"
    said, morning = text.say(language, f"news.when.{key}", at=at), hours.awake(at, one.zone).from_at
    return HtmlSentence(said if morning == at else text.say(language, "news.when.night", when=said, at=morning))


def keyboard(one: Broadcast, language: str, sample: str = "") -> Keyboard:
    """Return the buttons, and below what advertises the one that says no to it; a `sample` only says that it is one."""
    rows = [[_button(one, button, sample)] for button in one.buttons]
    if one.advertises:
        label = text.say(language, "news.button.off")
        rows.append([Button(label, sample or f"news:off:{one.partner_id}:{one.kind}")])
    return rows


def _button(one: Broadcast, button: dict[str, Any], sample: str) -> Button:
    if "promotion" in button:
        return Button(button["label"], sample or f"promo:{one.partner_id}:{button['promotion']}:{one.id}")
    return Button(button["label"], url=button["url"])


async def file(one: Broadcast, bot: str = "") -> Picture | None:
    """Return its file for a bot, else for the one that sends it: as bytes until that one has sent it, then by its id.

    The id under which it came is of no use: a photo that came as a document has the id of a document.
    """
    if one.file is None:
        return None
    if one.file_id and bot in ("", one.bot):
        return Picture(one.file["kind"], file_id=one.file_id)
    name = "video.mp4" if one.file["kind"] == "video" else "photo.jpg"
    return Picture(name, await client.download(one.file["bot"], one.file["id"]))


async def deliver(chat: Chat, one: Broadcast, language: str, attached: Picture | None, sample: str = "") -> SentMessage:
    """Send it to one person; the answer to a file that is new to this bot says by which id it knows it now."""
    said, below = words(one, language), keyboard(one, language, sample)
    if one.file is None or attached is None:
        return SentMessage(await chat.say(said, below))
    if one.file["kind"] == "video":
        return await chat.send_video(Film(attached, 0, 0, 0), said, below)
    return await chat.send_photo(attached, said, below)
