"""A verification asks a chunk of blocks only about codes that are in it: so what it takes for the
codes of a question must be those that the question's statement looks at."""

from __future__ import annotations

import re

import pytest

from settlement.chart import EntryCode
from settlement.storage.verify import _QUERIES, COMMITTED, SEALED, SETTLED

ASKED_OF = {name: codes for name, (_, codes) in COMMITTED.items()} | SETTLED | SEALED
_CODE = re.compile(
    r"\b[eb]\.code (?:= (?P<one>\d+)|in \((?P<some>[\d, ]+)\)"
    r"|between (?P<low>\d+) and (?P<high>\d+))"
)


def codes_in(statement: str) -> set[int]:
    """Every code that a statement compares the code of its entry with."""
    found: set[int] = set()
    for match in _CODE.finditer(statement):
        if match["one"]:
            found.add(int(match["one"]))
        elif match["some"]:
            found |= {int(one) for one in match["some"].split(",")}
        else:
            found |= set(range(int(match["low"]), int(match["high"]) + 1))
    return found


@pytest.mark.parametrize("name", sorted(ASKED_OF))
def test_question_is_put_wherever_there_is_a_code_that_it_looks_at(name: str) -> None:
    assert codes_in(_QUERIES[name]) == ASKED_OF[name]


def test_codes_of_questions_are_codes_of_entries() -> None:
    assert set().union(*ASKED_OF.values()) <= set(EntryCode)


def test_every_question_of_a_chunk_has_its_codes() -> None:
    """Whoever adds one names its codes."""
    chunk = "e.block_no > $2 and e.block_no <= $3"
    own = {name for name, text in _QUERIES.items() if chunk in text.replace("b.block", "e.block")}
    assert own - {"codes"} == ASKED_OF.keys()
