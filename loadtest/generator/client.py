"""One keep-alive connection with at most one request on its way.

Non-blocking sockets without a transport layer: with one small request in flight a send never fills
the socket's buffer, and a reply mostly arrives in one piece.
"""

from __future__ import annotations

import socket

from loadtest.generator.framing import FramingError, reply_size
from loadtest.generator.request import Request, Script

RECEIVE_BYTES = 65536


class Wire:
    """A socket that is opened again when it broke."""

    __slots__ = ("_address", "_partial", "_socket", "fd")

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.open()

    def open(self) -> None:
        """Connect (again); a reply in progress is forgotten. Raises OSError."""
        self._partial = b""
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()

    def close(self) -> None:
        """Close the socket; the script ends with its owner."""
        self._socket.close()

    def write(self, payload: bytes) -> None:
        """Send a whole request. Raises OSError."""
        if self._socket.send(payload) != len(payload):
            raise OSError("a request did not fit into the socket's buffer")

    def receive(self) -> bytes | None:
        """The whole reply, or None while it is incomplete. Raises OSError or FramingError."""
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionResetError("closed by the server")
        if self._partial:
            data = self._partial + data
        size = reply_size(data)
        if len(data) == size:
            self._partial = b""
            return data
        if size and len(data) > size:
            raise FramingError("more bytes than one reply")
        self._partial = data
        return None


class Connection(Wire):
    """A socket, the script that feeds it, and the request that is waiting for its reply."""

    __slots__ = ("request", "script", "since_ns")

    def __init__(self, address: tuple[str, int], script: Script) -> None:
        self.script = script
        self.request: Request | None = None
        self.since_ns = 0
        """when the request in flight was sent, or was meant to be"""
        super().__init__(address)

    def issue(self, reply: bytes | None, since_ns: int) -> None:
        """Hand the script its last reply and send what it wants next. Raises OSError."""
        request = self.script.send(reply)
        self.request = request
        self.since_ns = since_ns
        self.write(request.payload)
