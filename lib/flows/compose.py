"""Writing a broadcast in a chat, for a shop and for the platform alike: what it says, to whom, when, and how it went.

list -> new -> words -> the draft -> [words] [file] [button] [to whom] [when] [mark] -> the draft
                        the draft -> [as a client sees it] [to myself] -> [send...] -> confirm -> how far it is

The draft is a row, so nothing is lost between two screens. The button that sends it names the version that was counted
and shown; if anything has changed meanwhile, the draft is shown again.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from lib import clock, db, errors, limits, text, typed
from lib.flows import audiences, newsroom, paying, schedules
from lib.flows.newsroom import Newsroom
from lib.jobs import kick
from lib.loyalty import offers
from lib.people import notify
from lib.reach import broadcasts, parts, promises, reading, results
from lib.reach.broadcasts import AudienceCount, Broadcast
from lib.telegram import screen
from lib.telegram.client import Button, Chat, Keyboard
from lib.telegram.dispatch import Turn

TESTS = limits.Limit("test_broadcast", 10, timedelta(hours=1))
_ERID = re.compile(r"(?:\bтокен\s+)?\berid\b\s*[:=]?", re.IGNORECASE)
MOST_BYTES = 20_000_000  # a bot downloads no larger file, and the one that sends is another


type Question = Callable[[Turn, Newsroom, Broadcast, str, str], Awaitable[None]]
type Screen = Callable[[Turn, Newsroom, Broadcast, str], Awaitable[None]]


async def handle(turn: Turn, desk: Newsroom) -> None:
    """Answer a button, or take words or a file for what is open."""
    action, argument = screen.pressed(turn)
    first, _, rest = argument.partition(":")
    if turn.came.kind != "press":
        _, action, first, *_ = [*turn.state.step.split(":"), "", "", ""]
    number = screen.number(first)
    if action in ("new", "drafts") and turn.came.kind == "press":
        await (_new(turn, desk) if action == "new" else newsroom.show_drafts(turn, desk, number))
        return
    work = (SCREENS if turn.came.kind == "press" else TAKES).get(action)
    if work is None or not number:
        await newsroom.show_list(turn, desk, number)
        return
    try:
        one = await db.run(lambda conn: broadcasts.get(conn, desk.partner_id, number))
        await work(turn, desk, one, rest)
    except errors.Missing:
        await screen.refuse_old_button(turn)
        await newsroom.show_list(turn, desk, 0)
    except (errors.Invalid, errors.Conflict, errors.Denied) as error:
        await _refused(turn, desk, number, error, QUESTIONS.get(action) if turn.came.kind != "press" else None)


async def _refused(
    turn: Turn, desk: Newsroom, number: int, error: errors.AppError, again: Question | None = None
) -> None:
    """Say what is wrong above the question that was answered so, or else above the broadcast as it stands.

    The next words answer that question, too: above the broadcast they would have become its text.
    """
    key = f"news.error.{error.code}"
    if not text.knows(key):
        raise error
    one = await db.run(lambda conn: broadcasts.get(conn, desk.partner_id, number))
    note = turn.text(key, detail=error.detail)
    if again and one.state == "draft":
        await again(turn, desk, one, "", note)
    else:
        await _one(turn, desk, one, "", note=note)


async def _new(turn: Turn, desk: Newsroom) -> None:
    fields = {} if desk.partner_id else {"kind": "notice"}
    one = await db.run(lambda conn: broadcasts.draft(conn, desk.partner_id, desk.actor_id, **fields))
    await _ask(turn, desk, one, "words")


async def prepared(turn: Turn, desk: Newsroom, **fields: Any) -> None:
    """Show a draft that is written already, for its author to change and to send."""
    one = await db.run(lambda conn: broadcasts.draft(conn, desk.partner_id, desk.actor_id, **fields))
    await _draft(turn, desk, one, "")


async def _ask(
    turn: Turn, desk: Newsroom, one: Broadcast, what: str, note: str = "", rows: Keyboard | None = None
) -> None:
    turn.state.step = desk.data(what, one.id)
    asks = f"{what}.platform" if what in ("words", "button") and not desk.partner_id else what
    words = screen.paragraphs(note, turn.text(f"news.ask.{asks}"))
    await turn.show(words, [*(rows or []), screen.home(turn, desk.data("one", one.id))])


async def _one(turn: Turn, desk: Newsroom, one: Broadcast, _: str = "", note: str = "") -> None:
    """Show a draft to be worked on, or how far a broadcast is."""
    if one.state == "draft":
        await _draft(turn, desk, one, note)
        return
    turn.state.step = ""
    report = await db.run(lambda conn: results.report(conn, one))
    words, rows = results.shown(one, report, turn.language)
    if one.paid and (held := await paying.balance(one.bot)) is not None:
        words = screen.paragraphs(words, turn.text("news.paid.held", held=held))
    await turn.show(screen.paragraphs(note, words), rows)
    if one.created_by == desk.actor_id and not one.over:
        shown = turn.state.data["screen"]
        turn.state.data["awaits"] = promises.of_broadcast(one.id)
        await db.run(lambda conn: broadcasts.show_progress_in(conn, one, shown))


async def _draft(turn: Turn, desk: Newsroom, one: Broadcast, note: str) -> None:
    turn.state.step = desk.data("words", one.id)
    count = await db.run(lambda conn: broadcasts.count(conn, one, clock.now()))
    fields = {
        "words": reading.whole(one, turn.language),
        "to": await audiences.said(turn, one),
        "when": schedules.said(turn, one),
    }
    words = turn.text("news.edit", number=one.id, **fields, **_numbers(count))
    if one.paid:
        words += "\n" + turn.text("news.paid.on", stars=broadcasts.most_stars(count.ready))
    back = turn.text("news.edit.refused", reason=one.reason) if one.reason else ""
    await turn.show(screen.paragraphs(note, back, words), _tools(turn, desk, one))


def _tools(turn: Turn, desk: Newsroom, one: Broadcast) -> Keyboard:
    tools = [
        screen.button(turn, f"news.button.{what}", desk.data(what, one.id))
        for what in ("words", "file", "button", "to", "when", "mark")
    ]
    looks = [
        screen.button(turn, "news.button.preview", desk.data("preview", one.id)),
        screen.button(turn, "news.button.test", desk.data("test", one.id)),
    ]
    go = [screen.button(turn, "news.button.confirm", desk.data("confirm", one.id), style="primary")]
    drop = [screen.button(turn, "news.button.drop_draft", desk.data("drop", one.id))]
    paid = [] if desk.partner_id else [[screen.button(turn, "news.button.paid", desk.data("paid", one.id))]]
    return [*screen.in_rows(tools), looks, *paid, go, drop, screen.home(turn, desk.data("list"))]


def _numbers(count: AudienceCount) -> dict[str, int]:
    return {"ready": count.ready, "silent": count.silent, "blocked": count.blocked}


# What is typed or sent


async def _take_words(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    """Take the words, or a photo or video with its caption."""
    if turn.came.attachment or turn.came.video:
        fields: dict[str, Any] = {"file": _file(turn)}
        caption = (turn.came.caption or turn.came.text).strip()
        await _change(turn, desk, one, **fields, **({"words": caption} if caption else {}))
    elif turn.came.kind == "text":
        await _change(turn, desk, one, words=turn.came.text.strip())
    else:
        await _ask(turn, desk, one, "words")


async def _take_file(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    await _change(turn, desk, one, file=_file(turn))


def _file(turn: Turn) -> dict[str, str]:
    file = turn.came.attachment or turn.came.video
    if file is None or not (file.kind == "photo" or file.mime in ("video/mp4", "image/jpeg", "image/png")):
        raise errors.Invalid("file_only")
    if file.size > MOST_BYTES:
        raise errors.Invalid("file_large")
    kind = "video" if file.mime == "video/mp4" else "photo"
    return {"kind": kind, "bot": turn.chat.bot, "id": file.file_id}


async def _take_button(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    label, url = _last_word(turn.came.text)
    scheme, found, rest = url.partition("://")
    url = scheme.lower() + found + rest
    if not label or len(url) > 500:
        raise errors.Invalid("link_unclear")
    await _change(turn, desk, one, buttons=[*one.buttons, {"label": screen.short(label, 40), "url": url}])


async def _take_when(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    await _change(turn, desk, one, run_at=schedules.typed(one, turn.came.text))


async def _take_mark(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    advertiser, erid = _last_word(_ERID.sub(" ", turn.came.text))
    if not advertiser:
        raise errors.Invalid("mark_unclear")
    await _change(turn, desk, one, advertiser=advertiser, erid=erid)


def _last_word(said: str) -> tuple[str, str]:
    """Return words and the link or code at their end, after a space of any kind or on a line of its own."""
    *words, last = said.split() or [""]
    return " ".join(words), typed.plain(last.rstrip(".,;"))


async def _change(turn: Turn, desk: Newsroom, one: Broadcast, **fields: Any) -> None:
    one = await db.run(lambda conn: broadcasts.change(conn, one, **fields))
    await _draft(turn, desk, one, "")


# The questions


async def _words(turn: Turn, desk: Newsroom, one: Broadcast, _: str, note: str = "") -> None:
    await _ask(turn, desk, one, "words", note)


async def _photo(turn: Turn, desk: Newsroom, one: Broadcast, wish: str, note: str = "") -> None:
    if wish == "none":
        await _change(turn, desk, one, file=None)
        return
    rows = [[screen.button(turn, "news.button.no_file", desk.data("file", one.id, "none"))]] if one.file else []
    await _ask(turn, desk, one, "file", note, rows)


async def _button(turn: Turn, desk: Newsroom, one: Broadcast, wish: str, note: str = "") -> None:
    """Ask for a link, or offer the shop's promotions."""
    if wish == "none":
        await _change(turn, desk, one, buttons=[])
        return
    if screen.number(wish):
        promo = await db.run(lambda conn: offers.get_promotion(conn, desk.partner_id, screen.number(wish)))
        made = {"label": screen.short(promo.title, 40), "promotion": promo.id}
        await _change(turn, desk, one, buttons=[*one.buttons, made])
        return
    found = await db.run(lambda conn: offers.list_promotions(conn, desk.partner_id)) if desk.partner_id else []
    live = [promo for promo in found if promo.status == "approved" and promo.shown][:8]
    rows = [[Button(f"🎁 {screen.short(promo.title, 30)}", desk.data("button", one.id, promo.id))] for promo in live]
    rows += (
        [[screen.button(turn, "news.button.no_buttons", desk.data("button", one.id, "none"))]] if one.buttons else []
    )
    await _ask(turn, desk, one, "button", note, rows)


