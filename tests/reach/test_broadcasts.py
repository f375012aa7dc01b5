"""Who may send what to whom: versions, moderation, consents, the day's limit, and what has come of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lib import errors, limits, text
from lib.loyalty import offers, partners, points, staff
from lib.people import users
from lib.reach import broadcasts, choices, parts, reading, reminders, results, sending
from lib.reach.flight import Flight
from lib.reach.parts import Fate
from lib.telegram import outgoing
from lib.telegram.client import SentMessage
from tests.factories import make_user, refused
from tests.loyalty_lab import make_shop, new_key
from tests.reach_lab import NOON, crowd, released, written


async def trusted(conn, shop):
    await conn.execute(
        "insert into broadcasts (partner_id, created_by, state, finished_at, words)"
        " select %s, %s, 'done', %s, 'Раньше ' || n from generate_series(1, 3) n",
        (shop.id, shop.owner.id, NOON - timedelta(days=30)),
    )


async def count(conn, one):
    found = await broadcasts.count(conn, one, NOON)
    return found.ready, found.silent, found.blocked


async def test_the_count_says_who_is_left_out_and_why(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 6)]
    await conn.execute("update users set stopped = '{client}' where id = %s", (people[0],))
    await choices.choose(conn, people[1], shop.id, "news", wants=False, said_in="test")
    await conn.execute("update clients set wants_news = false where user_id = %s", (people[2],))
    await conn.execute("delete from news_choices where user_id = %s", (people[3],))
    assert await count(conn, await written(conn, shop)) == (2, 3, 1)


FILTERS = {
    "city": ("Казань", "update clients set city = 'Пермь' where user_id = %s"),
    "away": (60, "update members set last_visit_at = '2036-03-01' where user_id = %s"),
    "seen": (30, "update members set last_visit_at = '2035-03-01' where user_id = %s"),
    "birthday": (7, "update clients set birthday = '06-01' where user_id = %s"),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_each_condition_leaves_out_who_does_not_meet_it(conn, name):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    seen = "2036-03-10" if name == "seen" else "2035-12-01"
    await conn.execute("update members set last_visit_at = %s where partner_id = %s", (seen, shop.id))
    await conn.execute("update clients set birthday = '03-14' where user_id = any(%s)", (people,))
    value, statement = FILTERS[name]
    await conn.execute(statement, (people[0],))
    assert await count(conn, await written(conn, shop, filter={name: value})) == (2, 0, 0)


async def test_groups_and_tiers_are_those_of_the_figures(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 10)]
    await conn.execute(
        "update members set visits = 1, last_visit_at = %s, joined_at = %s, spent_minor = 100 where partner_id = %s",
        (NOON - timedelta(days=3), NOON - timedelta(days=3), shop.id),
    )
    await conn.execute("update members set visits = 9, spent_minor = 900000 where user_id = %s", (people[0],))
    [(tier,)] = await (
        await conn.execute(
            "insert into tiers (partner_id, title, min_spent_minor, earn_bp) values (%s, 'Золото', 500000, 700)"
            " returning id",
            (shop.id,),
        )
    ).fetchall()
    assert await count(conn, await written(conn, shop, filter={"group": "new"})) == (9, 0, 0)
    assert await count(conn, await written(conn, shop, filter={"tier": tier})) == (1, 0, 0)


async def test_a_broadcast_goes_to_who_has_a_tag(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    await conn.execute(
        "insert into member_tags (partner_id, member_id, tag)"
        " select partner_id, id, '007' from members where user_id = any(%s)",
        (people[:2],),
    )
    assert await count(conn, await written(conn, shop, filter={"tag": "007"})) == (2, 0, 0)
    assert await count(conn, await written(conn, shop, filter={"tag": "7"})) == (0, 0, 0)
    assert await count(conn, await written(conn, other, filter={"tag": "007"})) == (0, 0, 0)


async def test_a_promotion_that_was_taken_back_was_not_used(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    spring = {"kind": "multiplier", "multiplier_bp": 20_000, "starts_on": NOON.date(), "ends_on": NOON.date()}
    promo = await offers.add_promotion(conn, shop.id, shop.owner.id, title="Весна", **spring)
    await offers.decide_promotion(conn, shop.id, promo, shop.owner.id, "approved")
    receipts = [await bought(conn, shop, one, NOON) for one in people[:2]]
    one = await written(conn, shop, filter={"unused": promo})
    assert await count(conn, one) == (1, 0, 0)
    await points.reverse(conn, shop.id, receipts[0].txn_id, shop.owner.id, reason="ошибка", key=new_key(), now=NOON)
    assert await count(conn, one) == (2, 0, 0)


async def test_a_first_broadcast_and_any_with_a_link_wait_for_an_administrator(conn):
    shop = await make_shop(conn)
    one = await written(conn, shop)
    assert (await broadcasts.send(conn, one, one.version, shop.owner.id, NOON)).state == "review"
    known = await make_shop(conn)
    await trusted(conn, known)
    link = [{"label": "Меню", "url": "https://example.com"}]
    for fields, state in (({"buttons": link}, "review"), ({"words": "Пишите @pekarnya"}, "review"), ({}, "scheduled")):
        one = await written(conn, known, **{"words": "Пироги", **fields})
        assert (await broadcasts.send(conn, one, one.version, known.owner.id, NOON)).state == state
        await conn.execute("update broadcasts set state = 'draft' where id = %s", (one.id,))


@pytest.mark.parametrize(
    ("words", "leads"),
    [
        *(
            (words, True)
            for words in ("Меню на kafe.ru", "Ждём на САЙТ.РФ!", "bet-1.xyz/go", "tg://resolve", "@zerno_bot")
        ),
        *((words, False) for words in ("Баумана,5.Заходите", "до 20.00", "Скидка 50%.Совсем", "капучино.корица")),
    ],
)
async def test_a_bare_domain_is_a_link_as_telegram_shows_it(conn, words, leads):
    assert (await written(conn, await make_shop(conn), words=words)).has_links is leads


async def test_what_was_not_shown_is_not_sent(conn):
    shop = await make_shop(conn)
    one = await written(conn, shop)
    changed = await broadcasts.change(conn, one, words="Завтра пироги")
    async with refused(conn, errors.Conflict, match="broadcast_changed"):
        await broadcasts.send(conn, changed, one.version, shop.owner.id, NOON)
    async with refused(conn, errors.Conflict, match="broadcast_changed"):
        await broadcasts.change(conn, one, words="Послезавтра")


async def test_a_blocked_shop_sends_nothing_whoever_says_so(conn):
    shop = await make_shop(conn)
    one = await written(conn, shop)
    waiting = await broadcasts.send(conn, one, one.version, shop.owner.id, NOON)
    await partners.decide(conn, shop.id, shop.owner.id, "blocked", "Жалобы")
    async with refused(conn, errors.Conflict, match="shop_closed"):
        await broadcasts.decide(conn, waiting, waiting.version, NOON, approves=True)
    assert (await broadcasts.get(conn, shop.id, one.id)).state == "review", "it waits until the shop is open again"
    await broadcasts.decide(conn, waiting, waiting.version, NOON, approves=False, reason="Закрыты")
    await trusted(conn, shop)
    async with refused(conn, errors.Conflict, match="shop_closed"):
        await broadcasts.send(conn, waiting, waiting.version, shop.owner.id, NOON)
    assert (await broadcasts.get(conn, shop.id, one.id)).state == "draft"


async def test_a_new_draft_throws_nothing_away_that_somebody_wrote(conn):
    """A digest's suggestion once took the place of the text that its reader was writing."""
    shop = await make_shop(conn)
    mine = await written(conn, shop, words="Завтра закрыты")
    photo = await written(conn, shop, words="", file={"kind": "photo", "bot": "partner", "id": "F"})
    empty = await broadcasts.draft(conn, shop.id, shop.owner.id)
    first = await written(conn, shop, words="Мы скучаем", filter={"away": 60})
    again = await written(conn, shop, words="Мы скучаем", filter={"away": 60})
    found = [one.id for one in await broadcasts.listed(conn, shop.id, drafts=True)]
    assert found == [again.id, photo.id, mine.id]
    assert not {empty.id, first.id} & {*found}
    assert await broadcasts.count_drafts(conn, shop.id) == 3
    assert await broadcasts.listed(conn, shop.id) == []


