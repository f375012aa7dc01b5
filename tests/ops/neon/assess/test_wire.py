"""TCP and TLS apart from Postgres, against small servers that speak just the first byte."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess

import pytest

from ops.neon.assess import address, wire


@contextlib.asynccontextmanager
async def serving(answer, context=None):
    """Run a server that answers the question for TLS, and yields its address."""

    async def greet(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await reader.readexactly(8)
            writer.write(answer)
            if context:
                await writer.start_tls(context)
                await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield address.read(f"postgresql://owner:hunter2@127.0.0.1:{port}/shop")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate that nobody trusts."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    folder = tmp_path_factory.mktemp("certificate")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=localhost", "-keyout", folder / "key", "-out", folder / "cert"]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


async def test_a_server_without_tls_says_so():
    async with serving(b"N") as found:
        measured = await wire.measure(found)
    assert measured.tls is None
    assert measured.tcp_ms > 0
    assert measured.problem is None


async def test_a_certificate_that_nobody_trusts_is_told_and_the_handshake_measured(certificate):
    async with serving(b"S", certificate) as found:
        measured = await wire.measure(found)
    assert measured.tls == "TLSv1.3"
    assert measured.tls_ms > 0
    assert measured.cipher
    assert measured.certificate not in (None, "", "trusted")


async def test_a_server_that_hangs_up_has_no_tls():
    async with serving(b"") as found:
        measured = await wire.measure(found)
    assert measured.tls is None
    assert measured.problem is None


async def test_a_port_where_nobody_listens_is_a_problem_and_no_error():
    measured = await wire.measure(address.read("postgresql://bob:hunter2@127.0.0.1:1/shop"))
    assert "refused" in measured.problem.lower() or "connect" in measured.problem.lower()
    assert "hunter2" not in measured.problem


async def test_a_name_that_nobody_knows_is_a_problem():
    measured = await wire.measure(address.read("postgresql://bob@no-such-host.invalid/shop"))
    assert measured.problem
    assert "no-such-host" not in measured.problem


async def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(wire, "SECONDS", 0.05)

    async def wait(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        measured = await wire.measure(address.read(f"postgresql://127.0.0.1:{port}/shop"))
    assert measured.problem == "no answer within 0 s"


async def test_a_socket_has_no_road():
    assert await wire.measure(address.read("postgresql:///shop?host=/run/postgresql")) == wire.Wire("socket")
