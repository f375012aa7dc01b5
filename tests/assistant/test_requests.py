"""What a client orders of a shop: prices are the menu's, it is sent once and only as it was seen, and goes forward."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.errors import CheckViolation, RestrictViolation, UniqueViolation

from lib import db, errors
from lib.assistant import requests
from lib.loyalty import members, partners, staff
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import make_client, make_member, make_shop

LATTE = MenuItem("1", "Кофе", "Латте", (Variant("300 мл", 25000), Variant("400 мл", 29000)))
BUN = MenuItem("2", "Выпечка", "Булочка", (Variant("", 9050),))
CAKE = MenuItem("3", "Торты", "Торт на заказ", (Variant("", 400000, at_least=True),))
ANSWERS = {"way": "pickup", "phone": "+79001234567", "wanted": "", "payment": "cash", "comment": ""}


async def open_shop(conn, *items, **terms):
    shop = await make_shop(conn)
    await versions.publish(conn, shop.id, shop.owner.id, items or (LATTE, BUN, CAKE), seen=0)
    if terms:
        await requests.set_terms(conn, shop.id, shop.owner.id, requests.RequestTerms(**terms))
    return shop


async def publish(conn, shop, *items, seen=1):
    await versions.publish(conn, shop.id, shop.owner.id, items, seen=seen)


async def put(conn, shop, user, place=1, variant=1, quantity=None, version=1):
    return await requests.put(conn, shop.id, user.id, (version, place, variant), quantity)


async def send(conn, shop, user, request=None):
    made = request or await requests.answer(conn, shop.id, user.id, **ANSWERS)
    return await requests.place(conn, shop.id, user.id, made.id, edition=made.edition)


async def sent(conn, shop, user):
    await put(conn, shop, user)
    request, fresh = await send(conn, shop, user)
    assert fresh
    return request


async def test_a_draft_has_the_menus_prices_and_begins_with_what_is_known_of_the_client(conn):
    shop, anna = await open_shop(conn), await make_client(conn, name="Анна", phone="+79007001001")
    await put(conn, shop, anna, variant=2, quantity=2)
    draft = await put(conn, shop, anna, place=2, quantity=3)
    assert [(one.title, one.variant, one.kopecks, one.quantity) for one in draft.lines] == [
        ("Латте", "400 мл", 29000, 2),
        ("Булочка", "", 9050, 3),
    ]
    assert (draft.total, draft.at_least, draft.state, draft.number) == (85150, False, "draft", None)
    assert (draft.name, draft.phone, draft.way) == ("Анна", "+79007001001", "pickup")
    assert draft.open_questions == ["wanted", "payment", "comment"]


async def test_an_item_put_in_again_changes_its_quantity_and_none_takes_it_out(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna)
    await put(conn, shop, anna, place=2)
    assert [one.quantity for one in (await put(conn, shop, anna, quantity=5)).lines] == [5, 1]
    assert [one.quantity for one in (await put(conn, shop, anna)).lines] == [5, 1]
    draft = await requests.set_quantity(conn, shop.id, anna.id, 1, 0)
    assert [one.title for one in draft.lines] == ["Булочка"]
    async with refused(conn, errors.Missing, "no_such_item"):
        await requests.set_quantity(conn, shop.id, anna.id, 1, 2)
    async with refused(conn, errors.Invalid, "bad_quantity"):
        await put(conn, shop, anna, quantity=100)


async def test_a_button_of_an_older_menu_gives_the_same_item_at_the_price_of_now(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await publish(conn, shop, BUN, replace(LATTE, variants=(Variant("300 мл", 26000),)))
    draft = await put(conn, shop, anna)
    assert [(one.title, one.kopecks) for one in draft.lines] == [("Латте", 26000)]
    async with refused(conn, errors.Conflict, "sold_out"):
        await put(conn, shop, anna, variant=2)
    async with refused(conn, errors.Missing, "no_such_item"):
        await put(conn, shop, anna, place=7)


async def test_a_request_is_sent_once_and_numbered_within_its_shop(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna)
    draft = await requests.answer(conn, shop.id, anna.id, **ANSWERS)
    first, fresh = await send(conn, shop, anna, draft)
    again, repeated = await send(conn, shop, anna, draft)
    assert (fresh, repeated, first.number, again.number) == (True, False, 1, 1)
    assert (first.state, first.total, [one.state for one in first.moves]) == ("new", 25000, ["new"])
    assert (await sent(conn, shop, anna)).number == 2
    assert (await sent(conn, await open_shop(conn), anna)).number == 1


@pytest.mark.parametrize(
    ("items", "price", "gone"),
    [
        ((replace(LATTE, variants=(Variant("300 мл", 27000),)), BUN), 27000, False),
        ((replace(LATTE, available=False), BUN), 25000, True),
        ((BUN,), 25000, True),
    ],
    ids=["dearer", "sold out", "off the menu"],
)
async def test_what_changed_since_it_was_shown_is_shown_again_before_it_is_sent(conn, items, price, gone):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna)
    await put(conn, shop, anna, place=2)
    seen = await requests.answer(conn, shop.id, anna.id, **ANSWERS)
    await publish(conn, shop, *items)
    shown, fresh = await send(conn, shop, anna, seen)
    latte = shown.lines[0]
    assert (fresh, shown.state, latte.kopecks, latte.gone) == (False, "draft", price, gone)
    assert latte.was_kopecks == (None if gone else 25000)
    assert shown.total == (9050 if gone else price + 9050)
    placed, fresh = await send(conn, shop, anna, shown)
    assert (fresh, placed.total, len(placed.lines)) == (True, shown.total, 1 if gone else 2)


async def test_a_draft_is_brought_up_to_the_menu_when_it_is_opened(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    assert await requests.get_draft(conn, shop.id, anna.id) is None
    before = await put(conn, shop, anna)
    await publish(conn, shop, replace(LATTE, variants=(Variant("300 мл", 20000),)))
    after = await requests.get_draft(conn, shop.id, anna.id)
    assert (after.total, after.lines[0].was_kopecks, after.edition) == (20000, 25000, before.edition + 1)
    assert (await requests.get_draft(conn, shop.id, anna.id)).edition == after.edition


async def test_an_answer_that_changes_a_draft_makes_an_older_confirmation_void(conn):
    shop, anna = await open_shop(conn, delivers=True), await make_user(conn)
    await put(conn, shop, anna)
    seen = await requests.answer(conn, shop.id, anna.id, **ANSWERS)
    changed = await requests.answer(conn, shop.id, anna.id, way="delivery")
    assert changed.open_questions == ["address"]
    shown, fresh = await send(conn, shop, anna, seen)
    assert (fresh, shown.way) == (False, "delivery")
    async with refused(conn, errors.Conflict, "request_unfinished"):
        await send(conn, shop, anna, shown)


@pytest.mark.parametrize(
    "said", [{"way": "drone"}, {"payment": "free"}, {"state": "done"}, {"total_minor": "1"}, {"address": "у" * 161}]
)
async def test_an_answer_is_one_of_the_questions_asked_and_fits(conn, said):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna)
    async with refused(conn, errors.Invalid):
        await requests.answer(conn, shop.id, anna.id, **said)


async def test_a_shop_that_is_closed_or_takes_none_or_blocked_the_client_gets_no_request(conn):
    for shut in ("blocked", "off", "member"):
        shop = await open_shop(conn)
        anna = await make_member(conn, shop)
        user = await users.get_user(conn, anna.user_id)
        await put(conn, shop, user)
        draft = await requests.answer(conn, shop.id, user.id, **ANSWERS)
        if shut == "blocked":
            await partners.decide(conn, shop.id, shop.owner.id, "blocked", "-")
        elif shut == "off":
            await requests.set_terms(conn, shop.id, shop.owner.id, requests.RequestTerms(is_on=False))
        else:
            await members.block(conn, shop.id, shop.owner.id, anna.id)
        for work in (lambda: put(conn, shop, user), lambda: send(conn, shop, user, draft)):  # noqa: B023
            async with refused(conn, errors.Denied):
                await work()


async def test_a_small_sum_and_a_flood_of_requests_are_refused(conn):
    shop, anna = await open_shop(conn, least_minor=25000), await make_user(conn)
    await put(conn, shop, anna, place=2)
    async with refused(conn, errors.Conflict, "below_least"):
        await send(conn, shop, anna)
    for _ in range(3):
        request = await sent(conn, shop, anna)
    await put(conn, shop, anna)
    async with refused(conn, errors.Conflict, "too_many_requests"):
        await send(conn, shop, anna)
    await requests.move(conn, shop.id, request.id, shop.cashier.id, "accepted")
    assert (await send(conn, shop, anna))[1]


async def test_a_request_of_many_lines_is_refused(conn):
    items = [MenuItem(str(at), "", f"Товар {at}", (Variant("", 100),)) for at in range(1, 22)]
    shop, anna = await open_shop(conn, *items), await make_user(conn)
    for place in range(1, 21):
        await put(conn, shop, anna, place=place)
    async with refused(conn, errors.Conflict, "too_many_lines"):
        await put(conn, shop, anna, place=21)


@pytest.mark.parametrize("way", ["pickup", "delivery"])
async def test_the_staff_bring_a_request_forward_step_by_step(conn, way):
    shop, anna = await open_shop(conn, delivers=True), await make_user(conn)
    await put(conn, shop, anna)
    await requests.answer(conn, shop.id, anna.id, **{**ANSWERS, "way": way, "address": "Баумана, 1"})
    request, _ = await send(conn, shop, anna, await requests.get_draft(conn, shop.id, anna.id))
    steps = ["accepted", "ready", *(["on_the_way"] if way == "delivery" else []), "done"]
    for state in steps:
        assert request.next_states == (state, "cancelled")
        for other in {"accepted", "ready", "on_the_way", "done", "new"} - {state}:
            same, fresh = await requests.move(conn, shop.id, request.id, shop.cashier.id, other)
            assert (fresh, same.state) == (False, request.state)
        request, fresh = await requests.move(conn, shop.id, request.id, shop.cashier.id, state)
        assert (fresh, request.state) == (True, state)
    assert request.next_states == ()
    assert not (await requests.move(conn, shop.id, request.id, shop.owner.id, "cancelled"))[1]
    assert [(one.state, one.by_client) for one in request.moves] == [("new", True), *((one, False) for one in steps)]


async def test_a_client_takes_a_request_back_until_it_is_accepted_and_moves_it_nowhere_else(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    first, second = await sent(conn, shop, anna), await sent(conn, shop, anna)
    assert not (await requests.move(conn, shop.id, first.id, anna.id, "accepted"))[1]
    assert (await requests.move(conn, shop.id, first.id, anna.id, "cancelled"))[0].moves[-1].by_client
    await requests.move(conn, shop.id, second.id, shop.cashier.id, "accepted")
    kept, fresh = await requests.move(conn, shop.id, second.id, anna.id, "cancelled")
    assert (fresh, kept.state) == (False, "accepted")


async def test_strangers_and_the_staff_of_another_shop_find_no_request(conn):
    shop, other = await open_shop(conn), await open_shop(conn)
    anna, mallory = await make_user(conn), await make_user(conn)
    request = await sent(conn, shop, anna)
    for place, actor in ((shop, mallory), (shop, other.cashier), (other, other.cashier)):
        async with refused(conn, errors.Missing, "no_request"):
            await requests.move(conn, place.id, request.id, actor.id, "cancelled")
    async with refused(conn, errors.Missing, "no_request"):
        await requests.get(conn, shop.id, request.id, user_id=mallory.id)
    async with refused(conn, errors.Missing, "no_request"):
        await requests.place(conn, shop.id, mallory.id, request.id, edition=request.edition)
    assert (await requests.get(conn, shop.id, request.id, user_id=anna.id)).number == 1


async def test_the_rows_refuse_what_must_never_be(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    request = await sent(conn, shop, anna)
    for statement in (
        "update requests set state = 'done' where id = %s",
        "update requests set total_minor = 1 where id = %s",
        "update request_lines set kopecks = 1 where request_id = %s",
        "delete from request_lines where request_id = %s",
    ):
        async with refused(conn, RestrictViolation):
            await conn.execute(statement, (request.id,))
    await put(conn, shop, anna)
    async with refused(conn, UniqueViolation):
        await conn.execute("insert into requests (partner_id, user_id) values (%s, %s)", (shop.id, anna.id))
    async with refused(conn, CheckViolation):
        await conn.execute("update request_lines set quantity = 100 where request_id <> %s", (request.id,))


async def test_two_of_the_staff_at_once_accept_a_request_once(database):
    async with database.connect() as conn, database.connect() as other:
        shop, anna = await open_shop(conn), await make_user(conn)
        request = await sent(conn, shop, anna)
        moved = await asyncio.gather(
            requests.move(conn, shop.id, request.id, shop.owner.id, "accepted"),
            requests.move(other, shop.id, request.id, shop.cashier.id, "accepted"),
        )
        assert sorted(fresh for _, fresh in moved) == [False, True]
        await put(conn, shop, anna)
        draft = await requests.answer(conn, shop.id, anna.id, **ANSWERS)
        placed = await asyncio.gather(send(conn, shop, anna, draft), send(other, shop, anna, draft))
        assert sorted(fresh for _, fresh in placed) == [False, True]
        assert {made.number for made, _ in placed} == {2}


async def test_lists_are_pages_of_states_for_the_shop_and_of_all_shops_for_the_client(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    made = [await sent(conn, shop, await make_user(conn)) for _ in range(3)]
    await requests.move(conn, shop.id, made[1].id, shop.owner.id, "cancelled", "busy")
    page = await requests.list_of_shop(conn, shop.id, requests.OPEN, limit=1)
    rest = await requests.list_of_shop(conn, shop.id, requests.OPEN, before=page[-1].number)
    assert [one.number for one in (*page, *rest)] == [3, 1]
    assert [one.number for one in await requests.list_of_shop(conn, shop.id, requests.CLOSED)] == [2]
    own = [await sent(conn, shop, anna), await sent(conn, await open_shop(conn), anna)]
    await put(conn, shop, anna)
    first = await requests.list_of_client(conn, anna.id, limit=1)
    then = await requests.list_of_client(conn, anna.id, before=first[0].id)
    assert [one.id for one in (*first, *then)] == [own[1].id, own[0].id]


async def test_what_the_assistant_drafts_is_no_order_and_has_the_menus_prices(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna, place=2)
    said = {"wanted": "к шести", "phone": "+79001234567"}
    draft = await requests.draft(conn, shop.id, anna.id, [("1", "300 мл", 2), ("3", "", 1)], **said)
    assert (draft.state, draft.total, draft.at_least, draft.wanted) == ("draft", 450000, True, "к шести")
    assert await requests.list_of_shop(conn, shop.id, requests.OPEN) == []
    for lines in ([("1", "1 л", 1)], [("999", "", 1)]):
        async with refused(conn, errors.Conflict, "sold_out"):
            await requests.draft(conn, shop.id, anna.id, lines)
    assert (await requests.get_draft(conn, shop.id, anna.id)).lines == draft.lines
    async with refused(conn, errors.Conflict, "request_empty"):
        await requests.draft(conn, shop.id, (await make_user(conn)).id, [])


async def test_a_thrown_away_draft_is_gone(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await put(conn, shop, anna)
    assert await requests.drop_draft(conn, shop.id, anna.id)
    assert await requests.get_draft(conn, shop.id, anna.id) is None
    assert not await requests.drop_draft(conn, shop.id, anna.id)


async def test_only_those_who_manage_change_what_a_shop_takes(conn):
    shop = await make_shop(conn)
    assert await requests.terms(conn, shop.id) == requests.RequestTerms()
    wanted = requests.RequestTerms(delivers=True, least_minor=50000, note="По центру, до 22:00")
    async with refused(conn, errors.Denied, "role_too_low"):
        await requests.set_terms(conn, shop.id, shop.cashier.id, wanted)
    await requests.set_terms(conn, shop.id, shop.owner.id, wanted)
    assert await requests.terms(conn, shop.id) == wanted


async def test_a_day_is_summed_up(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    done, cancelled, _ = [await sent(conn, shop, anna) for _ in range(3)]
    for state in ("accepted", "ready", "done"):
        await requests.move(conn, shop.id, done.id, shop.owner.id, state)
    await requests.move(conn, shop.id, cancelled.id, shop.owner.id, "cancelled")
    now = datetime.now(UTC)
    day = timedelta(days=1)
    assert await requests.sum_up(conn, shop.id, now - day, now + day) == requests.RequestSums(3, 1, 1, 1, 25000)
    assert await requests.sum_up(conn, shop.id, now + day, now + 2 * day) == requests.RequestSums(0, 0, 0, 0, 0)
    assert shop.id in await requests.shops(conn, now - day)
    assert shop.id not in await requests.shops(conn, now - day, after=shop.id)


async def test_an_erased_client_leaves_no_words_and_nobody_waits_for_them(conn):
    shop, anna = await open_shop(conn), await make_client(conn)
    waiting, over = await sent(conn, shop, anna), await sent(conn, shop, anna)
    await requests.move(conn, shop.id, over.id, shop.owner.id, "cancelled", "Анна так и не пришла")
    await put(conn, shop, anna)
    exported = str(await users.export(conn, anna.id))
    assert all(words in exported for words in ("+79001234567", "Латте", "Анна так и не пришла"))
    await users.erase(conn, anna.id, anna.tg_id)
    for request in (waiting, over):
        left = await requests.get(conn, shop.id, request.id)
        assert (left.state, left.name, left.phone, left.address, left.comment) == ("cancelled", "", "", "", "")
    assert [one.reason for one in (await requests.get(conn, shop.id, waiting.id)).moves] == ["", "erased"]
    assert [one.reason for one in (await requests.get(conn, shop.id, over.id)).moves] == ["", ""]
    assert await requests.get_draft(conn, shop.id, anna.id) is None
    async with refused(conn, errors.Gone):
        await put(conn, shop, anna)


async def test_a_shop_closed_for_good_cancels_what_was_under_way(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    request = await sent(conn, shop, anna)
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    left = await requests.get(conn, shop.id, request.id, user_id=anna.id)
    assert (left.state, left.moves[-1].reason, left.phone) == ("cancelled", "shop_gone", "+79001234567")


async def test_requests_go_along_when_a_client_moves_to_another_account(conn):
    shop, old, new = await open_shop(conn), await make_client(conn), await make_client(conn)
    request = await sent(conn, shop, old)
    await put(conn, shop, old)
    await put(conn, shop, new, place=2)
    await members.merge(conn, old.id, new.id)
    assert [one.id for one in await requests.list_of_client(conn, new.id)] == [request.id]
    assert [one.title for one in (await requests.get_draft(conn, shop.id, new.id)).lines] == ["Булочка"]


async def test_old_drafts_and_the_words_of_old_requests_are_forgotten(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    request = await sent(conn, shop, anna)
    await put(conn, shop, anna)
    now = datetime.now(UTC)
    await requests.forget_old(conn, now + timedelta(days=6))
    assert await requests.get_draft(conn, shop.id, anna.id)
    await requests.forget_old(conn, now + timedelta(days=91))
    left = await requests.get(conn, shop.id, request.id)
    assert (left.state, left.phone, left.total, left.moves[-1].reason) == ("cancelled", "", 25000, "forgotten")
    assert await requests.get_draft(conn, shop.id, anna.id) is None


def test_the_button_of_an_item_names_its_place_in_the_version_that_was_shown():
    shop = versions.OpenShop(7, "Кофейня", "Казань", "", "", 3)
    index = Index([LATTE, BUN])
    assert requests.button(shop, index, "1") == "basket:pick:7:3:1"
    assert requests.button(shop, index, "2") == "basket:add:7:3:2:1"


async def test_requests_are_seen_by_their_shop_and_their_client_alone(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    await sent(conn, shop, anna)
    query = requests.SQL.list_of_client
    for scope, number in ((db.Scope(person=anna.id), 1), (db.Scope(person=shop.owner.id), 0), (db.Scope(), 0)):
        found = await query.within(scope).all(conn, requests.RequestEntry, user_id=anna.id, before=None, limit=9)
        assert len(found) == number


async def test_a_number_as_no_request_has_it_finds_nothing(conn):
    shop, anna = await open_shop(conn), await make_user(conn)
    request = await sent(conn, shop, anna)
    draft = await put(conn, shop, anna)
    kept, fresh = await requests.place(conn, shop.id, anna.id, draft.id, edition=10**17)
    assert (kept.state, fresh) == ("draft", False)
    listed = await requests.list_of_shop(conn, shop.id, ["new"], before=10**17)
    assert [one.id for one in listed] == [request.id]


@pytest.mark.parametrize("gone", ["let go", "erased"])
@pytest.mark.parametrize("step", ["accepted", "refused"])
async def test_a_button_below_a_request_does_nothing_for_somebody_who_is_gone(conn, gone, step):
    shop, anna = await open_shop(conn), await make_user(conn)
    placed = await sent(conn, shop, anna)
    if gone == "let go":
        await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    else:
        await users.erase(conn, shop.cashier.id, shop.cashier.tg_id)
    async with refused(conn, errors.Missing, "no_request"):
        await requests.move(conn, shop.id, placed.id, shop.cashier.id, step)
    assert (await requests.get(conn, shop.id, placed.id, user_id=anna.id)).state == "new"
