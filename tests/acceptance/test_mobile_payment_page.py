"""The page of mobile payment cannot rot: whoever sends what it shows gets what it shows.

A block `json INFNO` is the input of a message, `json answer` the reply; … stands for anything.
What an earlier answer issued, and who the person is, takes the place of what the page says.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.kit.mobile import Platform
from tests.kit.taught_page import blocks_of, is_shown
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/mobile-payment.md"
REQUESTS = ["6201", "6202", "6301", "6401", "6203"]


async def test_page_shows_what_a_platform_is_answered(town: Town) -> None:
    whom = town.someone()
    platform = Platform(town, town.hospital)
    person = whom.patient.person
    instead = {
        "44190000000000000001": whom.number, "999999199001010017": person.certno,
        "测试甲": person.psn_name, "EC-OF-THE-PAGE": await platform.token(whom),
        "AUTH-OF-THE-PAGE": await platform.token(whom),
    }  # fmt: skip
    sent = []
    for request, answer in pairwise(blocks_of(PAGE.read_text("utf-8"))):
        if request.words[:1] != ("json",) or request.words[1] == "answer":
            continue
        text = request.text
        for shown, meant in instead.items():
            text = text.replace(shown, meant)
        message = town.hospital.message(request.words[1], msgspec.json.decode(text))
        came = await town.service.answer(message.infno, message.body, message.caller)
        assert is_shown(answer.text, came.decode()), f"{PAGE.name}:{request.line}\n{came.decode()}"
        sent.append(message.infno)
        if message.infno == "6201":
            issued = msgspec.json.decode(came)["output"]["data"]
            instead |= {
                "ORD-OF-THE-PAGE": issued["payOrdId"], "TOKEN-OF-THE-PAGE": issued["payToken"],
                "VISIT-OF-THE-PAGE": issued["extData"]["mdtrtId"],
            }  # fmt: skip
    assert sent == REQUESTS
