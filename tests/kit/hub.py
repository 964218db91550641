"""An authority, regions with keys and certificates, for tests of the wire between regions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from protocol.hub.certificates import (
    Authority,
    Certificate,
    SecretKeys,
    read_certificate,
    read_request,
    request_of,
)

AT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
"""Noon in China."""
AUTHORITY = Authority(Ed25519PrivateKey.from_private_bytes(b"authority".ljust(32, b".")))
TREATED, INSURED, OTHER = "441900", "430100", "520100"
"""Regions of tests; their certificates and keys are synthetic."""


class Papers(Struct, frozen=True, kw_only=True):
    """Keys with their certificate."""

    keys: SecretKeys
    content: str
    """the signed text"""

    @property
    def certificate(self) -> Certificate:
        """What the text says."""
        return read_certificate(self.content, AUTHORITY.root)


def keys_of(name: str) -> SecretKeys:
    """Keys that are the same in every run."""
    return SecretKeys(
        signing=f"signing {name}".encode().ljust(32, b"."),
        sealing=f"sealing {name}".encode().ljust(32, b"."),
    )


def papers_of(
    region: str, number: int = 1, *, begins_at: datetime = AT - timedelta(days=30),
    days: int = 365, authority: Authority = AUTHORITY,
) -> Papers:  # fmt: skip
    """The n-th keys of a region, certified."""
    keys = keys_of(f"{region} {number}")
    content = authority.issue(
        read_request(request_of(keys, region, at=begins_at)), serial=f"{region}-{number}",
        not_before=begins_at, not_after=begins_at + timedelta(days=days),
    )  # fmt: skip
    return Papers(keys=keys, content=content)
