"""People of the town are treated in another region, which asks the town to share their cases."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from ledger.postgres.fold import trial_balance
from loadtest import filing_inputs
from protocol.hub.messages import (
    Case,
    CaseState,
    CaseTold,
    InstitutionTold,
    Kind,
    Refused,
    ReverseAsked,
)
from settlement.chart import RegionAccount
from settlement.elsewhere.home_refusals import BROKEN
from settlement.policy.loader import load_policies
from settlement.serve.region_cases import home_text
from settlement.storage import console_regions
from settlement.storage.reader import read_settlements
from settlement.telemetry.metrics import METRICS
from settlement.usecases.explain import Recomputed, explain
from settlement.view import View
from tests.kit.abroad import Abroad, a_line, told
from tests.kit.population import (
    BALANCE_FEN,
    CHANGSHA,
    CLASS_A,
    CLOSED_REGION,
    GUANGZHOU,
    Citizen,
    some,
)
from tests.kit.population import Kind as Who
from tests.kit.registrar import day_of
from tests.kit.reply import assert_done
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def abroad(town: Town) -> Abroad:
    """Changsha, in another province."""
    return Abroad(town.service, town.clock)


async def owed(town: Town, region: int = CHANGSHA.account_base) -> dict[str, int]:
    """What the town owes a region, by account, and the memorandum of what patients pay there."""
    trial = await trial_balance(town.owner, "agency")
    names = {region + one: one.name for one in RegionAccount}
    return {
        names[row.account]: abs(row.balance.debits_fen - row.balance.credits_fen)
        for row in trial.rows if row.account in names
    }  # fmt: skip


def shared(answer: CaseTold) -> tuple[int, int, int, int]:
    """Funds, account, hospital, cash."""
    return answer.fund_fen, answer.account_fen, answer.hospital_fen, answer.cash_fen


async def test_case_is_shared_by_our_policy_and_owed_to_the_region_of_treatment(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    before = await owed(town)
    answer = await abroad.settle(abroad.case(someone))
    assert shared(answer) == (6_000, 4_000, 0, 0)
    assert answer.balance_fen == BALANCE_FEN - 4_000 == await town.balance_fen(someone)
    assert [(s.fund_code, s.amount_field, s.amount_fen) for s in answer.shares] == [
        ("310102", "hifp_pay", 6_000)
    ]
    now = await owed(town)
    grown = {name: now.get(name, 0) - before.get(name, 0) for name in now}
    assert grown["PAYABLE_FUNDS"] == 6_000
    assert grown["PAYABLE_ACCOUNTS"] == 4_000
    accumulators = await town.accumulators(someone)
    assert accumulators["2026"]["outpatient.paid.310102"] == 6_000
    (row,) = await town.rows_of(someone)
    assert (row["institution"], row["infno"], row["mdtrt_id"]) == ("430100", "HUB", row["setl_id"])


async def test_asked_again_the_same_case_gets_the_same_answer(town: Town, abroad: Abroad) -> None:
    case = abroad.case(town.someone(), lines=(a_line(1, 4_000), a_line(2, 6_000)))
    first = await abroad.settle(case)
    town.clock.pass_by(timedelta(minutes=5))
    assert await abroad.settle(case) == first
    assert (await abroad.status(case)).case == first
    lines = (a_line(1, 4_000), replace(a_line(2, 6_000), item_code="XB"))
    for changed in (
        replace(case, lines=lines),
        replace(case, total_fen=20_000, in_scope_fen=20_000, lines=()),
        replace(case, visit_no="V2"),
    ):
        assert await abroad.refused(changed) == "CASE_CONFLICT"


async def test_quote_says_what_a_settlement_would_and_leaves_nothing(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    case = abroad.case(someone)
    quoted = await abroad.quote(case)
    assert quoted.settlement_no == ""
    assert (await abroad.status(case)).state is CaseState.UNKNOWN
    assert await town.rows_of(someone) == []
    settled = await abroad.settle(case)
    assert shared(quoted) == shared(settled)
    assert quoted.explanation == settled.explanation


async def test_stay_is_reduced_by_what_was_filed_and_where_it_was(
    town: Town, abroad: Abroad
) -> None:
    unfiled = await abroad.settle(abroad.stay(town.someone(), 1_000_000))
    assert (unfiled.fund_fen, unfiled.deductible_fen, unfiled.filing) == (579_600, 80_000, "")
    emergency = await abroad.settle(abroad.stay(town.someone(), 1_000_000, emergency=True))
    assert (emergency.fund_fen, emergency.filing) == (745_200, "emergency")
    near = Abroad(town.service, town.clock, GUANGZHOU)
    in_province = await near.settle(near.stay(town.someone(), 1_000_000))
    assert in_province.fund_fen == 828_000


async def test_transfer_filed_here_makes_a_referral_of_the_stay_there(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    case = abroad.stay(someone, 1_000_000, days=1)
    await file_transfer(town, someone, case.institution.code)
    assert [(f.kind, f.region) for f in (await abroad.who(abroad.person(someone))).filings] == [
        ("referral", "430100")
    ]
    settled = await abroad.settle(case)
    assert (settled.fund_fen, settled.deductible_fen) == (777_600, 40_000)
    assert settled.filing == "referral"


async def file_transfer(town: Town, someone: Citizen, hospital: str) -> None:
    """2501 from our hospital to one elsewhere, two days ago."""
    since = day_of(town.hospital, -2)
    content = filing_inputs.transfer(
        someone.patient, to=hospital, to_name="测试外地医院", begins=since
    )
    assert_done(await town.hospital.ask("2501", content))


async def test_cancel_takes_everything_back_once(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    case = abroad.case(someone)
    settled = await abroad.settle(case)
    asked = abroad.cancelling(case, settled)
    answer = await abroad.ask(Kind.CANCEL, asked)
    assert await abroad.ask(Kind.CANCEL, asked) == answer
    assert await town.balance_fen(someone) == BALANCE_FEN
    assert [row["kind"] for row in await town.rows_of(someone)] == [1, 2]
    status = await abroad.status(case)
    assert (status.state, status.case, status.cancel) == (CaseState.CANCELLED, settled, answer)
    treated = case.case_no.partition("-")[0]
    found = await console_regions.home_case(town.owner, None, treated, case.case_no)
    assert [(one.kind, one.total_fen) for one in found] == [
        (1, case.total_fen), (2, -case.total_fen)
    ]  # fmt: skip
    assert settled.settlement_no in home_text(case.case_no, found)
    again = await abroad.ask(Kind.CANCEL, replace(asked, cancel_no=abroad.number()))
    assert isinstance(again, Refused)
    assert again.code == "CASE_CANCELLED"
    assert await abroad.settle(case) == settled


async def test_cancel_of_an_earlier_case_is_refused_for_good_under_its_number(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    first, later = abroad.case(someone), abroad.case(someone)
    settled, settled_later = await abroad.settle(first), await abroad.settle(later)
    asked = abroad.cancelling(first, settled)
    refused = told(await abroad.ask(Kind.CANCEL, asked), Refused)
    assert refused.code == "LATER_SETTLEMENT_STANDS"
    assert settled_later.settlement_no in refused.text
    await abroad.cancel(later, settled_later)
    assert await abroad.ask(Kind.CANCEL, asked) == refused
    await abroad.cancel(first, settled)
    assert await town.balance_fen(someone) == BALANCE_FEN


async def test_reversal_undoes_a_case_whatever_came_after_it(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    case = abroad.case(someone)
    await abroad.settle(case)
    sold = await town.pharmacy.sell(someone, some(CLASS_A))
    assert sold.infcode == 0
    undone = await abroad.reverse(case)
    assert undone.undone
    assert await abroad.reverse(case) == undone
    assert await abroad.refused(case) == "CASE_REVERSED"
    status = await abroad.status(case)
    assert (status.state, status.case) == (CaseState.REVERSED, None)
    assert (await town.pharmacy.send(town.pharmacy.cancel(sold))).infcode == 0
    assert await town.balance_fen(someone) == BALANCE_FEN


async def test_reversal_of_what_never_came_keeps_it_out(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    case = abroad.case(someone)
    kept_out = await abroad.reverse(case)
    assert not kept_out.undone
    town.clock.pass_by(timedelta(minutes=5))
    assert await abroad.reverse(case) == kept_out
    assert await abroad.refused(case) == "CASE_REVERSED"
    assert (await abroad.status(case)).state is CaseState.REVERSED
    assert await town.rows_of(someone) == []


async def test_reversal_of_another_persons_case_is_refused(town: Town, abroad: Abroad) -> None:
    for one, other in (town.neighbours(), town.strangers()):
        case = abroad.case(one)
        settled = await abroad.settle(case)
        wrong = replace(case, person_no=other.number)
        asked = replace(abroad.cancelling(case, settled), person_no=other.number)
        answers = [
            await abroad.ask(Kind.REVERSE, _reversal(wrong)), await abroad.ask(Kind.CANCEL, asked)
        ]  # fmt: skip
        assert {a.code for a in answers if isinstance(a, Refused)} <= {
            "CASE_OTHER_PERSON", "CASE_UNKNOWN"
        }  # fmt: skip
        assert all(isinstance(answer, Refused) for answer in answers)
        assert (await abroad.status(case)).state is CaseState.SETTLED


def _reversal(case: Case) -> ReverseAsked:
    return ReverseAsked(case_no=case.case_no, person_no=case.person_no)


REFUSED = (
    # what is wrong with a case, and how it is refused
    ({"case_no": ""}, "CASE_NUMBER_WRONG"),
    ({"institution": InstitutionTold(code="H44010000001", name="测试", region="440100",
                                     hospital_level="5", deductible_level="2")},
     "CASE_INSTITUTION_ELSEWHERE"),
    ({"care_kind": "dental"}, "CASE_CODE_WRONG"),
    ({"account_use": "9"}, "CASE_CODE_WRONG"),
    ({"account_use": "2"}, "CASE_FAMILY_ACCOUNT"),
    ({"care_kind": "inpatient", "care_type": "21"}, "CASE_DATES_WRONG"),
    ({"pre_self_pay_fen": -1, "in_scope_fen": 10_001}, "CASE_NEGATIVE"),
    ({"total_fen": 0, "in_scope_fen": 0}, "CASE_NEGATIVE"),
    ({"total_fen": 10_001}, "CASE_SUM_DIFFERS"),
    ({"lines": (a_line(1, 9_999),)}, "CASE_LINES_DIFFER"),
    ({"lines": (a_line(1, 10_000, full_self_pay_fen=1),)}, "CASE_LINES_DIFFER"),
    ({"lines": (replace(a_line(1, 10_000), amount_fen=9_999),)}, "CASE_LINES_DIFFER"),
    ({"person_no": "44190099999999999999"}, "PERSON_UNKNOWN"),
    ({"scheme": "390"}, "SCHEME_NOT_ENROLLED"),
    ({"care_type": "99"}, "CARE_TYPE_NOT_COVERED"),
    ({"care_type": "14", "care_kind": "outpatient_special"}, "DISEASE_MISSING"),
    ({"care_type": "14", "care_kind": "outpatient_special", "disease": "M00001"},
     "DISEASE_NOT_FILED"),
)  # fmt: skip


async def test_what_breaks_an_identity_is_refused_and_never_booked(
    town: Town, abroad: Abroad
) -> None:
    someone, counted = town.someone(), METRICS.hub_broken
    for changes, code in REFUSED:
        case = replace(abroad.case(someone), **changes)
        refused = told(await abroad.ask(Kind.SETTLE, case), Refused)
        assert refused.code == code, changes
        assert await abroad.ask(Kind.SETTLE, case) == refused, changes
        if code != "CASE_NUMBER_WRONG":
            assert (await abroad.status(case)).state is CaseState.REVERSED
    assert await town.rows_of(someone) == []
    assert METRICS.hub_broken - counted == 2 * sum(code in BROKEN for _, code in REFUSED)


async def test_what_was_refused_is_refused_for_its_first_reason_also_when_that_is_gone(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    first, later = abroad.case(someone), abroad.case(someone)
    wrong = replace(first, total_fen=first.total_fen + 1)
    refused = told(await abroad.ask(Kind.SETTLE, wrong), Refused)
    assert await abroad.ask(Kind.SETTLE, first) == refused, "the number is refused, not the content"
    assert not (await abroad.reverse(first)).undone
    assert await abroad.ask(Kind.SETTLE, first) == refused
    kept = await town.owner.fetchval(
        "select fingerprint from settlement.message where outcome = 9 order by recorded_at desc"
    )
    assert kept and refused.code.encode() not in kept, "what was wrong is sealed"
    assert not (await abroad.reverse(later)).undone
    assert await abroad.refused(later) == "CASE_REVERSED", "nothing was refused"


async def test_who_may_not_ask_is_refused(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    case = abroad.case(someone)
    answer = told(await town.service.hub_desk.answer("990000", Kind.SETTLE, case), Refused)
    assert answer.code == "TREATING_REGION_UNKNOWN"
    closed = Abroad(town.service, town.clock, CLOSED_REGION)
    assert await closed.refused(closed.case(someone)) == "REGION_CLOSED"
    assert await closed.refused(closed.case(someone), Kind.QUOTE) == "REGION_CLOSED"
    assert not (await closed.reverse(closed.case(someone))).undone


async def test_person_is_told_as_to_a_counter_of_ours(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    answer = await abroad.who(abroad.person(someone))
    assert (answer.person_no, answer.balance_fen) == (someone.number, BALANCE_FEN)
    assert [(e.scheme, e.status) for e in answer.enrolments] == [("310", "1")]
    assert answer.holds_until > town.clock()
    await town.issue_token(someone, "T-ABROAD", institution="430100")
    token = abroad.person(someone, credential_kind="01", number="T-ABROAD")
    assert (await abroad.who(token)).person_no == someone.number
    card = someone.insured.identity
    shown = abroad.person(someone, credential_kind="03", number=card.card_no)
    for question, code in (
        (abroad.person(someone, number="999999198001019998"), "PERSON_UNKNOWN"),
        (abroad.person(someone, name="测试乙"), "IDENTITY_MISMATCH"),
        (shown, "CREDENTIAL_CARD_SERIAL_MISSING"),
        (abroad.person(someone, credential_kind="09"), "CREDENTIAL_MISMATCH"),
    ):
        assert told(await abroad.ask(Kind.PERSON, question), Refused).code == code
    assert (await abroad.who(replace(shown, card_serial=card.card_serial))).person_no


async def test_token_of_an_institution_of_ours_is_worth_nothing_there(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    await town.issue_token(someone, "T-HERE", institution=town.pharmacy.code)
    question = abroad.person(someone, credential_kind="01", number="T-HERE")
    assert told(await abroad.ask(Kind.PERSON, question), Refused).code == "TOKEN_OTHER_INSTITUTION"


async def test_whom_an_operator_stopped_is_refused(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    question = abroad.person(someone)
    await town.switch("person", someone.number, on=True)

    async def stopped() -> bool:
        return isinstance(await abroad.ask(Kind.PERSON, question), Refused)

    await until(stopped)
    assert told(await abroad.ask(Kind.PERSON, question), Refused).code == "PERSON_SUSPENDED"
    assert await abroad.refused(abroad.case(someone)) == "PERSON_SUSPENDED"


async def test_bill_that_nobody_but_the_patient_pays_is_booked_all_the_same(
    town: Town, abroad: Abroad
) -> None:
    case = abroad.case(town.someone(), full_self_pay_fen=10_000, in_scope_fen=0)
    settled = await abroad.settle(case)
    assert shared(settled) == (0, 0, 0, 10_000)
    await abroad.cancel(case, settled)


async def test_other_region_compares_a_day_page_by_page(town: Town) -> None:
    abroad = Abroad(town.service, town.clock, GUANGZHOU)
    day = town.clock.local.date() + timedelta(days=2)
    town.clock.pass_by(timedelta(days=2))
    cases = [abroad.case(town.someone()) for _ in range(4)]
    settled = [await abroad.settle(case) for case in cases]
    cancelled = await abroad.cancel(cases[0], settled[0])
    page = await abroad.page(day)
    found = {row.settlement_no: row for row in page.rows}
    assert not page.more
    assert sorted(found) == [row.settlement_no for row in page.rows]
    assert set(found) == {one.settlement_no for one in (*settled, cancelled)}
    taken = found[cancelled.settlement_no]
    assert (taken.case_no, taken.reversal, taken.fund_fen) == (cases[0].case_no, True, -6_000)
    assert sum(row.total_fen for row in page.rows) == 30_000
    assert (await abroad.page(day, page.rows[-1].settlement_no)).rows == ()
    assert (await abroad.page(date(2020, 1, 1))).rows == ()
    other = Abroad(town.service, town.clock)
    assert not {row.settlement_no for row in (await other.page(day)).rows} & set(found)


async def test_no_institution_of_ours_hears_of_it(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    settled = await abroad.settle(abroad.case(someone))
    await town.list_statements()
    listed = await town.owner.fetchval(
        "select count(*) from settlement.statement s where s.setl_id = $1",
        int(settled.settlement_no),
    )
    assert listed == 0
    reply = await town.hospital.visits(someone)
    assert settled.settlement_no not in str(reply.output)
    data = {"psn_no": someone.number, "setl_id": settled.settlement_no,
            "mdtrt_id": settled.settlement_no}  # fmt: skip
    for infno in ("5203", "5204"):
        assert (await town.hospital.ask(infno, {"data": data})).infcode != 0
    reply = await town.hospital.ask("2208", {"data": data})
    assert reply.err_code == "SETTLEMENT_OF_OTHER_INSTITUTION"


async def test_claims_of_both_regions_share_one_year(town: Town, abroad: Abroad) -> None:
    someone = town.someone()
    settled = await abroad.settle(abroad.case(someone, 490_000))
    assert settled.fund_fen == 294_000
    sold = await town.pharmacy.sell(someone, some(CLASS_A, 100))
    assert sold.money("fund_pay_sumamt") == 60
    again = await abroad.settle(abroad.case(someone, 10_000))
    assert again.fund_fen == 0


async def test_cases_of_one_person_that_come_together_see_each_other(
    town: Town, abroad: Abroad
) -> None:
    someone = town.someone()
    cases = [abroad.case(someone, 200_000) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(abroad.settle(case)) for case in cases]
    answers = [task.result() for task in tasks]
    assert sum(answer.fund_fen for answer in answers) == 300_000
    assert sum(answer.account_fen for answer in answers) == BALANCE_FEN
    assert await town.balance_fen(someone) == 0


async def test_resident_and_suspended_people_are_shared_as_at_home(
    town: Town, abroad: Abroad
) -> None:
    resident = await abroad.settle(abroad.case(town.someone(Who.RESIDENT)))
    assert resident.account_fen == 0
    assert resident.fund_fen > 0
    suspended = await abroad.settle(abroad.case(town.someone(Who.SUSPENDED)))
    assert (suspended.fund_fen, suspended.account_fen) == (0, 10_000)
    assert await abroad.refused(abroad.case(town.someone(Who.WAITING))) == "NOT_ENTITLED"


async def test_explanation_says_where_and_by_which_filing_in_both_languages(
    town: Town, abroad: Abroad
) -> None:
    settled = await abroad.settle(abroad.stay(town.someone(), 1_000_000, emergency=True))
    steps = msgspec.json.decode(settled.explanation)
    assert any(step[0].startswith("share:310100") and step[3] == 745_200 for step in steps)
    view = View()
    number = int(settled.settlement_no)
    await read_settlements(town.owner, [number], view, town.shape)
    told_text = explain(
        view.settlements[number], town.keyring, load_policies(), {CHANGSHA.region: CHANGSHA}
    )
    assert told_text.recomputed is Recomputed.SAME
    assert (told_text.treated_in, told_text.filing) == ("430100", "emergency")
    assert told_text.text_zh.splitlines()[2:4] == [
        "就医地：长沙市（430100，省外）测试外地医院（H43010000001）",
        f"异地就医备案：急诊，视同已备案；异地结算编号：{settled.case_no}",
    ]
    assert told_text.text_en.splitlines()[2:4] == [
        "treated in 长沙市 (430100, another province) by 测试外地医院 (H43010000001)",
        f"filing for care elsewhere: emergency, which counts as filed; case {settled.case_no}",
    ]
