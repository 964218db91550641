"""医保码 as a phone of the simulated world would show them, and what becomes of each.

Like a payment code (payer_codes.py), an ordinary one says in itself when it was made, whose it is
and what will happen, so that whoever makes codes need not ask the simulator. It lives a minute, and
is decoded once and pays once. A test code is good as often as one likes. The national structure is
kept: 424, 17 digits and 2 more, the province, 0000; `opc…` and `ano…` (partners, 刷脸) are the same
behind their prefix. How an electronic social security card's code looks nobody published, so those
of this world begin with letters that no real one can have: SIMSSC.

    424 · decoding 1 · paying 1 · test 1 · made at 6 · person 8 · serial 2 · province 2 · 0000
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from loadtest.simulators.payer_codes import Behaviour

LIFE_SECONDS = 60
VOUCHER, PARTNER, FACE, SOCIAL_CARD = "424", "opc", "ano", "SIMSSC"
PREFIXES = (VOUCHER, PARTNER, FACE, SOCIAL_CARD)
NOT_SIGNED = 0
"""Of `paying`: the person signed for no wallet; else a `Behaviour`."""
_TAIL = "0000"
_BODY_DIGITS = 25
_WRAPS = 1_000_000


class Decoding(IntEnum):
    """What becomes of the question whose it is. The number is the code's digit."""

    OK = 1
    EXPIRED = 2
    LOST_ANSWER = 3
    """decoded, and the answer is lost"""
    BROKEN = 4
    """a gateway in front answers 502"""
    ELSEWHERE = 5
    """of somebody who is insured in another region"""
    NOT_ONE = 6
    """500159"""


_DECODINGS = {f"{one:d}": one for one in Decoding}
_PAYINGS = {f"{one:d}": one for one in Behaviour}


class VoucherCode(Struct, frozen=True, kw_only=True):
    """A code, read."""

    prefix: str
    decoding: Decoding
    paying: Behaviour | None
    """None: the person signed for no wallet"""
    is_test: bool
    made_at: int
    """Unix seconds modulo a million"""
    person: int
    """ordinal"""
    province: str


def make(
    person: int, *, province: str, at: datetime, serial: int = 0, prefix: str = VOUCHER,
    decoding: Decoding = Decoding.OK, paying: Behaviour | None = None,
) -> str:  # fmt: skip
    """An ordinary code of a person; `serial` must differ between codes of one second."""
    made_at = int(at.timestamp()) % _WRAPS
    return _text(prefix, decoding, paying, 0, made_at, person, serial, province)


def test_code(
    person: int, *, province: str, prefix: str = VOUCHER, decoding: Decoding = Decoding.OK,
    paying: Behaviour | None = Behaviour.OK,
) -> str:  # fmt: skip
    """The code of somebody who always has a fresh one."""
    return _text(prefix, decoding, paying, 1, 0, person, 0, province)


def _text(
    prefix: str, decoding: Decoding, paying: Behaviour | None, test: int, made_at: int,
    person: int, serial: int, province: str,
) -> str:  # fmt: skip
    pays = NOT_SIGNED if paying is None else paying
    body = f"{decoding:d}{pays:d}{test:d}{made_at:06d}{person:08d}{serial % 100:02d}"
    return f"{prefix}{body}{province}{_TAIL}"


def read(code: str) -> VoucherCode | None:
    """None where it is not one that a phone of this world shows."""
    prefix = next((one for one in PREFIXES if code.startswith(one)), None)
    if prefix is None:
        return None
    body = code[len(prefix) :]
    if len(body) != _BODY_DIGITS or not (body.isascii() and body.isdigit()):
        return None
    decoding = _DECODINGS.get(body[0])
    if decoding is None or body[1] not in (f"{NOT_SIGNED}", *_PAYINGS) or body[2] not in "01":
        return None
    if not body.endswith(_TAIL):
        return None
    return VoucherCode(
        prefix=prefix, decoding=decoding, paying=_PAYINGS.get(body[1]), is_test=body[2] == "1",
        made_at=int(body[3:9]), person=int(body[9:17]), province=body[19:21],
    )  # fmt: skip


class UsedCodes:
    """Which codes were taken; those of decoding and those of paying are not the same."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def is_used(self, code: str, read: VoucherCode) -> bool:
        """Whether it was taken before. A test code never is."""
        return not read.is_test and code in self._used

    def take(self, code: str) -> None:
        """From now on it was."""
        self._used.add(code)


def is_old(read: VoucherCode, *, at: datetime) -> bool:
    """Whether its minute is over."""
    age = (int(at.timestamp()) - read.made_at) % _WRAPS
    return not read.is_test and age > LIFE_SECONDS


def test_codes(person: int, *, province: str) -> dict[str, str]:
    """A person's test codes by what becomes of them."""
    codes = {
        one.name.lower(): test_code(person, province=province, decoding=one) for one in Decoding
    }
    codes["not_signed"] = test_code(person, province=province, paying=None)
    codes["partner"] = test_code(person, province=province, prefix=PARTNER)
    codes["face"] = test_code(person, province=province, prefix=FACE)
    codes["social_card"] = test_code(person, province=province, prefix=SOCIAL_CARD)
    return codes | dict(_paying_codes(person, province))


def _paying_codes(person: int, province: str) -> Iterable[tuple[str, str]]:
    for one in Behaviour:
        name = f"pay_{one.name.lower()}"
        yield name, test_code(person, province=province, paying=one)
