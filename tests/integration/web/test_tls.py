"""TLS and mutual TLS of a gateway over real sockets, with certificates made here: who is let in,
what is refused and how it is said, and renewal while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
import uvloop

from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.tls import Renewing, SecureDoor, TlsError, load_context, tls_files
from tests.integration.web.client import signed
from tests.integration.web.echo_gateway import DONE, EchoGateway
from tests.integration.web.echo_server import LIMITS
from tests.kit.tls import Authority, Folder, Issued, caller

pytestmark = [
    pytest.mark.asyncio,
    # The fixture below is how a loop is chosen until pytest-asyncio's own way has settled; and a
    # version that is refused here has to be asked for.
    pytest.mark.filterwarnings("ignore:Overriding the", "ignore:ssl.TLSVersion"),
]

OURS, THEIRS, STRANGE = Authority("测试机构"), Authority("测试客户端"), Authority("测试他人")
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that gateways run on: its TLS is its own."""
    return uvloop.EventLoopPolicy()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """With a certificate for this machine, and one authority of senders."""
    folder = Folder(tmp_path)
    folder.put(OURS.issue("127.0.0.1"))
    folder.trust(THEIRS)
    return folder


class Secure:
    """A server that speaks TLS."""

    def __init__(self, port: int, renewing: Renewing, tmp_path: Path) -> None:
        self.port = port
        self.renewing = renewing
        self._folder = tmp_path

    async def ask(
        self, wire: bytes = HEALTH, *, trusted: Authority = OURS, shows: Issued | None = None
    ) -> bytes:
        """What is answered to these bytes on a new connection. Raises ssl.SSLError, OSError."""
        context = caller(trusted, self._folder, shows)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            writer.write(wire)
            return await reader.read()
        finally:
            writer.transport.abort()

    async def is_refused(self, **how: Issued) -> bool:
        """Whether a connection comes to nothing."""
        try:
            return await self.ask(**how) == b""  # type: ignore[arg-type]
        except (ssl.SSLError, ConnectionError):
            return True


@asynccontextmanager
async def serving(folder: Folder, tmp_path: Path, *, mutual: bool) -> AsyncIterator[Secure]:
    """A gateway on these files."""
    gateway, renewing = EchoGateway(), Renewing(folder.files(mutual=mutual))
    web = WebServer(
        gateway, Board(tmp_path, "test"), WebSettings(limits=LIMITS, tls=renewing)
    )
    listener = listen("127.0.0.1", 0, LIMITS)
    port = listener.getsockname()[1]
    await web.start(listener)
    try:
        yield Secure(port, renewing, tmp_path)
    finally:
        gateway.released.set()
        await web.stop(5.0)


@pytest_asyncio.fixture
async def secure(folder: Folder, tmp_path: Path) -> AsyncIterator[Secure]:
    """Anybody may come."""
    async with serving(folder, tmp_path, mutual=False) as server:
        yield server


@pytest_asyncio.fixture
async def mutual(folder: Folder, tmp_path: Path) -> AsyncIterator[Secure]:
    """Only who shows a certificate."""
    async with serving(folder, tmp_path, mutual=True) as server:
        yield server


async def test_signed_message_is_answered_over_tls(secure: Secure) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed().items())
    head = f"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 5\r\n"
    answer = await secure.ask(f"{head}Connection: close\r\n\r\nhello".encode())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(DONE)


async def test_whoever_trusts_another_authority_does_not_speak_to_us(secure: Secure) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await secure.ask(trusted=STRANGE)


async def test_old_versions_are_not_spoken(secure: Secure, tmp_path: Path) -> None:
    context = caller(OURS, tmp_path)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", secure.port, ssl=context)


async def test_plain_http_gets_no_answer(secure: Secure) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure.port)
    writer.write(HEALTH)
    try:
        assert b"HTTP/1.1 200" not in await reader.read()
    except ConnectionError:
        return
    finally:
        writer.transport.abort()


