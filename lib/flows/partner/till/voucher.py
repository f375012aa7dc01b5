"""Shows at the till what a voucher is for; the flow `voucher` hands it over."""

from lib import errors
from lib.loyalty import points
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def show(turn: Turn, found: points.Voucher) -> None:
    """Show it; Conflict when it is for nothing any more, Denied("member_blocked") while the card is suspended."""
    if found.used_at or found.cancelled_at:
        raise errors.Conflict("voucher_used" if found.used_at else "voucher_cancelled")
    if found.blocked:
        raise errors.Denied("member_blocked", found.code)
    turn.state.step = "till:find"
    words = turn.text(
        "partner.till.voucher",
        service=found.title,
        name=found.name,
        points=found.points,
        until=found.expires_at,
    )
    give = screen.button(turn, "partner.button.give", f"voucher:give:{found.code}", style="success")
    await turn.show(words, [[give], screen.home(turn, "till:find")])
