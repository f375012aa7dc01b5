"""Leads an administrator to a change: what it needs, the reason, a screen that says what will happen, then the deed.

    begin -> [how much] -> reason -> confirm -> the result, which stays as it is        the draft: a DeedDraft
               ^______________^________| back

What may be done and what it does is lib/office/acts.py. A confirm screen does its deed once: the deed's key is that
message, whatever is pressed twice or delivered again. Before each screen the rows are looked at again.
"""

import re
from dataclasses import replace
from typing import Any

from lib import errors, money, typed
from lib.flows.admin import lists
from lib.flows.admin.deed import DEED, DeedDraft
from lib.jobs import kick
from lib.office import acts
from lib.telegram import client, screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

REASON = 300
REASONS = 4  # ready-made ones to choose from, for each kind of deed
GRANTS = (5, 10, 30)


async def handle(turn: Turn) -> None:
    """Take a press or a message into the draft and show what comes next, or do what was confirmed."""
    if turn.came.kind == "press":
        await _pressed(turn)
    elif turn.came.kind == "text" and DEED.of(turn.state):
        await _typed(turn)
    else:
        await _next(turn, turn.text("admin.act.words_only"))


async def _pressed(turn: Turn) -> None:
    action, argument = screen.pressed(turn)
    if action == "begin":
        name, _, subject = argument.partition(":")
        DEED.keep(turn.state, DeedDraft(name, subject))
        await _next(turn)
    elif action == "confirm":
        await _confirm(turn)
    elif turn.on_screen and (draft := DEED.of(turn.state)):
        DEED.keep(turn.state, _changed(turn, draft, action, argument))
        await _next(turn)
    else:
        await _old(turn)


def _changed(turn: Turn, draft: DeedDraft, action: str, argument: str) -> DeedDraft:
    """Return the draft after a button of its screens; back means: forget the answer that led here."""
    act = acts.ACTS.get(draft.name)
    if action == "sum" and act and act.asks == "credits" and screen.number(argument) in GRANTS:
        return replace(draft, numbers=(screen.number(argument),))
    if action == "why" and act and screen.number(argument) in range(1, REASONS + 1):
        return replace(draft, reason=turn.text(f"admin.why.{act.why}.{screen.number(argument)}"))
    if action == "again":
        return replace(draft, reason="")
    return replace(draft, numbers=(), reason="") if action == "amount" else draft


async def _typed(turn: Turn) -> None:
    draft = DEED.of(turn.state) or DeedDraft("")
    act = acts.ACTS.get(draft.name)
    note = ""
    if act and act.asks and (turn.state.step == "act:amount" or not draft.numbers):
        draft = replace(draft, numbers=())
        try:
            draft = replace(draft, numbers=_numbers(act.asks, typed.plain(turn.came.text)))
        except errors.Invalid:
            note = turn.text(f"admin.ask.{act.asks}.odd")
    elif len(turn.came.text.strip()) > REASON:
        note = turn.text("admin.reason.long", most=REASON)
    elif turn.came.text.strip():
        draft = replace(draft, reason=" ".join(turn.came.text.split()))
    DEED.keep(turn.state, draft)
    await _next(turn, note)


def _numbers(asks: str, words: str) -> tuple[int, ...]:
    """Return what was typed as whole numbers: one, or the two of a pack. Invalid for anything else."""
    if asks != "pack":
        return (money.parse_points(words, limit=acts.MOST_CREDITS if asks == "credits" else 1000),)
    parts = re.split(r"[\s,;/]+", words.strip())
    if len(parts) != 2:
        raise errors.Invalid("amount_unclear", words[:40])
    return tuple(_number(part, 10_000) for part in parts)


def _number(words: str, most: int) -> int:
    found = screen.number(words.strip())
    if not 0 < found <= most:
        raise errors.Invalid("amount_unclear", words[:40])
    return found


async def _next(turn: Turn, note: str = "") -> None:
    """Show the screen for what the draft lacks first, or why the deed cannot be done."""
    draft = DEED.of(turn.state)
    act = acts.ACTS.get(draft.name) if draft else None
    if draft is None or act is None:
        await _old(turn)
        return
    try:
        facts = await act.see(_wish(turn, draft))
    except (errors.Missing, errors.Conflict, errors.Denied) as refusal:
        await _refuse(turn, act, draft, refusal)
        return
    if act.asks and not draft.numbers:
        step, (words, keyboard) = "amount", _ask_numbers(turn, act, draft, facts)
    elif not draft.reason:
        step, (words, keyboard) = "reason", _ask_reason(turn, act, draft, facts)
    else:
        step, (words, keyboard) = "confirm", _ask_confirm(turn, act, draft, facts)
    turn.state.step = f"act:{step}"
    await turn.show(screen.paragraphs(note, words), keyboard)


type Screen = tuple[str, client.Keyboard]


def _ask_numbers(turn: Turn, act: acts.Act, draft: DeedDraft, facts: acts.Facts) -> Screen:
    words = turn.text(f"admin.ask.{act.asks}", **_said(turn, facts))
    sums = [Button(str(amount), f"act:sum:{amount}") for amount in GRANTS] if act.asks == "credits" else []
    return words, [*([sums] if sums else []), screen.home(turn, _way(turn, act, draft))]