async def _when(turn: Turn, desk: Newsroom, one: Broadcast, wish: str, note: str = "") -> None:
    """Ask when it goes; whose clock counts is a part of the answer, so the question stays."""
    wanted = schedules.pressed(one, wish)
    if wanted is not None and wish != "clock":
        await _change(turn, desk, one, **wanted)
        return
    if wanted is not None:
        one = await db.run(lambda conn: broadcasts.change(conn, one, **wanted))
    moments = schedules.offered(one)
    rows = [[screen.button(turn, f"news.button.{name}", desk.data("when", one.id, name))] for name in moments]
    clocks = "clock_on" if one.by_clock else "clock_off"
    rows.append([screen.button(turn, f"news.button.{clocks}", desk.data("when", one.id, "clock"))])
    await _ask(turn, desk, one, "when", note, rows)


async def _paid(turn: Turn, desk: Newsroom, one: Broadcast, wish: str) -> None:
    """Ask whether it is to be paid for; a shop's never is."""
    back = desk.data("one", one.id)
    answered = None if desk.partner_id else await paying.handle(turn, one, wish, desk.data("paid", one.id), back)
    if answered or desk.partner_id:
        await _draft(turn, desk, answered or one, "")


async def _mark(turn: Turn, desk: Newsroom, one: Broadcast, wish: str, note: str = "") -> None:
    if wish == "none":
        await _change(turn, desk, one, advertiser="", erid="")
        return
    rows = [[screen.button(turn, "news.button.no_mark", desk.data("mark", one.id, "none"))]] if one.advertiser else []
    await _ask(turn, desk, one, "mark", note, rows)


