"""The till: find the client, type the bill, confirm. Three steps, ten seconds, one hand.

find -> (several: choose) -> bill -> confirm -> [give] -> done
                                        └-> points -> redeem -> [take] -> done, or first the client's word (asking.py)
find -> a voucher's eight digits -> what it is for, to be handed over by the flow `voucher`
bill -> digits that may be the next client, too: doubt.py asks -> [sum] -> confirm, or [next client] -> find
/start c_<token>, which is what a scanned QR code is -> bill; any other /start leaves the bill

Who is served and what of their bill is known is in serving.py. The ledger reads the rows itself, so the press that
confirms costs four statements: the place, the operation, and what the client hears, now and later.
The operation's key is the message with the confirmation, which becomes the result; the next client gets a new message.
"""

from dataclasses import replace
from typing import Any

from lib import db, errors, money, text, typed
from lib.flows.partner import workplace
from lib.flows.partner.till import asking, doubt, names, serving, voucher, ways
from lib.flows.partner.till.serving import TILL, Serving
from lib.jobs import kick
from lib.loyalty import cards, counter, members, partners, points
from lib.loyalty.members import FoundMember, Member
from lib.loyalty.partners import Partner
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Take one update a step further; the role and the shop are looked at again each time."""
    scanned = turn.came.text if turn.came.command == "start" else ""
    if scanned:
        await _scanned(turn, scanned)
        return
    place = await workplace.at_work(turn, serves=True)
    if place is None:
        return
    if turn.came.kind == "press":
        wanted, argument = screen.pressed(turn)
        await _pressed(turn, place, wanted, argument)
    elif turn.came.kind == "text":
        await _typed(turn, place, turn.came.text.strip())
    else:
        key = "partner.till.picture" if turn.came.attachment else "partner.till.not_text"
        await _find(turn, place, turn.text(key))


async def _pressed(turn: Turn, place: Staff, wanted: str, argument: str) -> None:
    draft = serving.of(turn, place)
    if wanted == "find":
        await _find(turn, place)
    elif turn.came.message_id == turn.state.data.get("done"):
        await turn.answer(turn.text("partner.till.already"), alert=True)
    elif wanted == "client":
        await _bill(turn, place, screen.number(argument))
    elif not turn.on_screen:
        await screen.refuse_old_button(turn)
        await _find(turn, place)
    elif not draft.member:
        await _find(turn, place, turn.text("partner.till.lost"))
    elif wanted in ("sum", "who") and draft.words:
        await (_look_up if wanted == "who" else _typed_bill)(turn, place, draft.words)
    elif wanted == "bill":
        await _quick_bill(turn, place, argument) if argument else await _bill(turn, place, draft.member)
    elif not draft.bill:
        await _bill(turn, place, draft.member)
    else:
        await _with_bill(turn, place, wanted, argument)


async def _with_bill(turn: Turn, place: Staff, wanted: str, argument: str) -> None:
    if wanted == "give" and turn.state.step == "till:confirm":
        await _give(turn, place)
    elif wanted == "take" and turn.state.step == "till:redeem":
        await _take(turn, place)
    elif wanted == "points":
        await _points(turn, place) if not argument else await _typed_points(turn, place, argument)
    else:
        await _confirm(turn, place)


async def _typed(turn: Turn, place: Staff, words: str) -> None:
    """Take words for what the screen asks; a card's link is the next client anywhere, a phone wherever it is no sum."""
    draft = serving.of(turn, place)
    step = turn.state.step
    if counter.CARD.search(words):
        await _look_up(turn, place, words)
    elif step == "till:redeem" and draft.asked and len(typed.digits(words)) == 6:
        await _told(turn, place, typed.digits(words))
    elif step in ("till:bill", "till:confirm", "till:redeem") and draft.member:
        await _typed_bill(turn, place, words)
    elif step == "till:points" and draft.bill and not doubt.is_phone(words):
        await _typed_points(turn, place, words)
    else:
        await _look_up(turn, place, words)