def _ask_reason(turn: Turn, act: acts.Act, draft: DeedDraft, facts: acts.Facts) -> Screen:
    ready = [turn.text(f"admin.why.{act.why}.{place}") for place in range(1, REASONS + 1)]
    listed = "\n".join(f"{place}. {reason}" for place, reason in enumerate(ready, 1))
    head = turn.text(f"admin.do.{draft.name}", **_said(turn, facts))
    buttons = [Button(str(place), f"act:why:{place}") for place in range(1, REASONS + 1)]
    home = "act:amount" if act.asks else _way(turn, act, draft)
    return f"{head}\n\n{turn.text('admin.reason')}\n{listed}", [buttons, screen.home(turn, home)]


def _ask_confirm(turn: Turn, act: acts.Act, draft: DeedDraft, facts: acts.Facts) -> Screen:
    head = turn.text(f"admin.do.{draft.name}", **_said(turn, facts))
    what = turn.text(f"admin.sure.{draft.name}{'.free' if facts.get('free') else ''}", **_said(turn, facts))
    why = turn.text("admin.sure.reason", reason=draft.reason)
    confirm = screen.button(turn, f"admin.yes.{draft.name}", "act:confirm", "danger" if act.harms else "success")
    return f"{head}\n\n{what}\n{why}", [[confirm], screen.home(turn, "act:again")]


async def _confirm(turn: Turn) -> None:
    draft = DEED.of(turn.state)
    if turn.came.message_id == turn.state.data.get("done"):
        await turn.answer(turn.text("admin.act.done_already"), alert=True)
        return
    if not turn.on_screen or turn.state.step != "act:confirm" or not draft:
        await _old(turn)
        return
    act = acts.ACTS[draft.name]
    await turn.answer()
    try:
        facts = await act.do(_wish(turn, draft))
    except (errors.Missing, errors.Conflict, errors.Denied, errors.Invalid, errors.Rejected) as refusal:
        await _refuse(turn, act, draft, refusal)
        return
    turn.state.step = "people:find"
    turn.state.data = {"done": turn.came.message_id, "pages": turn.state.data.get("pages")}
    turn.after += [kick.drain, kick.render]
    words = turn.text(f"admin.done.{draft.name}{_outcome(facts)}", **_said(turn, facts))
    why = turn.text("admin.sure.reason", reason=draft.reason)
    rows = [
        [
            screen.button(turn, "admin.button.onward", _way(turn, act, draft)),
            *screen.home(turn),
        ]
    ]
    await turn.chat.edit(turn.came.message_id, f"{words}\n{why}", rows)


def _outcome(facts: acts.Facts) -> str:
    """Return the ending of the result's key, where a deed can end in more than one way."""
    if facts.get("taken") is False:
        return ".failed"
    if facts.get("stopped") is False:
        return ".asked"
    return ".free" if facts.get("free") else ""


async def _refuse(turn: Turn, act: acts.Act, draft: DeedDraft, refusal: errors.AppError) -> None:
    """Say why it is not done, and that nothing has changed."""
    turn.state.step = "people:find"
    DEED.drop(turn.state)
    reason = lists.named(turn, "no", refusal.code)
    words = reason if reason != refusal.code else turn.text("admin.no.other", code=refusal.code)
    way = "menu:home" if isinstance(refusal, errors.Missing) else _way(turn, act, draft)
    await turn.show(turn.text("admin.no", reason=words), [screen.home(turn, way)])


async def _old(turn: Turn) -> None:
    turn.state.step = "people:find"
    DEED.drop(turn.state)
    await screen.refuse_old_button(turn)
    await turn.show(turn.text("admin.gone"), [screen.home(turn)])


def _wish(turn: Turn, draft: DeedDraft) -> acts.Wish:
    return acts.Wish(
        subject=draft.subject,
        reason=draft.reason,
        numbers=draft.numbers,
        tg_id=turn.chat.id,
        user_id=turn.state.who["id"],
        key=f"act:{turn.state.who['id']}:{turn.came.message_id}",
    )


def _said(turn: Turn, facts: acts.Facts) -> dict[str, Any]:
    """Return the facts as the sentences say them: codes by their words, names on one line."""
    said = dict(facts)
    for field, group in (("task", "task"), ("state", "state")):
        if field in said:
            said[field] = lists.named(turn, group, said[field])
    if "code" in said:
        said["product"] = lists.named(turn, "product", said["code"])
    said.pop("ids", None)
    if "name" in said:
        said["name"] = screen.short(said["name"], 80) or turn.text("admin.job.nobody")
    return said


def _way(turn: Turn, act: acts.Act, draft: DeedDraft) -> str:
    """Return where the deed was begun; of a list, the page that was last seen."""
    way = act.way.format(subject=draft.subject)
    return screen.last_page(turn, way, way) if len(way.encode()) <= lists.DATA else "menu:home"
