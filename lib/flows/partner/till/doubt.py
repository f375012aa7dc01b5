"""Words at an open bill: a sum, or the next client, who says their code, their number or its last digits.

Words that are no sum are looked up among the clients of the shop. Six and eight bare digits are asked about: "сумма или
клиент?" Four are the sum while one is due, and the confirmation names the client who may be meant; once the sum is
known they are asked about, if another client has them. A quick button, "1 002 ₽" and "1002,00" are sums for certain.
"""

from dataclasses import replace

from lib import db, errors, typed
from lib.flows.partner.till import asking
from lib.flows.partner.till.serving import TILL, Serving
from lib.loyalty import counter, members, phones
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


def is_phone(words: str) -> bool:
    """Tell whether words have the digits of a whole phone number, more than any sum or number of points has."""
    return phones.looks_like_one(words) and sum(sign.isdecimal() for sign in words) > 8


def is_sum(words: str) -> bool:
    """Tell whether digits can be a sum: nobody writes one with a zero in front, as ends of phones and codes are."""
    digits = typed.digits(words)
    return not (len(digits) >= 4 and digits.startswith("0"))


async def next_client(turn: Turn, place: Staff, words: str) -> counter.CounterVisitor | None:
    """Return who is named by words that are no sum; None when they name nobody, unless they are a phone's number.

    Digits with points and commas are a sum that was mistyped, not the end of a number.
    """
    if not any(sign.isalpha() for sign in words) and not typed.digits(words) and not is_phone(words):
        return None
    try:
        shown = await asking.look_up(turn, place.partner_id, words)
    except (errors.Invalid, errors.Missing):
        return None
    return None if shown == counter.CounterVisitor() else shown


async def also(place: Staff, draft: Serving, words: str) -> bool:
    """Tell whether bare digits that are a good sum may be another client, too: never said of this one's own."""
    digits = typed.digits(words)
    if len(digits) != 4:
        return len(digits) in (6, 8)
    found = await db.run(lambda conn: members.search(conn, place.partner_id, digits))
    return any(one.id != draft.member for one in found)


def must_ask(turn: Turn, words: str) -> bool:
    """Tell whether such digits are to be asked about before anything is shown of them."""
    return len(typed.digits(words)) != 4 or turn.state.step != "till:bill"


async def ask(turn: Turn, draft: Serving, bill: int) -> None:
    """Ask whether it is the sum or the next client; whatever is typed next is asked for as at the bill."""
    TILL.keep(turn.state, replace(draft, words=turn.came.text.strip()))
    turn.state.step = "till:bill"
    words = turn.text("partner.till.sum_or_client", words=turn.came.text.strip(), name=draft.name)
    is_bill = screen.button(turn, "partner.button.is_sum", "till:sum", bill=bill)
    following = screen.button(turn, "partner.button.next_client", "till:who")
    await turn.show(words, [[is_bill], [following], screen.home(turn, "till:bill")])


def note(turn: Turn, draft: Serving) -> str:
    """Return what the confirmation says of a sum that ends another client's number, too."""
    return turn.text("partner.till.also_client", words=draft.words) if draft.words else ""


def way(turn: Turn, draft: Serving) -> list[list[Button]]:
    """Return the row that goes on to that client."""
    return [[screen.button(turn, "partner.button.is_client", "till:who", words=draft.words)]] if draft.words else []
