"""The wire's decimals: money in yuan, quantities, prices and ratios, to and from integers.

Inside, money is an integer number of fen and a quantity or price an integer at its field's scale.
A value is refused only if it does not fit: more decimals than the scale needs (4.500 and 1E+1 are
fine values at scale 2), more digits than the field holds, or not a number. Whether a negative
amount makes sense is not known here. No float is involved anywhere.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import cache, lru_cache

from msgspec import Raw

from protocol.nhsa.errors import WireError, WireErrorCode

DIGITS_MAX = 16
"""Digits of every amount, quantity and price of the interface (16,2 · 16,4 · 16,6)."""

MEMO_ENTRIES_MAX = 16_384


def scaled(value: Decimal, places: int, path: str) -> int:
    """`value` × 10^places as an integer, exactly; `WireError` at `path` if it does not fit."""
    try:
        return memo_of(DIGITS_MAX, places)[str(value)]
    except (ArithmeticError, ValueError):
        raise WireError(_misfit(value, places), path) from None


def decimal_of(text: str) -> Decimal:
    """A JSON number, exactly. ValueError for an exponent that no number can have."""
    try:
        return Decimal(text)
    except ArithmeticError as fault:
        raise ValueError(f"no number: {text[:20]}") from fault


@cache
def memo_of(digits: int, places: int) -> ScaledMemo:
    """The process-wide memo of fields with so many digits, so many of them decimals."""
    return ScaledMemo(digits, places)


_FRACTIONS = tuple([f".{rest:02d}" for rest in range(100)])
_SMALL_SUMS_MAX = 16_384
_SMALL_SUMS = [f"{fen // 100}{_FRACTIONS[fen % 100]}" for fen in range(_SMALL_SUMS_MAX)]
"""Most amounts of a city are below 163.84 yuan; a memo of those that came costs more than these."""


def yuan_json(fen: int) -> str:
    """Fen as the text of a JSON number of yuan with two decimals: 1230 → 12.30, -5 → -0.05."""
    if 0 <= fen < _SMALL_SUMS_MAX:
        return _SMALL_SUMS[fen]
    if fen > 0:
        return f"{fen // 100}{_FRACTIONS[fen % 100]}"
    return f"-{-fen // 100}{_FRACTIONS[-fen % 100]}"


def decimal_json(value: int, places: int) -> str:
    """An integer at a scale as the text of a JSON number: (15, 4) → 0.0015."""
    if places == 0:
        return str(value)
    sign, size, unit = ("-", -value, 10**places) if value < 0 else ("", value, 10**places)
    return f"{sign}{size // unit}.{size % unit:0{places}d}"


def quantity_json(quantity_e4: int) -> str:
    """A quantity with its four decimals; most are whole."""
    if quantity_e4 % 10_000:
        return decimal_json(quantity_e4, 4)
    return f"{quantity_e4 // 10_000}.0000"


def price_json(price_e6: int) -> str:
    """A price with its six decimals; most are whole fen."""
    if price_e6 % 10_000:
        return decimal_json(price_e6, 6)
    return yuan_json(price_e6 // 10_000) + "0000"


@lru_cache(maxsize=1_024)
def ratio_json(ratio_bp: int) -> str:
    """A ratio with its four decimals; there are few."""
    return decimal_json(ratio_bp, 4)


@lru_cache(maxsize=MEMO_ENTRIES_MAX)
def yuan(fen: int) -> Raw:
    """`yuan_json` as a value inside a message."""
    return Raw(yuan_json(fen).encode())


@lru_cache(maxsize=MEMO_ENTRIES_MAX)
def decimal_raw(value: int, places: int) -> Raw:
    """`decimal_json` as a value inside a message."""
    return Raw(decimal_json(value, places).encode())


class ScaledMemo(dict[str, int]):
    """`memo[str(value)]` is the integer at one scale; amounts that come again are read once.

    Keyed by text, because hashing a Decimal costs several times more than writing it out. An absent
    number ("None") counts as 0: that is how the interface writes an empty one (1.3). Raises
    ArithmeticError or ValueError for a value that does not fit; `scaled` makes it a `WireError`.
    """

    def __init__(self, digits: int, places: int) -> None:
        super().__init__()
        self._limit = 10**digits
        self._places = places

    def __missing__(self, text: str) -> int:
        number = self._read(text)
        if not -self._limit < number < self._limit:
            raise Overflow("more digits than the field")
        if len(self) >= MEMO_ENTRIES_MAX:
            self.clear()
        self[text] = number
        return number

    def _read(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        if len(fraction) <= self._places and len(whole) <= DIGITS_MAX:
            with suppress(ValueError):
                return int(whole + fraction.ljust(self._places, "0"))
        return 0 if text == "None" else _exact(text, self._places)


def _exact(text: str, places: int) -> int:
    """Any spelling of a decimal: exponents, more decimals than the scale when they are zeros."""
    # The exponent range is bounded first: int() of 1E+999999999 would never return.
    product = _EXACT.multiply(Decimal(text), Decimal(10**places))
    number = int(product)
    if number != product:
        raise InvalidOperation("more decimals than the scale")
    return number


_EXACT = Context(prec=60, Emax=60, Emin=-60, traps=[Inexact, InvalidOperation, Overflow])


def _misfit(value: Decimal, places: int) -> WireErrorCode:
    if not value.is_finite():
        return WireErrorCode.AMOUNT_NOT_FINITE
    too_large = value.adjusted() >= DIGITS_MAX - places
    return WireErrorCode.AMOUNT_TOO_LARGE if too_large else WireErrorCode.AMOUNT_SCALE
