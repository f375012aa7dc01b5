"""Addresses that somebody else names: where `get_public` goes, and where it never does."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dev import serving
from lib import config, errors, fetch

HOSTS = ("aiquickdraw.com",)


@pytest.fixture
async def here():
    routes = [
        Route("/picture", lambda _: Response(b"x" * 1000)),
        Route("/moved", lambda _: RedirectResponse("/picture")),
        Route("/away", lambda _: RedirectResponse("http://169.254.169.254/latest/meta-data/")),
        Route("/round", lambda _: RedirectResponse("/round")),
        Route("/odd", lambda _: Response(status_code=302, headers={"location": "https://[bad/x"})),
        Route("/gone", lambda _: Response(status_code=404)),
    ]
    async with serving.serve(Starlette(routes=routes)) as address:
        yield address
        await fetch.close()


@pytest.fixture
def resolve(monkeypatch):
    """Let names stand for the addresses that a test says."""

    def names(*addresses):
        async def getaddrinfo(host, port, **_):
            return [(0, 0, 0, "", (address, port)) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)

    return names


@pytest.mark.parametrize(
    "url",
    [
        "http://static.aiquickdraw.com/x.png",  # no TLS
        "https://evil.example/x.png",
        "https://aiquickdraw.com.evil.example/x.png",
        "https://notaiquickdraw.com/x.png",
        "https://user:pw@aiquickdraw.com/x.png",
        "https://aiquickdraw.com:8443/x.png",
        "https://127.0.0.1/x.png",
        "https://[::1]/x.png",
        "https://aiquickdraw.com@10.0.0.1/x.png",
        "file:///etc/passwd",
        "//aiquickdraw.com/x",
        "https://[bad/x",
        "https://..aiquickdraw.com/x",
        f"https://{'a' * 64}.aiquickdraw.com/x",
        "",
    ],
)
async def test_an_address_that_is_not_of_the_list_is_refused(url):
    with pytest.raises(errors.Rejected, match="odd_address"):
        await fetch.get_public(url, hosts=HOSTS, limit=1000)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "::127.0.0.1", "::8.8.8.8",
     "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:8.8.8.8",
     "2001:0:5ef5:79fb::1", "ff02::1", "192.88.99.1", "192.0.0.8", "3fff::1"],
)  # fmt: skip
async def test_a_good_name_that_leads_to_a_private_address_is_refused(resolve, address):
    resolve("93.184.216.34", address)
    with pytest.raises(errors.Rejected, match="odd_address"):
        await fetch.get_public("https://static.aiquickdraw.com/x.png", hosts=HOSTS, limit=1000)


async def test_the_connection_goes_to_the_address_that_was_looked_at(resolve):
    resolve("93.184.216.34")
    target, extra = await fetch._trusted("https://static.aiquickdraw.com/a/b.png?c=d", HOSTS)
    assert target == "https://93.184.216.34/a/b.png?c=d"
    assert extra["headers"]["Host"] == extra["extensions"]["sni_hostname"] == "static.aiquickdraw.com"


async def test_a_stand_in_on_this_machine_is_trusted_in_local_only(here, monkeypatch):
    assert len(await fetch.get_public(f"{here}/picture", hosts=(here,), limit=1000)) == 1000
    monkeypatch.setenv("LOTOK_ENV", "production")
    config.get.cache_clear()
    with pytest.raises(errors.Rejected, match="odd_address"):
        await fetch.get_public(f"{here}/picture", hosts=(here,), limit=1000)
    monkeypatch.undo()
    config.get.cache_clear()


async def test_a_redirect_is_followed_only_to_what_would_be_trusted_by_itself(here):
    assert len(await fetch.get_public(f"{here}/moved", hosts=(here,), limit=1000)) == 1000
    for path in ("away", "round", "odd"):
        with pytest.raises(errors.Rejected, match="odd_address"):
            await fetch.get_public(f"{here}/{path}", hosts=(here,), limit=1000)


async def test_a_look_up_that_never_ends_is_given_up(monkeypatch):
    async def getaddrinfo(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    with pytest.raises(errors.Unavailable, match="too long"):
        await fetch.get_public("https://aiquickdraw.com/x", hosts=HOSTS, limit=1, timeout=timedelta(milliseconds=1))


async def test_too_many_bytes_are_not_read(here):
    with pytest.raises(errors.Rejected, match="too_big"):
        await fetch.get_public(f"{here}/picture", hosts=(here,), limit=999)


async def test_what_is_gone_is_rejected(here):
    with pytest.raises(errors.Rejected):
        await fetch.get_public(f"{here}/gone", hosts=(here,), limit=999)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80e::200e"])
def test_an_address_of_the_open_internet_is_public(address):
    assert fetch._is_public(address)


@given(some.ip_addresses())
def test_what_is_taken_for_public_is_global(address):
    if fetch._is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