async def _scanned(turn: Turn, payload: str) -> None:
    """Open the bill of the client whose card was scanned, at the shop that the card is of."""
    where = await workplace.places(turn)
    try:
        card = await cards.open(payload)
    except errors.AppError as error:
        if where:
            await _refused(turn, error)
        else:
            await workplace.at_work(turn)
        return
    if card.partner_id not in [place.partner_id for place in where]:
        await turn.show(turn.text("partner.error.card_of_another_partner"), [screen.home(turn)])
        return
    turn.state.data |= {"shop": card.partner_id, "screen": 0}
    place = await workplace.at_work(turn, serves=True)
    if place is not None:
        await _bill(turn, place, card.member_id, nonce=card.nonce)


async def _look_up(turn: Turn, place: Staff, words: str) -> None:
    try:
        await _serve(turn, place, await asking.look_up(turn, place.partner_id, words))
    except errors.AppError as error:
        await _find(turn, place, workplace.refusal(turn, error))


async def _serve(turn: Turn, place: Staff, shown: counter.CounterVisitor) -> None:
    if shown.voucher:
        await voucher.show(turn, shown.voucher)
    elif shown.member_id:
        await _bill(turn, place, shown.member_id, nonce=shown.nonce)
    elif shown.clients:
        await _choose(turn, shown.clients, shown.numbers)
    else:
        await _find(turn, place, names.nobody(turn, shown.numbers))


async def _no_sum(turn: Turn, place: Staff, words: str, note: str) -> None:
    """Go on to the next client, whom words name that are no sum; ask for the sum again when they name nobody."""
    try:
        shown = await doubt.next_client(turn, place, words)
        if shown is None:
            await _bill(turn, place, serving.of(turn, place).member, note=note)
        else:
            await _serve(turn, place, shown)
    except errors.AppError as error:
        await _find(turn, place, workplace.refusal(turn, error))


async def _choose(turn: Turn, rows: list[FoundMember], numbers: list[str]) -> None:
    turn.state.step = "till:find"
    choices = [[Button(names.line(row), f"till:client:{row.id}")] for row in rows]
    await turn.show(names.several(turn, numbers), [*choices, screen.home(turn, "till:find")])


async def _find(turn: Turn, place: Staff, note: str = "") -> None:
    """Ask who the client is, with those who were here last."""
    recent = await db.run(lambda conn: members.recent(conn, place.partner_id, limit=4))
    turn.state.step = "till:find"
    TILL.drop(turn.state)
    parts = [note, turn.text("partner.till.find", title=place.title)]
    parts += [turn.text("partner.till.recent")] if recent else []
    rows = screen.in_rows([Button(names.line(row), f"till:client:{row.id}") for row in recent])
    await turn.show(screen.paragraphs(*parts), [*rows, screen.home(turn)])


async def _refused(turn: Turn, error: errors.AppError) -> None:
    turn.state.step = "till:find"
    turn.state.data["screen"] = 0
    words = workplace.refusal(turn, error)
    await turn.show(words, [[screen.button(turn, "partner.button.next_client", "till:find")], screen.home(turn)])


async def _bill(turn: Turn, place: Staff, member_id: int, *, note: str = "", nonce: str = "") -> None:
    """Ask for the bill of this client."""
    try:
        shop, member = await _who(place, member_id)
    except (errors.Missing, errors.Denied) as error:
        await _find(turn, place, workplace.refusal(turn, error))
        return
    TILL.keep(turn.state, serving.begin(serving.of(turn, place), member, nonce))
    turn.state.step = "till:bill"
    quick = [Button(text.money(turn.language, one), f"till:bill:{one}") for one in ways.quick(shop)]
    words = turn.text(
        "partner.till.bill",
        **names.of(member),
        available=member.available,
        pending=turn.text("partner.till.pending", points=member.pending) if member.pending else "",
        tier=turn.text("partner.till.tier", tier=member.tier) if member.tier else "",
    )
    tagged = turn.text("partner.clients.tagged", tags=", ".join(member.tags)) if member.tags else ""
    await turn.show(screen.paragraphs(note, words, tagged), [*screen.in_rows(quick), screen.home(turn, "till:find")])


async def _who(place: Staff, member_id: int) -> tuple[Partner, Member]:
    """Return the shop and the client; Denied("member_blocked") before anything is asked about a suspended card."""

    async def both(conn: db.Connection) -> tuple[Partner, Member]:
        shop, member = await partners.get(conn, place.partner_id), await members.get(conn, place.partner_id, member_id)
        return shop, await members.as_of_now(conn, member)

    shop, member = await db.run(both)
    if member.blocked_at:
        raise errors.Denied("member_blocked", str(member.id))
    return shop, member


