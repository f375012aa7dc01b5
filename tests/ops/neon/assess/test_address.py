"""Whose database it is, and what of its address may be shown."""

import pytest

from lib import errors
from ops.neon.assess import address

SECRET = "hunter2-pa55"


@pytest.mark.parametrize(
    ("host", "provider", "pooled"),
    [
        ("ep-cool-frog-123.eu-central-1.aws.neon.tech", "neon", False),
        ("ep-cool-frog-123-pooler.eu-central-1.aws.neon.tech", "neon", True),
        ("EP-COOL-FROG-123.EU-CENTRAL-1.AWS.NEON.TECH", "neon", False),
        ("db.abcdefgh.supabase.co", "supabase", False),
        ("aws-0-eu-central-1.pooler.supabase.com", "supabase", True),
        ("pg-1a2b3c-acme.aivencloud.com", "aiven", False),
        ("shop.abc123.eu-central-1.rds.amazonaws.com", "rds", False),
        ("shop.proxy-abc123.eu-central-1.rds.amazonaws.com", "rds", True),
        ("db.acme.example", None, False),
        ("neon.tech.acme.example", None, False),
        ("127.0.0.1", None, False),
    ],
)
def test_a_provider_is_known_by_its_host(host, provider, pooled):
    found = address.read(f"postgresql://owner:{SECRET}@{host}/shop")
    assert (found.provider, found.pooled) == (provider, pooled)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://owner:{SECRET}@db.acme.example:6000/shop?sslmode=require",
        f"postgres://owner:{SECRET}@db.acme.example/shop",
        f"host=db.acme.example user=owner password={SECRET} dbname=shop",
        f"postgresql://owner:{SECRET}@ep-cool-frog-123.eu-central-1.aws.neon.tech/shop",
    ],
)
def test_nothing_shows_the_password_or_the_host(url):
    found = address.read(url)
    for shown in (found.name, repr(found), str(found)):
        assert SECRET not in shown
        assert "acme" not in shown
        assert "cool-frog" not in shown


def test_a_message_is_scrubbed_and_put_on_one_line():
    found = address.read(f"postgresql://owner:{SECRET}@db.acme.example/shop")
    said = found.scrub(f'connection to server at "db.acme.example" (10.1.2.3), port 5432\n\tfailed for {SECRET}')
    assert said == "connection to server at *** failed for ***"


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://owner:hunter2-pa55@[::1/shop", "mysql:hunter2-pa55"])
def test_an_address_that_cannot_be_read_is_not_quoted(url):
    with pytest.raises(errors.Misconfigured) as raised:
        address.read(url)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "is_socket", "is_near"),
    [
        ("postgresql:///shop", "", 5432, True, True),
        ("postgresql:///shop?host=/run/postgresql", "/run/postgresql", 5432, True, True),
        ("postgresql://127.0.0.1:6000/shop", "127.0.0.1", 6000, False, True),
        ("postgresql://localhost/shop", "localhost", 5432, False, True),
        ("postgresql://one.example,two.example:5433/shop", "one.example", 5432, False, False),
        ("host=db.acme.example hostaddr=10.1.2.3 dbname=shop", "10.1.2.3", 5432, False, False),
    ],
)
def test_the_way_to_it_is_told(url, host, port, is_socket, is_near):
    found = address.read(url)
    assert (found.host, found.port, found.is_socket, found.is_near) == (host, port, is_socket, is_near)


def test_channel_binding_is_left_out_near_and_kept_far():
    near = address.read("postgresql://127.0.0.1/shop?channel_binding=require").conninfo()
    far = address.read("postgresql://db.acme.example/shop?channel_binding=require").conninfo()
    assert "channel_binding" not in near
    assert "channel_binding=require" in far


def test_a_connect_gives_up_after_ten_seconds_unless_the_address_says_otherwise():
    assert "connect_timeout=10" in address.read("postgresql://db.acme.example/shop").conninfo()
    assert "connect_timeout=3" in address.read("postgresql://db.acme.example/shop?connect_timeout=3").conninfo()


def test_more_parameters_win():
    said = address.read("postgresql://db.acme.example/shop?application_name=theirs").conninfo(application_name="ours")
    assert "application_name=ours" in said
