"""Services to be had for points: the list, one of them with its moderation status, and a new one by four questions.

list -> one -> [hide] / [show] / [name] / [words] -> typed; a number is a new price, a photo a new picture
list -> category -> title -> price -> about -> confirm -> sent to moderation         State.data["goods"]
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lib import db, errors, money
from lib.flows.partner import answers, listing, workplace
from lib.loyalty import offers
from lib.loyalty.staff import Staff
from lib.telegram import screen, wizard
from lib.telegram.client import Picture
from lib.telegram.dispatch import Turn
from lib.telegram.wizard import Draft, Form, Step

MOST = 10_000_000


async def handle(turn: Turn) -> None:
    """Answer a button, or take words for the question that is open."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, argument = screen.pressed(turn)
    if action in SCREENS:
        await SCREENS[action](turn, place, argument)
    elif turn.state.step in ("goods:new_title", "goods:new_about") and turn.came.kind != "press":
        await _new_words(turn, place, turn.state.step.removeprefix("goods:new_"))
    elif turn.state.step == "goods:one" and turn.came.kind in ("text", "photo"):
        await (_new_price if turn.came.kind == "text" else _new_photo)(turn, place)
    elif turn.came.attachment and turn.state.step == "goods:one":
        await _one(turn, place, str(turn.state.data.get("service", 0)), turn.text("partner.goods.as_photo"))
    elif not wizard.is_open(turn, FORM):
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
    elif action == "send":
        await _send(turn, place)
    else:
        await wizard.answer(turn, FORM)


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = ""
    after = screen.number(argument)
    found = await db.run(lambda conn: offers.list_services(conn, place.partner_id, after=after, limit=11))
    rows = listing.rows(turn, "goods", found, "partner.button.new_service")
    words = turn.text("partner.goods.list" if found or after else "partner.goods.none", title=place.title)
    await turn.show(words, [*rows, screen.home(turn)])