class Greeting(asyncio.Protocol):
    """Says a word to whoever is in, and ends it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        secured = cast(asyncio.Transport, transport)
        secured.write(b"200")
        secured.close()


async def test_who_never_ends_the_handshake_counts_and_is_cut(
    folder: Folder, tmp_path: Path
) -> None:
    renewing = Renewing(folder.files())
    door = SecureDoor(
        Greeting, renewing, is_full=lambda: door.count >= 2, seconds_max=0.3
    )
    listener = listen("127.0.0.1", 0, LIMITS)
    server = Secure(listener.getsockname()[1], renewing, tmp_path)
    door.open(listener, 10)
    silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    silent[1][1].write(b"\x16\x03\x01")
    assert await server.is_refused()
    assert door.count == 2
    for reader, _ in silent:
        with contextlib.suppress(ConnectionError):
            await reader.read()
    assert await server.ask() == b"200"
    door.close()


async def test_only_who_shows_a_certificate_of_the_authority_is_let_in(mutual: Secure) -> None:
    assert b"200" in (await mutual.ask(shows=THEIRS.issue("H990001")))[:15]
    assert await mutual.is_refused()
    assert await mutual.is_refused(shows=STRANGE.issue("H990001"))
    assert await mutual.is_refused(shows=THEIRS.issue("H990001", days=-1))


async def test_renewed_files_hold_for_new_connections(
    mutual: Secure, folder: Folder, tmp_path: Path
) -> None:
    """Another certificate of ours, and another authority of theirs, while a connection stays."""
    shown, other = THEIRS.issue("H990001"), STRANGE.issue("H990001")
    context = caller(OURS, tmp_path, shown)
    reader, writer = await asyncio.open_connection("127.0.0.1", mutual.port, ssl=context)
    before = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    folder.put(OURS.issue("127.0.0.1"))
    folder.trust(STRANGE)
    assert mutual.renewing.look()
    assert not mutual.renewing.look()
    assert await mutual.is_refused(shows=shown)
    after_context = caller(OURS, tmp_path, other)
    _, after = await asyncio.open_connection("127.0.0.1", mutual.port, ssl=after_context)
    assert after.get_extra_info("ssl_object").getpeercert(binary_form=True) != before
    after.transport.abort()
    writer.write(HEALTH)
    assert b"200" in (await reader.read())[:15]
    writer.transport.abort()


async def test_files_that_do_not_fit_leave_what_is_in_force(
    secure: Secure, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.put(OURS.issue("127.0.0.1"), key=OURS.issue("127.0.0.1").key_pem())
    with caplog.at_level(logging.ERROR, "settlement.web"):
        assert not secure.renewing.look()
        assert not secure.renewing.look()
    [told] = caplog.records
    assert "is not that of the certificate" in told.reason  # type: ignore[attr-defined]
    assert b"200" in (await secure.ask())[:15]
    folder.put(OURS.issue("127.0.0.1"))
    assert secure.renewing.look()


async def test_what_cannot_be_used_is_said_in_clear_words(folder: Folder) -> None:
    issued = OURS.issue("127.0.0.1")
    for change, said in (
        (lambda: folder.put(issued, key=OURS.issue("b").key_pem()), "is not that of the certifi"),
        (lambda: folder.put(issued, key=issued.key_pem(b"geheim")), "is encrypted"),
        (lambda: folder.put(issued, key=b"no key"), "no certificate and key in PEM"),
        (lambda: folder.key.unlink(), "cannot be read: No such file"),
    ):  # fmt: skip
        change()
        with pytest.raises(TlsError, match=said):
            load_context(folder.files())
    folder.put(issued)
    folder.client_ca.write_bytes(b"nobody")
    with pytest.raises(TlsError, match="no certificate of an authority"):
        load_context(folder.files(mutual=True))
    folder.client_ca.write_bytes(issued.certificate_pem)
    with pytest.raises(TlsError, match="none in it may sign"):
        load_context(folder.files(mutual=True))


async def test_half_of_what_is_needed_is_refused_and_options_come_before_variables() -> None:
    names = {"SETTLEMENT_TLS_CERTIFICATE": "/a.pem", "SETTLEMENT_TLS_KEY": "/a.key"}
    assert tls_files(None, None, None, {}) is None
    found = tls_files(Path("/b.pem"), None, Path("/ca.pem"), names)
    assert found is not None
    assert [str(path) for path in found.paths()] == ["/b.pem", "/a.key", "/ca.pem"]
    for given in ((Path("/b.pem"), None, None), (None, Path("/k"), None), (None, None, Path("/c"))):
        with pytest.raises(TlsError, match="is not given"):
            tls_files(*given, {})
