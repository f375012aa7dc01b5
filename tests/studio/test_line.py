"""Whose order waits in line reads how far it is."""

from lib import text
from lib.studio import line
from tests import factories


async def test_orders_in_line_are_told_with_their_place_once_they_have_waited(conn, make_user, make_job):
    alice = await make_user(credits=20)
    running = await factories.make_running(conn, alice, price=1)
    waiting = [await make_job(alice, price=1, task=task) for task in ("card", "card", "video")]
    fresh = await make_job(alice, price=1)
    old = [running.id, *(job.id for job in waiting)]
    await conn.execute("update jobs set created_at = now() - interval '95 s' where id = any(%s)", (old,))
    told = [one for one in await line.list_waiting(conn) if one.id in {*old, fresh.id}]
    assert [(one.id, one.position) for one in told] == [(waiting[0].id, 1), (waiting[1].id, 2), (waiting[2].id, 1)]
    assert all(95 <= one.waited < 120 for one in told)


def test_95_seconds_are_95_seconds():
    assert text.span("ru", 95) == "95 секунд"
    assert text.span("en", 61.4) == "61 seconds"
    assert text.span("ru", 130) == "2 минуты"
