"""An unknown outcome: the same message, then 5201 and 5203 by its msgid, then 2601; never anew."""

from __future__ import annotations

from decimal import Decimal

import pytest

from settlement.client import Done, Item, Line, Refused, TakenBack, Unknown
from settlement.client.wire import Passage
from tests.unit.client.fakes import LOST, PATIENT, PaperWire, bad, good, institution

LINES = [Line(item=Item(med_list_codg="X1", medins_list_codg="1", price=Decimal("4.00")))]
GIVES_UP = [LOST] * 3
"""As many as fit before the deadline of `fakes.institution`."""
INFO = {
    "setl_id": "S1", "mdtrt_id": "M1", "medfee_sumamt": 4, "fund_pay_sumamt": 2, "acct_pay": 1,
    "psn_cash_pay": 1,
}  # fmt: skip


def found(msgid: str) -> list[Passage]:
    return [
        good({"mdtrtinfo": [{"mdtrt_id": "M1", "setl_id": "S1"}]}),
        good({"setlinfo": {**INFO, "medins_setl_id": msgid}}),
    ]


async def test_answer_to_the_same_message_is_enough() -> None:
    wire = PaperWire(good({"setlinfo": INFO}, "重复报文"))
    pos = institution(wire)
    outcome = await pos.resolve(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(outcome, Done)
    assert outcome.is_replay
    assert outcome.settlement.total_fen == 400
    assert wire.infnos == ["2102"]


async def test_settlement_is_found_by_its_msgid() -> None:
    wire = PaperWire()
    pos = institution(wire)
    message = pos.pharmacy.sale(PATIENT, LINES)
    wire._passages = [*GIVES_UP, *found(message.msgid)]
    outcome = await pos.resolve(Unknown(message=message, reason="test"))
    assert isinstance(outcome, Done)
    assert outcome.settlement.setl_id == "S1"
    assert wire.infnos == ["2102"] * 3 + ["5201", "5203"]
    assert set(wire.msgids[:3]) == {message.msgid}
    data = wire.sent[3][1]["input"]["data"]  # type: ignore[index]
    assert data["medins_setl_id"] == message.msgid


async def test_settlement_of_another_message_is_not_taken_for_it() -> None:
    wire = PaperWire(*GIVES_UP, *found("another"), good())
    pos = institution(wire)
    outcome = await pos.resolve(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(outcome, TakenBack)
    assert wire.infnos[-1] == "2601"


async def test_what_is_not_found_is_taken_back() -> None:
    wire = PaperWire(*GIVES_UP, good({"mdtrtinfo": []}), good())
    pos = institution(wire)
    message = pos.pharmacy.sale(PATIENT, LINES)
    outcome = await pos.resolve(message)
    assert isinstance(outcome, TakenBack)
    named = wire.sent[-1][1]["input"]
    wanted = {"psn_no": PATIENT.psn_no, "omsgid": message.msgid, "oinfno": "2102"}
    assert named == {"data": wanted}


async def test_still_unknown_while_the_server_cannot_be_asked() -> None:
    wire = PaperWire(*GIVES_UP, *GIVES_UP, *GIVES_UP)
    pos = institution(wire)
    outcome = await pos.resolve(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(outcome, Unknown)
    assert wire.infnos == ["2102"] * 3 + ["5201"] * 3 + ["2601"] * 3


@pytest.mark.parametrize("infno", ["2103", "2201", "2204", "2402"])
async def test_what_2601_cannot_reverse_is_only_sent_again(infno: str) -> None:
    wire = PaperWire(*GIVES_UP)
    his = institution(wire)
    outcome = await his.resolve(his.message(infno, {"data": {"psn_no": "1"}}))
    assert isinstance(outcome, Unknown)
    assert set(wire.infnos) == {infno}


async def test_refusal_after_a_lost_attempt_is_closed_with_2601() -> None:
    """A slow line may still hold the lost attempt; it must not be carried out tomorrow."""
    wire = PaperWire(LOST, bad("STAY_OPEN"), good())
    pos = institution(wire)
    refused = await pos.send(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(refused, Refused)
    assert refused.earlier_lost
    outcome = await pos.resolve(refused)
    assert isinstance(outcome, TakenBack)
    assert "STAY_OPEN" in outcome.reason


async def test_refusal_after_a_restart_is_closed_too() -> None:
    """Nobody remembers how often it was sent before the crash."""
    wire = PaperWire(bad("STAY_OPEN"), good())
    pos = institution(wire)
    assert isinstance(await pos.resolve(pos.pharmacy.sale(PATIENT, LINES)), TakenBack)


async def test_certain_refusal_is_left_as_it_is() -> None:
    wire = PaperWire(bad("STAY_OPEN"))
    pos = institution(wire)
    refused = await pos.send(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(refused, Refused)
    assert await pos.resolve(refused) == refused
    assert wire.infnos == ["2102"]


async def test_message_that_was_reversed_before_is_taken_back() -> None:
    pos = institution(PaperWire(bad("MESSAGE_REVERSED")))
    outcome = await pos.resolve(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(outcome, TakenBack)


async def test_reversal_that_is_refused_leaves_it_unknown() -> None:
    wire = PaperWire(*GIVES_UP, good({"mdtrtinfo": []}), bad("LATER_SETTLEMENT_STANDS"))
    pos = institution(wire)
    outcome = await pos.resolve(pos.pharmacy.sale(PATIENT, LINES))
    assert isinstance(outcome, Unknown)
    assert "LATER_SETTLEMENT_STANDS" in outcome.reason