async def _one(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    try:
        one = await db.run(lambda conn: offers.get_service(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    turn.state.step = "goods:one"
    turn.state.data["service"] = one.id
    shown = "shown" if one.shown else "hidden"
    state = {"approved": shown, "rejected": "not_accepted"}.get(one.status, one.status)
    fields = {"title": one.title, "price": one.price_points, "about": f"\n{one.about}" if one.about else ""}
    category = turn.text(f"partner.category.{one.category}")
    words = turn.text("partner.goods.one", **fields, category=category, state=turn.text(f"partner.state.{state}"))
    reason = turn.text("partner.promos.reason", reason=one.reason) if one.status == "rejected" else ""
    verb = "hide" if one.shown else "show"
    edits = [screen.button(turn, f"partner.button.{what}", f"goods:{what}:{one.id}") for what in ("retitle", "reword")]
    photo = [screen.button(turn, "partner.button.picture", f"goods:picture:{one.id}")] if one.photo else []
    rows = [
        edits,
        [*photo, screen.button(turn, f"partner.button.{verb}", f"goods:{verb}:{one.id}")],
        screen.home(turn, "goods:list"),
    ]
    await turn.show(screen.paragraphs(note, words, reason), rows)


async def _change(turn: Turn, place: Staff, number: int, **fields: Any) -> None:
    """Change it; new words or a new picture wait for an administrator's word once more."""
    actor, judged = turn.state.who["id"], fields.keys() & {"title", "about", "photo"}
    note = turn.text("partner.goods.saved_for_review" if judged else "partner.goods.saved")
    try:
        await db.run(lambda conn: offers.change_service(conn, place.partner_id, actor, number, **fields))
        if judged:
            one = await db.run(lambda conn: offers.get_service(conn, place.partner_id, number))
            await workplace.to_review(turn, "service", title=one.title, shop=place.title)
    except errors.Missing:
        note = ""  # by a button of long ago, or of nobody's making; the list is shown
    except errors.AppError as error:
        note = workplace.refusal(turn, error)
    await _one(turn, place, str(number), note)


async def _ask_words(turn: Turn, place: Staff, argument: str, what: str, note: str = "") -> None:
    try:
        one = await db.run(lambda conn: offers.get_service(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    turn.state.step = f"goods:new_{what}"
    turn.state.data["service"] = one.id
    words = turn.text(f"partner.goods.new_{what}", title=one.title)
    rows = [screen.home(turn, f"goods:one:{one.id}")]
    await turn.show(screen.paragraphs(note, words), rows)


async def _retitle(turn: Turn, place: Staff, argument: str) -> None:
    await _ask_words(turn, place, argument, "title")


async def _reword(turn: Turn, place: Staff, argument: str) -> None:
    await _ask_words(turn, place, argument, "about")


async def _new_words(turn: Turn, place: Staff, what: str) -> None:
    number, words = turn.state.data.get("service", 0), turn.came.text.strip()
    if turn.came.kind != "text":
        await _ask_words(turn, place, str(number), what, turn.text("partner.apply.words_only"))
        return
    try:
        said = READ[what](words, {})
    except errors.Invalid as error:
        await _ask_words(turn, place, str(number), what, workplace.refusal(turn, error))
        return
    await _change(turn, place, number, **{what: said})


async def _hide(turn: Turn, place: Staff, argument: str) -> None:
    await _change(turn, place, screen.number(argument), shown=False)


async def _reveal(turn: Turn, place: Staff, argument: str) -> None:
    await _change(turn, place, screen.number(argument), shown=True)


async def _new_price(turn: Turn, place: Staff) -> None:
    number = turn.state.data.get("service", 0)
    try:
        price = money.parse_points(turn.came.text, limit=MOST)
    except errors.Invalid as error:
        await _one(turn, place, str(number), workplace.refusal(turn, error))
        return
    await _change(turn, place, number, price_points=price)


async def _new_photo(turn: Turn, place: Staff) -> None:
    """Keep the photo by Telegram's id of it: this bot's, so the other bots fetch it through this one."""
    photo = turn.came.attachment
    await _change(turn, place, turn.state.data.get("service", 0), photo=photo.file_id if photo else None)


async def _picture(turn: Turn, place: Staff, argument: str) -> None:
    try:
        one = await db.run(lambda conn: offers.get_service(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    if one.photo:
        await turn.chat.send_photo(
            Picture("service.jpg", file_id=one.photo), turn.text("partner.goods.photo", title=one.title)
        )
    await turn.answer()


async def _new(turn: Turn, place: Staff, argument: str) -> None:
    await wizard.begin(turn, FORM, afresh=argument == "afresh", shop=place.partner_id)


def _fields(turn: Turn, draft: Draft) -> dict[str, Any]:
    about = f"\n{draft['about']}" if draft.get("about") else ""
    own = {"title": draft.get("title", ""), "price": draft.get("price", 0), "about": about}
    return {**own, "category": answers.category(turn, draft)}


async def _send(turn: Turn, place: Staff) -> None:
    draft = await wizard.confirmed(turn, FORM)
    if draft is None:
        return
    words = {name: draft[name] for name in ("title", "category", "about")}
    options = {**words, "price_points": draft["price"]}
    try:
        await db.run(lambda conn: offers.add_service(conn, place.partner_id, turn.state.who["id"], **options))
    except errors.AppError as error:
        await wizard.ask(turn, FORM, "title", workplace.refusal(turn, error))
        return
    await workplace.to_review(turn, "service", title=words["title"], shop=place.title)
    wizard.settle(turn, FORM)
    await turn.show(turn.text("partner.goods.sent", title=words["title"]), [screen.home(turn, "goods:list")])


READ = {"title": answers.words(2, 80), "about": answers.words(1, 600)}
FORM = Form(
    flow="goods",
    name="goods",
    key="partner.goods.",
    facts=("shop",),
    steps=[
        answers.CATEGORY,
        Step("title", READ["title"]),
        Step("price", answers.points(MOST)),
        Step("about", READ["about"], {"": ""}, answers.label("partner.button.skip")),
    ],
    sentences=answers.SENTENCES,
    fields=_fields,
    refusal=workplace.refusal,
    send="partner.button.to_review",
    back="goods:list",
)

SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "one": _one,
    "hide": _hide,
    "show": _reveal,
    "new": _new,
    "picture": _picture,
    "retitle": _retitle,
    "reword": _reword,
}
