"""A client without TLS reaches a server that demands it."""

import contextlib
import shutil
import socket
import ssl
import struct
import subprocess

import psycopg
import pytest

from dev import postgres, servers
from lib import errors
from ops.neon import bridge, connect, tools


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def test_the_login_that_is_bound_to_a_channel_is_taken_out_of_the_offer():
    offer = struct.pack("!I", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
    assert bridge.without_binding(b"R", offer) == message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"R", struct.pack("!I", 0)),
        (b"R", struct.pack("!I", 5) + b"salt"),
        (b"E", b"SFATAL\0Mno SCRAM-SHA-256-PLUS\0\0"),
    ],
)
def test_other_first_messages_are_relayed_as_they_are(kind, body):
    assert bridge.without_binding(kind, body) == message(kind, body)


@pytest.mark.parametrize(
    ("mode", "hostname", "verified"),
    [
        ("require", False, ssl.CERT_NONE),
        ("verify-ca", False, ssl.CERT_REQUIRED),
        ("verify-full", True, ssl.CERT_REQUIRED),
    ],
)
def test_a_server_is_verified_as_libpq_would(mode, hostname, verified):
    context = bridge.context_of({"sslmode": mode})
    assert (context.check_hostname, context.verify_mode) == (hostname, verified)


@pytest.fixture(scope="module")
def demanding(tmp_path_factory):
    """Run a server that lets nobody in without TLS and a password, and return its address."""
    if shutil.which("openssl") is None or servers.lacking(17):
        pytest.skip("no openssl, or no Postgres 17 with TLS here")
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*new, "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with servers.run(17, listen_addresses="127.0.0.1", port=str(port)) as data:
        where = f"host={data.parent} port={port} user=postgres dbname=postgres"
        for name in ("key", "cert"):
            shutil.copy(folder / name, data / name)
            (data / name).chmod(0o600)
            if user := postgres.system_user():
                shutil.chown(data / name, user)
        (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        with psycopg.connect(where, autocommit=True) as conn:
            conn.execute("create role mover login superuser password 's3cret'")
            conn.execute("create table precious as select n from generate_series(1, 5000) n")
            for name, value in (("ssl_cert_file", "cert"), ("ssl_key_file", "key"), ("ssl", "on")):
                conn.execute(f"alter system set {name} = '{value}'")
            conn.execute("select pg_reload_conf()")
        address = (
            f"postgresql://mover:s3cret@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={folder / 'cert'}"
        )
        yield address + "&channel_binding=require"


@pytest.fixture
def plain_client():
    found = [client for client in tools.available() if not client.tls and client.major >= 17]
    if not found:
        pytest.skip("no client without TLS here")
    return found[0]


@pytest.mark.long
async def test_a_client_without_tls_dumps_over_it(demanding, plain_client, tmp_path):
    dump = ["-Fd", "-j2", "-f", str(tmp_path / "dump")]
    code, said = await tools.run([plain_client.program("pg_dump"), *dump], url=demanding)
    assert code == 1
    assert "sslmode value" in said
    code, said = await tools.reach(plain_client, [plain_client.program("pg_dump"), *dump], demanding)
    assert (code, said) == (0, "")
    assert (tmp_path / "dump" / "toc.dat").exists()


@pytest.mark.long
async def test_a_server_that_another_vouches_for_is_not_spoken_to(demanding, plain_client):
    other = demanding.split("?")[0] + "?sslmode=verify-full"
    code, said = await tools.reach(plain_client, [plain_client.program("pg_dump"), "-s"], other)
    assert code == 1
    assert "connection" in said


@pytest.mark.long
async def test_our_own_connection_is_verified_too(demanding):
    async with connect.pinned(demanding) as conn:
        row = await (await conn.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).fetchone()
    assert row == (True,)
    with pytest.raises(errors.Unavailable):
        async with connect.pinned(demanding.replace("s3cret", "wrong")):
            pass
