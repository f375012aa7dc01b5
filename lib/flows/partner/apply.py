"""The application of a new shop: its name, what it is, where it is, how much it gives back; then it waits.

    title -> category -> city -> share -> confirm -> applied, status pending          State.data["apply"]
      ^_________^_________^________^________| back
    refused -> [mend] -> confirm -> the same shop, pending again

The share that is given back is a setting like any other and can be changed later. The administrator's decision is told
to the owner.
"""

from typing import Any

from lib import config, db, errors, text, typed
from lib.flows.partner import answers, workplace
from lib.loyalty import partners
from lib.telegram import screen, wizard
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.wizard import Draft, Form, Step

SHARES = (300, 500, 1000)
CITIES = ("Москва", "Санкт-Петербург", "Казань", "Новосибирск", "Екатеринбург", "Нижний Новгород")


async def handle(turn: Turn) -> None:
    """Take one answer and ask the next question."""
    action, argument = screen.pressed(turn)
    if action == "new":
        await wizard.begin(turn, FORM, afresh=argument == "afresh")
    elif action == "mend":
        await _mend(turn, screen.number(argument))
    elif not wizard.is_open(turn, FORM):
        await screen.refuse_old_button(turn)
        await wizard.ask(turn, FORM)
    elif action == "send":
        await _send(turn)
    else:
        await wizard.answer(turn, FORM)


async def _mend(turn: Turn, shop_id: int) -> None:
    """Begin with what was refused; it is the owner's to send again."""
    mine = [one for one in await workplace.places(turn) if one.partner_id == shop_id and one.role == "owner"]
    if not mine or mine[0].status != "rejected":
        await screen.refuse_old_button(turn)
        await wizard.begin(turn, FORM)
        return
    shop = await db.run(lambda conn: partners.get(conn, shop_id))
    draft = {"title": shop.title, "category": shop.category, "city": shop.city, "share": shop.earn_bp}
    turn.state.data[FORM.name] = {**draft, "shop": shop.id}
    await wizard.ask(turn, FORM, note=turn.text("partner.apply.mend", reason=shop.reason))


async def _send(turn: Turn) -> None:
    """Apply, once for each screen of confirmation: it is a result afterwards and has no such button any more."""
    draft, owner = await wizard.confirmed(turn, FORM), turn.state.who["id"]
    if draft is None:
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
        await wizard.ask(turn, FORM, note=_refusal(turn, error))
        return
    await workplace.to_review(turn, "partner", title=words["title"], city=words["city"])
    turn.settled = True
    turn.state.data = {"shop": shop, "screen": turn.state.data["screen"]}
    turn.state.step = ""
    await turn.show(turn.text("partner.apply.sent", title=words["title"]), [screen.home(turn)])
    turn.state.data["screen"] = 0


def _line(most: int) -> Any:
    def read(said: str, _: Draft) -> str:
        line = " ".join(said.split())
        if not 2 <= len(line) <= most:
            raise errors.Invalid("bad_length", str(most))
        return line

    return read


def _refusal(turn: Turn, error: errors.AppError) -> str:
    if error.code == "bad_length":
        return turn.text("partner.apply.bad_length", limit=int(error.detail))
    return workplace.refusal(turn, error)


def _fields(turn: Turn, draft: Draft) -> dict[str, Any]:
    own = {"title": draft.get("title", ""), "city": draft.get("city", ""), "share": draft.get("share", 0)}
    return {**own, "category": answers.category(turn, draft)}


def _percent(turn: Turn, choice: str) -> str:
    return text.percent(turn.language, int(choice))


def _terms(turn: Turn) -> Keyboard:
    return [[screen.link(turn, "start.terms", f"{config.get().public_url}/terms.html")]]


FORM = Form(
    flow="apply",
    name="apply",
    key="partner.apply.",
    facts=("shop",),
    steps=[
        Step("title", _line(80)),
        answers.CATEGORY,
        Step(
            "city",
            lambda said, draft: _line(60)(typed.city(said), draft),
            {str(at): city for at, city in enumerate(CITIES)},
            lambda turn, at: CITIES[int(at)],
        ),
        Step(
            "share", None, {str(one): one for one in SHARES}, lambda turn, one: text.percent(turn.language, int(one)), 3
        ),
    ],
    sentences=answers.SENTENCES,
    fields=_fields,
    refusal=_refusal,
    send="partner.button.send",
    below=_terms,
)
