"""A dump of everything after an erasure: neither the id, nor the name, the phone, nor any word of the person."""

import json
from typing import Any

from lib.assistant import requests, talks
from lib.credits import ledger
from lib.jobs import table as jobs_table
from lib.loyalty import counter, members, partners, points, releases, staff, talk
from lib.office import letters, queue, trail
from lib.people import notify, users
from tests import factories
from tests.assistant.request_lab import make_bakery, send
from tests.loyalty_lab import NOW, make_member, make_shop, new_key
from tests.test_erased import NAMES

TG_ID, PHONE, TYPED_PHONE = 7_123_456_789, "+79161234509", "8 (916) 123-45-09"
NAME, USERNAME = "Ефросинья", "frosya_dump"
TITLE, LETTER, RATING, REASON = "Самовар тульский", "Письмо про сметану", "Оценка про творог", "Возврат, звать иначе"
QUESTION = "Вопрос про ряженку"
SORRY, BROKEN = "Извинились перед Фросей", f"KeyError: {TG_ID}"
ADDRESS, WISH, REFUSED = "Тихая улица, 17", "домофон про кефир", "Звонили Фросе, молчит"
ABOUT, SHOP_CONTACT = "Печём по рецепту прабабушки", "@frosya_contact"
TRACES = (str(TG_ID), NAME, USERNAME, PHONE[2:], TITLE, LETTER, RATING, REASON, ABOUT, SHOP_CONTACT, QUESTION)
TRACES += (ADDRESS, WISH, REFUSED, SORRY, BROKEN)

# The tables that go on naming the account, by a number that is nobody's: money, points, and what was done for a shop.
KEPT = {
    *("credit_accounts", "credit_ledger", "jobs", "members", "requests", "request_moves"),
    *("partners", "staff", "staff_invites", "loyalty_trail"),
}

BURIED: tuple[dict[str, Any], ...] = (
    {"message": {"from": {"id": TG_ID}, "text": LETTER}},
    {"edited_message": {"from": {"id": TG_ID}, "text": LETTER}},
    {"callback_query": {"from": {"id": TG_ID}}},
    {"pre_checkout_query": {"from": {"id": TG_ID, "first_name": NAME}}},
    {"message": {"from": {"id": 111, "is_bot": True}, "chat": {"id": TG_ID}, "refunded_payment": {}}},
    {"my_chat_member": {"from": {"id": TG_ID}}},
    {"message": {"from": {"id": 5}, "contact": {"user_id": TG_ID, "first_name": NAME}}},
    {"message": {"from": {"id": 6}, "text": TYPED_PHONE}},
)


async def rows(conn, query, *params):
    return await (await conn.execute(query, params)).fetchall()


async def dump(conn):
    """Return every table, each row as a line, in an order that does not depend on when a row was written last."""
    tables = await rows(
        conn, "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )
    lines = {}
    for (table,) in tables:
        lines[table] = sorted(row for (row,) in await rows(conn, f"select to_jsonb(t)::text from {table} t"))
    return lines


async def names(conn, table, column, person):
    return await rows(conn, f"select 1 from {table} where {column} = %s limit 1", person.id)


async def live(conn, shop):
    """Let a person do everything there is to do: as a seller, a client, a cashier, and an owner of a shop."""
    alice = await factories.make_user(conn, tg_id=TG_ID, credits=9, first_name=NAME, username=USERNAME)
    order = {"title": TITLE, "chat_id": TG_ID}
    job = await factories.make_job(conn, alice, price=1, key=f"order:studio:{TG_ID}:5", args=order)
    await members.register(conn, alice.id, name=NAME, city="Казань", phone=PHONE)
    joined = await members.join(conn, shop.id, alice.id, now=NOW)
    visit = await points.accrue(
        conn, shop.id, joined.member_id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=NOW
    )
    await points.grant(conn, shop.id, joined.member_id, shop.owner.id, points=5, reason=REASON, key=new_key(), now=NOW)
    await talk.rate(conn, shop.id, alice.id, txn_id=visit.txn_id, score=3, words=RATING)
    await talk.write(conn, shop.id, alice.id, LETTER)
    await talk.set_favourite(conn, alice.id, shop.id, liked=True)
    heard = await talks.hear(conn, shop.id, alice.id, QUESTION, once="u", at=NOW)
    assert heard
    assert await talks.summarise(conn, shop.id, heard.talk_id, QUESTION, upto=heard.line_id)
    await requests.set_terms(conn, shop.id, shop.owner.id, requests.RequestTerms(delivers=True))
    request = await send(conn, shop, alice, way="delivery", address=ADDRESS, comment=WISH)
    await requests.move(conn, shop.id, request.id, shop.owner.id, "cancelled", REFUSED)
    await members.block(conn, shop.id, shop.owner.id, joined.member_id, blocked=True, reason=REASON)
    await members.block(conn, shop.id, shop.owner.id, joined.member_id, blocked=False, reason=REASON)
    await staff.accept(conn, alice.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))
    await releases.ask(conn, alice.id, actor_id=shop.owner.id, partner_id=shop.id, reason=REASON, title="-", now=NOW)
    assert await releases.keep(conn, alice.id, now=NOW)
    other = await make_member(conn, shop)
    at = await staff.get(conn, shop.id, alice.id)
    await counter.accrue(conn, at, other.id, bill_minor=50_000, nonce="", key=f"till:{TG_ID}:77", now=NOW)
    own = await partners.apply(
        conn, alice.id, title="Пекарня", city="Казань", category="cafe", about=ABOUT, contact=SHOP_CONTACT
    )
    await partners.decide(conn, own, shop.owner.id, "blocked", reason="-")
    fields = {"name": NAME, "words": LETTER}
    await notify.tell(conn, shop.owner.id, "partner", "partner.push.letter", fields, once=new_key())
    for number, payload in enumerate(BURIED):
        raw = json.dumps({"update_id": number, **payload}).encode()
        await letters.bury_update(conn, "studio", 8_000_000 + number, raw, "KeyError: 'x'", 3)
    await be_seen_to(conn, alice, job)
    return alice


