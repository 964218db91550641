"""One table from error to reply: complete, readable, documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.hub.messages import KIND_UNKNOWN
from protocol.nhsa.errors import UNREADABLE, WireError, WireErrorCode
from protocol.nhsa.textfile import FileFault
from settlement.gateway import Retry
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS, TEXT_LENGTH_MAX, Fault, of_wire, text

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "errors.md"
CODE_LITERAL = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[a-z]+(_[a-z]+)+")


TABLES = re.compile(r"(\w+_)?refusals\.py|refusal_(causes|fields|remedies)\.py")
"""Where every code stands, whether it is given or not."""
BUILDERS = ("Refusal", "NotYours", "Denied", "problem")
COMPUTED = {"where", "agency", "field_zh"}
"""Values that every text may use."""


def calls() -> Iterator[tuple[set[str], set[str] | None]]:
    """Codes and names of values of every refusal built anywhere; None where not written out."""
    for file in (ROOT / "settlement").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in BUILDERS:
                continue
            given = {k.arg: k.value for k in node.keywords}
            code = given.get("code") or (node.args[0] if node.args else None)
            params = given.get("params") or (node.args[1] if len(node.args) > 1 else None)
            known: set[str] | None = set() if params is None else None
            if isinstance(params, ast.Dict):
                known = {str(getattr(key, "value", "")) for key in params.keys}
            leaves = ast.walk(code) if code is not None else iter(())
            yield {
                leaf.value
                for leaf in leaves
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            }, known


def codes_built() -> set[str]:
    """Every code given anywhere, also by place or through a conditional."""
    return {code for codes, _ in calls() for code in codes}


def test_every_wire_error_has_a_row_and_only_unreadable_ones_leave_the_envelope() -> None:
    for code in WireErrorCode:
        expected = 400 if code in UNREADABLE else 200
        assert REFUSALS[code.value].http_status == expected, code


def test_every_refusal_built_in_the_core_has_a_row() -> None:
    assert codes_built() - set(REFUSALS) == set()


def test_every_row_is_a_refusal_that_somebody_can_meet() -> None:
    elsewhere = {
        node.value
        for file in (ROOT / "settlement").rglob("*.py")
        if not TABLES.fullmatch(file.name)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    from_protocol = {KIND_UNKNOWN, *(code.value for code in (*WireErrorCode, *FileFault))}
    assert set(REFUSALS) - elsewhere - from_protocol == set()


def test_every_value_given_is_one_that_the_text_can_use() -> None:
    unused = []
    for codes, given in calls():
        for code in codes & set(REFUSALS):
            row = REFUSALS[code]
            used = set(re.findall(r"\{(\w+)\}", row.wrong + row.todo)) - COMPUTED
            if given is not None and used - given:
                unused.append(f"{code} needs {sorted(used - given)}")
    assert unused == []


def test_page_says_what_the_table_says() -> None:
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| `(\w+)` \| (.+?) \| .+? \|$", page, re.M)
    on_page = {code: (int(status), retry, words) for code, status, retry, words in rows}
    in_table = {
        code: (row.http_status, row.retry, f"{row.wrong}{row.todo}")
        for code, row in REFUSALS.items()
    }
    assert on_page == in_table


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_text_is_short_whole_and_says_what_to_do(code: str) -> None:
    bare = text(Refusal(code=code)).message
    assert len(bare) <= TEXT_LENGTH_MAX
    assert bare.endswith("。")
    assert "[" not in bare and "{" not in bare
    assert REFUSALS[code].todo.endswith("。")


def test_known_values_are_shown_and_unknown_parts_left_out() -> None:
    full: dict[str, str | int] = {"line_no": "3", "declared_fen": 1230, "computed_fen": 1231}
    shown = text(Refusal(code="LINE_AMOUNT_MISMATCH", params=full)).message
    assert shown.startswith("明细3金额12.30元与单价×数量（12.31元）不一致。")
    bare = text(Refusal(code="LINE_AMOUNT_MISMATCH")).message
    assert bare.startswith("明细金额与单价×数量不一致。")


def test_values_cannot_smuggle_placeholders_or_length() -> None:
    reply = text(Refusal(code="PERSON_SUSPENDED", params={"reason": "{agency}[x]" + "长" * 300}))
    assert "{agency}[x]" in reply.message
    assert len(reply.message) == TEXT_LENGTH_MAX


@pytest.mark.parametrize(("part", "shown"), [("totals", "合计金额"), ("line 3", "第3行明细")])
def test_conflict_names_the_part_that_differs(part: str, shown: str) -> None:
    message = text(Refusal(code="MESSAGE_CONFLICT", params={"part": part})).message
    assert f"不同之处：{shown}。" in message


def test_wire_error_names_its_field() -> None:
    params = {"name_zh": "数量", "expected": "数字，最多4位小数", "found": "1.00001"}
    error = WireError(WireErrorCode.AMOUNT_SCALE, "input.drugdetail[2].cnt", params)
    reply = text(of_wire(error))
    assert reply.field == "input.drugdetail[2].cnt"
    assert "数量（input.drugdetail[2].cnt）小数位数过多" in reply.message
    assert "收到：1.00001" in reply.message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (WireErrorCode.LINES_TOO_MANY, "input.drugdetail明细行数超限"),
        (WireErrorCode.LINES_NONE, "没有费用明细（input.drugdetail）"),
        (WireErrorCode.FIELD_MISSING, "input.drugdetail不能为空"),
    ],
)
def test_path_without_a_name_stands_without_brackets(code: WireErrorCode, said: str) -> None:
    assert text(of_wire(WireError(code, "input.drugdetail", {}))).message.startswith(said)


def test_retry_advice_fits_the_fault() -> None:
    allowed: dict[Fault, set[Retry]] = {
        Fault.CALLER: {"never"},
        Fault.RULE: {"never"},
        Fault.LIMIT: {"later"},
        Fault.UNKNOWN: {"same_msgid"},
        Fault.OURS: {"same_msgid"},
    }
    wrong = [row.code for row in REFUSALS.values() if row.retry not in allowed[row.fault]]
    assert wrong == []
