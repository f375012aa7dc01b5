"""What a client orders of a shop by its menu: a draft, which the client alone makes an order of, and its states.

    draft -> new -> accepted -> ready -> done, by way of on_the_way when it is delivered
             any of these before done -> cancelled; by the client only while it is new

Prices and sums come from the rows of the newest menu, never from a caller. What the client has not seen is not sent:
each change of a draft is another `edition`, and `place` takes the one that was shown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from lib import db, errors
from lib.loyalty.partners import PAGE, of
from lib.menu.index import Index
from lib.menu.versions import OpenShop

SQL = db.load("requests")

OPEN = ("new", "accepted", "ready", "on_the_way")
CLOSED = ("done", "cancelled")
WAYS = ("pickup", "delivery")
PAYMENTS = ("cash", "card", "transfer")
MINUTES = ("15", "30", "60")  # until it is ready, as the staff may promise when they accept it
REASONS = ("sold_out", "busy", "closed", "no_answer")  # what the staff may choose from; they may also say it in words
REASON = 200  # characters of one in words
MOST = 99  # of one line
LONGEST = {"address": 160, "wanted": 60, "name": 80, "phone": 20, "comment": 300}
CHOICES = {"way": WAYS, "payment": PAYMENTS}
ANSWERS = ("way", "address", "wanted", "payment", "name", "phone", "comment")


@dataclass(frozen=True)
class RequestLine:
    """So many of an item, in kopecks apiece. A draft's line remembers a price that changed, and what is `gone`."""

    place: int
    code: str
    title: str
    variant: str
    kopecks: int
    at_least: bool
    quantity: int
    was_kopecks: int | None
    gone: bool


@dataclass(frozen=True)
class RequestMove:
    """Who brought a request into a state; `actor` is "" for the program."""

    state: str
    reason: str
    at: datetime
    by_client: bool
    actor: str


@dataclass(frozen=True)
class ShopRequest:
    """A request with its lines and its history. An answer is None while its question is open."""

    partner_id: int
    id: int
    user_id: int
    state: str
    edition: int
    number: int | None
    way: str | None
    address: str | None
    wanted: str | None
    payment: str | None
    name: str | None
    phone: str | None
    comment: str | None
    placed_at: datetime | None
    shop: str
    place: str
    delivers: bool
    least_minor: int
    note: str
    lines: tuple[RequestLine, ...]
    moves: tuple[RequestMove, ...]

    @property
    def total(self) -> int:
        """What it costs, in kopecks, without what is gone."""
        return sum(one.kopecks * one.quantity for one in self.lines if not one.gone)

    @property
    def at_least(self) -> bool:
        """Whether the price of something in it only begins there."""
        return any(one.at_least for one in self.lines if not one.gone)

    @property
    def open_questions(self) -> list[str]:
        """Return what the client has not said yet, in the order in which it is asked."""
        asked = [name for name in ("way", "address", "wanted", "phone", "payment", "comment") if not self._said(name)]
        return [name for name in asked if name != "address" or (self.way == "delivery" and self.delivers)]

    def _said(self, name: str) -> bool:
        said = getattr(self, name)
        if name == "way" and said == "delivery" and not self.delivers:
            return False  # the shop has stopped delivering since
        return bool(said) if name in ("way", "address", "phone") else said is not None

    @property
    def next_states(self) -> tuple[str, ...]:
        """Return where the staff may bring it from here, as the rows allow it."""
        onward = {"new": "accepted", "accepted": "ready", "on_the_way": "done"}
        onward["ready"] = "on_the_way" if self.way == "delivery" else "done"
        return (onward[self.state], "cancelled") if self.state in OPEN else ()


@dataclass(frozen=True)
class RequestEntry:
    """A line of a list of requests."""

    id: int
    partner_id: int
    shop: str
    number: int
    state: str
    way: str
    name: str
    total_minor: int
    placed_at: datetime


@dataclass(frozen=True)
class RequestTerms:
    """What a shop takes requests by: whether at all, with delivery, from which sum, and what a client reads before."""

    is_on: bool = True
    delivers: bool = False
    least_minor: int = 0
    note: str = ""


@dataclass(frozen=True)
class RequestSums:
    """The requests of a day."""

    placed: int
    done: int
    cancelled: int
    open: int
    total_minor: int


@dataclass(frozen=True)
class _RequestRow:
    request: dict[str, Any]


def button(shop: OpenShop, index: Index, code: str) -> str:
    """Return the data of the button that puts an item of a menu into the client's request, or asks which variant."""
    place, item = next((at, one) for at, one in enumerate(index.items, 1) if one.code == code)
    data = f"{shop.id}:{shop.menu_version}:{place}"
    return f"basket:add:{data}:1" if len(item.variants) == 1 else f"basket:pick:{data}"