async def be_seen_to(conn, alice, job):
    """Let an administrator do what they can about a person and their order, and say why."""
    for subject in (f"user {alice.id}", f"job {job.id}"):
        await trail.note(conn, "admin:1", "user.unban", subject, SORRY, before={"reason": SORRY})
    await letters.bury_update(conn, "studio", 8_100_000, b"{}", BROKEN, 3)
    [letter] = [one for one in await letters.list_letters(conn) if one.error == BROKEN]
    assert await letters.drop(conn, letter, actor="admin:1", reason="-")


async def test_nothing_of_a_person_is_left_in_any_table(database):
    async with database.connect() as conn:
        shop = await make_bakery(conn)
        alice = await live(conn, shop)
        before = "\n".join(line for lines in (await dump(conn)).values() for line in lines)
        assert [trace for trace in TRACES if trace not in before] == []
        for told in await jobs_table.fetch_next_queued_job(conn, ["tell"], factories.LEASE, 10):
            await jobs_table.update_job_status(conn, told, "done")
        await users.erase(conn, alice.id, TG_ID)
        assert await users.forget_orders(conn, alice.id) == 0
        await users.forget_operations(conn, alice.id)
        after = await dump(conn)
        left = [(table, trace) for table, lines in after.items() for trace in TRACES if trace in "\n".join(lines)]
        assert left == []
        left = {table for table, column in await rows(conn, NAMES) if await names(conn, table, column, alice)}
        assert left == KEPT
        assert await ledger.safe_get_balance(conn, alice.id) == 9
        await factories.books_are_right(conn)


async def test_what_failed_on_a_cashiers_screen_goes_with_the_client_it_names(conn):
    shop, elsewhere = await make_shop(conn), await make_shop(conn)
    member = await make_member(conn, shop, name='Ефросинья "Фрося" (кофе+)')
    other = await make_member(conn, elsewhere)
    pressed = 'Ефросинья "Фрося" (кофе+) ··4509'
    said = [
        *(
            (shop.cashier, pressed),
            (shop.cashier, f"ищу {pressed.lower()}"),
            (shop.cashier, "Ефросинья"),
            (other, pressed),
        ),
        *((elsewhere.cashier, pressed), (shop.cashier, f"Я{pressed}")),
    ]
    for number, (sender, words) in enumerate(said):
        update = {"callback_query": {"from": {"id": sender.tg_id}, "message": {"text": words}}}
        await letters.bury_update(conn, "partner", 8_200_000 + number, json.dumps(update).encode(), "KeyError: 'x'", 3)
    await users.erase(conn, member.user_id, member.tg_id)
    left = await rows(conn, "select update_id - 8200000 from dead_letters where update_id >= 8200000 order by 1")
    assert [number for (number,) in left] == [2, 3, 4, 5]