async def _to(turn: Turn, desk: Newsroom, one: Broadcast, wish: str) -> None:
    """Show the conditions, or what one of them may be; take one."""
    wanted = audiences.changed(one, await audiences.whole(one, wish))
    if wanted is not None:
        one = await db.run(lambda conn: broadcasts.change(conn, one, **wanted))
    opened = wish if wanted is None and audiences.opens(one, wish) else ""
    rows = await audiences.rows(turn, one, opened, desk.data("to", one.id))
    count = await db.run(lambda conn: broadcasts.count(conn, one, clock.now()))
    turn.state.step = ""
    chosen = turn.text("news.to.now", to=await audiences.said(turn, one))
    words = screen.paragraphs(turn.text("news.ask.to"), chosen, turn.text("news.counted", **_numbers(count)))
    await turn.show(words, [*rows, screen.home(turn, desk.data("to" if opened else "one", one.id))])


# Looking and sending


async def _preview(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    """Send it as a client would see it, and the screen again below; its buttons do nothing here."""
    if await shown(turn, one, desk.data("sample", one.id)):
        await _one(turn, desk, one)


async def shown(turn: Turn, one: Broadcast, sample: str) -> bool:
    """Send it as its readers would see it; the screen comes again below. False: Telegram does not take its file."""
    try:
        await reading.deliver(turn.chat, one, turn.language, await reading.file(one, turn.chat.bot), sample)
    except (errors.Missing, errors.Rejected):
        await turn.answer(turn.text("news.not_shown"), alert=True)
        return False
    await turn.answer()
    if turn.on_screen:
        await turn.chat.delete(turn.came.message_id)
    turn.state.data["screen"] = 0
    return True


async def _sample(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    await turn.answer(turn.text("news.sample"), alert=True)


async def _test(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    """Send it to the author through the bot that will send it."""
    if await turn.limited(TESTS):
        return
    try:
        await reading.deliver(Chat(one.bot, turn.chat.id), one, turn.language, await reading.file(one))
    except (errors.Blocked, errors.Missing, errors.Rejected):
        await turn.answer(turn.text(f"news.not_tested.{one.bot}"), alert=True)
    else:
        await turn.answer(turn.text(f"news.tested.{one.bot}"), alert=True)


async def _confirm(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    count = await db.run(lambda conn: broadcasts.ready(conn, one, clock.now()))
    turn.state.step = ""
    if not count.ready:
        empty = turn.text("news.confirm.empty" if desk.partner_id else "news.confirm.empty.platform")
        await turn.show(empty, [screen.home(turn, desk.data("one", one.id))])
        return
    send = desk.data("send", one.id, one.version)
    go = screen.button(turn, "news.button.send", send, style="success", number=count.ready)
    paid = turn.text("news.paid.on", stars=broadcasts.most_stars(count.ready)) if one.paid else ""
    first = turn.text("news.confirm.first", first=parts.FIRST) if count.ready > parts.FIRST else ""
    when = turn.text("news.report.when", when=schedules.said(turn, one))
    words = screen.paragraphs(turn.text("news.confirm", **_numbers(count)), when, first, paid)
    await turn.show(words, [[go], screen.home(turn, desk.data("one", one.id))])


async def _send(turn: Turn, desk: Newsroom, one: Broadcast, version: str) -> None:
    seen = screen.number(version)
    one = await db.run(lambda conn: broadcasts.send(conn, one, seen, desk.actor_id, clock.now()))
    turn.settled = True
    note = turn.text("news.reviewed") if one.state == "review" else ""
    if one.state == "review":
        ways = [[("news.button.review", "casts:review")]]
        told = {"shop": desk.title, "number": one.id}
        turn.after.append(lambda: notify.alert_admins("partner", "alert.waiting_broadcast", ways=ways, **told))
    turn.after.append(kick.drain)
    await _one(turn, desk, one, note=note)


async def _steer(turn: Turn, desk: Newsroom, one: Broadcast, wish: str, sure: str) -> None:
    if wish == "cancel" and not (sure or one.over):
        await (newsroom.drop if one.state == "draft" else newsroom.cancel)(turn, desk, one, "")
        return
    await db.run(lambda conn: broadcasts.steer(conn, desk.partner_id, one.id, wish, clock.now()))
    turn.after.append(kick.drain)
    await _one(turn, desk, await db.run(lambda conn: broadcasts.get(conn, desk.partner_id, one.id)))


def _steering(wish: str) -> Screen:
    return lambda turn, desk, one, sure: _steer(turn, desk, one, wish, sure)


SCREENS: Mapping[str, Screen] = {
    "one": _one,
    "words": _words,
    "file": _photo,
    "button": _button,
    "to": _to,
    "when": _when,
    "mark": _mark,
    "paid": _paid,
    "drop": newsroom.drop,
    "preview": _preview,
    "sample": _sample,
    "test": _test,
    "confirm": _confirm,
    "send": _send,
    **{wish: _steering(wish) for wish in ("pause", "resume", "cancel", "unknown")},
}
QUESTIONS: Mapping[str, Question] = {
    "words": _words,
    "file": _photo,
    "button": _button,
    "when": _when,
    "mark": _mark,
}
TAKES: Mapping[str, Screen] = {
    "words": _take_words,
    "file": _take_file,
    "button": _take_button,
    "when": _take_when,
    "mark": _take_mark,
}
