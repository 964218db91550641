"""What is to be signed goes to a thread, all of a turn together, and comes back to who asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident

import pytest

from settlement.channels.signer import Signer

pytestmark = pytest.mark.asyncio


@pytest.fixture
def signer() -> Iterator[Signer]:
    made = Signer(1)
    yield made
    made.close()


async def test_what_is_asked_in_one_turn_is_handed_over_once(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    submit = ThreadPoolExecutor.submit

    def counted(pool: ThreadPoolExecutor, *given: object) -> object:
        handed.append(len(given))
        return submit(pool, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counted)
    texts = [b"a", b"bb", b"ccc"]
    assert await asyncio.gather(*(signer.run(len, text) for text in texts)) == [1, 2, 3]
    assert len(handed) == 1
    assert await signer.run(len, b"") == 0
    assert len(handed) == 2


async def test_it_is_done_off_the_event_loop(signer: Signer) -> None:
    assert await signer.run(lambda _: get_ident(), b"") != get_ident()


async def test_what_fails_fails_for_whoever_asked_alone(signer: Signer) -> None:
    def refuse(_: bytes) -> int:
        raise ValueError("no key")

    came = await asyncio.gather(
        signer.run(len, b"a"), signer.run(refuse, b""), signer.run(len, b"bb"),
        return_exceptions=True,
    )  # fmt: skip
    assert came[0] == 1 and came[2] == 2
    assert isinstance(came[1], ValueError)


async def test_nobody_waits_for_a_signer_that_is_closed() -> None:
    signer = Signer(1)
    signer.close()
    with pytest.raises(RuntimeError):
        await signer.run(len, b"a")
