"""Keys of simulated channels, made once: an RSA key costs a quarter of a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit.unionpay import Desk, KeyRing, a_desk, make_key_ring


@pytest.fixture(scope="session")
def unionpay_ring() -> KeyRing:
    """UnionPay's, a stranger's and a merchant's."""
    return make_key_ring()


@pytest_asyncio.fixture
async def desk(unionpay_ring: KeyRing, tmp_path: Path) -> AsyncIterator[Desk]:
    """A counter on a Monday at noon."""
    async with a_desk(unionpay_ring, tmp_path) as made:
        yield made
