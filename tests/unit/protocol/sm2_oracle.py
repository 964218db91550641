"""SM2 as GB/T 32918 writes it, in plain Python: slow, and independent of any library.

The product is checked against it; nothing in the product uses it. SM3 comes from `hashlib`.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

Point = tuple[int, int] | None
"""None is the point at infinity."""


class Curve(NamedTuple):
    """y² = x³ + ax + b over the integers modulo p; G has order n."""

    p: int
    a: int
    b: int
    n: int
    g: tuple[int, int]

    def add(self, one: Point, other: Point) -> Point:
        """The sum of two points."""
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == other:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def times(self, number: int, point: Point) -> Point:
        """A multiple of a point."""
        total: Point = None
        while number:
            if number & 1:
                total = self.add(total, point)
            point = self.add(point, point)
            number >>= 1
        return total

    def has(self, point: tuple[int, int]) -> bool:
        """Is it on the curve?"""
        x, y = point
        return (y * y - x * x * x - self.a * x - self.b) % self.p == 0


def _curve(p: str, a: str, b: str, n: str, gx: str, gy: str) -> Curve:
    return Curve(int(p, 16), int(a, 16), int(b, 16), int(n, 16), (int(gx, 16), int(gy, 16)))


RECOMMENDED = _curve(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC",
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93",
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123",
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7",
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0",
)
"""GB/T 32918.5: the curve that everybody uses."""

SAMPLE = _curve(
    "8542D69E4C044F18E8B92435BF6FF7DE457283915C45517D722EDB8B08F1DFC3",
    "787968B4FA32C3FD2417842E73BBFEFF2F3C848B6831D7E0EC65228B3937E498",
    "63E4C6D3B23B0C849CF84241484BFE48F61D59A5B16BA06E6E12D1DA27C5249A",
    "8542D69E4C044F18E8B92435BF6FF7DD297720630485628D5AE74EE7C32E79B7",
    "421DEBD61B62EAB6746434EBC3CC315E32220B3BADD50BDC4C4E6C147FEDD43D",
    "0680512BCBB42C07D47349D2153B70C4E5D7FDFCBFA36EA1A85841B9E46E09A2",
)
"""The curve of the worked example in GB/T 32918.2."""


def public_point(d: int, curve: Curve = RECOMMENDED) -> tuple[int, int]:
    """The public key of a private one."""
    point = curve.times(d, curve.g)
    assert point is not None
    return point


def digest(message: bytes, public: tuple[int, int], user_id: bytes, curve: Curve) -> int:
    """e = SM3(Z ‖ M), with Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ G ‖ P)."""
    numbers = (curve.a, curve.b, *curve.g, *public)
    known = (8 * len(user_id)).to_bytes(2, "big") + user_id
    z = _sm3(known + b"".join(number.to_bytes(32, "big") for number in numbers))
    return int.from_bytes(_sm3(z + message), "big")


def sign(
    message: bytes, d: int, k: int, user_id: bytes, curve: Curve = RECOMMENDED
) -> tuple[int, int] | None:
    """(r, s) with the random number k; None where another k is to be drawn."""
    e = digest(message, public_point(d, curve), user_id, curve)
    x, _ = public_point(k, curve)
    r = (e + x) % curve.n
    s = pow(1 + d, -1, curve.n) * (k - r * d) % curve.n
    return None if r == 0 or r + k == curve.n or s == 0 else (r, s)


def verify(
    message: bytes, r: int, s: int, public: tuple[int, int], user_id: bytes,
    curve: Curve = RECOMMENDED,
) -> bool:  # fmt: skip
    """B1 to B7 of the standard."""
    if not (1 <= r < curve.n and 1 <= s < curve.n) or (r + s) % curve.n == 0:
        return False
    e = digest(message, public, user_id, curve)
    point = curve.add(curve.times(s, curve.g), curve.times((r + s) % curve.n, public))
    return point is not None and (e + point[0]) % curve.n == r


def _sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()
