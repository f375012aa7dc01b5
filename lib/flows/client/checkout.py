"""From a basket to an order: what is missing is asked one by one, then all is shown with the total, and sent once.

    way -> address, when it is delivered -> time -> phone -> payment -> comment -> the whole -> sent

Each answer is kept in the draft at once, so nothing is lost by a stray press, and each can be changed from the whole.
Before the confirmation nothing is ordered.
"""

from dataclasses import dataclass
from datetime import timedelta

from lib import db, errors, limits, text
from lib.assistant import pushes, requests, slip
from lib.assistant.requests import ShopRequest
from lib.flows import slips
from lib.flows.client import talking, visitor
from lib.jobs import kick
from lib.loyalty import partners, phones
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

SENDING = limits.Limit("request", 10, timedelta(hours=1))
QUESTIONS = ("way", "address", "wanted", "phone", "payment", "comment")
TYPED = ("address", "wanted", "phone", "comment")
# What a button below a question answers it with.
EMPTY = {"wanted": "soon", "comment": "none"}


@dataclass(frozen=True)
class RequestQuestion:
    """The shop whose question is open."""

    shop: int


QUESTION = DraftKey("checkout", RequestQuestion)


async def handle(turn: Turn) -> None:
    """Take an answer, or a button: checkout:<what>:<shop>[:<answer>]."""
    kept, (what, *rest) = QUESTION.of(turn.state), turn.came.text.split(":")[1:] if turn.came.kind == "press" else [""]
    shop = screen.number(rest[0]) if rest else kept.shop if kept else 0
    try:
        await _act(turn, shop, what, rest[1:])
    except (errors.Conflict, errors.Denied, errors.Missing) as error:
        talking.listen(turn, shop)
        await turn.show(_refusal(turn, error), [*_ways(turn, error, shop), screen.home(turn, f"basket:open:{shop}")])


async def _act(turn: Turn, shop: int, what: str, rest: list[str]) -> None:
    said, user_id = rest[0] if rest else "", turn.state.who["id"]
    open_question = turn.state.step.partition(":")[2]
    if what == "send" and len(rest) == 2:
        await _send(turn, shop, screen.number(said), screen.number(rest[1]))
    elif said and said in (*requests.CHOICES.get(what, ()), EMPTY.get(what)):
        await _keep(turn, shop, what, "" if EMPTY.get(what) == said else said)
    elif turn.came.kind in ("text", "contact") and open_question in TYPED:
        await _typed(turn, shop, open_question)
    else:
        draft = await db.run(lambda conn: requests.get_draft(conn, shop, user_id))
        wanted = said if what == "ask" and said in QUESTIONS else ""
        note = "" if turn.came.kind == "press" else turn.text("request.use_buttons")
        await _ask(turn, _found(draft), wanted or ("" if what else open_question), note)


def _found(draft: ShopRequest | None) -> ShopRequest:
    if draft is None or not draft.lines:
        raise errors.Conflict("request_empty")
    return draft


async def _typed(turn: Turn, shop: int, question: str) -> None:
    """Take what was typed, or a number that was shared."""
    words = " ".join((turn.came.phone if turn.came.kind == "contact" else turn.came.text).split())
    try:
        if question == "phone":
            words = await _phone(turn, shop, words)
        elif turn.came.kind == "contact" or len(words) < 2:
            raise errors.Invalid("too_short")
        await _keep(turn, shop, question, words)
    except errors.Invalid as error:
        user_id = turn.state.who["id"]
        draft = await db.run(lambda conn: requests.get_draft(conn, shop, user_id))
        note = turn.text(f"request.error.{error.code}", most=requests.LONGEST.get(question, 0))
        await _ask(turn, _found(draft), question, note)


async def _phone(turn: Turn, shop: int, words: str) -> str:
    if turn.came.kind == "contact":
        return phones.told(words)
    partner = await db.run(lambda conn: partners.get(conn, shop))
    return phones.readings(words, partners.country(partner.tz))[0]


async def _keep(turn: Turn, shop: int, question: str, said: str) -> None:
    """Keep an answer and ask on. A client who has no name there yet is called by Telegram's."""
    user_id = turn.state.who["id"]
    draft = await db.run(lambda conn: requests.answer(conn, shop, user_id, **{question: said}))
    await _ask(turn, _found(draft))


async def _ask(turn: Turn, draft: ShopRequest, question: str = "", note: str = "") -> None:
    """Ask a question, or the first one that is open; with none left, show the whole."""
    question = question or next(iter(draft.open_questions), "")
    QUESTION.keep(turn.state, RequestQuestion(draft.partner_id))
    if not question:
        await _whole(turn, draft, note)
        return
    turn.state.step = f"checkout:{question}"
    known = getattr(draft, question)
    has = turn.text("request.has", words=known) if known and question in TYPED else ""
    terms = turn.text("request.note", words=draft.note) if question in ("way", "address") and draft.note else ""
    words = screen.paragraphs(note, turn.text(f"request.ask.{question}"), has, terms)
    await turn.show(words, [*_answers(turn, draft, question), *_way_out(turn, draft, question)])


