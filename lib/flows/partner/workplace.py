"""Where a person works, read from the rows at every step, and what they read of errors there.

The chosen shop is a number in State.data["shop"]; it opens nothing by itself. A person who was let go, or whose shop
was blocked, hears so at the next press, and the ledger checks it once more.
"""

from datetime import timedelta

from lib import db, errors, limits, text
from lib.loyalty import partners, staff
from lib.loyalty.staff import Staff
from lib.people import notify
from lib.telegram import screen
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
    rows = [screen.home(turn)]
    if place is None:
        rows = [*(shops(where) or [apply(turn)]), *rows]
        gone = turn.state.data.pop("shop", None)
        words = "partner.error.not_staff" if gone else "partner.home.choose" if where else "partner.home.nowhere"
    elif manages and not place.manages:
        words = "partner.error.role_too_low"
    elif serves and place.status != "approved":
        shut = {"blocked": "partner.error.partner_blocked", "rejected": "partner.error.partner_rejected"}
        words = shut.get(place.status, "partner.error.partner_not_approved")
        if place.status == "blocked" and (await db.run(lambda conn: partners.get(conn, place.partner_id))).gone:
            words = "partner.error.partner_gone"
    else:
        return place
    turn.state.step = ""
    await turn.show(turn.text(words), rows)
    return None


def leave(turn: Turn) -> None:
    """Drop what was begun and stay at the shop."""
    shop = turn.state.data.get("shop")
    turn.state.data = {"shop": shop} if shop else {}


def shops(where: list[Staff]) -> Keyboard:
    """Return the buttons that choose one of these shops."""
    return [[Button(screen.short(place.title), f"menu:shop:{place.partner_id}")] for place in where[:30]]


def apply(turn: Turn) -> list[Button]:
    """Return the button that begins an application."""
    return [screen.button(turn, "partner.button.apply", "apply:new", style="primary")]


async def at_work_in(turn: Turn, shop: str) -> Staff | None:
    """Return the place of a manager at the shop that a message is of, and work there from now on.

    "" stands for the shop that was chosen last.
    """
    if shop:
        turn.state.data["shop"] = screen.number(shop)
    place = await at_work(turn, manages=True)
    if place is None or not shop or place.partner_id == screen.number(shop):
        return place
    await turn.show(turn.text("partner.error.not_staff"), [screen.home(turn)])
    return None


async def to_review(turn: Turn, kind: str, **fields: str) -> None:
    """Tell the administrators that something waits for their word, of a person's first few in an hour."""
    if not await limits.wait(turn.chat.id, REVIEWS):
        ways = [[("admin.button.moderate", "moderate:home")]]
        turn.after.append(lambda: notify.alert_admins("partner", f"alert.waiting_{kind}", ways=ways, **fields))


def refusal(turn: Turn, error: errors.AppError) -> str:
    """Return what a person reads of an error; raise it again when it does not concern them."""
    key = f"partner.error.{error.code}"
    if isinstance(error, errors.Upstream) or not text.knows(key):
        raise error
    detail: str | int = error.detail
    if error.code == "amount_over_limit" and error.detail.isdecimal():
        detail = int(error.detail)
    elif error.code in ("over_share", "short_of_points", "points_over_limit", "too_long"):
        detail = int(error.detail) if error.detail.isdecimal() else 0
    return turn.text(key, detail=detail)
