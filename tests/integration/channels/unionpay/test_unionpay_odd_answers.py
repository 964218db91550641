"""Answers that no simulator gives of itself: signed and wrong, or none at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from msgspec.structs import replace

from loadtest.simulators.unionpay_keys import certificate_pem, make_signing_key, unionpay_name
from protocol.unionpay.certificates import SigningKey
from protocol.unionpay.form import answer_body, form_fields
from protocol.unionpay.signing import signature
from settlement.payments.payment import Advice, OrderKey, Outcome, Verdict
from tests.kit.unionpay import MONDAY_NOON, Desk, KeyRing, a_desk, key_of


class Parrot:
    """Answers every request with what the test put on its tongue."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self.changed: dict[str, str] = {}
        self.changed_of: dict[str, dict[str, str]] = {}
        """of requests of one txnType"""
        self.body: bytes | None = None
        self.status = 200

    async def serve(self, request: web.Request) -> web.Response:
        if self.body is not None:
            return web.Response(status=self.status, body=self.body)
        asked = form_fields(await request.read())
        echoed = {name: asked[name] for name in ("txnType", "merId", "orderId", "txnTime")}
        fields = {**echoed, "respCode": "00", "signPubKeyCert": certificate_pem(self.key)}
        fields |= self.changed | self.changed_of.get(asked["txnType"], {})
        signed = {**fields, "signature": signature(fields, self.key.key)}
        return web.Response(status=self.status, body=answer_body(signed))


@pytest_asyncio.fixture
async def parrot(unionpay_ring: KeyRing, tmp_path: Path) -> AsyncIterator[tuple[Parrot, Desk]]:
    bird = Parrot(unionpay_ring.sim.unionpay)
    application = web.Application()
    application.router.add_post("/{path:.*}", bird.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with a_desk(unionpay_ring, tmp_path, settings={"base_url": url}) as desk:
        yield bird, desk
    await runner.cleanup()


async def everything(desk: Desk) -> list[Outcome]:
    """Each operation once."""
    order = desk.order("ok")
    refund = desk.refund_of(order)
    return [
        await desk.channel.pay(order),
        await desk.channel.query(key_of(order)),
        await desk.channel.undo(key_of(order)),
        await desk.channel.refund(refund),
        await desk.channel.query_refund(refund),
    ]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"<html><body>busy</body></html>", "NOT_READABLE"),
        (200, b"", "NOT_READABLE"),
        (200, b"respCode=00&respCode=01", "NOT_READABLE"),
        (200, b"\xff\xfe", "NOT_READABLE"),
        (200, b"respCode=00", "SIGNATURE_WRONG"),
        (302, b"", "HTTP_302"),
        (404, b"no such page 6201000000000000016", "HTTP_404"),
        (500, b"", "HTTP_500"),
        (200, b"a=" + b"x" * 2_000_000, "LOST"),
    ],
)
async def test_what_is_no_answer_is_unknown_in_every_operation(
    parrot: tuple[Parrot, Desk], status: int, body: bytes, code: str
) -> None:
    bird, desk = parrot
    bird.status, bird.body = status, body
    outcomes = await everything(desk)
    assert {(one.verdict, one.code) for one in outcomes} == {(Verdict.UNKNOWN, code)}
    kept = [one.exchange.reply for one in outcomes if one.exchange is not None]
    assert len(kept) == 5 and not [one for one in kept if "6201" in one]


@pytest.mark.parametrize(
    "changed",
    [
        {"orderId": "TEST999999999999"},
        {"txnTime": "20261122120000"},
        {"merId": "999290058110098"},
        {"txnType": "76"},
    ],
)
async def test_answer_about_something_else_is_unknown(
    parrot: tuple[Parrot, Desk], changed: dict[str, str]
) -> None:
    """An old answer, signed, played back for another order."""
    bird, desk = parrot
    bird.changed = {**changed, "origRespCode": "00"}
    outcomes = await everything(desk)
    assert {(one.verdict, one.code) for one in outcomes} == {(Verdict.UNKNOWN, "OTHER_ANSWER")}


@pytest.mark.parametrize(
    "changed", [{"txnAmt": "42.12"}, {"settleAmt": "-1"}, {"traceTime": "1399000000"}]
)
async def test_amount_or_time_that_is_none_makes_an_answer_unknown(
    parrot: tuple[Parrot, Desk], changed: dict[str, str]
) -> None:
    bird, desk = parrot
    bird.changed = {**changed, "origRespCode": "00"}
    outcomes = await everything(desk)
    assert {(one.verdict, one.code) for one in outcomes} == {(Verdict.UNKNOWN, "NOT_READABLE")}


async def test_code_that_nobody_knows_is_unknown_and_shown(
    parrot: tuple[Parrot, Desk],
) -> None:
    bird, desk = parrot
    bird.changed = {"respCode": "Z9", "respMsg": "没见过[0000000]"}
    outcomes = await everything(desk)
    assert {(one.verdict, one.code) for one in outcomes} == {(Verdict.UNKNOWN, "Z9")}
    assert all("Z9" in one.text for one in outcomes)


