"""Bringing a person of the staff into a client's talk, what both write to each other, and giving it back.

The client asks for one by the button or in words, three answers in a row were of no use, or the words are angry. Code
says it and does it: everybody at work is told with the last lines, the first to answer has the talk, and the assistant
is silent until it is handed back or nobody has written for two hours (`talks.PERSON_FOR`), which a job sees to.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lib import db, text
from lib.assistant import about, talks
from lib.assistant.talks import Talk
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.loyalty import hours as opening
from lib.loyalty import staff
from lib.menu.versions import OpenShop
from lib.people import notify, users
from lib.telegram.client import Button, Keyboard

SQL = db.load("handover")

TASK = "handback"
RELAY = "relay"
MISSES = 3
SHOWN = 6  # lines that the staff read with the call
LINE = 300

_PERSON = (
    r"(?:(?:человек|оператор|сотрудник|менеджер|консультант|администратор)(?:а|ом)?|люд(?:ей|ьми)|продав(?:ец|ца|цом)"
    r"|к(?:ого|ем|то)[- ]нибудь)\b"
)
_LIVE = r"(?:жив(?:ого|ым|ой|ому)\s+|настоящ\w+\s+)?"
_CALL = r"(?:позов\w+|позвать|пригласи\w*|соедини\w*|переключи\w*|переведи\w*|свяжи\w*)"
_HUMAN = (
    r"(?:a |an |the |some |your )?(?:real |live |actual )?"
    r"(?:human|person|someone|somebody|staff|manager|operator|agent)\b"
)
_ASKED = re.compile(
    "|".join(
        (
            rf"\b{_CALL}[^.!?\d]{{0,30}}\b{_PERSON}",
            rf"\b{_PERSON}[^.!?\d]{{0,12}}\b{_CALL}",
            rf"\b(?:(?:по)?говорить|(?:по)?общаться|связаться|разговаривать)\b[^.!?\d]{{0,20}}\bс\s+{_LIVE}{_PERSON}",
            rf"\b(?:нужен|нужна|хочу|хотим|дай\w*|можно)\s+(?:мне\s+)?(?:со?\s+)?{_LIVE}{_PERSON}(?!\s+(?:для|на)\b)",
            rf"\b{_LIVE}{_PERSON}\s+(?:мне\s+)?(?:нужен|дайте|дай|можно|пожалуйста)\b",
            rf"\bпусть\s+(?:мне\s+)?\w+\s+{_LIVE}{_PERSON}",
            r"\bжив(?:ого|ым|ой|ому|ые)\s+(?:человек|люди|оператор|сотрудник|консультант)",
            r"\bкто[- ]нибудь живой|\bесть кто живой",
            r"\bне\s+(?:хочу|буду)\b[^.!?]{0,20}\bс\s+(?:ботом|роботом|программой|машиной)",
            rf"^\W*(?:{_LIVE}{_PERSON})\W*$",
            rf"(?:talk|speak|chat|connect me|transfer me|put me through) (?:to|with) {_HUMAN}",
            rf"\b(?:get|call|need|want|give)(?: me| us)? {_HUMAN}",
            rf"\bcan {_HUMAN} (?:help|answer|reply)",
            r"don't want (?:to talk to )?a (?:bot|robot)",
            rf"^\W*{_HUMAN}(?: please)?\W*$",
        )
    ),
    re.IGNORECASE,
)
_ANGRY = re.compile(
    r"безобраз|отвратит|возмут|\bхам(?:ы|ло|ите|ят|ство\w*)?\b|обманул|обманыва|мошенни|\bверни(?:те)?\b[^.!?]{0,15}деньги"
    r"|возврат денег|жалоб[уа]\b|пожалуюсь|пожалова|роспотребнадзор|издева|\bдостали\b|заколебал|\bбесит|\bзадолбал"
    r"|(?:туп|глуп|бестолков|бесполезн)\w+ (?:бот|робот|программ)|бот\w* (?:туп|глуп|бесполез|бестолков)|\bты туп\w+"
    r"|ужасн\w+ (?:сервис|обслужив|магазин|кафе)|\bотстой\b|\bкошмар\b|сколько можно ждать|почему так долго"
    r"|\bжд[уе]\w*\s+(?:уже\s+|целый\s+)*(?:час|полчаса|\d+ мин)|уже час жд|отравил|отравлен|протух|тухл|испорчен"
    r"|в (?:супе|салате|еде|кофе|блюде|торте) (?:был\w* )?(?:волос|мух|таракан|стекл)"
    r"|\bscam\b|refund|complain|useless|ridiculous|unacceptable|fed up|food poisoning|rip.?off|worst service"
    r"|(?:terrible|awful|horrible) (?:service|place|food|experience)|stupid bot|my money back|i am angry|disgust",
    re.IGNORECASE,
)


def wanted(words: str) -> str:
    """Return why these words need a person: "asked" or "angry"; "" when they do not."""
    if _ASKED.search(words):
        return "asked"
    return "angry" if _ANGRY.search(words) else ""


async def call(conn: db.Connection, partner_id: int, talk_id: int, why: str, *, at: datetime) -> bool:
    """Hand a talk over and tell everybody at work; False when a person has it already, or nobody may be called.

    `why`: asked, angry, missed, or model.
    """
    async with conn.transaction():
        talk = await talks.get(conn, partner_id, talk_id)
        ids = {"partner_id": partner_id, "user_id": talk.user_id}
        may = not talk.is_test and await SQL.may_call.within(db.Scope(tenant=partner_id)).one(conn, bool, **ids)
        if not may or not await talks.hand_over(conn, partner_id, talk_id, at=at):
            return False
        await _tell_staff(conn, talk, why)
        back = NewJob(talk.user_id, f"{TASK}:{partner_id}:{talk_id}", {"partner": partner_id, "talk": talk_id})
        await table.create_free_jobs(conn, TASK, [back], max_attempts=20, run_at=at + talks.PERSON_FOR)
    return True


async def call_if_lost(conn: db.Connection, partner_id: int, talk_id: int, *, at: datetime) -> bool:
    """Hand a talk over when its last three answers were of no use; tell whether this call did."""
    if await talks.misses(conn, partner_id, talk_id) < MISSES:
        return False
    return await call(conn, partner_id, talk_id, "missed", at=at)


def sentence(language: str, shop: OpenShop, now: datetime) -> str:
    """Return what the client reads when a person was called, with the hours when the shop is closed."""
    local = now.astimezone(ZoneInfo(shop.tz)).replace(tzinfo=None)
    told = opening.read(shop.hours)
    said = text.say(language, "talk.called", title=shop.title)
    if told.week and not opening.state(told, local).is_open:
        return f"{said}\n\n{text.say(language, 'talk.called_closed', hours=about.now_line(language, told, local))}"
    return said


def back(language: str, shop_id: int) -> Keyboard:
    """Return the button by which a client lets the assistant answer again."""
    return [[Button(text.say(language, "talk.button.back"), f"person:back:{shop_id}")]]


async def pass_on(
    conn: db.Connection, partner_id: int, talk_id: int, line_id: int, words: str, *, photo: str = ""
) -> None:
    """Tell the one who has the talk what the client writes or shows now, or everybody when nobody at work has it."""
    talk = await talks.get(conn, partner_id, talk_id)
    client = await users.get_user(conn, talk.user_id)
    people = await staff.readers(conn, partner_id)
    theirs = [one for one in people if one.user_id == talk.taken_by]
    for one in theirs or people:
        fields = {"shop": one.title, "name": _name(client), "words": words}
        once, key = f"talk:line:{partner_id}:{line_id}:{one.user_id}", "talk.told.words"
        if photo:
            args = {"file_id": photo, "from": "client", "to": "partner", "key": key, "fields": fields}
            order = NewJob(one.user_id, f"{RELAY}:{once}", {**args, "ways": _ways(talk)})
            await table.create_free_jobs(conn, RELAY, [order], max_attempts=5)
        else:
            await notify.tell(conn, one.user_id, "partner", key, fields, _ways(talk), once=once)


async def reply(
    conn: db.Connection, talk: Talk, actor_id: int, words: str, *, once: str, at: datetime, photo: str = ""
) -> bool:
    """Send words of the staff, or a photo with them, to the client in the shop's name; False when it is not theirs."""
    async with conn.transaction():
        said = words or "📷"
        line = await talks.reply(conn, talk.partner_id, talk.id, actor_id, said, once=once, at=at)
        if line is None:
            return False
        place = await staff.get(conn, talk.partner_id, actor_id)
        ways = [[("talk.button.answer", f"ask:{talk.partner_id}")]]
        fields = {"shop": place.title, "words": words}
        key = f"reply:{talk.partner_id}:{line}"
        if photo:
            args = {"file_id": photo, "from": "partner", "to": "client", "key": "talk.told.photo", "fields": fields}
            order = NewJob(talk.user_id, f"{RELAY}:{key}", {**args, "ways": ways})
            await table.create_free_jobs(conn, RELAY, [order], max_attempts=5)
        else:
            await notify.tell(conn, talk.user_id, "client", "talk.told.answer", fields, ways, once=f"talk:{key}")
    return True


