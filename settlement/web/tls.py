"""TLS of the gateways: certificate and key from files, and the authority that senders must show a
certificate of (mutual TLS), renewed without a restart.

Each process looks at the files now and then. What is new and fits is in force for every connection
that begins afterwards; what does not fit is logged once, and the one before stays. Who a sender is
says the signature of the message, as without TLS: a certificate only opens the door.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from settlement.telemetry.metrics import METRICS

CERTIFICATE_VARIABLE = "SETTLEMENT_TLS_CERTIFICATE"
KEY_VARIABLE = "SETTLEMENT_TLS_KEY"
CLIENT_CA_VARIABLE = "SETTLEMENT_TLS_CLIENT_CA"

logger = logging.getLogger("settlement.web")
REST_SECONDS = 1.0
"""After a connection could not be accepted."""


class TlsError(Exception):
    """TLS cannot be spoken with these files. The text says which one, why and what to do."""


class TlsFiles(Struct, frozen=True, kw_only=True):
    """Where they are, PEM."""

    certificate: Path
    """ours, followed by those up to the authority"""
    key: Path
    client_ca: Path | None = None
    """of the authorities whose certificates senders must show; None: nobody has to show one"""

    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(one for one in (self.certificate, self.key, self.client_ca) if one is not None)


def tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None,
    environment: Mapping[str, str],
) -> TlsFiles | None:  # fmt: skip
    """What was asked for, by options or by variables; None for plain HTTP. Raises TlsError."""
    certificate = certificate or _named(environment, CERTIFICATE_VARIABLE)
    key = key or _named(environment, KEY_VARIABLE)
    client_ca = client_ca or _named(environment, CLIENT_CA_VARIABLE)
    if certificate is not None and key is not None:
        return TlsFiles(certificate=certificate, key=key, client_ca=client_ca)
    if (certificate, key, client_ca) == (None, None, None):
        return None
    lacking = "--tls-certificate" if certificate is None else "--tls-key"
    raise TlsError(f"TLS needs a certificate and its key: {lacking} is not given.")


def _named(environment: Mapping[str, str], variable: str) -> Path | None:
    text = environment.get(variable, "")
    return Path(text) if text else None


def load_context(files: TlsFiles) -> ssl.SSLContext:
    """What connections are spoken with. Raises TlsError."""
    for path in files.paths():
        try:
            path.read_bytes()
        except OSError as exc:
            raise TlsError(f"{path} cannot be read: {exc.strerror}.") from exc
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A session that is taken up again shows no certificate: what was withdrawn would open on.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    _load_chain(context, files)
    if files.client_ca is not None:
        _load_authorities(context, files.client_ca)
    return context


def _load_chain(context: ssl.SSLContext, files: TlsFiles) -> None:
    def no_password() -> str:
        raise TlsError(
            f"{files.key} is encrypted: give a key without a password, readable by nobody else."
        )

    try:
        context.load_cert_chain(files.certificate, files.key, no_password)
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            reason = f"the key in {files.key} is not that of the certificate in {files.certificate}"
        else:
            reason = f"{files.certificate} and {files.key} are no certificate and key in PEM"
        raise TlsError(f"{reason}.") from exc


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as exc:
        raise TlsError(f"{path} has no certificate of an authority in PEM.") from exc
    if not context.get_ca_certs():
        raise TlsError(f"{path} has no certificate of an authority: none in it may sign others.")


class Renewing:
    """The TLS of one process: `context` is what the next connection is spoken with; `look` is
    called often."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsError."""
        self._files = files
        self._seen = self._state()
        self.context = load_context(files)

    def look(self) -> bool:
        """Take what is new; whether anything is."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self.context = load_context(self._files)
        except TlsError as exc:
            extra = {"event": "tls.refused", "reason": str(exc)}
            logger.error("other TLS files are not taken, the ones before stay", extra=extra)
            return False
        logger.info("TLS files were renewed", extra={"event": "tls.renewed"})
        return True

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What tells that a file is another one."""
        return tuple(_state_of(path) for path in self._files.paths())


class SecureDoor:
    """Accepts connections and lets them in once their handshake is done: so many at a time and no
    more, and for so long. What comes behind it is the same as where plain HTTP is spoken.

    A server of the event loop would not say how many are at it, and would keep one context.
    """

    def __init__(
        self, inner: Callable[[], asyncio.Protocol], tls: Renewing, *,
        is_full: Callable[[], bool], seconds_max: float,
    ) -> None:  # fmt: skip
        """`is_full` says whether another connection is one too many, those at the door counted."""
        self._inner = inner
        self._tls = tls
        self._is_full = is_full
        self._seconds_max = seconds_max
        self._waiting: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many stand at the door."""
        return len(self._waiting)

    def open(self, listener: socket.socket, backlog: int) -> None:
        """Accept from now on; the socket is bound and becomes the door's own."""
        listener.listen(backlog)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))

    def close(self) -> None:
        """Nobody is let in any more."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in self._waiting:
            task.cancel()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    accepted, _ = await loop.sock_accept(listener)
                except OSError as exc:  # as no descriptor is left: others will be given back
                    extra = {"event": "tls.accept.failed", "reason": str(exc)}
                    logger.error("a connection could not be accepted", extra=extra)
                    await asyncio.sleep(REST_SECONDS)
                    continue
                self._knock(accepted)

    def _knock(self, accepted: socket.socket) -> None:
        if self._is_full():
            METRICS.connections_cut += 1
            accepted.close()
            return
        task = asyncio.get_running_loop().create_task(self._let_in(accepted))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _let_in(self, accepted: socket.socket) -> None:
        """The handshake. One that fails or takes too long is nobody's business: it is closed."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._inner, accepted, ssl=self._tls.context,
                ssl_handshake_timeout=self._seconds_max,
            )  # fmt: skip
        except OSError:  # ssl.SSLError and TimeoutError are of them
            METRICS.connections_cut += 1


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
