"""A counter at an institution (收费窗口): numbers its messages, signs them and wraps them for HTTP.

Everything that does not change is made once; per message there is one SHA-256 and one join. The
x-tif scheme does not cover the body, and the message id serves as the nonce: it is unique.
"""

from __future__ import annotations

import time
from hashlib import sha256

import msgspec

from loadtest.world import WorldInstitution

CHINA_SECONDS_EAST = 8 * 3600
"""The wire speaks China's time, whatever the clock of the machine is set to."""
SEQUENCES = tuple(b"%04d" % number for number in range(10_000))


class MessageNumbers:
    """`msgid`: institution (12), yyyyMMddHHmmss (14), a counter (4) that never repeats.

    The counter fills ten thousand numbers of one second and then moves to the next second, so that
    a busy counter may run ahead of the clock but never uses a number twice.
    """

    __slots__ = ("_code", "_prefix", "_second", "_sequence")

    def __init__(self, institution_code: str, from_second: int) -> None:
        self._code = institution_code.encode()
        self._second = from_second
        self._sequence = 0
        self._prefix = self._code + _compact(from_second)

    def next(self) -> bytes:
        """A message id never given before by this object."""
        sequence = self._sequence
        if sequence == len(SEQUENCES):
            self._second += 1
            self._prefix = self._code + _compact(self._second)
            sequence = 0
        self._sequence = sequence + 1
        return self._prefix + SEQUENCES[sequence]


class Desk:
    """Builds complete HTTP requests of one institution towards one server."""

    def __init__(
        self, institution: WorldInstitution, *, index: int, region: str, host: str,
        from_second: int, insured_in: str = "",
    ) -> None:  # fmt: skip
        """`insured_in` is the region of insurance, where all who come are from another one."""
        self.index = index
        """place of the institution in the client's book"""
        self.code = institution.code
        self.msgid = b""
        """of the message that was written last"""
        self._institution = institution
        self._region = region
        self._insured_in = insured_in or region
        self._host = host
        self._secret = institution.secret.encode()
        self._numbers = MessageNumbers(institution.code, from_second)
        self._frames: dict[str, tuple[bytes, bytes, bytes, bytes]] = {}
        self._serial_prefix = _compact(from_second)
        self._serials = 0
        self._second = 0
        self._timestamp = b""
        self._sent_at = b""

    def request(self, infno: str, content: bytes) -> bytes:
        """The whole HTTP request that carries `content`, the JSON object of `input`."""
        frame = self._frames.get(infno)
        if frame is None:
            frame = self._frames[infno] = self._frame(infno)
        head, opening, middle, closing = frame
        now = int(time.time())
        if now != self._second:
            self._tick(now)
        timestamp = self._timestamp
        number = self.msgid = self._numbers.next()
        signature = sha256(timestamp + self._secret + number + timestamp).hexdigest().encode()
        body = b"".join((opening, number, middle, self._sent_at, closing, content, b"}"))
        return b"".join(
            (
                head,
                timestamp,
                b"\r\nx-tif-nonce: ",
                number,
                b"\r\nx-tif-signature: ",
                signature,
                b"\r\nContent-Length: %d\r\n\r\n" % len(body),
                body,
            )
        )

    def serial(self) -> bytes:
        """A serial number (22 digits) of the institution's own: a till receipt, a visit."""
        self._serials += 1
        return b"%s%08d" % (self._serial_prefix, self._serials)

    def _tick(self, now: int) -> None:
        self._second = now
        self._timestamp = b"%d" % now
        self._sent_at = spoken_time(now)

    def _frame(self, infno: str) -> tuple[bytes, bytes, bytes, bytes]:
        """Request head up to the timestamp; envelope up to msgid, to inf_time, to input."""
        head = (
            f"POST /hsa/hgs/{infno} HTTP/1.1\r\nHost: {self._host}\r\n"
            "Content-Type: application/json\r\n"
            f"x-tif-paasid: {self._institution.paasid}\r\nx-tif-timestamp: "
        )
        opening = f'{{"infno":"{infno}","msgid":"'
        middle = '",' + _members(
            mdtrtarea_admvs=self._region,
            insuplc_admdvs=self._insured_in,
            recer_sys_code="MBS_LOCAL",
            dev_no="",
            dev_safe_info="",
            cainfo="",
            signtype="",
            infver="V1.0",
            opter_type="1",
            opter="0001",
            opter_name="收费员",
        )
        closing = '",' + _members(
            fixmedins_code=self._institution.code,
            fixmedins_name=self._institution.name,
            sign_no="",
        )
        return (
            head.encode(),
            opening.encode(),
            f'{middle},"inf_time":"'.encode(),
            f'{closing},"input":'.encode(),
        )


def spoken_time(second: int) -> bytes:
    """A Unix second as the wire writes a time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second + CHINA_SECONDS_EAST)).encode()


def _members(**fields: str) -> str:
    """Members of a JSON object without its braces."""
    return msgspec.json.encode(fields).decode()[1:-1]


def _compact(second: int) -> bytes:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(second + CHINA_SECONDS_EAST)).encode()
