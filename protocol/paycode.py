"""What was scanned: which channel's payment code or which voucher, from prefix and length.

It knows the shape of a code and nothing else: not whether it is alive, and not what it was scanned
for. A reader at a counter is fed all sorts of things, so a number that may be a person's (身份证号,
社保卡号) is told apart before anything is taken for a payment code; where money is asked for, only
`Scanned.pays` may go on, and everything else is refused before a channel hears of it.

One kind of number is ambiguous: a WeChat code of 18 digits may by chance be a well-formed identity
number (one in eighteen thousand: a date of birth, a check character, a region). It counts as an
identity number. The payer shows a fresh code, which costs a moment, while an identity number that
was sent to a channel is out for good.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from msgspec import Struct


class CodeKind(StrEnum):
    """What a code is, by its shape."""

    WECHAT = "wechat"
    """微信付款码"""
    ALIPAY = "alipay"
    """支付宝付款码"""
    ALIPAY_FACE = "alipay_face"
    """支付宝刷脸凭证, from a face terminal; paid with another `scene`"""
    UNIONPAY = "unionpay"
    """银联付款码, also 云闪付"""
    DIGITAL_RMB = "digital_rmb"
    """数字人民币付款码; the prefix is a common claim that no document confirms"""
    VOUCHER = "voucher"
    """医保码 (医保电子凭证)"""
    VOUCHER_PARTNER = "voucher_partner"
    """医保码 issued through a partner's package"""
    VOUCHER_FACE = "voucher_face"
    """医保刷脸授权号"""
    IDENTITY = "identity"
    """身份证号: a person, not a payment"""
    SOCIAL_CARD = "social_card"
    """社保卡号: a person, not a payment"""
    UNKNOWN = "unknown"
    """anything else, an empty scan included"""


PAYS = frozenset({CodeKind.WECHAT, CodeKind.ALIPAY, CodeKind.ALIPAY_FACE, CodeKind.UNIONPAY})
"""Kinds with which a wallet pays over one of our channels."""

VOUCHERS = frozenset({CodeKind.VOUCHER, CodeKind.VOUCHER_PARTNER, CodeKind.VOUCHER_FACE})
"""Kinds that name an insured person to the insurance."""


class Scanned(Struct, frozen=True, kw_only=True):
    """A code and what it is. Prints itself masked."""

    kind: CodeKind
    code: str

    @property
    def pays(self) -> bool:
        """Whether a payment may be tried with it."""
        return self.kind in PAYS

    @property
    def is_voucher(self) -> bool:
        """Whether the insurance can say whose it is."""
        return self.kind in VOUCHERS

    @property
    def masked(self) -> str:
        """For logs and pages: prefix, length and, of codes that expire, the last four. Of a
        person's number and of what is not known, the length alone."""
        if self.kind not in _SHOWN_PREFIX:
            return f"({len(self.code)})"
        return f"{self.code[: _SHOWN_PREFIX[self.kind]]}…({len(self.code)})…{self.code[-4:]}"

    @property
    def digest_input(self) -> bytes:
        """What to put under a keyed hash, to recognise the same code again without keeping it.

        Alone it hides nothing: 18 digits are soon tried out, so the hash must have a key.
        """
        return b"paycode/1\0%b\0%b" % (self.kind.encode(), self.code.encode())

    @property
    def province(self) -> str | None:
        """Of a 医保码 the first two digits of the region that issued it, known before any call."""
        return self.code[_PROVINCE] if self.kind is CodeKind.VOUCHER else None

    def __repr__(self) -> str:
        return f"Scanned({self.kind} {self.masked})"


def read(text: str) -> Scanned:
    """What a scanner gave; blanks and line ends around it are the scanner's."""
    code = text.strip()
    return Scanned(kind=_kind(code), code=code)


def _kind(code: str) -> CodeKind:
    if _is_identity(code):
        return CodeKind.IDENTITY
    return next((kind for kind, shape in _SHAPES if shape.fullmatch(code)), CodeKind.UNKNOWN)


_SHAPES = [
    (kind, re.compile(shape, re.ASCII))
    for kind, shape in (
        (CodeKind.VOUCHER, r"424\d{25}"),
        (CodeKind.VOUCHER_PARTNER, r"opc[0-9A-Za-z]{25}"),
        (CodeKind.VOUCHER_FACE, r"ano[0-9A-Za-z]{25}"),
        (CodeKind.WECHAT, r"1[0-5]\d{16}"),
        (CodeKind.ALIPAY, r"(?:2[5-9]|30)\d{14,22}"),
        (CodeKind.ALIPAY_FACE, r"fp[0-9A-Za-z_-]{8,126}"),
        # The field takes 1 to 20 digits and 19 are usual; shorter ones may be a person's card.
        (CodeKind.UNIONPAY, r"62\d{11,18}"),
        (CodeKind.DIGITAL_RMB, r"01\d{17}"),
        (CodeKind.SOCIAL_CARD, r"[0-9A-Z]\d{8,11}"),
    )
]
"""In order; no code fits two of them."""

_SHOWN_PREFIX = {
    CodeKind.WECHAT: 2,
    CodeKind.ALIPAY: 2,
    CodeKind.ALIPAY_FACE: 2,
    CodeKind.UNIONPAY: 2,
    CodeKind.DIGITAL_RMB: 2,
    CodeKind.VOUCHER: 3,
    CodeKind.VOUCHER_PARTNER: 3,
    CodeKind.VOUCHER_FACE: 3,
}
_PROVINCE = slice(22, 24)

_REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9\d)\d{4}"
"""Provinces of GB/T 2260, and the nines: foreign residents, and nobody (our synthetic persons)."""
_IDENTITY = re.compile(_REGION + r"(?P<born>(?:19|20)\d{6})\d{3}[\dXx]", re.ASCII)
_OLD_IDENTITY = re.compile(_REGION + r"(?P<born>\d{6})\d{3}", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


def _is_identity(code: str) -> bool:
    """Whether it may be a mainland identity number (GB 11643), of today's form or the old one."""
    if match := _OLD_IDENTITY.fullmatch(code):
        return _is_day(f"19{match['born']}")
    match = _IDENTITY.fullmatch(code)
    return match is not None and _is_day(match["born"]) and _checks(code)


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _checks(code: str) -> bool:
    """ISO 7064 MOD 11-2."""
    total = sum(int(digit) * weight for digit, weight in zip(code, _WEIGHTS, strict=False))
    return _CHECK_CHARACTERS[total % 11] == code[-1].upper()