async def give_back(conn: db.Connection, talk: Talk, *, at: datetime, key: str = "talk.told.back") -> bool:
    """Let the assistant answer again and tell the client; False when it does already."""
    async with conn.transaction():
        if not await talks.hand_back(conn, talk.partner_id, talk.id, at=at):
            return False
        ways = [[("talk.button.ask", f"ask:{talk.partner_id}"), ("client.button.write", f"letter:{talk.partner_id}")]]
        fields = {"shop": await SQL.title_of.one(conn, str, partner_id=talk.partner_id) or ""}
        once = f"talk:back:{talk.partner_id}:{talk.id}"
        await notify.tell(conn, talk.user_id, "client", key, fields, ways, once=once)
    return True


async def was_answered(conn: db.Connection, talk: Talk) -> bool:
    """Tell whether somebody of the staff has written in a talk; to take it is no answer."""
    ids = {"partner_id": talk.partner_id, "talk_id": talk.id}
    return bool(await SQL.was_answered.within(db.Scope(tenant=talk.partner_id)).one(conn, bool, **ids))


async def leave(conn: db.Connection, partner_id: int, user_id: int, *, at: datetime) -> bool:
    """End a client's talk as they wish, and tell the one of the staff who has it; False when there was none."""
    async with conn.transaction():
        talk = await talks.open_of(conn, partner_id, user_id)
        if talk is None or not await talks.close(conn, partner_id, user_id, at=at):
            return False
        if talk.state == "person" and talk.taken_by:
            client = await users.get_user(conn, user_id)
            title = await SQL.title_of.one(conn, str, partner_id=partner_id) or ""
            fields = {"shop": title, "name": _name(client)}
            once = f"talk:left:{partner_id}:{talk.id}"
            await notify.tell(conn, talk.taken_by, "partner", "talk.told.left", fields, once=once)
    return True


