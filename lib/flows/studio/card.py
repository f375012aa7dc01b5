"""From a product photo to an ordered card. The draft decides the screen: what it lacks is asked for next.

    photo -> words -> preset -> confirm -> ordered            the draft lives in State.data["draft"]
      ^________^_________^________| back

A photo or a text is taken at any step and replaces what was there. A press counts only on the current screen, except
on a finished card, whose buttons always work. Nothing is charged before "confirm", and once for each confirm screen:
the order's key is that message, whatever is pressed twice or delivered again.
"""

import asyncio
from typing import Any

from lib import cards, credits, db, errors, jobs, kick, pictures, text
from lib.telegram import client
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment

type Draft = dict[str, Any]


async def handle(turn: Turn) -> None:
    """Take one update into the draft and show what comes next."""
    if turn.came.kind == "press":
        await _pressed(turn)
    elif turn.came.attachment:
        await _photo(turn, turn.came.attachment)
    elif turn.came.kind == "text":
        await _words(turn)
    elif turn.came.kind == "command":
        await _new(turn)
    else:
        await _next(turn, turn.text("card.not_a_photo"))


async def _photo(turn: Turn, file: Attachment) -> None:
    draft = _draft(turn)
    if file.album and file.album == draft.get("album"):
        return
    try:
        await _check(turn.chat.bot, file)
    except errors.Rejected as error:
        await _next(turn, turn.text(_sentence(error.code)))
        return
    draft.update(file_id=file.file_id, kind=file.kind, album=file.album, variant=0)
    notes = [turn.text("card.first_of_album")] if file.album else []
    if turn.came.text:
        notes += _read(turn, turn.came.text)
    await _next(turn, *notes)


async def _check(bot: str, file: Attachment) -> None:
    """Raise Rejected for a file that is no picture we can use. A photo was re-encoded by Telegram and is fine."""
    if file.size > pictures.BYTES_LIMIT:
        raise errors.Rejected("picture_too_heavy")
    if file.kind == "document":
        if file.mime.startswith(("video/", "audio/", "text/")):
            raise errors.Rejected("picture_format")
        pictures.inspect(await client.download(bot, file.file_id))


async def _words(turn: Turn) -> None:
    await _next(turn, *_read(turn, turn.came.text))


def _read(turn: Turn, message: str) -> list[str]:
    """Put a message's words into the draft; return what the seller must know about them."""
    try:
        words = cards.read_words(message)
    except errors.Invalid as error:
        return [turn.text(_sentence(error.code), detail=_number(error.detail), limit=cards.TITLE_LIMIT)]
    _draft(turn).update(title=words.title, benefits=list(words.benefits))
    return [turn.text("card.benefits_left_out", limit=cards.BENEFITS)] if words.left_out else []


async def _pressed(turn: Turn) -> None:
    action, _, argument = turn.came.text.partition(":")[2].partition(":")
    if action in ("again", "format", "retry"):
        await _from_order(turn, action, argument)
    elif action in ("new", "resume"):
        await (_new if action == "new" else _next)(turn)
    elif action == "cancel":
        await _cancel(turn, argument)
    elif action == "confirm":
        await _confirm(turn)
    elif not turn.on_screen or "draft" not in turn.state.data:
        await turn.answer(turn.text("error.old_button"))
        await _next(turn)
    else:
        _change(_draft(turn), action, argument)
        await _next(turn)


def _change(draft: Draft, action: str, argument: str) -> None:
    """Apply a button of the draft's screens; back means: forget the answer that led here."""
    if action == "preset" and argument in cards.PRESETS:
        draft["preset"] = argument
    elif action == "formats":
        draft.pop("preset", None)
    elif action == "words":
        draft.pop("title", None)
        if draft.get("preset") == "white":
            draft.pop("preset")
    elif action == "photo":
        draft.pop("file_id", None)


async def _next(turn: Turn, *notes: str) -> None:
    """Show the screen for what the draft lacks first."""
    draft = _draft(turn)
    preset, title = draft.get("preset", ""), draft.get("title", "")
    finding = cards.check_words(preset, title, tuple(draft.get("benefits", ())))
    if not draft.get("file_id"):
        step, screen = "photo", _ask_photo(turn, draft)
    elif not title and preset != "white":
        step, screen = "words", _ask_words(turn)
    elif not preset:
        step, screen = "preset", _ask_preset(turn)
    elif finding:
        step, screen = "words", _ask_other_words(turn, preset, finding)
    else:
        step, screen = "confirm", await _ask_confirm(turn, draft)
    turn.state.step = f"card:{step}"
    words, keyboard = screen
    await turn.show("\n\n".join([*notes, words]), keyboard)


type Screen = tuple[str, client.Keyboard]


def _ask_photo(turn: Turn, draft: Draft) -> Screen:
    key = "card.photo_for_title" if draft.get("title") else "card.photo"
    return turn.text(key, title=draft.get("title", "")), [[_button(turn, "button.menu", "menu:home")]]


def _ask_words(turn: Turn) -> Screen:
    keyboard = [[_button(turn, "card.only_white", "card:preset:white")], _back(turn, "card:photo")]
    return turn.text("card.words", limit=cards.TITLE_LIMIT), keyboard


def _ask_preset(turn: Turn) -> Screen:
    buttons = [_button(turn, f"preset.{preset}", f"card:preset:{preset}") for preset in cards.PRESETS]
    return turn.text("card.preset"), [buttons[:2], buttons[2:], _back(turn, "card:words")]