async def test_what_staff_wrote_about_a_card_that_was_merged_goes_with_its_person(conn):
    shop = await make_shop(conn)
    old, kept, other = [await make_member(conn, shop) for _ in range(3)]
    for card in (old, other):
        for blocked in (True, False):
            await members.block(conn, shop.id, shop.owner.id, card.id, blocked=blocked, reason=REASON)
        given = {"points": 5, "reason": REASON, "key": new_key(), "now": NOW}
        await points.grant(conn, shop.id, card.id, shop.owner.id, **given)
    await members.merge(conn, old.user_id, kept.user_id, now=NOW)
    await users.erase(conn, kept.user_id, kept.tg_id)
    await users.forget_operations(conn, kept.user_id)
    said = await rows(conn, "select member_id, points from point_txns where reason = %s", REASON)
    assert said == [(other.id, 5)], "of nobody else"
    said = await rows(conn, "select distinct subject from loyalty_trail where after ->> 'reason' = %s", REASON)
    assert said == [(str(other.id),)]
    await factories.books_are_right(conn)


async def test_why_goods_came_back_after_an_erasure_is_not_kept(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop)
    bills = [
        await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=bill, key=new_key(), now=NOW)
        for bill in (100_000, 50_000)
    ]
    back = {"reason": REASON, "now": NOW}
    await points.reverse(conn, shop.id, bills[0].txn_id, shop.owner.id, key=new_key(), **back)
    reasons = "select reason from point_txns where kind = 'reverse' order by id"
    assert await rows(conn, reasons) == [(REASON,)]
    await users.erase(conn, member.user_id, member.tg_id)
    await users.forget_operations(conn, member.user_id)
    late = await points.reverse(conn, shop.id, bills[1].txn_id, shop.owner.id, key="late", **back)
    assert await rows(conn, reasons) == [("",), ("",)]
    assert (
        await points.reverse(conn, shop.id, bills[1].txn_id, shop.owner.id, key="late", **back)
    ).txn_id == late.txn_id


async def test_the_words_of_what_was_told_go_once_they_are_said(conn, make_user):
    alice = await make_user()
    assert await notify.tell(conn, alice.id, "partner", "partner.push.letter", {"name": "Боря"}, once=new_key())
    [told] = await jobs_table.fetch_next_queued_job(conn, ["tell"], factories.LEASE, 1)
    failed = await jobs_table.update_job_status(conn, told, "failed", error_code="gave_up")
    assert (await jobs_table.get_job_by_id(conn, failed.id)).args == {"bot": "partner", "key": "partner.push.letter"}
    async with factories.refused(conn, Exception, match="words_gone"):
        await queue.retry(conn, failed.id, actor="ops:x", reason="-")


async def test_an_operation_and_a_deed_lose_nothing_but_who_was_erased(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop, has=10)
    for change in ("points = points + 1", "idem_key = 'other'", "reason = 'other'", "actor_id = null"):
        async with factories.refused(conn, Exception, match="is not allowed"):
            await conn.execute(f"update point_txns set {change} where member_id = %s", (member.id,))
    await conn.execute(
        "insert into audit_log (actor, action, subject, reason) values ('admin:91', 'user.ban', 'user 1', '-')"
    )
    for change in ("reason = 'other'", "actor = 'admin:92'", "before = '{}'", "action = 'user.unban', reason = '—'"):
        async with factories.refused(conn, Exception, match="is not allowed"):
            await conn.execute(f"update audit_log set {change} where actor = 'admin:91'")


async def test_the_export_tells_what_a_person_did_as_staff(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop)
    await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=70_000, key=new_key(), now=NOW)
    await talk.reply(conn, shop.id, member.id, shop.cashier.id, "Ждём вас")
    await staff.invite(conn, shop.id, shop.owner.id, "manager")
    [cashier] = (await users.export(conn, shop.cashier.id))["loyalty"]["work"]
    [owner] = (await users.export(conn, shop.owner.id))["loyalty"]["work"]
    assert (cashier["shop"], cashier["role"]) == ("Кофейня", "cashier")
    assert [(one["kind"], one["bill_minor"]) for one in cashier["operations"]] == [("accrue", 70_000)]
    assert [one["words"] for one in cashier["messages"]] == ["Ждём вас"]
    assert [one["action"] for one in cashier["decisions"]] == ["staff.joined"]
    assert [one["role"] for one in owner["invitations"]] == ["cashier", "manager"]


async def test_what_outages_leave_in_postgres_is_tidied(conn):
    await conn.execute("insert into conversations (bot, tg_id, saved_at) values ('studio', 91, now() - interval '2 h')")
    await conn.execute(
        "insert into handled_updates (bot, update_id, tg_id, seen_at) values ('studio', 91, 91, now() - interval '3 d')"
    )
    [(now,)] = await rows(conn, "select now()")
    await users.forget_traces(conn, now)
    assert await rows(conn, "select 1 from conversations where tg_id = 91") == []
    assert await rows(conn, "select 1 from handled_updates where tg_id = 91") == []
