"""The bots and their flows: which file answers what. A flow is imported when its first update comes."""

from datetime import timedelta
from typing import Any

from lib import config, db, limits, text
from lib.office import letters
from lib.people import notify, users
from lib.telegram.menus import Flows, Menu, SharedFlows
from lib.telegram.update import Sender

# The flows that every bot shares. Their way back is the bot's own flow `menu`, with its screens `home` and `help`.
EVERY = SharedFlows(
    package="lib.flows.every",
    commands={
        "language": "language",
        "profile": "profile",
        "export": "profile",
        "delete": "profile",
        "terms": "papers",
        "privacy": "papers",
        "paysupport": "papers",
        "news": "news",
    },
    closed="closed",
    open=("language", "papers", "news"),
)

# The commands in the order that people see; those without a sentence `command.<name>` are not shown.
HOME = dict.fromkeys(("menu", "help", "cancel"), "menu")

# The studio has its own flows for these.
SHOP = {"balance": "wallet", "promo": "wallet", "paysupport": "support", "cancel": "order"}


# More than a person needs for albums and quick presses, and far less than a machine would send.
PACE = limits.Limit("update", 60, timedelta(minutes=1))


async def meet(person: Sender) -> dict[str, Any]:
    """Return what a conversation must know of a person; a new person becomes a user. One round trip."""
    user = await db.run(
        lambda conn: users.get_or_create_user(
            conn,
            person.id,
            first_name=person.first_name,
            last_name=person.last_name,
            username=person.username,
            language=text.guess(person.language_code),
        )
    )
    who = {"id": user.id, "language": user.language, "zone": user.time_zone}
    if user.banned:
        return {**who, "consent": False, "banned": True}
    return {**who, "consent": user.consent_at is not None}


async def bury(bot: str, update_id: int, raw: bytes, error: str, tries: int) -> None:
    """Keep an update that failed for good, for an operator to look at, and tell the administrators."""
    await db.run(lambda conn: letters.bury_update(conn, bot, update_id, raw, error, tries))
    await notify.alert_admins(bot, "alert.buried", bot=bot, update=update_id, error=error[:300])


async def blocked(bot: str, tg_id: int, is_blocked: bool) -> None:
    """Remember that a person can, or cannot, be written to by this bot."""
    await db.run(lambda conn: users.mark_blocked(conn, tg_id, bot, is_blocked))


def is_admin(tg_id: int) -> bool:
    """Tell whether a Telegram id is an administrator's, by the settings as they are now."""
    return tg_id in config.get().admin_ids


FLOWS = Flows(
    menus={
        "studio": Menu(
            package="lib.flows.studio",
            commands={"start": "start", "new": "order", "history": "history", **HOME, **SHOP},
            other="menu",
            stranger="start",
            files=("order", "brand"),
            links={"promo": "wallet", "pay": "wallet"},
            payments="wallet",
            open=("support",),
            shared=EVERY,
            former={"card": "order"},
        ),
        "partner": Menu(
            package="lib.flows.partner",
            commands={"start": "start", **HOME},
            other="menu",
            stranger="start",
            words="till",
            links={"c": "till", "s": "team"},
            flows=(
                "apply",
                "undo",
                "voucher",
                "rules",
                "promos",
                "goods",
                "prices",
                "items",
                "hours",
                "assistant",
                "clients",
                "figures",
                "exports",
                "marks",
                "invites",
                "inbox",
                "release",
                "requests",
                "talks",
                "terms",
                "cast",
                "auto",
                "digests",
                "compare",
            ),
            shared=EVERY,
        ),
        "client": Menu(
            package="lib.flows.client",
            commands={"start": "start", "balance": "menu", "new": "ask", "stop": "ask", **HOME},
            other="menu",
            contacts="join",
            stranger="start",
            links={"p": "join", "r": "join"},
            stops="ask",
            flows=(
                "card",
                "points",
                "history",
                "find",
                "shop",
                "ask",
                "thumb",
                "person",
                "items",
                "basket",
                "checkout",
                "requests",
                "promo",
                "gift",
                "invite",
                "letter",
                "nps",
                "move",
                "release",
                "spend",
                "settings",
            ),
            shared=EVERY,
        ),
        "admin": Menu(
            package="lib.flows.admin",
            commands={"start": "menu", "find": "people", **HOME},
            other="menu",
            stranger="door",
            words="people",
            flows=(
                "act",
                "alerts",
                "casts",
                "health",
                "letters",
                "moderate",
                "orders",
                "queue",
                "shelf",
                "shops",
                "trace",
                "trail",
            ),
            shared=EVERY,
            admits=is_admin,
        ),
    },
    meet=meet,
    bury=bury,
    blocked=blocked,
    pace=PACE,
)
