"""The page of a hospital's payments cannot rot: whoever sends what it shows gets what it shows.

As the page of scan-to-pay (test_scan_to_pay_page.py); the numbers of persons, stays and visits that
it shows stand for those of a town.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.gateway import PayReply
from tests.acceptance.test_scan_to_pay_page import exchanges
from tests.kit.cashier import Cashier
from tests.kit.population import DEAR, Citizen, some
from tests.kit.reply import assert_done
from tests.kit.taught_page import is_shown
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/hospital-payments.md"
REQUESTS_MIN = 10
PERSON, DOCUMENT = "44190000000000000000000001", "999999199001010017"
STAY, VISIT = "2611000300001000002", "2611000300001000003"


class Scene:
    """The hospital of the page, and what happens in it before a request is sent."""

    stay: StayInProgress

    def __init__(self, town: Town) -> None:
        self._town = town
        self._pay = town.service.payments
        self._caller = Cashier(town.service).caller
        self._real: dict[str, str] = {}

    async def set(self, words: tuple[str, ...]) -> None:
        """`someone`: another person. `stay`: with two boxes; `visit`: with three. `leaves`."""
        town = self._town
        for word in words:
            match word:
                case "someone":
                    self._met(town.someone())
                case "stay":
                    citizen = self._met(town.someone())
                    self.stay = await admit(town.hospital, citizen, some(DEAR, 2))
                    self._real[STAY] = self.stay.mdtrt_id
                case "visit":
                    citizen = self._met(town.someone())
                    visit = await town.hospital.open_visit(citizen, some(DEAR, 3))
                    self._real[VISIT] = visit.mdtrt_id
                case "leaves":
                    assert_done(await town.hospital.send(self.stay.discharge()))
                case _:
                    raise AssertionError(f"what is {word}?")

    def _met(self, citizen: Citizen) -> Citizen:
        self._real |= {PERSON: citizen.number, DOCUMENT: citizen.patient.person.certno}
        return citizen

    async def send(self, text: str) -> PayReply:
        """A request as the page shows it."""
        for shown, real in self._real.items():
            text = text.replace(shown, real)
        line, _, rest = text.partition("\n")
        method, path = line.split()
        body, pay, caller = rest.encode(), self._pay, self._caller
        match (method, path.split("/")[2:]):
            case "GET", ["deposits", number]:
                return await pay.deposits(number, caller)
            case "GET", ["admissions"]:
                return await pay.admissions(caller)
            case "POST", [what]:
                begin = {"deposit": pay.deposit, "visit": pay.visit, "admission": pay.admission}
                return await begin[what](body, caller)
            case "POST", [order_no, what]:
                act = {"refund": pay.refund, "admit": pay.admit}
                return await act[what](order_no, body, caller)
        raise AssertionError(f"what is {line}?")


async def test_page_shows_what_a_hospital_is_answered(town: Town) -> None:
    scene = Scene(town)
    sent = 0
    for request, answer in exchanges(PAGE.read_text("utf-8")):
        await scene.set(request.words[1:])
        reply = await scene.send(request.text)
        came = reply.body.decode()
        assert is_shown(answer.text, came), f"{PAGE.name}:{request.line} answered\n{came}"
        sent += 1
    assert sent >= REQUESTS_MIN
