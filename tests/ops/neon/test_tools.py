"""Which client is chosen, and how it is run."""

from pathlib import Path

import pytest

from lib import errors
from ops.neon import tools
from ops.neon.tools import Client

HERE = "postgresql://me@/shop?host=/tmp"
THERE = "postgresql://me:p@ep-1.eu.aws.neon.tech/shop?sslmode=require"
HAVE = (Client(Path("/a"), 17, True), Client(Path("/b"), 18, False), Client(Path("/c"), 15, True))


@pytest.fixture
def have(monkeypatch):
    monkeypatch.setattr(tools, "available", lambda: HAVE)


@pytest.mark.usefixtures("have")
@pytest.mark.parametrize(
    ("url", "at_least", "folder"), [(HERE, 15, "/c"), (HERE, 16, "/a"), (HERE, 18, "/b"), (THERE, 17, "/a")]
)
def test_the_oldest_client_that_is_new_enough_is_chosen(url, at_least, folder):
    assert str(tools.choose(url, at_least=at_least).folder) == folder


@pytest.mark.usefixtures("have")
def test_a_client_without_tls_is_taken_only_where_no_other_is_new_enough():
    assert str(tools.choose(THERE, at_least=18).folder) == "/b"
    assert str(tools.choose(THERE, at_least=16).folder) == "/a"


@pytest.mark.usefixtures("have")
def test_what_to_install_is_said_where_no_client_is_new_enough():
    with pytest.raises(errors.Misconfigured, match=r"no pg_dump 19 or newer is here \(found: 17, 18, 15\); pip"):
        tools.choose(THERE, at_least=19)


def test_this_machine_has_the_packages_clients():
    assert {17} <= {client.major for client in tools.available() if client.tls}


async def test_a_program_is_run_and_heard():
    heard = []
    client = tools.choose(HERE, at_least=17)
    code, said = await tools.run([client.program("pg_restore"), "-l", "/nowhere"], listen=heard.append)
    assert code == 1
    assert "could not open input file" in said or "No such file" in said
    assert heard == said.splitlines()


async def test_a_password_is_not_on_the_command_line():
    code, said = await tools.run(["/bin/sh", "-c", 'echo "$PGPASSWORD@$PGHOST" >&2; exit 3'], url=THERE)
    assert (code, said) == (3, "p@ep-1.eu.aws.neon.tech")
