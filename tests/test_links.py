"""A link to a stored file opens that file alone, for three days, and only where files lie in a folder of our own."""

import string
from datetime import UTC, datetime, timedelta

import pytest

from lib import config, links

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PATH = "production/card/2026/11/7-0011223344556677.png"
SERVER = {
    "LOTOK_ENV": "production",
    "PUBLIC_URL": "https://bots.example.ru",
    "STORAGE_TYPE": "local",
    "APP_SECRET": "a-secret-of-sixteen",
}


@pytest.fixture(autouse=True)
def server(monkeypatch):
    """Take the settings of a server, or others."""

    def take(**changes):
        monkeypatch.setattr(config, "get", lambda: config.Config(SERVER | changes))

    take()
    return take


def parts(link):
    address, ticket, pathname = link.partition("/files/")[0], *link.partition("/files/")[2].split("/", 1)
    return address, ticket, pathname


def test_a_link_opens_its_file_until_it_is_over():
    address, ticket, pathname = parts(links.make(PATH, NOW))
    assert (address, pathname) == ("https://bots.example.ru", PATH)
    assert links.check(ticket, PATH, NOW) == "open"
    assert links.check(ticket, PATH, NOW + links.LASTS - timedelta(seconds=1)) == "open"
    assert links.check(ticket, PATH, NOW + links.LASTS) == "over"


def test_a_link_says_nothing_about_another_file_or_a_later_moment():
    _, ticket, _ = parts(links.make(PATH, NOW))
    assert links.check(ticket, PATH.replace("7-", "8-"), NOW) == "wrong"
    until, proof = ticket.split("-")
    assert links.check(f"{int(until, 16) + 1:x}-{proof}", PATH, NOW) == "wrong"
    for place, was in enumerate(ticket):
        for other in {*string.hexdigits.lower()} - {was}:
            assert links.check(ticket[:place] + other + ticket[place + 1 :], PATH, NOW) == "wrong"


@pytest.mark.parametrize(
    "ticket", ["", "-", "0", "ffffffff-", f"ffffffff-{'0' * 32}", "x" * 41, f"{'f' * 9}-{'é' * 32}"]
)
def test_what_we_never_made_is_wrong(ticket):
    assert links.check(ticket, PATH, NOW) == "wrong"


def test_another_secret_opens_nothing(server):
    _, ticket, _ = parts(links.make(PATH, NOW))
    server(APP_SECRET="another-secret-of-ours")
    assert links.check(ticket, PATH, NOW) == "wrong"
    server(APP_SECRET="")
    assert links.check(ticket, PATH, NOW) == "wrong"


@pytest.mark.parametrize("changes", [{"STORAGE_TYPE": "blob"}, {"APP_SECRET": ""}, {"LOTOK_ENV": "local"}])
def test_where_nobody_could_open_it_there_is_no_link(server, changes):
    server(**changes)
    assert links.make(PATH, NOW) == ""
