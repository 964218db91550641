"""What each scenario sends, and that no claim is a business duplicate of another."""

from __future__ import annotations

import json
from typing import Any

from loadtest.generator.request import Request
from loadtest.workload import HOT_PERSONS, Scenario, prepared

from .worlds import make_population, make_world

SALES = 5_000


def envelope_of(request: Request) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(request.payload.partition(b"\r\n\r\n")[2])
    return envelope


def sales(scenario: Scenario) -> list[dict[str, Any]]:
    scripts = make_population().scripts(scenario, 5)
    return [envelope_of(next(scripts[number % 5])) for number in range(SALES)]


def business_key(envelope: dict[str, Any]) -> tuple[str, ...]:
    information = envelope["input"]["druginfo"]
    lines = [f"{line['med_list_codg']}×{line['cnt']}" for line in envelope["input"]["drugdetail"]]
    code: str = envelope["fixmedins_code"]
    return code, information["psn_no"], information["begntime"], *sorted(lines)


def test_no_two_claims_have_the_same_message_number_or_business_key() -> None:
    for scenario in (Scenario.ONESHOT, Scenario.HOT, Scenario.HOT_PERSONS):
        sent = sales(scenario)
        assert len({one["msgid"] for one in sent}) == SALES
        assert len({business_key(one) for one in sent}) == SALES


def test_scenarios_of_one_population_never_share_a_message_number() -> None:
    population = make_population()
    scripts = population.scripts(Scenario.ONESHOT, 1) + population.scripts(Scenario.HOT, 1)
    numbers = [envelope_of(next(script))["msgid"] for script in scripts for _ in range(200)]
    assert len(set(numbers)) == len(numbers)


def test_nobody_buys_at_one_place_in_one_second_of_two_windows() -> None:
    population = make_population()
    windows = [
        {business_key(envelope_of(next(script)))[:3] for _ in range(SALES)}
        for script in (population.scripts(Scenario.ONESHOT, 1)[0] for _ in range(3))
    ]
    assert len(set().union(*windows)) == 3 * SALES


def test_spread_sales_reach_every_pharmacy_and_no_hospital() -> None:
    codes = {one["fixmedins_code"] for one in sales(Scenario.ONESHOT)}
    assert codes == {one.code for one in make_world().of_kind("pharmacy")}


def test_hot_sales_are_all_at_one_pharmacy() -> None:
    assert len({one["fixmedins_code"] for one in sales(Scenario.HOT)}) == 1


def test_hot_persons_are_a_hundred_at_every_pharmacy() -> None:
    sent = sales(Scenario.HOT_PERSONS)
    assert len({one["input"]["druginfo"]["psn_no"] for one in sent}) == HOT_PERSONS
    assert len({one["fixmedins_code"] for one in sent}) == 4


def test_service_times_do_not_lie_in_the_future_of_the_start() -> None:
    times = [one["input"]["druginfo"]["begntime"] for one in sales(Scenario.HOT_PERSONS)]
    assert max(times) == times[0]


def test_three_lines_of_different_classes_are_sold() -> None:
    for one in sales(Scenario.ONESHOT)[:50]:
        classes = {int(line["med_list_codg"][1:]) % 3 for line in one["input"]["drugdetail"]}
        assert len(one["input"]["drugdetail"]) == len(classes) == 3


def test_what_the_book_counts_is_what_the_message_says() -> None:
    request = next(make_population().scripts(Scenario.ONESHOT, 1)[0])
    total = envelope_of(request)["input"]["druginfo"]["medfee_sumamt"]
    assert round(total * 100) == request.fee_fen
    assert request.settles
    assert request.ends_unit


def test_prepared_requests_come_first_and_the_script_goes_on_after_them() -> None:
    population = make_population()
    scripts = prepared(population.scripts(Scenario.ONESHOT, 2), 6)
    numbers = [envelope_of(next(scripts[turn % 2]))["msgid"] for turn in range(10)]
    assert len(set(numbers)) == 10


def test_a_visit_sends_its_six_messages_in_order_and_settles_with_the_last() -> None:
    script = make_population().scripts(Scenario.VISITS, 1)[0]
    replies: dict[str, bytes] = {
        "2201": b'{"infcode":0,"output":{"data":{"mdtrt_id":"V42"}}}',
        "2206": (
            b'{"infcode":0,"output":{"setlinfo":{"fulamt_ownpay_amt":1,"overlmt_selfpay":2,'
            b'"preselfpay_amt":3,"inscp_scp_amt":4}}}'
        ),
    }
    request = next(script)
    sent = [request]
    for _ in range(6):
        infno = envelope_of(request)["infno"]
        request = script.send(replies.get(infno, b'{"infcode":0}'))
        sent.append(request)
    infnos = [envelope_of(one)["infno"] for one in sent]
    assert infnos == ["1101", "2201", "2203", "2204", "2206", "2207", "1101"]
    assert [one.settles for one in sent] == [False] * 5 + [True, False]
    assert len(envelope_of(sent[3])["input"]["feedetail"]) == 8
    assert envelope_of(sent[5])["input"]["data"]["mdtrt_id"] == "V42"


def test_a_visit_without_an_answer_is_given_up_for_the_next_one() -> None:
    script = make_population().scripts(Scenario.VISITS, 1)[0]
    first = envelope_of(next(script))
    second = envelope_of(script.send(None))
    assert (first["infno"], second["infno"]) == ("1101", "1101")
    assert first["input"] != second["input"]
