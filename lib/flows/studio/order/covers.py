"""The strip of covers below the confirm screen: ordered once for a photo, words and preset, and chosen from by number.

    confirm shown -> job `strip` -> a picture with numbers -> [2] -> the draft has a design
                                        ^________[more]__| the same message, the next page

The confirm screen never waits for it: without a choice the card gets the first cover that suits it.
"""

import contextlib
from dataclasses import replace
from datetime import timedelta

from lib import config, db, errors, limits, log
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.order import screens
from lib.flows.studio.ordering import OrderDraft
from lib.jobs import kick, table
from lib.studio import orders, strips
from lib.studio.strips import StripOrder
from lib.telegram.dispatch import Turn


def offer(turn: Turn) -> None:
    """Order the strip of a confirm screen that has just been shown, unless it is there already."""
    draft = drafts.of(turn)
    if turn.state.step != "order:confirm" or not drafts.has_cover(draft):
        return
    picked = drafts.picked(draft)
    if draft.strip == drafts.stamp(draft):
        if not picked:
            turn.after.append(lambda: _begin_again(turn, strip_of(turn, draft)))
        return
    draft = replace(draft, strip=drafts.stamp(draft), led="" if picked else draft.design or "")
    drafts.keep(turn, draft)
    turn.after.append(lambda: _begin(turn, strip_of(turn, draft)))


def strip_of(turn: Turn, draft: OrderDraft) -> StripOrder:
    """Return the first strip of a draft's covers."""
    return StripOrder(
        bot=turn.chat.bot,
        chat=turn.chat.id,
        language=turn.language,
        preset=draft.preset,
        title=draft.title,
        benefits=draft.benefits,
        file_id=draft.file_id,
        source=draft.source,
        cut=draft.cut,
        way=draft.way,
        design=draft.led,
        picked=drafts.picked(draft),
    )


async def _begin_again(turn: Turn, strip: StripOrder) -> None:
    """Queue the strip of words that are looked at again, where it was dropped meanwhile."""
    if await db.run(lambda conn: strips.is_lost(conn, turn.state.who["id"], strip)):
        await _begin(turn, strip)


async def _begin(turn: Turn, strip: StripOrder) -> None:
    if await _may(turn):
        await _queue(turn, strip)
        await kick.render()


async def ask(turn: Turn, strip: StripOrder) -> None:
    """Queue the strip that a press asks for, and answer the press; one that is being drawn is not drawn twice."""
    if await db.run(lambda conn: strips.is_under_way(conn, turn.state.who["id"], strip)):
        await turn.answer(turn.text("strip.under_way"))
    elif not await _may(turn):
        await turn.answer(turn.text("strip.enough"), alert=True)
    else:
        await _queue(turn, strip)
        turn.after.append(kick.render)
        await turn.answer(turn.text("strip.drawing"))


async def _queue(turn: Turn, strip: StripOrder) -> None:
    """Queue the strip; an update that is delivered again queues it once."""
    key, user_id = f"strip:{turn.chat.bot}:{turn.came.update_id}", turn.state.who["id"]
    work = table.create_job_and_consume_credit
    with contextlib.suppress(errors.Conflict):
        await db.run(lambda conn: work(conn, user_id, task=strips.TASK, key=key, args=strip.args(), price=0))


async def _may(turn: Turn) -> bool:
    """Tell whether the person may have another strip today."""
    most = config.get().strips_a_day
    if not most:
        return False
    wait = await limits.wait(turn.chat.id, limits.Limit("strip", most, timedelta(days=1)))
    log.note(strip_waits=wait)
    return not wait


async def more(turn: Turn, argument: str) -> None:
    """Turn the strip's message into its next page."""
    page, _, stamp = argument.partition(":")
    draft = drafts.of(turn)
    if not _is_of(draft, stamp):
        await _refuse(turn, draft)
        return
    await ask(turn, replace(strip_of(turn, draft), page=strips.page(page), message_id=turn.came.message_id))


async def choose(turn: Turn, argument: str) -> None:
    """Take the design of a number; the confirm screen, with the button that orders it, stands below the strip."""
    name, _, rest = argument.partition(":")
    stamp, _, number = rest.partition(":")
    draft = drafts.of(turn)
    if not _is_of(draft, stamp) or not orders.is_design(name):
        await _refuse(turn, draft)
        return
    place = int(number) if number.isdecimal() and number.isascii() and len(number) < 3 else 0
    led = draft.led if name else ""  # left to us, it no longer begins with the earlier one
    picked = f"{stamp}:{place}" if place else ""
    drafts.keep(turn, replace(draft, design=name, led=led, picked=picked, variant=0))
    await turn.answer(turn.text("strip.chosen", n=place) if name else turn.text("strip.chosen_ours"))
    await _confirm_below(turn)


async def _refuse(turn: Turn, draft: OrderDraft) -> None:
    """Say that a strip is of earlier words; of a finished order, where its cover is changed."""
    key = "strip.old" if drafts.has_photo(draft) else "strip.ordered"
    await turn.answer(turn.text(key), alert=True)


def _is_of(draft: OrderDraft, stamp: str) -> bool:
    return drafts.missing(draft) == "confirm" and drafts.stamp(draft) == stamp


async def _confirm_below(turn: Turn) -> None:
    """Show the confirm screen: where it is, when that is below the strip, else below it."""
    at = int(turn.state.data.get("screen") or 0)
    if at > turn.came.message_id:
        turn.came = replace(turn.came, message_id=at)
    elif at:
        await turn.chat.delete(at)
    await screens.show_next(turn)
