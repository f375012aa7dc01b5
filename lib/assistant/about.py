"""Answers to questions about the shop itself: whether it is open, until when, where it is, how to reach it.

Without a key, from what the shop told of itself. What it did not tell, and what the assistant cannot do, is said so.
"""

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from lib import text
from lib.loyalty import hours as opening
from lib.loyalty.hours import OpeningHours, Parts
from lib.menu.versions import OpenShop

_DAYS = r"сейчас|сегодня|завтра|послезавтра|по \w+|в \w+|\d{1,2} \w+|now|today|tomorrow|on \w+"
_HOURS = re.compile(
    r"до скольк|(?:до|с|со) (?:какого (?:часа|времени)|скольк)|во? ?сколько (?:вы )?(?:откр|закр|начин)"
    r"|(?:часы|время|график|режим|расписание) работы|когда (?:вы )?(?:откр|закр|работа)|^\W*(?:ваш )?график\W*$"
    rf"|вы (?:(?:еще|уже|{_DAYS}) )*(?:открыты|закрыты)|открыты ли|какие часы|^\W*(?:уже |еще )?(?:открыто|закрыто)\b"
    rf"|работает[еь](?: ли)?(?: вы)?(?: (?:еще|уже))?(?:,? (?:{_DAYS}))*\s*\??$|^(?:{_DAYS}) (?:вы )?работает[еь]"
    r"|круглосуточн|перерыв на обед|успе(?:ю|ем) до \d|выходн\w+ (?:день|дни)|есть (?:ли )?выходн"
    r"|opening (?:hours|times)|(?:are|when are) you (?:still )?open|when do you (?:open|close)|what time (?:do|are) you"
    r"|(?:working|business) hours|closing time|your hours|do you work (?:on|at)\b|^\W*hours\W*$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\bадрес|где (?:вы|вас|это|ваш|сам)|где (?:находит|располож|магазин|салон|кафе)|как (?:к вам |до вас |вас )?"
    r"(?:добраться|доехать|пройти|проехать|найти|дойти)|куда (?:мне )?(?:ехать|идти|подъехать|приехать|прийти)"
    r"|как(?:ая|ой) улиц|на какой (?:вы )?улиц|как(?:ое|ая|ой) (?:рядом )?метро|геолокац|геометк|в каком (?:вы )?районе"
    r"|where are you|your address|location|how (?:do|can) (?:i|we) (?:get|find)|how to (?:find|get to) you"
    r"|where is (?:the|your) (?:shop|store|cafe|salon|place)",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"(?:ваш|какой(?: у вас)?|есть ли(?: у вас)?) телефон|телефон (?:магазин|салон|кафе|для связи)|номер телефона"
    r"|позвонить вам|как (?:вам |к вам )(?:по|до)?звонить|по какому (?:номеру|телефону)|дайте (?:ваш )?номер"
    r"|как (?:с вами )?связаться|контакт|есть (?:ли )?(?:у вас )?(?:ватсап|вотсап|whatsapp|инстаграм|сайт|почта)"
    r"|(?:ватсап|вотсап|whatsapp|инстаграм|сайт|почта)\w* есть\b|phone number|can i call you"
    r"|how (?:can|do) i (?:call|reach|contact)|do you have a (?:phone|website|site)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[.?!;,\n]+|\s(?:и|а|and)\s")
_CANNOT = {
    "payment": re.compile(
        r"оплат\w+|картой|наличн\w+|рассрочк\w+|\bсбп\b|принимаете (?:ли )?карт|pay by|credit card|apple pay"
        r"|do you (?:take|accept) (?:cards?|cash)",
        re.IGNORECASE,
    ),
    "parking": re.compile(
        r"парковк\w*|припарков\w*|парковать\w*|wi-?fi|вай[- ]?фай|туалет\b|розетк\w+"
        r"|можно (?:к вам )?с (?:собак|животн)\w+"
        r"|детск\w+ (?:стул|кресл|комнат|площадк)\w*|parking|high chair|pet.friendly|are dogs",
        re.IGNORECASE,
    ),
    "booking": re.compile(
        r"запис(?:ать|аться|ь на|ывай|ал)|запишите|заброниров\w*|бронь|столик|свободн\w+ (?:время|окошк|запис|мест)"
        r"|есть (?:ли )?(?:свободн\w+ )?окошк|book a|reserv|appointment",
        re.IGNORECASE,
    ),
    "delivery": re.compile(r"доставк\w*|доставля\w*|привез\w*|самовывоз\w*|deliver", re.IGNORECASE),
    "who": re.compile(
        r"^\W*(?:ты|вы) (?:кто|бот|робот|человек|настоящ)|кто (?:ты|вы|это)\b|что (?:ты|вы) (?:умее|може)|ты бот"
        r"|с кем я (?:говор|общ|разговар)|чем (?:ты |вы )?(?:можешь|можете) (?:мне )?помочь"
        r"|are you (?:a |an )?(?:bot|robot|human|real)|who are you|what can you do",
        re.IGNORECASE,
    ),
    "points": re.compile(
        r"\bбалл(?:ы|ов|ам|ами|ах)?\b|\bбонус\w*|\bакци(?:я|и|й|ю|ям|ях)\b|\bскидк\w+"
        r"|\bpoints\b|promotion|discount|special offer",
        re.IGNORECASE,
    ),
}