async def put(
    conn: db.Connection, partner_id: int, user_id: int, item: tuple[int, int, int], quantity: int | None = None
) -> ShopRequest:
    """Put a variant into the client's draft; `item` is a menu's version, the item's place in it and the variant's.

    Without a quantity it is one, or as many as are in it already: put in twice, it is there once.

    Missing("no_such_item"), Conflict("sold_out"), Conflict("too_many_lines"), Denied as `place`.
    """
    version, place, variant = item
    named = {
        "version": version,
        "place": place,
        "variant": variant,
        "quantity": None if quantity is None else _quantity(quantity),
    }
    found = await SQL.put_line.within(_both(partner_id, user_id)).one(
        conn, _RequestRow, partner_id=partner_id, user_id=user_id, **named
    )
    return _shown(found, "no_such_item")


async def set_quantity(conn: db.Connection, partner_id: int, user_id: int, line: int, quantity: int) -> ShopRequest:
    """Change how many of a draft's line are wanted, 0 for none of it; Missing("no_such_item")."""
    ids = {"partner_id": partner_id, "user_id": user_id, "line": line}
    found = await SQL.set_quantity.within(_both(partner_id, user_id)).one(
        conn, _RequestRow, **ids, quantity=_quantity(quantity)
    )
    return _shown(found, "no_such_item")


async def get_draft(conn: db.Connection, partner_id: int, user_id: int) -> ShopRequest | None:
    """Return what a client has put together at a shop, at the prices of now; None when that is nothing."""
    ids = {"partner_id": partner_id, "user_id": user_id}
    found = await SQL.get_draft.within(of(partner_id)).one(conn, _RequestRow, **ids)
    return _read(found.request) if found else None


async def answer(conn: db.Connection, partner_id: int, user_id: int, **said: str) -> ShopRequest:
    """Answer some of a draft's questions (ANSWERS). Invalid("bad_answer", name), Invalid("too_long"), Missing."""
    for name, words in said.items():
        if name not in ANSWERS or words not in CHOICES.get(name, (words,)):
            raise errors.Invalid("bad_answer", name)
        if len(words) > LONGEST.get(name, 20):
            raise errors.Invalid("too_long", str(LONGEST[name]))
    ids = {"partner_id": partner_id, "user_id": user_id}
    found = await SQL.answer.within(of(partner_id)).one(conn, _RequestRow, **ids, fields=said)
    return _shown(found, "no_request")


async def draft(
    conn: db.Connection, partner_id: int, user_id: int, lines: Sequence[tuple[str, str, int]], **said: str
) -> ShopRequest:
    """Put together what a client has said in words: items as (code, name of the variant, quantity), and answers.

    It takes the place of the client's draft and is a draft itself: it is sent when the client presses the button below
    it, and by nothing else. The errors are those of `put` and `answer`; an item that is not on the menu is sold out.
    """
    async with conn.transaction():
        ids = {"partner_id": partner_id, "user_id": user_id}
        await SQL.clear_lines.within(of(partner_id)).run(conn, **ids)
        for code, variant, quantity in lines:
            wanted = {"code": code, "variant": variant, "quantity": _quantity(quantity)}
            await SQL.add_line.within(_both(partner_id, user_id)).one(conn, _RequestRow, **ids, **wanted)
        if said:
            return await answer(conn, partner_id, user_id, **said)
        made = await get_draft(conn, partner_id, user_id)
    if made is None:
        raise errors.Conflict("request_empty")
    return made


async def drop_draft(conn: db.Connection, partner_id: int, user_id: int) -> bool:
    """Throw a draft away; False when there was none."""
    return bool(await SQL.drop_draft.within(of(partner_id)).run(conn, partner_id=partner_id, user_id=user_id))


async def place(
    conn: db.Connection, partner_id: int, user_id: int, request_id: int, *, edition: int
) -> tuple[ShopRequest, bool]:
    """Make an order of the draft that the client saw, once; return it, and whether it was this call that did.

    It stays a draft when it is not the one that was seen: a price has changed, or something is sold out.
    Missing("no_request"), Denied("partner_not_approved"), Denied("requests_off"), Denied("member_blocked"),
    Conflict("request_unfinished"), Conflict("request_empty"), Conflict("below_least"), Conflict("too_many_requests").
    """
    ids = {"partner_id": partner_id, "user_id": user_id, "id": request_id}
    return _moved(await SQL.place.within(of(partner_id)).one(conn, _RequestRow, **ids, edition=edition))


