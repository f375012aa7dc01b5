"""Draws the covers that a card can have, small, and sends them with a number each: a choice by picture, before paying.

A strip that comes too late is dropped: the words or the photo are others by now, or the person is elsewhere; that is
noted, for a person who comes back to them. Nobody is told when it fails, because an order needs no strip.
"""

from datetime import timedelta
from typing import Any

from lib import clock, db, errors, log, retry, text
from lib.drawing import work
from lib.drawing.card import received, strip
from lib.drawing.card.strip import DrawnStrip, StripWords
from lib.drawing.cover import branding
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto
from lib.jobs.run import Run
from lib.providers.contract import OwnStyle
from lib.studio import brands, cuts, files, strips
from lib.studio.strips import StripOrder
from lib.telegram import client, fsm
from lib.telegram.client import Button, Chat, Keyboard, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=1), cap=timedelta(seconds=5), max_attempts=2)
LEASE = timedelta(seconds=60)
AGAIN = timedelta(seconds=1)


async def run(run: Run) -> None:
    """Draw the strip and show it, if it is still wanted."""
    wanted = StripOrder.read(run.job.args)
    try:
        if not await _is_wanted(run, wanted):
            await _drop(run)
            return
        if await _is_being_cut(run, wanted):
            await run.wait(clock.now() + AGAIN)
            return
        own = await brands.own(run.job.user_id)
        drawn = await work.in_thread(_draw, await _cut(run.job.user_id, wanted), wanted, own)
        await run.save(designs=list(drawn.designs))  # Conflict for an account that was erased meanwhile
        if await _is_wanted(run, wanted):
            await _show(wanted, drawn)
        else:
            await _drop(run)
    except errors.Blocked:
        log.note(blocked=True)
    except errors.Rejected as error:  # the order itself will say so, if one is placed
        log.note(not_drawn=str(error))


async def _drop(run: Run) -> None:
    log.note(too_late=True)
    await run.save(**{strips.LATE: True})


async def _is_being_cut(run: Run, wanted: StripOrder) -> bool:
    """Say whether the photo is being cut: to cut it here as well would take both twice the time."""
    cut = await db.run(lambda conn: cuts.find(conn, run.job.user_id, wanted.cut)) if wanted.cut else None
    return cut is not None and cut.state in cuts.OPEN


async def _cut(user_id: int, wanted: StripOrder) -> CutPhoto:
    """Return the photo's kept cut, or cut it now."""
    kept = result.kept(await cuts.kept(user_id, wanted.cut)) if wanted.cut else None
    if kept:
        return kept
    return await work.in_thread(_cut_out, await _photo(user_id, wanted))


def _cut_out(photo: bytes) -> CutPhoto:
    return cutout.of(received.clean(photo).data)


def _draw(cut: CutPhoto, wanted: StripOrder, own: OwnStyle) -> DrawnStrip:
    style = branding.read(own.logo, own.accent, own.ground, own.pair)
    said = StripWords(wanted.title, wanted.benefits, text.say(wanted.language, "strip.sample"))
    seen = wanted.variant if wanted.of_order else None
    return strip.draw(cut, wanted.preset, said, wanted.page, result.way(wanted.way), style, wanted.design, seen)


async def _is_wanted(run: Run, wanted: StripOrder) -> bool:
    """Say whether the person still looks at the screen that the strip belongs to."""
    if run.age > strips.FRESH:
        return False
    if wanted.of_order:
        return True
    state = await fsm.read(wanted.bot, wanted.chat)
    draft: dict[str, Any] = state.data.get("draft") or {}
    return state.step == "order:confirm" and draft.get("strip") == wanted.stamp


async def _photo(user_id: int, wanted: StripOrder) -> bytes:
    if wanted.source is None:
        return await client.download(wanted.bot, wanted.file_id)
    _, data = await files.source(user_id, wanted.source)
    return data


async def _show(wanted: StripOrder, drawn: DrawnStrip) -> None:
    chat = Chat(wanted.bot, wanted.chat, paced=True)
    picture = Picture("covers.jpg", drawn.jpeg)
    caption = text.say(wanted.language, f"strip.{_caption(wanted, drawn)}", n=wanted.picked)
    if wanted.message_id:
        await chat.show_picture(wanted.message_id, picture, caption, _keyboard(wanted, drawn))
    else:
        await chat.send_photo(picture, caption, _keyboard(wanted, drawn))


def _caption(wanted: StripOrder, drawn: DrawnStrip) -> str:
    """Return the sentence by what an order without a further choice would be drawn with."""
    if wanted.of_order:
        return "choose_other"
    return "choose_picked" if wanted.picked else "choose_led" if drawn.led else "choose"


def _keyboard(wanted: StripOrder, drawn: DrawnStrip) -> Keyboard:
    """Return a number for each cover, the next page, and the way back: to the first proposal, or to the result."""
    numbers = [
        Button(str(number), _choice(wanted, name, number)) for number, name in enumerate(drawn.designs, drawn.first)
    ]
    further = 0 if drawn.last else wanted.page + 1
    turned = (
        f"order:redesign:{wanted.of_order}:{further}" if wanted.of_order else f"order:covers:{further}:{wanted.stamp}"
    )
    is_all = drawn.last and drawn.first == 1
    ways = [] if is_all else [Button(_say(wanted, "strip.first" if drawn.last else "strip.more"), turned)]
    ours = [] if wanted.of_order else [Button(_say(wanted, "strip.ours"), f"order:design::{wanted.stamp}:0")]
    way_back = Button(_say(wanted, "button.back"), f"history:open:{wanted.of_order}")
    back = [way_back, Button(_say(wanted, "button.menu"), "menu:home")] if wanted.of_order else []
    return [row for row in (numbers, [*ways, *ours], back) if row]


def _choice(wanted: StripOrder, name: str, number: int) -> str:
    if wanted.of_order:
        return f"order:redesigned:{wanted.of_order}:{name}"
    return f"order:design:{name}:{wanted.stamp}:{number}"


def _say(wanted: StripOrder, key: str) -> str:
    return text.say(wanted.language, key)
