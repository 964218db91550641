"""Puts what a town knows into messages that were made from a schema alone.

A message of random texts is refused at the first door: another institution's, of nobody, about
nothing. Here it gets an institution's envelope and, more often than not, a person, items, days and
numbers that the town has, so that it comes as far as it can; all that was made at random and is not
named here stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

from tests.kit.clock import TownClock
from tests.kit.counter import Counter
from tests.kit.population import CAPPED, CLASS_A, CLASS_B, PLAIN, Citizen

KEPT_NUMBERS_MAX = 200
_NUMBERS = count(1)
_LINES = ("drugdetail", "feedetail")
_CODES = {
    "insutype": "310",
    "mdtrt_cert_type": "02",
    "psn_cert_type": "01",
    "acct_used_flag": "0",
    "psn_setlway": "01",
    "mid_setl_flag": "0",
}
_ISSUED = ("mdtrt_id", "setl_id", "file_qury_no", "chrg_bchno", "trt_dcla_detl_sn")


class Familiar:
    """What the town knows, and the numbers it has issued so far."""

    def __init__(self, clock: TownClock, people: list[Citizen]) -> None:
        self._clock = clock
        self._people = people
        self._issued: dict[tuple[str, str], list[str]] = {}

    def move_in(self, body: Any, counter: Counter, infno: str, random: Random) -> Any:
        """The body with an envelope of the counter's and, mostly, the town's people and items."""
        if not isinstance(body, dict):
            return body
        person = random.choice(self._people)
        known = self._known(person, counter, random)
        body = _with_known(body, known, random, share=random.choice((5 / 6, 1)))
        if random.random() < 0.8:
            body = _as_counters_write(body)
        for lines in _line_nodes(body):
            _price(lines, random)
        if random.random() < 0.8:
            _add_up(body)
        if random.random() < 0.95:
            body |= {"infno": infno, "enc_type": None, "cainfo": None}
        return body | {
            "msgid": f"{counter.code}{self._clock.local:%Y%m%d%H%M%S}{next(_NUMBERS) % 10_000:04d}",
            "fixmedins_code": counter.code,
        }

    def remember(self, answer: Any, person_no: str) -> None:
        """Numbers that an answer issued are used by later messages about the same person."""
        for name, value in _leaves(answer):
            if name in _ISSUED and isinstance(value, str):
                kept = self._issued.setdefault((person_no, name), [])
                kept.append(value)
                del kept[:-KEPT_NUMBERS_MAX]

    def _known(self, person: Citizen, counter: Counter, random: Random) -> dict[str, str]:
        shown = person.patient.person
        item = random.choice((CLASS_A, CLASS_B, CAPPED, PLAIN[0]))
        now = self._clock.text()
        times = ("begntime", "endtime", "fee_ocur_time", "diag_time", "inf_time", "adm_time")
        days = ("begndate", "enddate", "stmt_begndate", "stmt_enddate", "exp_date")
        issued = {
            name: random.choice(self._issued[person.number, name])
            for name in _ISSUED
            if (person.number, name) in self._issued
        }
        return {
            **_CODES,
            **issued,
            **dict.fromkeys(times, now),
            **dict.fromkeys(days, now[:10]),
            "psn_no": person.number,
            "psn_name": shown.psn_name,
            "certno": shown.certno,
            "mdtrt_cert_no": shown.certno,
            "fixmedins_code": counter.code,
            "med_list_codg": item.item.code,
            "med_type": random.choice(sorted(counter.institution.care_types)),
        }


def person_of(body: Any) -> str:
    """The person whom a message names first."""
    named = (value for name, value in _leaves(body) if name == "psn_no" and isinstance(value, str))
    return next(named, "")


def _with_known(node: Any, known: dict[str, str], random: Random, *, share: float) -> Any:
    """What the message says, said of the town, in this share of the places whose name is known."""
    if isinstance(node, list):
        return [_with_known(each, known, random, share=share) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: known[name]
        if name in known and isinstance(value, str) and random.random() < share
        else _with_known(value, known, random, share=share)
        for name, value in node.items()
    }


def _as_counters_write(node: Any) -> Any:
    """What a schema cannot say well: numbers have two decimals, and no text has a NUL."""
    match node:
        case list():
            return [_as_counters_write(each) for each in node]
        case dict():
            return {name: _as_counters_write(value) for name, value in node.items()}
        case float():
            return round(node, 2)
        case str():
            return node.replace("\0", " ")
    return node


def _line_nodes(body: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    content = body.get("input")
    for name in _LINES if isinstance(content, dict) else ():
        rows = content.get(name)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            yield rows


def _price(rows: list[dict[str, Any]], random: Random) -> None:
    """Lines that multiply rightly, numbered, most of the time."""
    if random.random() < 0.2:
        return
    for number, row in enumerate(rows, 1):
        quantity, price = random.randint(1, 9), random.randint(1, 99)
        row |= {
            "feedetl_sn": str(number),
            "cnt": quantity,
            "pric": price,
            "det_item_fee_sumamt": quantity * price,
        }


def _add_up(body: dict[str, Any]) -> None:
    """The head says what the lines say."""
    content = body.get("input")
    head = content.get("druginfo") if isinstance(content, dict) else None
    if not isinstance(head, dict):
        return
    for rows in _line_nodes(body):
        amounts = [row.get("det_item_fee_sumamt") for row in rows]
        if all(isinstance(amount, int) for amount in amounts):
            head["medfee_sumamt"] = sum(amounts)


def _leaves(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _leaves(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if not isinstance(value, dict | list):
                yield name, value
            yield from _leaves(value)
