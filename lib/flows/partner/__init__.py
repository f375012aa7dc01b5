"""What the partner bot's conversations share: where a person works, read from the rows at every step, and its buttons.

The chosen shop is a number in State.data["shop"]; it opens nothing by itself. Whoever was let go, or whose shop was
blocked, hears so at the next press, and the ledger checks it once more.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import db, errors, limits, text
from lib.loyalty import staff
from lib.loyalty.staff import Staff
from lib.people import notify, users
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

QUICK = (20_000, 35_000, 50_000, 100_000)  # kopecks, for the buttons of a shop that has chosen none
REVIEWS = limits.Limit("review", 5, timedelta(hours=1))


async def places(turn: Turn) -> list[Staff]:
    """Return every shop where the person works now."""
    return await db.run(lambda conn: staff.places(conn, turn.state.who["id"]))


def chosen(turn: Turn, where: list[Staff]) -> Staff | None:
    """Return the shop that they work in at the moment: the chosen one, or the only one."""
    found = [place for place in where if place.partner_id == turn.state.data.get("shop")]
    if not found and len(where) == 1:
        found = where
    if not found:
        return None
    turn.state.data["shop"] = found[0].partner_id
    return found[0]


async def at_work(turn: Turn, *, manages: bool = False, serves: bool = False) -> Staff | None:
    """Return the person's place, or show why they cannot go on and return None.

    `manages`: the screen is for the owner and the managers. `serves`: it is for a shop that is open for business.
    """
    where = await places(turn)
    place = chosen(turn, where)
    if place is None:
        gone = turn.state.data.pop("shop", None)
        words = "partner.error.not_staff" if gone else "partner.home.choose" if where else "partner.home.nowhere"
    elif manages and not place.manages:
        words = "partner.error.role_too_low"
    elif serves and place.status != "approved":
        words = "partner.error.partner_blocked" if place.status == "blocked" else "partner.error.partner_not_approved"
    else:
        return place
    turn.state.step = ""
    await turn.show(turn.text(words), [home(turn)])
    return None


async def to_review(turn: Turn, kind: str, **fields: str) -> None:
    """Tell the administrators that something waits for their word, of a person's first few in an hour."""
    if not await limits.wait(turn.chat.id, REVIEWS):
        ways = [[("admin.button.moderate", "moderate:home")]]
        turn.after.append(lambda: notify.alert_admins("partner", f"alert.waiting_{kind}", ways=ways, **fields))


def button(turn: Turn, key: str, data: str, *, style: str = "", **fields: Any) -> Button:
    """Return a button whose label is a sentence."""
    return Button(turn.text(key, **fields), data, style=style)


def home(turn: Turn, back: str = "") -> list[Button]:
    """Return the last row of every screen: the way back, if there is one, and the menu."""
    way = [button(turn, "button.back", back)] if back else []
    return [*way, button(turn, "button.menu", "menu:home")]


def refusal(turn: Turn, error: errors.AppError) -> str:
    """Return what a person reads of an error; raise it again when it is none of theirs."""
    key = f"partner.error.{error.code}"
    if isinstance(error, errors.Upstream) or not text.knows(key):
        raise error
    detail: str | int = error.detail
    if error.code == "amount_over_limit" and error.detail.isdecimal():
        detail = int(error.detail)
    elif error.code in ("over_share", "short_of_points", "points_over_limit", "too_long"):
        detail = int(error.detail) if error.detail.isdecimal() else 0
    return turn.text(key, detail=detail)


def in_rows(buttons: list[Button], width: int = 2) -> Keyboard:
    """Return buttons in rows."""
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]


def short(words: str, length: int = 20) -> str:
    """Return words that fit on a button."""
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def number(words: str) -> int:
    """Return the id in a button's data; 0, which nothing has, for anything else."""
    return int(words) if words.isascii() and words.isdecimal() and len(words) <= 18 else 0


def moment(turn: Turn, at: datetime) -> str:
    """Return a date and time in the person's zone."""
    return text.moment(turn.language, _local(turn, at))


def clock(turn: Turn, at: datetime) -> str:
    """Return the time of today, or the day and month of another day, in the person's zone."""
    local = _local(turn, at)
    today = _local(turn, datetime.now(UTC)).date()
    return f"{local:%H:%M}" if local.date() == today else text.short_day(turn.language, local)


def _local(turn: Turn, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(turn.state.who.get("zone", users.ZONE)))
