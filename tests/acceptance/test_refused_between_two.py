"""A refusal that the hub lost is told again, for its own reason: whoever treats can say why."""

from __future__ import annotations

from datetime import datetime

from loadtest import institution_inputs as inputs
from loadtest.simulators.hub_faults import Fault, Faults, Plan, Rule
from protocol.hub.messages import Kind
from settlement.embedded.services import Services
from tests.kit.pair import OTHER, OURS, a_pair
from tests.kit.population import CLASS_B, PLAIN, some
from tests.kit.reply import assert_done
from tests.kit.waiting import until

BASKET = (some(PLAIN[5], 10), some(CLASS_B, 10))


async def test_hospital_hears_why_also_where_the_first_refusal_was_lost(
    services: Services,
) -> None:
    async with a_pair(
        services, begins=datetime(2026, 11, 23, 9), faults=Faults(), ahead_seconds=(0.0, 0.0)
    ) as pair:
        guest, hospital = pair.towns[OTHER].people(1)[0], pair.hospital(OURS)
        assert_done(await hospital.ask("1101", inputs.lookup(guest.patient)))
        visit = await hospital.open_visit(guest, *BASKET)
        quoted = visit.quote(*BASKET)
        settling = visit.settlement(quoted, await hospital.send(quoted))
        await pair.towns[OTHER].switch("person", guest.number, on=True)

        async def known() -> bool:
            return (await hospital.send(quoted)).err_code == "REGION_REFUSED"

        await until(known)
        pair.hub.faults.replace(Plan(rules=(Rule(fault=Fault.LOST_AFTER, kind=Kind.SETTLE),)))
        unclear = await hospital.send(settling)
        assert (unclear.err_code, unclear.retry) == ("REGION_UNCLEAR", "same_msgid")
        for _ in range(2):
            reply = await hospital.send(settling)
            assert (reply.err_code, "PERSON_SUSPENDED" in reply.err_msg) == ("REGION_REFUSED", True)
        assert await pair.towns[OTHER].rows_of(guest) == []