async def test_a_draft_is_deleted_as_it_was_shown_and_nothing_else_is(conn):
    shop = await make_shop(conn)
    one = await written(conn, shop)
    async with refused(conn, errors.Conflict, match="broadcast_changed"):
        await broadcasts.drop(conn, one, one.version - 1)
    await broadcasts.drop(conn, one, one.version)
    async with refused(conn, errors.Missing, match="no_broadcast"):
        await broadcasts.get(conn, shop.id, one.id)
    sent = await released(conn, shop)
    async with refused(conn, errors.Conflict, match="broadcast_changed"):
        await broadcasts.drop(conn, sent, sent.version)


async def test_drafts_that_nobody_touches_for_90_days_go(conn):
    shop = await make_shop(conn)
    old, edited, cancelled = [await written(conn, shop, words=word) for word in ("Давно", "Недавно", "Передумали")]
    sent = await released(conn, shop, words="Ушла")
    await broadcasts.steer(conn, shop.id, cancelled.id, "cancel", NOON)
    aged = "update broadcasts set created_at = %s, changed_at = %s where id = %s"
    long_ago = NOON - timedelta(days=91)
    for one, touched in ((old, long_ago), (edited, NOON - timedelta(days=89)), (cancelled, None), (sent, long_ago)):
        await conn.execute(aged, (long_ago, touched, one.id))
    assert await broadcasts.forget_drafts(conn, NOON, 10) == 2
    assert {one.id for one in await broadcasts.listed(conn, shop.id, drafts=True)} == {edited.id}
    assert {one.id for one in await broadcasts.listed(conn, shop.id)} == {sent.id}


