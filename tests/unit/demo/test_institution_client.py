"""The institution client: what it puts on the wire, and what it makes of an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import cast

import pytest
from aiohttp import ClientSession, web

from loadtest import institution_inputs as inputs
from loadtest import mobile_inputs as mobile
from loadtest.institution_client import ClientError, InstitutionClient, open_clients
from loadtest.institution_inputs import Bought, Card, Patient
from protocol.nhsa import codec
from protocol.nhsa.profile import BASELINE
from protocol.nhsa.signing import tif_verified
from tests.unit.loadtest.worlds import make_institution, make_item, make_person

NOW = 1_790_000_000
PATIENT = Patient(person=make_person(1), card=Card(number="T1", serial="S1"))
BASKET = (
    Bought(item=make_item(1), quantity=Decimal(2)),
    Bought(item=make_item(4), quantity=Decimal(1)),
)
PHARMACY = make_institution("pharmacy", 1)
AT = "2026-09-21 10:00:00"
DETAILS = {"mdtrt_id": "2609000100001000001", "batch_no": "B1"}
ORDER = mobile.Uploaded(order_id="ORD1", pay_token="T1", mdtrt_id="1", batch_no="B1")
HELD = mobile.Held(fund=Decimal("1.00"), account=Decimal("0.00"), own=Decimal("2.00"))
QUOTE = inputs.visit_quote(PATIENT, BASKET, **DETAILS)


def client() -> InstitutionClient:
    """One that never sends, so it needs no connection."""
    session = cast(ClientSession, None)
    return InstitutionClient(
        session, "http://test", PHARMACY, region="441900", read_seconds=lambda: NOW
    )


@pytest.mark.parametrize(
    ("infno", "content"),
    [
        ("1101", inputs.lookup(PATIENT)),
        ("2102", inputs.purchase(PATIENT, BASKET, at=AT)),
        ("2103", inputs.cancel(setl_id="1", mdtrt_id="1", psn_no="1")),
        ("2201", inputs.registration(PATIENT, visit_no="T1", at=AT)),
        ("2203", inputs.diagnosis(PATIENT, mdtrt_id="1", at=AT)),
        ("2204", inputs.fee_lines(PATIENT, BASKET, at=AT, **DETAILS)),
        ("2206", QUOTE),
        ("2207", inputs.visit_settlement(QUOTE, dict.fromkeys(inputs.SPLIT_FIELDS, Decimal(1)))),
        ("2601", inputs.reversal(psn_no="1", omsgid="M1", oinfno="2102")),
        (
            "6201",
            mobile.upload(
                PATIENT, BASKET, institution=PHARMACY.code, order_no="M1", token="E1", at=AT
            ),
        ),
        (
            "6202",
            mobile.payment(
                ORDER, institution=PHARMACY.code, serial="S1", authorisation="E1", wallet="WECHAT"
            ),
        ),
        ("6203", mobile.refund(ORDER, HELD, refund_no="R1", token="E1", at=AT)),
        ("6301", mobile.enquiry(ORDER, PATIENT, institution=PHARMACY.code)),
    ],
)
def test_every_message_is_one_the_interface_accepts(infno: str, content: dict[str, object]) -> None:
    message = client().message(infno, content)
    decoded = codec.decode(infno, message.body, BASELINE, lines_max=100)
    assert (decoded.infno, decoded.msgid) == (infno, message.msgid)
    assert decoded.fixmedins_code == PHARMACY.code


def test_header_is_the_sum_of_lines_rounded_half_up() -> None:
    # 1.335 × 2 = 2.67 and 4.335 × 1 rounds up to 4.34
    assert [bought.amount for bought in BASKET] == [Decimal("2.67"), Decimal("4.34")]
    assert inputs.total(BASKET) == Decimal("7.01")


def test_message_ids_never_repeat() -> None:
    one = client()
    assert len({one.message("2601", {}).msgid for _ in range(100)}) == 100


def test_without_a_card_the_identity_number_is_shown() -> None:
    shown = Patient(person=make_person(1)).credential()
    assert shown == {"mdtrt_cert_type": "02", "mdtrt_cert_no": make_person(1).certno}
    assert PATIENT.credential()["card_sn"] == "S1"


async def test_a_resend_is_the_same_message_signed_again() -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((await request.read(), {**request.headers}))
        return web.json_response({"infcode": 0, "output": {"setlinfo": {"balc": 12.50}}})

    async with serving(answer) as url, open_clients(url, "441900") as clients:
        one = clients.of(PHARMACY)
        message = one.message("2102", inputs.purchase(PATIENT, BASKET, at=AT))
        replies = [await one.send(message), await one.send(message)]
        assert clients.of(PHARMACY) is one
    assert seen[0][0] == seen[1][0] == message.body
    for _, headers in seen:
        assert tif_verified(
            timestamp=headers["x-tif-timestamp"], secret=PHARMACY.secret,
            nonce=headers["x-tif-nonce"], signature=headers["x-tif-signature"],
        )  # fmt: skip
    assert replies[0].node("setlinfo")["balc"] == Decimal("12.5")


async def test_a_refusal_is_an_answer_and_anything_else_is_an_error() -> None:
    answers = [
        web.json_response({"infcode": -1, "err_code": "X", "err_msg": "不行", "retry": "never"}),
        web.json_response({"code": "AUTH"}, status=401),
        web.Response(body=b"<html>"),
    ]

    async def answer(_request: web.Request) -> web.Response:
        return answers.pop(0)

    async with serving(answer) as url, open_clients(url, "441900") as clients:
        one = clients.of(PHARMACY)
        refused = await one.ask("2601", {})
        assert (refused.is_done, refused.err_code, refused.err_msg) == (False, "X", "不行")
        with pytest.raises(ClientError, match="X 不行"):
            refused.node("setlinfo")
        with pytest.raises(ClientError, match="HTTP 401"):
            await one.ask("2601", {})
        with pytest.raises(ClientError, match="<html>"):
            await one.ask("2601", {})
    with pytest.raises(ClientError, match="no answer"):
        async with open_clients(url, "441900") as clients:
            await clients.of(PHARMACY).ask("2601", {})


@asynccontextmanager
async def serving(handler: object) -> AsyncIterator[str]:
    """A server that answers every POST with a handler."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
