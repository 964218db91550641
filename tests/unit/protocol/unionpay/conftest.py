"""One authority with its children, made once: an RSA key costs a quarter of a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct

from loadtest.simulators.unionpay_keys import make_signing_key, unionpay_name
from protocol.unionpay.certificates import SigningKey

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


class Family(Struct, frozen=True):
    """Who issued whom."""

    root: SigningKey
    middle: SigningKey
    unionpay: SigningKey
    """issued by the middle"""
    short_lived: SigningKey
    """issued by the root; valid for one day"""
    alone: SigningKey
    """self-signed"""


@pytest.fixture(scope="session")
def family() -> Family:
    root = make_signing_key("测试根", at=NOW, is_authority=True)
    middle = make_signing_key("测试中级", at=NOW, issuer=root, is_authority=True)
    return Family(
        root=root,
        middle=middle,
        unionpay=make_signing_key(unionpay_name(), at=NOW, issuer=middle),
        short_lived=make_signing_key("041@1@别人@2", at=NOW, issuer=root, life=timedelta(days=1)),
        alone=make_signing_key(unionpay_name(), at=NOW),
    )