async def test_a_draft_that_lay_until_its_moment_had_gone_by_does_not_go_at_another(conn):
    shop = await make_shop(conn)
    await trusted(conn, shop)
    one = await broadcasts.change(conn, await written(conn, shop), run_at=NOON + timedelta(hours=6))
    async with refused(conn, errors.Invalid, match="when_past"):
        await broadcasts.send(conn, one, one.version, shop.owner.id, NOON + timedelta(hours=7))
    assert (await broadcasts.get(conn, shop.id, one.id)).state == "draft"
    assert (await broadcasts.send(conn, one, one.version, shop.owner.id, NOON)).state == "scheduled"


async def test_the_cities_of_a_shops_clients_are_offered_when_there_is_a_choice(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    people = [*await crowd(conn, shop.id, 4)]
    await crowd(conn, other.id, 1)
    assert await broadcasts.cities(conn, shop.id) == []
    await conn.execute("update clients set city = 'Пермь' where user_id = %s", (people[0],))
    await conn.execute("update clients set city = 'казань' where user_id = %s", (people[1],))
    await conn.execute("update clients set city = '' where user_id = %s", (people[2],))
    found = await broadcasts.cities(conn, shop.id)
    assert sorted(city.lower() for city in found) == ["казань", "пермь"]
    assert found[0].lower() == "казань", "of two clients"
    await conn.execute("update members set left_at = now() where user_id = %s", (people[0],))
    assert await broadcasts.cities(conn, shop.id) == []


async def test_a_shop_sends_one_a_day_and_says_nothing_twice(conn):
    shop = await make_shop(conn)
    first = await released(conn, shop)
    await conn.execute("update broadcasts set started_at = %s where id = %s", (NOON, first.id))
    again = await written(conn, shop)
    async with refused(conn, errors.Conflict, match="said_already"):
        await broadcasts.send(conn, again, again.version, shop.owner.id, NOON + timedelta(hours=23))
    other = await broadcasts.change(conn, again, words="Другое")
    async with refused(conn, errors.Conflict, match="enough_today"):
        await broadcasts.send(conn, other, other.version, shop.owner.id, NOON + timedelta(hours=3))
    async with refused(conn, errors.Denied, match="role_too_low"):
        await broadcasts.send(conn, other, other.version, shop.cashier.id, NOON + timedelta(days=2))


async def test_after_todays_broadcast_one_for_tomorrow_is_taken(conn):
    shop = await make_shop(conn)
    await trusted(conn, shop)
    first = await released(conn, shop)
    await conn.execute("update broadcasts set started_at = %s where id = %s", (NOON, first.id))
    for words, hours, why in (("Позже", 12, "enough_today"), ("Завтра", 24, ""), ("И ещё", 30, "enough_today")):
        one = await written(conn, shop, words=words, run_at=NOON + timedelta(hours=hours))
        if why:
            async with refused(conn, errors.Conflict, match=why):
                await broadcasts.send(conn, one, one.version, shop.owner.id, NOON)
        else:
            assert (await broadcasts.send(conn, one, one.version, shop.owner.id, NOON)).state == "scheduled"


async def test_what_telegram_or_a_button_does_not_take_is_refused_at_once(conn):
    shop = await make_shop(conn)
    for fields in (
        {"words": "ж" * 3501},
        {"words": "🥐" * 1751},
        {"words": "ж" * 3400, "buttons": [{"label": "Меню", "url": f"https://example.com/{'a' * 100}"}]},
        {"words": "ж" * 701, "file": {"kind": "photo", "bot": "partner", "id": "x"}},
        {"buttons": [{"label": "x", "url": "http://example.com"}]},
        {"buttons": [{"label": "x", "promotion": 1}] * 4},
    ):
        async with refused(conn, errors.Invalid):
            await written(conn, shop, **fields)


async def test_a_reader_sees_who_writes_and_how_to_end_it(conn):
    shop = await make_shop(conn)
    button = [{"label": "Акция", "promotion": 5}]
    one = await written(conn, shop, words="<b>Пироги</b>", buttons=button, advertiser="ООО «Мука»", erid="2Vtz")
    assert reading.words(one, "ru") == ("<b>Кофейня</b>\n\n&lt;b&gt;Пироги&lt;/b&gt;\n\nРеклама. ООО «Мука» 2Vtz")
    rows = [[(key.label, key.data) for key in row] for row in reading.keyboard(one, "ru")]
    assert rows == [
        [("Акция", f"promo:{shop.id}:5:{one.id}")],
        [("🔕 Больше не присылать", f"news:off:{shop.id}:news")],
    ]


async def test_an_invitation_in_our_words_is_in_the_language_of_its_reader(conn):
    one = await written(conn, await make_shop(conn), words=text.say("ru", reading.AWAY))
    assert "Давно вас не видели" in reading.words(one, "en"), "a shop wrote this itself"
    one = replace(one, kind="away")
    assert "Давно вас не видели" in reading.words(one, "ru")
    assert "We have not seen you for a while" in reading.words(one, "en")
    assert "Ждём" in reading.words(replace(one, words="Ждём"), "en")


async def test_the_report_knows_who_pressed_and_who_came_back(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    one = await released(conn, shop)
    await conn.execute(
        "update broadcasts set state = 'done', started_at = %s, finished_at = %s, audience = 3 where id = %s",
        (NOON, NOON, one.id),
    )
    await conn.execute(
        "insert into broadcast_parts (partner_id, broadcast_id, n, user_ids, states, counts, run_at, until, started_at)"
        r" values (%s, %s, 1, %s, '\x020203', '{0,0,2,1,0,0,0}', now(), now(), %s)",
        (shop.id, one.id, people, NOON),
    )
    await broadcasts.press(conn, shop.id, one.id, people[0])
    await broadcasts.press(conn, shop.id, one.id, people[0])
    for place, day in ((0, 2), (0, 3), (1, 9), (2, 1)):
        await bought(conn, shop, people[place], NOON + timedelta(days=day))
    report = await results.report(conn, await broadcasts.get(conn, shop.id, one.id))
    assert (report.of(Fate.SENT), report.of(Fate.BLOCKED), report.clicked) == (2, 1, 1)
    assert (report.came_back, report.turnover_minor) == (1, 100_000)


async def test_what_is_forgotten_is_not_offered_again_and_says_why(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    one = await released(conn, shop)
    await conn.execute(
        "update broadcasts set state = 'done', started_at = %s, finished_at = %s where id = %s", (NOON, NOON, one.id)
    )
    await conn.execute(
        "insert into broadcast_parts (partner_id, broadcast_id, n, user_ids, states, counts, run_at, until)"
        r" values (%s, %s, 1, %s, '\x020206', '{0,0,2,0,0,0,1}', now(), now())",
        (shop.id, one.id, people),
    )

    async def shown():
        found = await broadcasts.get(conn, shop.id, one.id)
        words, rows = results.shown(found, await results.report(conn, found), "ru")
        return "больше 90 дней" in words, rows[0][0].label

    assert await shown() == (False, "Отправить ещё раз: 1")
    assert await parts.forget(conn, NOON + timedelta(days=91), 10) == 1
    assert await shown() == (True, "🔄 Обновить")
    async with refused(conn, errors.Conflict, match="broadcast_state"):
        await broadcasts.steer(conn, shop.id, one.id, "unknown", NOON)


async def bought(conn, shop, user_id, at):
    await conn.execute(
        "insert into point_accounts (partner_id, member_id, kind, balance)"
        " select partner_id, id, k, 0 from members, unnest(array['available', 'pending']) k where user_id = %s"
        " on conflict do nothing",
        (user_id,),
    )
    [(member,)] = await (await conn.execute("select id from members where user_id = %s", (user_id,))).fetchall()
    return await points.accrue(conn, shop.id, member, shop.cashier.id, bill_minor=50_000, key=new_key(), now=at)


async def test_a_yes_to_a_shop_is_one_to_news_as_such(conn):
    shop = await make_shop(conn)
    [person] = await crowd(conn, shop.id, 1)
    await conn.execute("update clients set wants_news = false where user_id = %s", (person,))
    await choices.choose(conn, person, shop.id, "news", wants=True, said_in="client:5")
    assert await count(conn, await written(conn, shop)) == (1, 0, 0)
    assert await choices.has_agreed(conn, person, shop.id)
    await choices.choose(conn, person, 10**15, "news", wants=True, said_in="client:5")
    assert [one.partner_id for one in await choices.of_person(conn, person)] == [0, shop.id], "there is no such shop"


async def test_who_has_not_been_seen_for_long_is_invited_back_once(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    for person, days in zip(people, (59, 61, 90), strict=True):
        at = NOON - timedelta(days=days)
        await conn.execute("update members set last_visit_at = %s where user_id = %s", (at, person))
    found = await partners.get(conn, shop.id)
    assert await reminders.invite_back(conn, found, NOON, "Заходите") is None, "nobody has switched it on"
    await reminders.change(conn, shop.id, "away", is_on=True)
    made = await reminders.invite_back(conn, found, NOON, "Заходите")
    one = await broadcasts.get(conn, shop.id, made)
    assert (one.kind, one.words, await count(conn, one)) == ("away", "Заходите", (1, 0, 0))
    assert await reminders.invite_back(conn, found, NOON + timedelta(minutes=5), "Заходите") is None


async def test_a_reminder_is_a_switch_of_the_shop_and_a_choice_of_the_client(conn):
    shop = await make_shop(conn)
    [person] = await crowd(conn, shop.id, 1)
    assert await reminders.wanted(conn, shop.id, "expiry", person)
    await reminders.change(conn, shop.id, "expiry", words="Баллы ждут")
    assert (await reminders.wanted(conn, shop.id, "expiry", person)).words == "Баллы ждут"
    await choices.choose(conn, person, shop.id, "expiry", wants=False, said_in="test")
    assert await reminders.wanted(conn, shop.id, "expiry", person) is None
    await reminders.change(conn, shop.id, "birthday", is_on=False)
    assert await reminders.wanted(conn, shop.id, "birthday", person) is None


async def test_a_basket_that_was_left_is_found_once_the_shop_wants_it(conn):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    for person, hours in zip(people, (1, 3, 30), strict=True):
        [(request,)] = await (
            await conn.execute(
                "insert into requests (partner_id, user_id, changed_at) values (%s, %s, %s) returning id",
                (shop.id, person, NOON - timedelta(hours=hours)),
            )
        ).fetchall()
        await conn.execute(
            "insert into request_lines (partner_id, request_id, place, code, title, variant, kopecks, at_least,"
            " quantity) values (%s, %s, 1, 'a', 'Пирог', '', 100, false, 2)",
            (shop.id, request),
        )
    assert [one for one in await reminders.baskets(conn, NOON) if one.partner_id == shop.id] == []
    await reminders.change(conn, shop.id, "cart", is_on=True)
    found = [one for one in await reminders.baskets(conn, NOON) if one.partner_id == shop.id]
    assert [(one.user_id, one.items) for one in found] == [(people[1], 2)], "two pies are two"
    blocked = "update members set blocked_at = now() where partner_id = %s and user_id = %s"
    await conn.execute(blocked, (shop.id, people[1]))
    assert [one for one in await reminders.baskets(conn, NOON) if one.partner_id == shop.id] == []
    await conn.execute("update members set blocked_at = null where partner_id = %s", (shop.id,))
    await conn.execute("insert into request_terms (partner_id, is_on) values (%s, false)", (shop.id,))
    assert [one for one in await reminders.baskets(conn, NOON) if one.partner_id == shop.id] == []


async def test_no_broadcast_of_a_shop_goes_on_when_its_owner_is_erased(conn):
    shop = await make_shop(conn)
    manager = await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    one = await broadcasts.draft(conn, shop.id, manager.id, words="Пироги")
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    left = await broadcasts.get(conn, shop.id, one.id)
    assert (left.state, left.words) == ("cancelled", "")


async def test_a_shop_that_is_blocked_while_its_broadcast_goes_out_writes_to_nobody(conn):
    shop = await make_shop(conn)
    one = await broadcasts.draft(conn, shop.id, shop.owner.id, words="Пироги")
    await conn.execute("update broadcasts set state = 'running' where id = %s", [one.id])
    await conn.execute("update partners set status = 'blocked', reason = 'x' where id = %s", [shop.id])
    left = await broadcasts.get(conn, shop.id, one.id)
    assert (left.state, left.reason) == ("paused", "closed")


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("running", ("paused", "left")),
        ("cutting", ("cutting", "left")),
        ("scheduled", ("draft", "")),
        ("review", ("draft", "")),
        ("paused", ("paused", "by_hand")),
        ("draft", ("draft", "")),
        ("done", ("done", "")),
    ],
)
async def test_a_broadcast_of_a_manager_who_was_let_go_goes_to_nobody(conn, state, left):
    shop, manager = await make_shop(conn), await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    one = await broadcasts.draft(conn, shop.id, manager.id, words="Пироги")
    mine = await broadcasts.draft(conn, shop.id, shop.owner.id, words="Плюшки")
    put = "update broadcasts set state = %s, reason = %s, run_at = %s, started_at = %s, finished_at = %s where id = %s"
    done = NOON if state == "done" else None
    for each in (one, mine):
        await conn.execute(put, [state, "by_hand" if state == "paused" else "", NOON, NOON, done, each.id])
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    theirs, own = [await broadcasts.get(conn, shop.id, each.id) for each in (one, mine)]
    assert (theirs.state, theirs.reason) == left
    assert own.state == state, "nobody else's stops with it"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"advertiser": "ООО «Ромашка»", "erid": "a" * 61}, "mark_unclear"),
        ({"advertiser": "ООО", "erid": "Ромашка"}, "mark_unclear"),
        ({"buttons": [{"label": "Меню", "url": "https://"}]}, "link_unclear"),
        ({"buttons": [{"label": "Меню", "url": "https://меню"}]}, "link_unclear"),
    ],
)
async def test_what_telegram_or_the_register_would_not_take_is_refused(conn, fields, why):
    one = await written(conn, await make_shop(conn))
    async with refused(conn, errors.Invalid, why):
        await broadcasts.change(conn, one, **fields)
    url = "https://кафе.рф/меню?a=1"
    kept = await broadcasts.change(conn, one, buttons=[{"label": "Меню", "url": url}], advertiser="ООО", erid="2Vtz-_A")
    assert (kept.buttons[0]["url"], kept.erid) == (url, "2Vtz-_A")


