"""The story of one thing: whole, in order, and without a word of anybody's."""

import pytest

from lib import errors
from lib.credits import ledger
from lib.jobs import table
from lib.loyalty import points
from lib.office import trace
from tests import factories
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import NOW, make_member, make_shop, new_key


async def told(conn, kind, of):
    return [(event.what, event.facts) for event in await trace.story(conn, kind, str(of))]


async def test_an_order_is_told_from_its_charge_to_its_refund(conn, make_user):
    alice = await make_user(credits=5)
    job = running = await factories.make_running(conn, alice, price=2)
    await factories.begin_call(conn, running)
    await table.update_job_status(conn, running, "failed", error_code="unavailable", error="KIE said 'Кружка'")
    story = await told(conn, "order", job.id)
    assert {what for what, _ in story} == {"ordered", "credits", "asked", "ended", "followed"}
    kinds = [facts["kind"] for what, facts in story if what == "credits"]
    assert kinds == ["charge", "refund"]
    assert dict(story)["ended"] == {"task": "card", "state": "failed", "code": "unavailable", "attempts": 1}
    assert dict(story)["asked"]["provider"] == "kie"
    assert "Кружка" not in str(story)


async def test_an_order_is_told_with_what_made_it_once_more_and_what_went_back(conn, make_user):
    alice = await make_user(credits=5)
    batch = await factories.make_running(conn, alice, price=2)
    await table.update_job_status(conn, batch, "done")
    await factories.make_job(conn, alice, price=0, key=f"redo:{batch.id}", args={"mends": batch.id})
    redo = await table.get_job_by_idempotency_key(conn, f"redo:{batch.id}")
    await ledger.grant(conn, alice.id, 1, key=f"bad:{batch.id}", actor="system", reason="bad")
    story = await told(conn, "order", batch.id)
    assert ("followed", {"task": "card", "state": "queued"}) in story
    assert [facts["kind"] for what, facts in story if what == "credits"] == ["charge", "refund"]
    assert dict(await told(conn, "order", redo.id))["ordered"]["mends"] == batch.id


async def test_an_operation_is_told_with_what_took_it_back(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    receipt = await accrue(conn, shop, anna, 100_000)
    await points.reverse(conn, shop.id, receipt.txn_id, shop.owner.id, reason="Ошибка", key=new_key(), now=NOW)
    story = await told(conn, "operation", receipt.txn_id)
    assert [(what, facts["kind"]) for what, facts in story] == [("moved", "accrue"), ("moved_with", "reverse")]
    assert "Ошибка" not in str(story)


async def test_an_update_that_was_buried_is_known_by_its_bot_and_number(conn):
    await conn.execute(
        "insert into dead_letters (bot, update_id, payload, error, tries)"
        " values ('studio', 71, '{}', 'ValueError: words', 3)"
    )
    assert await told(conn, "update", "studio:71") == [
        ("buried", {"bot": "studio", "reason": "ValueError", "tries": 3})
    ]


async def test_a_person_is_told_over_both_ledgers_and_without_a_name(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, name="Аннушка")
    await accrue(conn, shop, anna, 100_000)
    await factories.grant(conn, anna.user_id, 3)
    story = await told(conn, "person", anna.user_id)
    assert {what for what, _ in story} == {"came", "moved", "credits"}
    assert "Аннушка" not in str(story)


@pytest.mark.parametrize(
    ("kind", "of"),
    [("order", "0"), ("order", "x"), ("order", "studio:1"), ("update", "1"), ("update", "nobody:1"), ("shop", "1")],
)
async def test_what_there_is_no_story_of_is_missing(conn, kind, of):
    with pytest.raises(errors.Missing):
        await trace.story(conn, kind, of)