def _ask_other_words(turn: Turn, preset: str, finding: cards.Finding) -> Screen:
    market = turn.text(f"preset.{preset}.name")
    words = turn.text(f"card.forbidden.{finding.kind}", market=market, words=finding.words)
    return words, [[_button(turn, "button.formats", "card:formats")], _back(turn, "card:words")]


async def _ask_confirm(turn: Turn, draft: Draft) -> Screen:
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, turn.state.who["id"]))
    words = _summary(turn, draft)
    if balance < cards.PRICE:
        short = turn.text("card.short", price=cards.PRICE, balance=balance)
        return f"{words}\n\n{short}", [_back(turn, "card:formats")]
    price = turn.text("card.price", price=cards.PRICE, balance=balance, left=balance - cards.PRICE)
    edit = [_button(turn, "button.words", "card:words"), _button(turn, "button.formats", "card:formats")]
    confirm = Button(turn.text("card.confirm", price=cards.PRICE), "card:confirm", style="success")
    return f"{words}\n\n{price}", [[confirm], edit, _back(turn, "card:formats")]


def _summary(turn: Turn, draft: Draft) -> str:
    lines = [turn.text("card.summary", preset=turn.text(f"preset.{draft['preset']}"))]
    if draft["preset"] != "white":
        lines.append(turn.text("card.title", title=draft["title"]))
        lines += [turn.text("card.benefit", benefit=benefit) for benefit in draft["benefits"]]
    return "\n".join(lines)


async def _confirm(turn: Turn) -> None:
    draft = turn.state.data.get("draft")
    if not turn.on_screen or turn.state.step != "card:confirm" or not draft:
        await _already(turn)
        return
    try:
        _, order = await asyncio.gather(turn.answer(), db.run(lambda conn: _enqueue(conn, turn, draft)))
    except errors.ShortOfCredits:
        await _next(turn)
        return
    except errors.Conflict:
        await _already(turn)
        return
    turn.state.step = ""
    turn.state.data = {"job": order.job.id}
    turn.after.append(kick.drain)
    cancel = [_button(turn, "button.cancel", f"card:cancel:{order.job.id}")]
    words = turn.text("card.queued", position=order.position, balance=order.balance)
    if order.job.state == "queued":
        await turn.chat.edit(turn.came.message_id, words, [cancel])


async def _enqueue(conn: Any, turn: Turn, draft: Draft) -> jobs.Enqueued:
    order = {
        "bot": turn.chat.bot,
        "chat_id": turn.chat.id,
        "message_id": turn.came.message_id,
        "language": turn.language,
        "file_id": draft["file_id"],
        "preset": draft["preset"],
        "title": draft.get("title", ""),
        "benefits": draft.get("benefits", []),
        "variant": draft.get("variant", 0),
    }
    return await jobs.create_job_and_consume_credit(
        conn, turn.state.who["id"], task="card", key=_key(turn), args=order, price=cards.PRICE
    )


def _key(turn: Turn) -> str:
    return f"card:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"


async def _already(turn: Turn) -> None:
    """Answer a confirm that is not the current one: it is ordered already, or its draft is gone."""
    job = await db.run(lambda conn: jobs.get_job_by_idempotency_key(conn, _key(turn)))
    await turn.answer(turn.text("card.ordered_already" if job else "error.old_button"), alert=not job)
    if not job:
        await _next(turn)


async def _from_order(turn: Turn, action: str, argument: str) -> None:
    """Begin a draft from an order of the same person: another look, another format, or another photo."""
    job = await _own_job(turn, argument)
    if job is None:
        await turn.answer(turn.text("error.old_button"))
        await _next(turn)
        return
    kept = ("file_id", "title", "benefits", "preset", "variant")
    draft = {name: job.args[name] for name in kept}
    if action == "again":
        draft["variant"] += 1
    else:
        del draft["preset" if action == "format" else "file_id"]
    turn.state.data = {**turn.state.data, "draft": draft, "screen": 0}
    await _next(turn)


async def _own_job(turn: Turn, job_id: str) -> jobs.Job | None:
    if not job_id.isdecimal() or len(job_id) > 18:
        return None
    job = await db.run(lambda conn: jobs.get_job_by_id(conn, int(job_id)))
    return job if job and job.user_id == turn.state.who["id"] and job.task == "card" else None


async def _new(turn: Turn) -> None:
    turn.state.data.pop("draft", None)
    await _next(turn)


async def _cancel(turn: Turn, argument: str) -> None:
    job = await _own_job(turn, argument)
    try:
        gone = job and await db.run(lambda conn: jobs.cancel_job(conn, job.id, turn.state.who["id"]))
    except errors.Conflict:
        gone = None
    if not gone:
        await turn.answer(turn.text("cancel.too_late"), alert=True)
        return
    await turn.answer()
    turn.state.data.pop("job", None)
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, turn.state.who["id"]))
    buttons = [_button(turn, "button.new", "card:new"), _button(turn, "button.menu", "menu:home")]
    await turn.chat.edit(turn.came.message_id, turn.text("cancel.order", balance=balance), [buttons])


def _draft(turn: Turn) -> Draft:
    draft: Draft = turn.state.data.setdefault("draft", {})
    return draft


def _back(turn: Turn, data: str) -> list[Button]:
    return [_button(turn, "button.back", data), _button(turn, "button.menu", "menu:home")]


def _button(turn: Turn, key: str, data: str) -> Button:
    return Button(turn.text(key), data)


def _sentence(code: str) -> str:
    return f"error.{code}" if text.knows(f"error.{code}") else "error.picture_broken"


def _number(detail: str) -> int | str:
    return int(detail) if detail.isdecimal() else detail
