"""What a person had before: medicines at this institution (5205), accumulators (5206). Nothing is
written.
"""

from __future__ import annotations

from datetime import date

from protocol.nhsa.times import parse_moment
from settlement.clock import Moment
from settlement.commands import FindAccumulators, FindMedicines
from settlement.decision import Answer, Decision
from settlement.refusal import Refusal
from settlement.translate import past_care
from settlement.usecases import checks
from settlement.usecases.enquire import lines_of
from settlement.usecases.lines_needed import standing_here
from settlement.view import View
from settlement.world import World

_MEDICINES = "1"
"""How list_type begins for what is taken: 101 drugs, 102 herbs, 103 preparations, …"""


def find_medicines(command: FindMedicines, view: View, world: World, moment: Moment) -> Decision:
    """The medicine lines of this institution's settlements that stand, oldest settlement first."""
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    end = command.end or moment.local
    rows = []
    for fact in standing_here(view, asked.institution.code, command.begin):
        if fact.row.psn_no != asked.person_no:
            continue
        for settled in lines_of(fact, view, world).lines:
            line = settled.priced.line
            item = world.catalogue.find(line.item_code, fact.row.service_at.date())
            if item is None or not item.list_type.startswith(_MEDICINES):
                continue
            if command.begin <= parse_moment(settled.kept.occurred_at) <= end:
                rows.append(past_care.medicine(fact.row, settled, item, asked.institution))
    return Decision(Answer(output=past_care.medicines_reply(rows)))


def find_accumulators(
    command: FindAccumulators, view: View, world: World, moment: Moment
) -> Decision:
    """The person's accumulators as they stand now, year by year; of one year where a month says
    which."""
    person = checks.own_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    month = None
    if command.month:
        month = past_care.month_of(command.month)
        if month is None:
            return Decision(
                Refusal(
                    code="FIELD_FORMAT", field="cum_ym",
                    params={"name_zh": "累计年月", "expected": "yyyyMM", "found": command.month},
                )
            )  # fmt: skip
    sums = past_care.sums_of(person, world.policies, world.profile, world.region)
    today: date = moment.local.date()
    return Decision(Answer(output=past_care.accumulators_reply(sums, today, month)))
