"""Conversations with a shop: one line an update, one answer a question, and who answers."""

from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation

from lib import db, errors
from lib.assistant import settings, talks
from lib.assistant.talks import AnswerUse, ReadyAnswer
from lib.jobs import table
from lib.loyalty import staff
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.people import users
from tests.factories import LEASE, make_user, refused
from tests.loyalty_lab import NOW, make_shop

HOUR = timedelta(hours=1)
USE = AnswerUse("m", 1200, 80, 1024, 450)


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


@pytest.fixture
async def anna(conn):
    return await make_user(conn)


async def hear(conn, shop, user, words="Есть латте?", once="1", at=NOW, **options):
    return await talks.hear(conn, shop.id, user.id, words, once=once, at=at, **options)


async def said(conn, shop, talk_id):
    return [(one.role, one.words) for one in await talks.lines(conn, shop.id, talk_id)]


async def begin(conn, shop, heard, run_no=None):
    return await talks.begin_answer(conn, shop.id, heard.talk_id, run_no or heard.run_no, at=NOW, most=AnswerUse("m"))


async def answered(conn, shop, heard, words="Да", **options):
    return await talks.answer(conn, shop.id, heard.talk_id, heard.run_no, words, at=NOW, **options)


async def test_an_update_that_comes_twice_is_one_line_and_one_question(conn, shop, anna):
    first, again = await hear(conn, shop, anna), await hear(conn, shop, anna)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.talk_id, again.line_id, again.run_no) == (first.talk_id, first.line_id, first.run_no)
    assert await said(conn, shop, first.talk_id) == [("client", "Есть латте?")]


async def test_a_question_queues_one_job_that_holds_no_words(conn, shop, anna):
    for once in ("1", "1", "2"):
        heard = await hear(conn, shop, anna, once=once, queue={"language": "ru"})
    jobs = await table.fetch_next_queued_job(conn, [talks.ANSWER], LEASE, 10)
    assert [job.key for job in jobs] == [f"answer:{heard.talk_id}:{number}" for number in (1, 2)]
    ids = {"partner_id": shop.id, "talk_id": heard.talk_id, "run_no": 2, "line_id": heard.line_id}
    assert (jobs[1].args, jobs[1].user_id) == (ids | {"language": "ru"}, anna.id)


async def test_a_closed_shop_hears_nothing_and_no_words_are_no_line(conn, shop, anna):
    async with refused(conn, errors.Invalid, "words_empty"):
        await hear(conn, shop, anna, " \n")
    await conn.execute("update partners set status = 'blocked', reason = 'x' where id = %s", (shop.id,))
    assert await hear(conn, shop, anna) is None
    assert await talks.open_of(conn, shop.id, anna.id) is None


async def test_a_talk_is_of_one_person_with_one_shop_and_a_test_is_apart(conn, shop, anna):
    other, boris = await make_shop(conn), await make_user(conn)
    heard = [
        await hear(conn, shop, anna),
        await hear(conn, other, anna),
        await hear(conn, shop, boris),
        await hear(conn, shop, anna, is_test=True),
    ]
    assert len({one.talk_id for one in heard}) == 4
    with_other = talks.SQL.list_lines.within(db.Scope(tenant=other.id))
    page = {"partner_id": shop.id, "talk_id": heard[0].talk_id, "before": None, "after": None, "limit": 5}
    assert await with_other.all(conn, dict, **page) == []
    async with refused(conn, errors.Missing, "no_talk"):
        await talks.get(conn, other.id, heard[0].talk_id)