def answer(language: str, shop: OpenShop, question: str, now: datetime) -> str:
    """Return the answer to a question about the shop as HTML, "" where it is about something else."""
    local = now.astimezone(ZoneInfo(shop.tz)).replace(tzinfo=None)
    told = opening.read(shop.hours)
    parts = []
    if _asks(_HOURS, question):
        parts += _hours(language, told, question, local)
    if _asks(_PLACE, question):
        parts.append(_place(language, shop))
    if _asks(_CONTACT, question):
        key = "client.ask.contact" if shop.contact else "client.ask.no_contact"
        parts.append(text.say(language, key, contact=shop.contact))
    if parts:
        return "\n\n".join([text.say(language, "client.ask.shop", title=shop.title), *parts])
    return ""


def _asks(about: re.Pattern[str], question: str) -> bool:
    said = question.lower().replace("ё", "е")
    return any(about.search(one) for one in (said, *_PARTS.split(said)))


def others(question: str) -> str:
    """Return the parts of a question that are not about the shop: вы открыты, и есть ли капучино?"""
    return _without((_HOURS, _PLACE, _CONTACT), question)


def able(question: str) -> str:
    """Return the parts of a question without what the assistant cannot tell: есть доставка, и сколько стоит латте?"""
    return _without(_CANNOT.values(), question)


def _without(known: Collection[re.Pattern[str]], question: str) -> str:
    return "; ".join(one for one in _PARTS.split(question) if not any(_asks(about, one) for about in known))


def cannot(language: str, question: str) -> str:
    """Return what the assistant cannot tell or do of what a question asks, "" where the question is another."""
    key = next((key for key, words in _CANNOT.items() if _asks(words, question)), "")
    return text.say(language, f"client.ask.cannot.{key}") if key else ""


def now_line(language: str, told: OpeningHours, local: datetime) -> str:
    """Say whether a shop is open now and until when, or when it opens; "" where it told no hours."""
    if not told.week:
        return ""
    state = opening.state(told, local)
    if state.is_open:
        key = "open_until" if state.until else "open_always"
        return text.say(language, f"loyalty.hours.{key}", until=f"{state.until:%-H:%M}" if state.until else "")
    if state.opens is None:
        return text.say(language, "loyalty.hours.closed")
    ahead = (state.opens.date() - local.date()).days
    when = {0: "today", 1: "tomorrow"}.get(ahead, f"on.{state.opens.weekday()}" if ahead < 7 else "later")
    day = text.say(language, f"loyalty.hours.{when}", day=state.opens.date())
    return text.say(language, "loyalty.hours.opens", day=day, at=f"{state.opens:%-H:%M}")


def week(language: str, told: OpeningHours, today: date) -> str:
    """Return the opening hours line by line, the days that differ last."""
    lines = [
        text.say(language, "loyalty.hours.line", days=_run(language, first, last), hours=_said(language, parts))
        for first, last, parts in opening.grouped(told)
    ]
    for start, end, parts in opening.differing(told, today):
        days = text.day(language, start)
        days = f"{days} – {text.day(language, end)}" if end != start else days
        lines.append(text.say(language, "loyalty.hours.line", days=days, hours=_said(language, parts)))
    return "\n".join(lines)


def _hours(language: str, told: OpeningHours, question: str, local: datetime) -> list[str]:
    if not told.week:
        return [text.say(language, "client.ask.no_hours")]
    today = local.date()
    day = opening.asked_day(question, today)
    if day is None or day == today:
        return [now_line(language, told, local), week(language, told, today)]
    said = _said(language, told.on(day))
    name = text.say(language, f"loyalty.hours.name.{day.weekday()}")
    return [text.say(language, "loyalty.hours.on_day", name=name, day=day, hours=said), week(language, told, today)]


def _run(language: str, first: int, last: int) -> str:
    if (first, last) == (0, 6):
        return text.say(language, "loyalty.hours.daily")
    names = [text.say(language, f"loyalty.hours.day.{at}") for at in (first, last)]
    return names[0] if first == last else f"{names[0]}–{names[1].lower() if language == 'ru' else names[1]}"


def _said(language: str, parts: Parts) -> str:
    if not parts:
        return text.say(language, "loyalty.hours.day_off")
    if parts == ((0, opening.DAY),):
        return text.say(language, "loyalty.hours.always")
    return ", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in parts)


def _clock(minutes: int) -> str:
    at = datetime.min + timedelta(minutes=minutes)
    return "24:00" if minutes == opening.DAY else f"{at:%-H:%M}"


def _place(language: str, shop: OpenShop) -> str:
    where = ", ".join(part for part in (shop.city, shop.address) if part)
    return text.say(language, "client.ask.place" if shop.address else "client.ask.place_city", place=where)
