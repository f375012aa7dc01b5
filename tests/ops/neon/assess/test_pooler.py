"""What a connection keeps: on the server itself, and through a real PgBouncer in transaction mode."""

import pytest

from lib import db
from ops.neon.assess import address, pooler
from ops.neon.assess.door import Door
from ops.neon.assess.pooler import Behaviour
from tests import test_pgbouncer

needs_pgbouncer = test_pgbouncer.pytestmark


async def test_the_server_itself_keeps_everything(superuser):
    assert await pooler.look(superuser) == Behaviour("direct", True, True, True, True, True)


async def test_a_role_without_room_for_two_cannot_be_tried(stranger):
    kept = [await stranger.connect() for _ in range(2)]
    try:
        assert await pooler.look(stranger) is None
    finally:
        for conn in kept:
            await conn.close()


@needs_pgbouncer
async def test_a_pooler_in_transaction_mode_is_found_out_and_left_clean(server, obstacles):
    with test_pgbouncer._running(server, 3) as port:
        door = Door(address.read(f"postgresql://postgres@127.0.0.1:{port}/obstacles"))
        found = await pooler.look(door)
        async with db.connect(obstacles) as conn:
            locks = await (await conn.execute("select count(*) from pg_locks where locktype = 'advisory'")).fetchone()
        async with door.open() as conn:
            left = await (await conn.execute("select coalesce(current_setting('lotok.assess', true), '')")).fetchone()
    assert found.mode == "transaction pooler"
    assert not found.startup_options
    assert (found.settings, found.listen, found.advisory_locks) == (False, False, False)
    assert locks == (0,)
    assert left == ("",)


@needs_pgbouncer
async def test_a_pooler_in_session_mode_is_a_proxy_that_keeps_everything(server, obstacles):
    with test_pgbouncer._running(server, 3, "session") as port:
        found = await pooler.look(Door(address.read(f"postgresql://postgres@127.0.0.1:{port}/obstacles")))
    assert found.mode == "proxy"
    assert found.lost == []


@pytest.mark.long
@needs_pgbouncer
async def test_a_pooler_with_one_connection_is_one_as_well(server, obstacles, monkeypatch):
    monkeypatch.setattr(pooler, "SECONDS", 0.3)
    with test_pgbouncer._running(server, 1) as port:
        found = await pooler.look(Door(address.read(f"postgresql://postgres@127.0.0.1:{port}/obstacles")))
    assert found.mode == "transaction pooler"


@pytest.mark.parametrize(
    ("behaviour", "lost"),
    [
        (Behaviour("direct", True, True, True, True, True), []),
        (Behaviour("direct", True), []),
        (Behaviour("proxy", True, prepared=False), ["prepared statements"]),
        (
            Behaviour("transaction pooler", False, True, False, False, False),
            ["session settings", "LISTEN", "advisory locks of a session"],
        ),
    ],
)
def test_what_was_not_tried_is_not_called_lost(behaviour, lost):
    assert behaviour.lost == lost