async def move(
    conn: db.Connection, partner_id: int, request_id: int, actor_id: int, state: str, reason: str = ""
) -> tuple[ShopRequest, bool]:
    """Bring a request into its next state; return it, and whether it was this call that did. Missing("no_request").

    The staff move it, and its client may cancel it while it is new: whatever else is asked changes nothing.
    """
    ids = {"partner_id": partner_id, "id": request_id, "actor_id": actor_id}
    return _moved(
        await SQL.move.within(of(partner_id)).one(conn, _RequestRow, **ids, state=state, reason=reason[:REASON])
    )


async def get(conn: db.Connection, partner_id: int, request_id: int, *, user_id: int | None = None) -> ShopRequest:
    """Return a request of a shop, or of a client of it; Missing("no_request")."""
    ids = {"partner_id": partner_id, "id": request_id, "user_id": user_id}
    return _shown(await SQL.get_request.within(of(partner_id)).one(conn, _RequestRow, **ids), "no_request")


async def list_of_shop(
    conn: db.Connection, partner_id: int, states: Collection[str], *, before: int | None = None, limit: int = PAGE
) -> list[RequestEntry]:
    """Return a page of a shop's requests in these states, newest first; `before` is the last number seen."""
    page = {"states": list(states), "before": before, "limit": limit}
    return await SQL.list_of_shop.within(of(partner_id)).all(conn, RequestEntry, partner_id=partner_id, **page)


async def list_of_client(
    conn: db.Connection, user_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[RequestEntry]:
    """Return a page of a client's requests at all shops, newest first; `before` is the last id of the page before."""
    query = SQL.list_of_client.within(db.Scope(person=user_id))
    return await query.all(conn, RequestEntry, user_id=user_id, before=before, limit=limit)


async def terms(conn: db.Connection, partner_id: int) -> RequestTerms:
    """Return what a shop takes requests by."""
    found = await SQL.get_terms.within(of(partner_id)).one(conn, RequestTerms, partner_id=partner_id)
    return found or RequestTerms()


async def set_terms(conn: db.Connection, partner_id: int, actor_id: int, wanted: RequestTerms) -> None:
    """Change what a shop takes requests by; Denied("role_too_low")."""
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    values = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    if await SQL.set_terms.within(of(partner_id)).one(conn, int, **ids, **values) is None:
        raise errors.Denied("role_too_low", str(actor_id))


async def shops(conn: db.Connection, since: datetime, *, after: int = 0) -> list[int]:
    """Return a page of the shops that had requests since a moment."""
    return await SQL.shops_of_yesterday.within(db.Scope(platform=True)).all(conn, int, since=since, after=after)


async def sum_up(conn: db.Connection, partner_id: int, since: datetime, until: datetime) -> RequestSums:
    """Count a shop's requests of a span."""
    span = {"since": since, "until": until}
    found = await SQL.sum_up.within(of(partner_id)).one(conn, RequestSums, partner_id=partner_id, **span)
    return found or RequestSums(0, 0, 0, 0, 0)


async def stopped_by_erasure(conn: db.Connection, user_id: int) -> list[tuple[int, int]]:
    """Return the shop and the id of each request that ended as its client, or the shop's owner, was erased."""
    return await SQL.stopped_by_erasure.within(db.Scope(platform=True)).all(conn, tuple, user_id=user_id)


async def forget_old(conn: db.Connection, now: datetime) -> int:
    """Forget old drafts, and whom old requests were for; return how many."""
    return await SQL.forget_old.one(conn, int, now=now) or 0


def _both(partner_id: int, user_id: int) -> db.Scope:
    """Return the scope of a shop and of a client, whose name and number a draft begins with."""
    return db.Scope(tenant=partner_id, person=user_id)


def _quantity(quantity: int) -> int:
    if not 0 <= quantity <= MOST:
        raise errors.Invalid("bad_quantity", str(MOST))
    return quantity


def _moved(found: _RequestRow | None) -> tuple[ShopRequest, bool]:
    request = _shown(found, "no_request")
    return request, bool(found and found.request["fresh"])


def _shown(found: _RequestRow | None, missing: str) -> ShopRequest:
    if found is None:
        raise errors.Missing(missing)
    return _read(found.request)


def _read(told: dict[str, Any]) -> ShopRequest:
    known = {one.name: told[one.name] for one in fields(ShopRequest)}
    known["placed_at"] = _moment(told["placed_at"]) if told["placed_at"] else None
    known["lines"] = tuple(RequestLine(**one) for one in told["lines"])
    known["moves"] = tuple(RequestMove(**{**one, "at": _moment(one["at"])}) for one in told["moves"])
    return ShopRequest(**known)


def _moment(words: str) -> datetime:
    return datetime.fromisoformat(words)