def _answers(turn: Turn, draft: ShopRequest, question: str) -> Keyboard:
    """Return the buttons that answer; what is known already can be kept."""
    shop = draft.partner_id
    choices = requests.CHOICES.get(question, ())
    if question == "way" and not draft.delivers:
        choices = requests.WAYS[:1]
    buttons = [screen.button(turn, f"request.choice.{one}", f"checkout:{question}:{shop}:{one}") for one in choices]
    rows = screen.in_rows(buttons)
    if question in EMPTY:
        said = EMPTY[question]
        rows.append([screen.button(turn, f"request.choice.{said}", f"checkout:{question}:{shop}:{said}")])
    if question not in draft.open_questions:
        rows.append([screen.button(turn, "request.button.keep", f"checkout:next:{shop}")])
    return rows


def _asked(draft: ShopRequest) -> list[str]:
    """Return the questions of this draft: how it is got at a shop that delivers, and where it goes if it goes."""
    pointless = {"way": not draft.delivers, "address": draft.way != "delivery"}
    return [one for one in QUESTIONS if not pointless.get(one)]


def _way_out(turn: Turn, draft: ShopRequest, question: str) -> Keyboard:
    """Return the way back to the question before, or to the basket, and the way out."""
    asked = _asked(draft)
    before = asked[asked.index(question) - 1] if question in asked[1:] else ""
    back = f"checkout:ask:{draft.partner_id}:{before}" if before else f"basket:open:{draft.partner_id}"
    drop = screen.button(turn, "request.button.drop", f"basket:drop:{draft.partner_id}")
    return [[screen.button(turn, "button.back", back), drop]]


async def _whole(turn: Turn, draft: ShopRequest, note: str = "") -> None:
    """Show everything with the total; the button names the edition that is shown."""
    turn.state.step = "checkout:send"
    shop = draft.partner_id
    send = screen.button(
        turn, "request.button.send", f"checkout:send:{shop}:{draft.id}:{draft.edition}", style="success"
    )
    changes = [Button(turn.text("request.change.goods"), f"basket:open:{shop}")]
    for one in _asked(draft):
        changes.append(screen.button(turn, f"request.change.{one}", f"checkout:ask:{shop}:{one}"))
    drop = screen.button(turn, "request.button.drop", f"basket:drop:{shop}")
    kept = any(not one.gone for one in draft.lines)
    more = screen.button(turn, "request.button.more", f"ask:{shop}", style="primary")
    words = screen.paragraphs(
        note,
        turn.text("request.check", shop=draft.shop),
        slips.words(turn, slip.goods(draft)),
        slips.words(turn, slip.facts(draft)),
        turn.text(f"request.promise.{draft.way}"),
    )
    await turn.show(words, [[send if kept else more], *screen.in_rows(changes, 3), [drop, *screen.home(turn)]])


async def _send(turn: Turn, shop: int, request_id: int, edition: int) -> None:
    """Send it once; what has changed since it was shown is shown again."""
    if await turn.limited(SENDING):
        return
    user_id = turn.state.who["id"]
    request, fresh = await db.run(lambda conn: pushes.place(conn, shop, user_id, request_id, edition=edition))
    if request.state == "draft":
        await _whole(turn, request, turn.text("request.changed"))
        return
    talking.listen(turn, shop)
    turn.settled = True
    QUESTION.drop(turn.state)
    if fresh:
        turn.after.append(kick.drain)
    mine = screen.button(turn, "request.button.mine", f"requests:one:{shop}:{request.id}")
    words = turn.text("request.sent", number=request.number, shop=request.shop)
    await turn.show(words, [[mine], screen.home(turn, f"ask:{shop}")])


def _ways(turn: Turn, error: errors.AppError, shop: int) -> Keyboard:
    """Return the way on from a refusal."""
    if error.code == "too_many_requests":
        return [[screen.button(turn, "request.button.all", "requests:list")]]
    if error.code == "below_least":
        return [[screen.button(turn, "request.button.more", f"ask:{shop}")]]
    if error.code in ("request_unfinished", "no_delivery"):
        return [[screen.button(turn, "request.button.checkout", f"checkout:next:{shop}")]]
    return [[screen.button(turn, "request.button.ask", f"ask:{shop}")]] if error.code == "request_empty" else []


def _refusal(turn: Turn, error: errors.AppError) -> str:
    key = f"request.error.{error.code}"
    if not text.knows(key):
        return visitor.refusal(turn, error)
    return turn.text(key, sum=int(error.detail) if error.detail.isdecimal() else 0, most=0)
