"""The broadcasts of a shop or of the platform as lists: what was sent or is to be, and drafts, which can be deleted.

list -> one (lib/flows/compose.py)          list -> drafts -> [delete] -> sure
"""

from dataclasses import dataclass

from lib import db
from lib.reach import broadcasts, reading
from lib.reach.broadcasts import Broadcast
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


@dataclass(frozen=True)
class Newsroom:
    """Who writes: the flow whose buttons these are, the shop (0: the platform), its title, and the person."""

    flow: str
    partner_id: int
    title: str
    actor_id: int

    def data(self, action: str, number: int | None = None, *more: object) -> str:
        """Return a button's data."""
        return ":".join([self.flow, action, *([str(number)] if number else []), *map(str, more)])


async def show_list(turn: Turn, desk: Newsroom, before: int) -> None:
    """Show what was sent or is to be, newest first, and the way to the drafts."""
    turn.state.step = ""
    page = await _page(desk, before, drafts=False)
    written = await db.run(lambda conn: broadcasts.count_drafts(conn, desk.partner_id))
    rows = [[Button(_line(turn, one), desk.data("one", one.id))] for one in page[: broadcasts.PAGE]]
    if len(page) > broadcasts.PAGE:
        rows.append([screen.button(turn, "news.button.more", desk.data("list", page[-2].id))])
    rows.append([screen.button(turn, "news.button.new", desk.data("new"), style="primary")])
    if written:
        rows.append([screen.button(turn, "news.button.drafts", desk.data("drafts"), number=written)])
    if desk.partner_id:
        rows.append([screen.button(turn, "news.button.auto", "auto:list")])
    else:
        rows.append([screen.button(turn, "news.button.review", "casts:review")])
    words = turn.text("news.list", title=desk.title) if desk.partner_id else turn.text("news.list.platform")
    await turn.show(words, [*rows, screen.home(turn)])


async def _page(desk: Newsroom, before: int, *, drafts: bool) -> list[Broadcast]:
    shop, most = desk.partner_id, broadcasts.PAGE + 1
    return await db.run(lambda conn: broadcasts.listed(conn, shop, before=before or None, limit=most, drafts=drafts))


def _line(turn: Turn, one: Broadcast) -> str:
    return f"{screen.short(one.words, 24) or '…'} · {turn.text(f'news.state.{one.state}')}"


async def show_drafts(turn: Turn, desk: Newsroom, before: int, note: str = "") -> None:
    """Show what is written and was never sent, each beside the button that deletes it."""
    turn.state.step = ""
    page = await _page(desk, before, drafts=True)
    rows = [
        [
            Button(f"{'↩️ ' if one.reason else ''}{screen.short(one.words, 28) or '…'}", desk.data("one", one.id)),
            screen.button(turn, "news.button.drop", desk.data("drop", one.id)),
        ]
        for one in page[: broadcasts.PAGE]
    ]
    if len(page) > broadcasts.PAGE:
        rows.append([screen.button(turn, "news.button.more", desk.data("drafts", page[-2].id))])
    words = turn.text("news.drafts" if page else "news.drafts.none")
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn, desk.data("list"))])


async def drop(turn: Turn, desk: Newsroom, one: Broadcast, version: str) -> None:
    """Ask whether a draft is to be deleted, then delete it as it was shown."""
    if not version:
        words = turn.text("news.drop", words=reading.whole(one, turn.language))
        sure = screen.button(turn, "news.button.drop_sure", desk.data("drop", one.id, one.version), style="danger")
        await turn.show(words, [[sure], screen.home(turn, desk.data("drafts"))])
        return
    await db.run(lambda conn: broadcasts.drop(conn, one, screen.number(version)))
    await show_drafts(turn, desk, 0, turn.text("news.dropped"))


async def cancel(turn: Turn, desk: Newsroom, one: Broadcast, _: str) -> None:
    """Ask whether a broadcast is to be cancelled: nothing brings it back."""
    words = turn.text("news.cancel", number=one.id, words=screen.short(one.words, 80))
    sure = screen.button(turn, "news.button.cancel_sure", desk.data("cancel", one.id, "sure"), style="danger")
    await turn.show(words, [[sure], screen.home(turn, desk.data("one", one.id))])