async def test_a_shops_broadcast_is_never_paid_for(conn):
    shop = await make_shop(conn)
    one = await written(conn, shop)
    async with refused(conn, errors.Denied, match="not_the_platforms"):
        await broadcasts.change(conn, one, paid=True)
    assert not (await broadcasts.get(conn, shop.id, one.id)).paid


async def test_any_change_of_a_paid_draft_takes_the_yes_to_its_price_back(conn):
    author = await make_user(conn)
    one = await broadcasts.draft(conn, 0, author.id, words="Обновление", kind="notice")
    assert not one.paid, "never by itself"
    paid = await broadcasts.change(conn, one, paid=True)
    assert (paid.paid, paid.words, paid.version) == (True, "Обновление", one.version + 1)
    assert not (await broadcasts.change(conn, paid, filter={"city": "Казань"})).paid


async def test_a_paid_message_says_so_and_waits_for_no_slot(conn, monkeypatch):
    async def never(*_, **more):
        raise AssertionError("a paid message takes nobody's slot")

    chats = []

    async def deliver(chat, one, language, file):
        chats.append(chat)
        return SentMessage(1)

    monkeypatch.setattr(limits, "reserve_block", never)
    monkeypatch.setattr(limits, "_local", limits._LocalCounts())
    monkeypatch.setattr(reading, "deliver", deliver)
    author = await make_user(conn)
    one = await broadcasts.draft(conn, 0, author.id, words="Обновление", kind="notice")
    one = await broadcasts.change(conn, one, paid=True)
    async with Flight(sending.Mail(one), 2e12) as flight:
        flight.begin([parts.Recipient(place, 100 + place, "ru") for place in range(3)])
        await flight.land()
        assert flight.noted() == [(0, Fate.SENT), (1, Fate.SENT), (2, Fate.SENT)]
    assert [chat.paid for chat in chats] == [True] * 3
    assert outgoing.manner(paid=True) == {"allow_paid_broadcast": True}
    assert outgoing.manner() == {}


