"""The application of a new shop: its name, what it is, where it is, how much it gives back; then it waits.

    title -> category -> city -> share -> confirm -> applied, status pending          State.data["apply"]
      ^_________^_________^________^________| back
    refused -> [mend] -> confirm -> the same shop, pending again

The share that is given back is a setting like any other and can be changed later. Who decides tells the owner.
"""

from typing import Any

from lib import config, db, errors, text
from lib.flows.partner import workplace
from lib.loyalty import partners
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

STEPS = ("title", "category", "city", "share", "confirm")
SHARES = (300, 500, 1000)
CITIES = ("Москва", "Санкт-Петербург", "Казань", "Новосибирск", "Екатеринбург", "Нижний Новгород")


async def handle(turn: Turn) -> None:
    """Take one answer and ask the next question."""
    wanted, argument = screen.pressed(turn)
    if wanted == "new":
        await _begin(turn)
    elif wanted == "mend":
        await _mend(turn, screen.number(argument))
    elif turn.came.kind == "text":
        await _words(turn)
    elif turn.came.kind != "press":
        await _ask(turn, _step(turn), turn.text("partner.apply.words_only"))
    elif "apply" not in turn.state.data or not turn.on_screen:
        await screen.refuse_old_button(turn)
        await _ask(turn, _step(turn))
    elif wanted == "send":
        await _send(turn)
    elif wanted == "back" and argument in STEPS:
        await _ask(turn, argument)
    else:
        await _pressed(turn, wanted, argument)


async def _begin(turn: Turn) -> None:
    """Go on with what was begun, if there is anything, else ask the first question."""
    draft = _draft(turn)
    if "shop" in draft:
        draft.clear()
    await _ask(turn, "confirm", turn.text("partner.apply.goes_on") if draft else "")


async def _mend(turn: Turn, shop_id: int) -> None:
    """Begin with what was refused; it is the owner's to send again."""
    mine = [one for one in await workplace.places(turn) if one.partner_id == shop_id and one.role == "owner"]
    if not mine or mine[0].status != "rejected":
        await screen.refuse_old_button(turn)
        await _begin(turn)
        return
    shop = await db.run(lambda conn: partners.get(conn, shop_id))
    draft = {"title": shop.title, "category": shop.category, "city": shop.city, "share": shop.earn_bp}
    turn.state.data["apply"] = {**draft, "shop": shop.id}
    await _ask(turn, "confirm", turn.text("partner.apply.mend", reason=shop.reason))


def _draft(turn: Turn) -> dict[str, Any]:
    draft: dict[str, Any] = turn.state.data.setdefault("apply", {})
    return draft


def _step(turn: Turn) -> str:
    """Return the question that is open: the one on the screen, else the first without an answer."""
    step = turn.state.step.partition(":")[2]
    return step if step in STEPS else next((one for one in STEPS if one not in _draft(turn)), "confirm")


async def _words(turn: Turn) -> None:
    step, words = _step(turn), " ".join(turn.came.text.split())
    if step not in ("title", "city"):
        await _ask(turn, step, turn.text("partner.apply.use_buttons"))
    elif not 2 <= len(words) <= (60 if step == "city" else 80):
        await _ask(turn, step, turn.text("partner.apply.bad_length", limit=60 if step == "city" else 80))
    else:
        await _keep(turn, step, words)


async def _pressed(turn: Turn, wanted: str, argument: str) -> None:
    if wanted == "category" and argument in partners.CATEGORIES:
        await _keep(turn, "category", argument)
    elif wanted == "city" and screen.number(argument) < len(CITIES):
        await _keep(turn, "city", CITIES[screen.number(argument)])
    elif wanted == "share" and screen.number(argument) in SHARES:
        await _keep(turn, "share", screen.number(argument))
    else:
        await _ask(turn, _step(turn))


async def _keep(turn: Turn, step: str, answer: str | int) -> None:
    _draft(turn)[step] = answer
    await _ask(turn, next((one for one in STEPS if one not in _draft(turn)), "confirm"))


async def _ask(turn: Turn, step: str, note: str = "") -> None:
    draft = _draft(turn)
    if step == "confirm" and any(one not in draft for one in STEPS[:-1]):
        step = next(one for one in STEPS if one not in draft)
    turn.state.step = f"apply:{step}"
    before = STEPS[STEPS.index(step) - 1] if step != "title" else ""
    rows = [*_choices(turn, step), screen.home(turn, f"apply:back:{before}" if before else "")]
    words = turn.text(f"partner.apply.{step}", **_fields(turn))
    await turn.show(screen.paragraphs(note, words), rows)


def _fields(turn: Turn) -> dict[str, Any]:
    draft = _draft(turn)
    category = draft.get("category")
    return {
        "title": draft.get("title", ""),
        "city": draft.get("city", ""),
        "category": turn.text(f"partner.category.{category}") if category else "",
        "share": draft.get("share", 0),
    }


def _choices(turn: Turn, step: str) -> Keyboard:
    if step == "category":
        names = partners.CATEGORIES
        return screen.in_rows(
            [screen.button(turn, f"partner.category.{one}", f"apply:category:{one}") for one in names]
        )
    if step == "city":
        return screen.in_rows([Button(city, f"apply:city:{index}") for index, city in enumerate(CITIES)])
    if step == "share":
        return [[Button(text.percent(turn.language, share), f"apply:share:{share}") for share in SHARES]]
    if step == "confirm":
        terms = screen.link(turn, "start.terms", f"{config.get().public_url}/terms.html")
        return [[screen.button(turn, "partner.button.send", "apply:send", style="success")], [terms]]
    return []


async def _send(turn: Turn) -> None:
    """Apply, once for each screen of confirmation: it is a result afterwards and has no such button any more."""
    draft, owner = _draft(turn), turn.state.who["id"]
    if turn.state.step != "apply:confirm" or any(one not in draft for one in STEPS[:-1]):
        await _ask(turn, _step(turn))
        return
    words = {name: draft[name] for name in ("title", "category", "city")}

    async def apply(conn: db.Connection) -> int:
        async with conn.transaction():
            shop: int = draft.get("shop") or await partners.apply(conn, owner, **words)
            await partners.change(conn, shop, owner, earn_bp=draft["share"], **(words if "shop" in draft else {}))
            if "shop" in draft and not await partners.decide(conn, shop, owner, "pending", was="rejected"):
                raise errors.Conflict("decided_already")
        return shop

    try:
        shop = await db.run(apply)
    except errors.AppError as error:
        await _ask(turn, "confirm", workplace.refusal(turn, error))
        return
    await workplace.to_review(turn, "partner", title=words["title"], city=words["city"])
    turn.settled = True
    turn.state.data = {"shop": shop, "screen": turn.state.data["screen"]}
    turn.state.step = ""
    await turn.show(turn.text("partner.apply.sent", title=words["title"]), [screen.home(turn)])
    turn.state.data["screen"] = 0