@pytest.mark.parametrize(
    "changed",
    [
        {"respCode": "34"},
        {"respCode": "00", "origRespCode": "34"},
        {"respCode": "00"},
        {"respCode": "00", "origRespCode": ""},
        {"respCode": "64", "origRespCode": "00"},
        {"respCode": "A6", "origRespCode": "00"},
    ],
)
async def test_both_layers_of_a_query_must_be_clear(
    parrot: tuple[Parrot, Desk], changed: dict[str, str]
) -> None:
    bird, desk = parrot
    bird.changed = changed
    order = desk.order("ok")
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.UNKNOWN


async def test_certificate_that_ran_out_is_not_believed(
    parrot: tuple[Parrot, Desk],
) -> None:
    _, desk = parrot
    order = desk.order("ok")
    assert (await desk.channel.pay(order)).code == "00"
    await desk.pass_by(20 * 365 * 24 * 3600)
    late = OrderKey(order_no=order.order_no, sent_at=desk.clock(), amount_fen=1)
    outcome = await desk.channel.query(late)
    assert (outcome.code, outcome.advice) == ("SIGNATURE_WRONG", Advice.OPERATOR)


async def test_certificate_that_says_to_be_unionpays_is_not_believed(
    parrot: tuple[Parrot, Desk],
) -> None:
    bird, desk = parrot
    bird.key = make_signing_key(
        unionpay_name(), at=MONDAY_NOON, is_authority=True, life=timedelta(days=1)
    )
    outcomes = await everything(desk)
    assert {(one.verdict, one.code) for one in outcomes} == {(Verdict.UNKNOWN, "SIGNATURE_WRONG")}


REVERSE, QUERY, REFUND = "99", "00", "04"


@pytest.mark.parametrize("refusal", ["31", "32", "35", "36", "39", "43"])
@pytest.mark.parametrize(
    ("found", "verdict", "code"),
    [
        ("34", Verdict.SUCCESS, "34"),
        ("64", Verdict.SUCCESS, "64"),
        ("00", Verdict.FAILED, "refusal"),
        ("A6", Verdict.FAILED, "refusal"),
        ("05", Verdict.UNKNOWN, "05"),
        ("??", Verdict.UNKNOWN, "??"),
        ("70", Verdict.PAYER_ACTION, "70"),
    ],
)
async def test_refused_reversal_asks_what_became_of_the_payment(
    parrot: tuple[Parrot, Desk], refusal: str, found: str, verdict: Verdict, code: str
) -> None:
    bird, desk = parrot
    order = desk.order("ok")
    bird.changed_of = {REVERSE: {"respCode": refusal}, QUERY: {"origRespCode": found}}
    early = await desk.channel.undo(key_of(order))
    assert (early.verdict, early.code) == (Verdict.FAILED, refusal)
    await desk.pass_by(30)
    undone = await desk.channel.undo(key_of(order))
    assert (undone.verdict, undone.code) == (verdict, refusal if code == "refusal" else code)


@pytest.mark.parametrize(("code", "verdict"), [("32", Verdict.FAILED), ("34", Verdict.UNKNOWN)])
async def test_what_is_known_to_be_paid_is_never_taken_for_absent(
    parrot: tuple[Parrot, Desk], code: str, verdict: Verdict
) -> None:
    bird, desk = parrot
    order = desk.order("ok")
    bird.changed_of = {REVERSE: {"respCode": code}, QUERY: {"origRespCode": "34"}}
    await desk.pass_by(30)
    undone = await desk.channel.undo(replace(key_of(order), money_came=True))
    assert (undone.verdict, undone.code) == (verdict, code)
    assert undone.exchange is not None and undone.exchange.operation == "undo"


@pytest.mark.parametrize("refusal", ["10", "11", "13", "31", "32", "39", "43"])
@pytest.mark.parametrize(
    ("found", "verdict", "code"),
    [
        ({"origRespCode": "34"}, Verdict.FAILED, "refusal"),
        ({"origRespCode": "35"}, Verdict.FAILED, "refusal"),
        ({"origRespCode": "00"}, Verdict.SUCCESS, "00"),
        ({"origRespCode": "05"}, Verdict.UNKNOWN, "05"),
        ({"respCode": "11"}, Verdict.UNKNOWN, "11"),
    ],
)
async def test_refused_refund_is_believed_once_a_query_does_not_know_it(
    parrot: tuple[Parrot, Desk], refusal: str, found: dict[str, str], verdict: Verdict, code: str
) -> None:
    """The same message may have been accepted before."""
    bird, desk = parrot
    refund = desk.refund_of(desk.order("ok"), amount_fen=12)
    assert (await desk.channel.refund(refund)).verdict is Verdict.PAYER_ACTION
    bird.changed_of = {REFUND: {"respCode": refusal}, QUERY: found}
    again = await desk.channel.refund(refund)
    assert (again.verdict, again.code) == (verdict, refusal if code == "refusal" else code)