async def _quoted(turn: Turn, place: Staff) -> tuple[Partner, Member, points.Quote]:
    """Return the shop, the client, and what the bill means for both, as the rows have it now."""
    draft, actor = serving.of(turn, place), place.user_id
    shop, member = await _who(place, draft.member)
    return shop, member, await db.run(lambda conn: points.quote(conn, shop.id, member.id, actor, draft.bill))


async def _typed_bill(turn: Turn, place: Staff, words: str) -> None:
    """Take the sum that was typed by hand, unless it is no sum, or the next client's number as well."""
    draft = serving.of(turn, place)
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    try:
        if not doubt.is_sum(words):
            raise errors.Invalid("amount_unclear")
        bill = money.parse(words, limit=shop.max_bill_minor)
    except errors.Invalid as error:
        await _no_sum(turn, place, words, workplace.refusal(turn, error))
        return
    twofold = turn.came.kind == "text" and await doubt.also(place, draft, words)
    if twofold and doubt.must_ask(turn, words):
        await doubt.ask(turn, draft, bill)
        return
    TILL.keep(turn.state, replace(draft.billed(bill), words=words if twofold else ""))
    await _confirm(turn, place)


async def _quick_bill(turn: Turn, place: Staff, kopecks: str) -> None:
    """Take the sum of a quick button, which must be one that this shop has."""
    draft, bill = serving.of(turn, place), screen.number(kopecks)
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    if bill not in ways.quick(shop):
        await _bill(turn, place, draft.member, note=turn.text("partner.error.amount_unclear"))
        return
    TILL.keep(turn.state, draft.billed(bill))
    await _confirm(turn, place)


async def _confirm(turn: Turn, place: Staff, note: str = "") -> None:
    """Show what will happen: name, balance, points, and how much of the bill points may pay."""
    draft = serving.of(turn, place)
    try:
        shop, member, quote = await _quoted(turn, place)
    except errors.AppError as error:
        await _find(turn, place, workplace.refusal(turn, error))
        return
    turn.state.step = "till:confirm"
    promotion = turn.text("partner.till.promotion", title=quote.promotion) if quote.promotion else ""
    facts = {"bill": draft.bill, "points": quote.points, "available": quote.available}
    words = turn.text("partner.till.confirm", **names.of(member), **facts, promotion=promotion)
    payable = turn.text(ways.payable(shop, quote), payable=quote.payable, share=shop.max_pay_pct * 100)
    owed = turn.text("partner.till.owed", points=quote.owed) if quote.owed else ""
    parts = [note, words, owed, payable, doubt.note(turn, draft)]
    await turn.show(screen.paragraphs(*parts), ways.of(turn, quote, draft))