async def _tell_staff(conn: db.Connection, talk: Talk, why: str) -> None:
    client = await users.get_user(conn, talk.user_id)
    said = await talks.lines(conn, talk.partner_id, talk.id, limit=SHOWN)
    lines = [
        notify.spoken(f"talk.line.{one.role}", words=text.beginning(one.words, LINE))
        for one in said
        if one.role != "note"
    ]
    long = [one.words for one in said[-1:] if one.role == "client" and len(one.words) > LINE]
    for one in await staff.readers(conn, talk.partner_id):
        fields: dict[str, Any] = {"shop": one.title, "name": _name(client), "lines": notify.listed(lines)}
        fields["why"] = notify.spoken(f"talk.why.{why}")
        once = f"talk:call:{talk.partner_id}:{talk.id}:{one.user_id}"
        whole = {"talk.told.words": {"shop": one.title, "name": _name(client), "words": long[0]}} if long else None
        await notify.tell(conn, one.user_id, "partner", "talk.told.call", fields, _ways(talk), once=once, more=whole)


def _ways(talk: Talk) -> list[list[tuple[str, str]]]:
    return [[("talk.button.take", f"talks:take:{talk.partner_id}:{talk.id}")]]


def _name(client: users.User | None) -> str:
    return f"{client.first_name} {client.last_name}".strip() if client else "…"