async def test_a_paid_broadcasts_report_says_what_it_cost_at_most(conn):
    author = await make_user(conn)
    one = await broadcasts.draft(conn, 0, author.id, words="Обновление", kind="notice")
    one = replace(one, paid=True, state="done", audience=1000)
    report = results.CastReport([0, 0, 901, 99, 0, 0, 0], 0, 0, 0)
    assert "⭐ Потрачено не больше 91 из 100 звёзд" in results.shown(one, report, "ru")[0]
    assert "⭐" not in results.shown(replace(one, paid=False), report, "ru")[0]


@pytest.mark.parametrize(
    ("buttons", "said"),
    [
        ([], ()),
        ([{"label": "Меню", "url": "https://example.com"}], ("Кто открыл ссылку",)),
        ([{"label": "Акция", "promotion": 5}], ("нажали кнопку: 0",)),
        (
            [{"label": "Акция", "promotion": 5}, {"label": "Меню", "url": "https://example.com"}],
            ("нажали кнопку: 0", "Кто открыл ссылку"),
        ),
    ],
)
async def test_the_report_says_which_presses_it_can_count(conn, buttons, said):
    shop = await make_shop(conn)
    one = await broadcasts.draft(conn, shop.id, shop.owner.id, words="Пироги")
    one = replace(one, state="done", audience=1, buttons=buttons)
    shown = results.shown(one, results.CastReport([0, 0, 1, 0, 0, 0, 0], 0, 0, 0), "ru")[0]
    assert [words for words in ("нажали кнопку: 0", "Кто открыл ссылку") if words in shown] == [*said]
