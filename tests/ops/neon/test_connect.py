"""What is shown of an address, which addresses are refused, and what a connection pins."""

import os
import shutil

import pytest

from dev import postgres
from lib import errors
from ops.neon import connect

NEON = "postgresql://owner:s3cret@ep-cool-1.eu-central-1.aws.neon.tech/shop?sslmode=require&channel_binding=require"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (NEON, "owner@***.neon.tech/shop"),
        ("postgresql://avnadmin:p@pg-1.aivencloud.com:12691/defaultdb", "avnadmin@***.aivencloud.com/defaultdb"),
        ("postgresql://postgres:p@db.abc.supabase.co:5432/postgres", "postgres@***.supabase.co/postgres"),
        ("postgresql://me:p@db.our-company.example/shop", "me@***/shop"),
        ("postgresql://me:p@10.1.2.3/shop", "me@***/shop"),
        ("postgresql://me:p@[2001:db8::1]/shop", "me@***/shop"),
        ("postgresql://me@/shop?host=/tmp/socket", "me@local/shop"),
        ("host=localhost user=me password=p dbname=shop", "me@local/shop"),
    ],
)
def test_an_address_is_shown_without_password_and_host(url, shown):
    assert connect.mask(url) == shown


def test_what_a_server_says_is_scrubbed_of_hosts_and_passwords():
    said = (
        'connection to server at "ep-cool-1.eu-central-1.aws.neon.tech" (3.7.1.9), port 5432 failed:\n'
        ' FATAL:  password authentication failed for user "owner" with s3cret'
    )
    shown = connect.scrub(said, NEON)
    assert "neon.tech" not in shown
    assert "3.7.1.9" not in shown
    assert "s3cret" not in shown
    assert 'password authentication failed for user "owner"' in shown
    assert "\n" not in shown


def test_an_address_in_other_letters_is_scrubbed_too():
    assert "10.9.8.7" not in connect.scrub('connection to server at "10.9.8.7", port 5432 failed', NEON)
    assert connect.scrub('could not translate host name "ep-x.neon.tech" to address', NEON).count("ep-x") == 0


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://o:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/shop",
        "postgresql://postgres.abc:p@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        "postgresql://o:p@db.example.com:6543/shop",
    ],
)
def test_a_pooler_is_refused_by_its_address(url):
    with pytest.raises(errors.Misconfigured, match="is a pooler") as refused:
        connect.refuse_pooler(url)
    assert ":p@" not in str(refused.value)


@pytest.mark.parametrize(
    "url", [NEON, "postgresql://postgres.abc:p@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"]
)
def test_a_direct_host_and_a_session_each_are_taken(url):
    connect.refuse_pooler(url)


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@[broken/db", "shop"])
def test_an_unreadable_address_is_not_quoted(url):
    with pytest.raises(errors.Misconfigured) as refused:
        connect.read(url)
    assert "hunter2" not in str(refused.value)


def test_programs_get_an_address_by_the_environment():
    env = connect.environment(NEON)
    assert env["PGPASSWORD"] == "s3cret"
    assert env["PGHOST"] == "ep-cool-1.eu-central-1.aws.neon.tech"
    assert env["PGSSLMODE"] == "require"
    assert env["PGDATABASE"] == "shop"


async def test_a_connection_pins_what_the_database_has_set_otherwise(empty_database):
    async with empty_database.connect() as conn:
        await conn.execute(
            "do $$ begin execute format('alter database %I set timezone = %L', current_database(), 'Europe/Berlin');"
            " execute format('alter database %I set statement_timeout = %L', current_database(), '1ms'); end $$"
        )
    async with connect.pinned(empty_database.url) as conn:
        shown = await conn.execute("select current_setting('TimeZone'), current_setting('statement_timeout')")
        assert await shown.fetchone() == ("UTC", "0")


async def test_a_dead_address_is_one_masked_line():
    with pytest.raises(errors.Unavailable) as refused:
        async with connect.pinned("postgresql://me:hunter2@127.0.0.1:1/shop"):
            pass
    assert "hunter2" not in str(refused.value)
    assert "127.0.0.1" not in str(refused.value)
    assert "Connection refused" in str(refused.value)


async def test_what_the_server_refuses_keeps_its_words(empty_database):
    async with connect.pinned(empty_database.url) as conn:
        with pytest.raises(errors.Rejected, match="division by zero"), connect.translated(empty_database.url):
            await conn.execute("select 1/0")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is None, reason="no pgbouncer here")
async def test_a_pooler_under_a_direct_name_is_found_out(server):
    from tests import test_pgbouncer

    with test_pgbouncer._running(server, 2) as port, pytest.raises(errors.Misconfigured, match="a pooler answers"):
        async with connect.pinned(f"postgresql://postgres@127.0.0.1:{port}/postgres"):
            pass
    async with connect.pinned(postgres.url(server)) as conn:
        assert conn.info.backend_pid
    assert os.environ.get("PGPASSWORD") is None