async def test_an_answer_is_begun_once_and_ends_once(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    line = await begin(conn, shop, heard)
    assert (await begin(conn, shop, heard)).id == line.id
    assert await said(conn, shop, heard.talk_id) == [("client", "Есть латте?")]
    assert await talks.end_answer(conn, shop.id, line.id, "Да", use=USE)
    assert not await talks.end_answer(conn, shop.id, line.id, "Нет", use=USE)
    await talks.note_message(conn, shop.id, line.id, 77)
    again = await begin(conn, shop, heard)
    assert (again.id, again.status, again.words, again.message_id) == (line.id, "complete", "Да", 77)
    assert await said(conn, shop, heard.talk_id) == [("client", "Есть латте?"), ("bot", "Да")]


async def test_what_is_asked_meanwhile_makes_an_answer_late(conn, shop, anna):
    first = await hear(conn, shop, anna)
    line = await begin(conn, shop, first)
    second = await hear(conn, shop, anna, "И чай?", once="2")
    assert not await talks.end_answer(conn, shop.id, line.id, "Да", use=USE)
    assert await begin(conn, shop, first) is None
    assert await answered(conn, shop, first) is None
    assert await talks.end_answer(conn, shop.id, line.id, "", use=USE, status="dropped")
    assert await answered(conn, shop, second, "И то и другое")
    assert await answered(conn, shop, second, "Дважды") is None
    assert await said(conn, shop, first.talk_id) == [
        ("client", "Есть латте?"),
        ("client", "И чай?"),
        ("bot", "И то и другое"),
    ]


async def test_the_last_lines_come_oldest_first_and_before_a_line(conn, shop, anna):
    for number in range(25):
        heard = await hear(conn, shop, anna, str(number), once=str(number))
    last = await talks.lines(conn, shop.id, heard.talk_id)
    assert [one.words for one in last] == [str(number) for number in range(5, 25)]
    rest = await talks.lines(conn, shop.id, heard.talk_id, before=last[0].id)
    assert [one.words for one in rest] == [str(number) for number in range(5)]


async def test_words_begin_another_talk_after_it_was_closed(conn, shop, anna):
    first = await hear(conn, shop, anna)
    assert await talks.close(conn, shop.id, anna.id, at=NOW)
    assert not await talks.close(conn, shop.id, anna.id, at=NOW)
    assert await answered(conn, shop, first) is None
    second = await hear(conn, shop, anna, once="2")
    assert second.talk_id != first.talk_id
    assert await said(conn, shop, second.talk_id) == [("client", "Есть латте?")]


async def test_while_a_person_answers_nothing_is_asked_of_the_assistant(conn, shop, anna):
    first = await hear(conn, shop, anna)
    assert await talks.hand_over(conn, shop.id, first.talk_id, at=NOW)
    assert not await talks.hand_over(conn, shop.id, first.talk_id, at=NOW)
    assert await answered(conn, shop, first) is None
    later = await hear(conn, shop, anna, "Вы тут?", once="2", at=NOW + HOUR, queue={})
    assert (later.talk_id, later.state) == (first.talk_id, "person")
    assert await table.fetch_next_queued_job(conn, [talks.ANSWER], LEASE, 10) == []
    assert [one.id for one in await talks.with_people(conn, shop.id, at=NOW + HOUR)] == [first.talk_id]


async def test_an_answer_that_was_begun_before_a_person_came_is_not_sent(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    line = await begin(conn, shop, heard)
    assert await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    assert not await talks.end_answer(conn, shop.id, line.id, "Да", use=USE, status="complete", missed=False)
    assert await talks.end_answer(conn, shop.id, line.id, "", use=USE, status="dropped", missed=False)
    assert await said(conn, shop, heard.talk_id) == [("client", "Есть латте?")]


async def test_the_first_of_the_staff_to_take_a_talk_answers_it(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    assert not await talks.take(conn, shop.id, heard.talk_id, shop.cashier.id, at=NOW), "nobody asked for them"
    await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    assert not await talks.take(conn, shop.id, heard.talk_id, anna.id, at=NOW), "a stranger"
    assert await talks.take(conn, shop.id, heard.talk_id, shop.cashier.id, at=NOW)
    assert not await talks.take(conn, shop.id, heard.talk_id, shop.owner.id, at=NOW)
    assert await talks.reply(conn, shop.id, heard.talk_id, shop.owner.id, "Я", once="o", at=NOW) is None
    for _ in range(2):
        await talks.reply(conn, shop.id, heard.talk_id, shop.cashier.id, "Да, есть", once="p", at=NOW)
    assert await said(conn, shop, heard.talk_id) == [("client", "Есть латте?"), ("staff", "Да, есть")]
    await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    assert await talks.reply(conn, shop.id, heard.talk_id, shop.cashier.id, "Ещё", once="q", at=NOW) is None


async def test_a_person_has_two_hours_from_their_last_words_and_then_another_talk_begins(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    await talks.take(conn, shop.id, heard.talk_id, shop.owner.id, at=NOW)
    await talks.reply(conn, shop.id, heard.talk_id, shop.owner.id, "Да", once="p", at=NOW + HOUR)
    still = await hear(conn, shop, anna, once="2", at=NOW + 2.9 * HOUR)
    assert (still.talk_id, still.state, still.taken_by) == (heard.talk_id, "person", shop.owner.id)
    after = await hear(conn, shop, anna, once="3", at=NOW + 3 * HOUR)
    assert (after.talk_id == heard.talk_id, after.state) == (False, "bot")


async def test_a_talk_that_was_handed_back_is_over(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    assert not await talks.hand_back(conn, shop.id, heard.talk_id, at=NOW)
    await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    assert await talks.hand_back(conn, shop.id, heard.talk_id, at=NOW)
    assert not await talks.hand_back(conn, shop.id, heard.talk_id, at=NOW)
    assert await talks.with_people(conn, shop.id, at=NOW) == []
    assert (await hear(conn, shop, anna, once="2")).state == "bot"


async def test_talks_that_wait_come_in_pages(conn, shop):
    waiting = []
    for minute in range(3):
        heard = await hear(conn, shop, await make_user(conn))
        await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW + timedelta(minutes=minute))
        waiting.append(heard.talk_id)
    first = await talks.with_people(conn, shop.id, at=NOW, limit=2)
    last = first[-1]
    rest = await talks.with_people(conn, shop.id, at=NOW, after=(last.person_until, last.id), limit=2)
    assert [one.id for one in (*first, *rest)] == waiting


async def test_answers_that_found_nothing_or_were_not_liked_are_counted_in_a_row(conn, shop, anna):
    for number, missed in enumerate((True, False, True, False)):
        heard = await hear(conn, shop, anna, once=str(number))
        await answered(conn, shop, heard, missed=missed)
    last = (heard.talk_id, heard.run_no)
    assert await talks.misses(conn, shop.id, heard.talk_id) == 0
    assert await talks.rate(conn, shop.id, anna.id, *last, -1)
    assert await talks.misses(conn, shop.id, heard.talk_id) == 2
    assert not await talks.rate(conn, shop.id, shop.owner.id, *last, 1), "somebody else's"
    assert not await talks.rate(conn, shop.id, anna.id, heard.talk_id, heard.run_no + 1, 1), "no answer"
    await talks.rate(conn, shop.id, anna.id, *last, 1)
    assert await talks.misses(conn, shop.id, heard.talk_id) == 0


async def test_a_summary_only_goes_forward(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    assert await talks.summarise(conn, shop.id, heard.talk_id, "Хочет кофе", upto=heard.line_id)
    assert not await talks.summarise(conn, shop.id, heard.talk_id, "Старое", upto=heard.line_id)
    assert (await talks.get(conn, shop.id, heard.talk_id)).summary == "Хочет кофе"


@pytest.mark.parametrize("change", ["tokens_in = 1, cached = 2", "cost_micro = -1", "thumb = 2", "role = 'staff'"])
async def test_a_line_holds_nothing_that_cannot_be(conn, shop, anna, change):
    await answered(conn, shop, await hear(conn, shop, anna))
    async with refused(conn, CheckViolation):
        await conn.execute(f"update talk_lines set {change} where role = 'bot' and partner_id = {shop.id}")


async def test_a_note_of_what_happened_is_written_once(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    news = [await talks.note(conn, shop.id, heard.talk_id, "Позвали человека", once="h", at=NOW) for _ in range(2)]
    assert news == [True, False]


async def test_what_was_said_is_forgotten_after_90_days(conn, shop, anna):
    await hear(conn, shop, await make_user(conn))
    heard = await hear(conn, shop, anna)
    await talks.summarise(conn, shop.id, heard.talk_id, "Хочет кофе", upto=heard.line_id)
    await hear(conn, shop, anna, "Снова я", once="2", at=NOW + talks.KEPT)
    assert await talks.forget_old(conn, NOW + talks.KEPT) == 0
    assert await talks.forget_old(conn, NOW + talks.KEPT + HOUR) == 3
    assert await said(conn, shop, heard.talk_id) == [("client", "Снова я")]
    assert (await talks.get(conn, shop.id, heard.talk_id)).summary == ""


async def test_the_export_holds_a_clients_talks_and_what_the_staff_wrote(conn, shop, anna):
    heard = await hear(conn, shop, anna)
    await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    await talks.take(conn, shop.id, heard.talk_id, shop.owner.id, at=NOW)
    await talks.reply(conn, shop.id, heard.talk_id, shop.owner.id, "Да", once="p", at=NOW)
    [mine] = (await users.export(conn, anna.id))["loyalty"]["talks"]
    assert [(one["by"], one["words"]) for one in mine["lines"]] == [("client", "Есть латте?"), ("staff", "Да")]
    [work] = (await users.export(conn, shop.owner.id))["loyalty"]["work"]
    assert [one["words"] for one in work["answers"]] == ["Да"]


async def test_talks_go_with_the_client_and_with_the_shops_owner(conn, shop, anna):
    other = await make_shop(conn)
    for place in (shop, other):
        await hear(conn, place, anna)
    kept = await hear(conn, other, await make_user(conn))
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    await users.erase(conn, anna.id, anna.tg_id)
    cursor = await conn.execute("select talk_id from talk_lines where partner_id in (%s, %s)", (shop.id, other.id))
    assert await cursor.fetchall() == [(kept.talk_id,)]
    async with refused(conn, errors.Gone):
        await hear(conn, other, anna)


async def test_a_spent_budget_halts_the_model_and_not_the_answer(conn, shop, anna):
    for number, limits, halt in ((1, (1, 9), ""), (2, (1, 9), "client"), (3, (2, 1), "shop"), (4, (2, 9), "")):
        heard = await hear(conn, shop, anna, once=str(number))
        most, given = AnswerUse("m"), dict(zip(("client", "shop"), limits, strict=True))
        ids = (conn, shop.id, heard.talk_id, heard.run_no)
        line = await talks.begin_answer(*ids, at=NOW, most=most, limits=given)
        assert line.halt == halt, number
        assert (await talks.begin_answer(*ids, at=NOW, most=most, limits=given)).id == line.id
    assert (await talks.begin_answer(*ids, at=NOW + timedelta(days=1), most=most, limits=given)).halt == ""


async def test_a_broken_answer_and_a_test_count_in_no_budget(conn, shop, anna):
    limits = {"client": 1, "shop": 1}
    for number, is_test in enumerate((True, False, False)):
        heard = await hear(conn, shop, anna, once=str(number), is_test=is_test)
        ids = (conn, shop.id, heard.talk_id, heard.run_no)
        line = await talks.begin_answer(*ids, at=NOW, most=AnswerUse("m"), limits=limits)
        assert line.halt == ""
        if not is_test:
            await talks.end_answer(conn, shop.id, line.id, "Половина", use=USE, status="broken")


async def test_a_shop_that_has_switched_its_assistant_off_asks_no_model(conn, shop, anna):
    await settings.change(conn, shop.id, shop.owner.id, is_on=False)
    assert not (await hear(conn, shop, anna, queue={})).asked
    assert await table.fetch_next_queued_job(conn, [talks.ANSWER], LEASE, 10) == []
    await settings.change(conn, shop.id, shop.owner.id, is_on=True)
    assert (await hear(conn, shop, anna, once="2", queue={})).asked


async def test_an_answer_that_was_ready_comes_with_its_question_once(conn, shop, anna):
    facts = (await hear(conn, shop, anna, once="0")).facts
    ready = ReadyAnswer(facts, "Латте — 250 ₽", missed=False)
    for once in ("1", "1"):
        heard = await hear(conn, shop, anna, once=once, ready=ready)
    assert heard.misses is None, "it came before"
    assert (await said(conn, shop, heard.talk_id))[1:] == [("client", "Есть латте?"), ("bot", "Латте — 250 ₽")]
    assert not await answered(conn, shop, heard)
    other = await make_user(conn)
    missed = ReadyAnswer(facts, "Не нашёл", missed=True)
    assert [(await hear(conn, shop, other, once=one, ready=missed)).misses for one in "123"] == [1, 2, 3]
    assert (await hear(conn, shop, other, once="4", ready=ready)).misses == 0


@pytest.mark.parametrize("change", ["title", "hours", "menu", "person"])
async def test_a_ready_answer_counts_only_while_the_shop_is_what_it_was_and_the_assistant_answers(
    conn, shop, anna, change
):
    heard = await hear(conn, shop, anna, once="0")
    if change == "title":
        await conn.execute("update partners set title = 'Пекарня' where id = %s", (shop.id,))
    elif change == "hours":
        await conn.execute("""update partners set hours = '{"week": [[], [], [], [], [], [], []]}'""")
    elif change == "menu":
        await versions.publish(conn, shop.id, shop.owner.id, (MenuItem("1", "", "Латте", (Variant("", 100),)),), seen=0)
    else:
        await talks.hand_over(conn, shop.id, heard.talk_id, at=NOW)
    again = await hear(conn, shop, anna, once="1", ready=ReadyAnswer(heard.facts, "Латте — 250 ₽", missed=False))
    assert again.misses is None
    assert [role for role, _ in await said(conn, shop, again.talk_id)] == ["client", "client"]
    assert (again.facts == heard.facts) == (change == "person")