async def _points(turn: Turn, place: Staff, note: str = "") -> None:
    """Ask how many points to take."""
    draft = serving.of(turn, place)
    try:
        _, member, quote = await _quoted(turn, place)
    except errors.AppError as error:
        await _find(turn, place, workplace.refusal(turn, error))
        return
    if not quote.payable:
        await _confirm(turn, place, note)
        return
    turn.state.step = "till:points"
    words = turn.text(
        "partner.till.points",
        **names.of(member),
        bill=draft.bill,
        available=quote.available,
        payable=quote.payable,
    )
    shares = {"all_points": quote.payable, "half": quote.payable // 2}
    choices = [
        [screen.button(turn, f"partner.button.{name}", f"till:points:{share}", points=share)]
        for name, share in shares.items()
        if share
    ]
    await turn.show(screen.paragraphs(note, words), [*choices, screen.home(turn, "till:confirm")])


async def _typed_points(turn: Turn, place: Staff, words: str, note: str = "") -> None:
    """Take a number of points and show what is left to pay; more than the shop's share or the balance is refused."""
    draft = serving.of(turn, place)
    try:
        shop, member, quote = await _quoted(turn, place)
        spend = money.parse_points(words, limit=10**9)
        if spend > quote.most:
            raise errors.Invalid("over_share", str(quote.most))
        if spend > quote.available:
            raise errors.Conflict("short_of_points", str(quote.available))
    except errors.AppError as error:
        await _points(turn, place, workplace.refusal(turn, error))
        return
    TILL.keep(turn.state, replace(draft, points=spend, asked=False))
    turn.state.step = "till:redeem"
    worth = spend * shop.minor_per_point
    words = turn.text(
        "partner.till.redeem",
        **names.of(member),
        bill=draft.bill,
        points=spend,
        worth=worth,
        pay=draft.bill - worth,
        left=quote.available - spend,
    )
    take = screen.button(turn, "partner.button.redeem", "till:take", style="success", points=spend)
    await turn.show(screen.paragraphs(note, words), [[take], screen.home(turn, "till:points")])


async def _give(turn: Turn, place: Staff) -> None:
    draft = serving.of(turn, place)
    options: dict[str, Any] = {"bill_minor": draft.bill, "key": ways.key(turn)}
    options |= {"nonce": draft.nonce, "again": draft.again}
    try:
        done = await db.run(lambda conn: counter.accrue(conn, place, draft.member, **options))
    except errors.AppError as error:
        await _not_done(turn, place, error)
        return
    await _done(turn, turn.text("partner.till.accrued", points=done.earned, **ways.result(turn, draft, done)), done)


async def _take(turn: Turn, place: Staff) -> None:
    draft = serving.of(turn, place)
    options: dict[str, Any] = {"bill_minor": draft.bill, "spend": draft.points, "key": ways.key(turn)}
    options |= {"nonce": draft.showing(), "again": draft.again}
    try:
        done = await db.run(lambda conn: counter.redeem(conn, place, draft.member, **options))
    except errors.AppError as error:
        await (_ask(turn, place, draft) if error.code == "not_confirmed" else _not_done(turn, place, error))
        return
    more = {"points": done.points, "earned": done.earned, "pay": done.paid_minor}
    await _done(turn, turn.text("partner.till.redeemed", **more, **ways.result(turn, draft, done)), done)


async def _ask(turn: Turn, place: Staff, draft: Serving) -> None:
    """Ask the client, who did not show their card; a refusal ends it."""
    bill: dict[str, Any] = {"bill_minor": draft.bill, "spend": draft.points, "key": ways.key(turn)}
    try:
        member = await db.run(lambda conn: members.get(conn, place.partner_id, draft.member))
        asked = await db.run(lambda conn: counter.ask(conn, place, member, **bill))
    except errors.AppError as error:
        await _not_done(turn, place, error)
        return
    if asked.refused:
        await _confirm(turn, place, turn.text("partner.till.refused"))
        return
    TILL.keep(turn.state, replace(draft, name=member.name, asked=True))
    await asking.wait(turn, asked)


async def _told(turn: Turn, place: Staff, digits: str) -> None:
    """Take the digits that the client tells for the showing of their card, and show once more what will be done."""
    if await asking.told(turn, serving.of(turn, place), digits):
        points = str(serving.of(turn, place).points)
        await _typed_points(turn, place, points, turn.text("partner.till.code_fits"))


async def _not_done(turn: Turn, place: Staff, error: errors.AppError) -> None:
    """Say why nothing was done; where another sum may help, ask for it."""
    words = workplace.refusal(turn, error)
    if error.code == "bill_again":
        draft = serving.of(turn, place)
        TILL.keep(turn.state, replace(draft, again=True))
        redeems = turn.state.step == "till:redeem"
        await (_typed_points(turn, place, str(draft.points), words) if redeems else _confirm(turn, place, words))
    elif error.code in ("short_of_points", "over_share", "bill_too_small", "amount_over_limit", "client_away"):
        await _confirm(turn, place, words)
    elif error.code in ("not_staff", "partner_blocked", "partner_not_approved"):
        turn.state.step = ""
        await turn.show(words, [screen.home(turn)])
    else:
        await _find(turn, place, words)


async def _done(turn: Turn, words: str, done: points.Receipt) -> None:
    """Turn the confirmation into the result, which stays; whatever is typed next is the next client."""
    turn.after.append(kick.drain)
    following = screen.button(turn, "partner.button.next_client", "till:find", style="primary")
    rows = [[following], [screen.button(turn, "partner.button.undo", f"undo:one:{done.txn_id}")]]
    repaid = turn.text("partner.till.repaid", points=done.recovered) if done.recovered else ""
    await turn.show(screen.paragraphs(words, repaid), [*rows, screen.home(turn)])
    turn.state.step = "till:find"
    turn.state.data = {"shop": turn.state.data["shop"], "done": turn.state.data["screen"], "screen": 0}
