"""Which fields each refusal names, read from the code that refuses: writes
settlement/refusal_fields.py and the last section of docs/reference/errors.md.

A field that is computed is read as far as its text says: `lines[{n}].amount` names the amount of a
line. What cannot be read so is in `COMPUTED`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from protocol.nhsa.errors import WireErrorCode
from settlement.books.reimbursement_refusals import REIMBURSEMENT_ROWS
from settlement.people.my_refusals import MY_ROWS
from settlement.refusals import REFUSALS
from settlement.translate.paths import wire_name

ROOT = Path(__file__).resolve().parents[2]
SECTION = "## Fields\n"
COMPUTED = {
    "ITEM_CODE_MALFORMED": {"lines.item_code"},
    "ITEM_NOT_IN_FORCE": {"lines.item_code"},
    "ITEM_NOT_IN_CATALOGUE": {"lines.item_code"},
    "STAY_LINE_UNKNOWN": {"lines.line_no"},
    "STAY_LINE_SETTLED": {"lines.line_no"},
    "QUOTE_STALE": {"fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"},
    "PAGE_WRONG": {"page_num", "page_size"},
    "MOBILE_REFUND_AMOUNTS": {
        "totlRefdAmt", "psnAcctRefdAmt", "fundRefdAmt", "cashRefdAmt",
    },
    "FILING_INSTITUTION_UNKNOWN": {"reflin_medins_no", "ide_fixmedins_no", "fixmedins_code"},
    "LATER_SETTLEMENT_STANDS": {"setl_id", "original_msgid"},
    "CHANNEL_NOT_OPENED": {"pay_code", "pay_on_phone"},
    "CHANNEL_SUSPENDED": {"pay_code", "pay_on_phone"},
}  # fmt: skip
_OF_ANY_FIELD = frozenset(code.value for code in WireErrorCode)
_BY_PERSONS = {code for code, _, _ in (*MY_ROWS, *REIMBURSEMENT_ROWS)}
"""asked for in a city's app or by a clerk: their fields have one name"""
HEAD = '''"""Which fields of a message a refusal can name in `err_field`, as the wire calls them.

Made from the code by tests/tidy/refusal_fields.py; a tidy test keeps both equal. A code that is not
here names whichever field is at fault, or none.
"""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, tuple[str, ...]] = {
'''


def fields() -> dict[str, tuple[str, ...]]:
    """Names on the wire, by code, in the order of the table of refusals."""
    found: dict[str, set[str]] = {code: set(names) for code, names in COMPUTED.items()}
    for path in sorted((ROOT / "settlement").rglob("*.py")):
        for code, field in named(ast.parse(path.read_text("utf-8"))):
            found.setdefault(code, set()).add(field)
    return {
        code: tuple(sorted(found[code] if code in _BY_PERSONS else _on_the_wire(found[code])))
        for code in REFUSALS
        if code in found and code not in _OF_ANY_FIELD
    }


def _on_the_wire(names: set[str]) -> set[str]:
    told = {wire_name(name) for name in names - {"lines"}}
    return told | ({"drugdetail", "feedetail"} if "lines" in names else set())


def named(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Code and field of every `Refusal(code="…", field=…)` whose field can be read."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Refusal":
            continue
        told = {keyword.arg: keyword.value for keyword in node.keywords}
        code, field = told.get("code"), _read(told.get("field"))
        if isinstance(code, ast.Constant) and field:
            yield str(code.value), field


def _read(value: ast.expr | None) -> str:
    match value:
        case ast.Constant(value=str(name)):
            return name
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(end))]) if end.startswith("]."):
            return f"lines.{end[2:]}"
        case ast.Call(func=ast.Name(id="_field"), args=[*_, ast.Constant(value=str(name))]):
            return f"lines.{name}"
    return ""


def module_of(table: dict[str, tuple[str, ...]]) -> str:
    """settlement/refusal_fields.py."""
    lines = []
    for code, names in table.items():
        quoted = ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "")
        line = f'    "{code}": ({quoted}),\n'
        many = "".join(f'        "{name}",\n' for name in names)
        lines.append(line if len(line) <= 101 else f'    "{code}": (\n{many}    ),\n')
    return HEAD + "".join(lines) + "}\n"


def page_of(page: str, table: dict[str, tuple[str, ...]]) -> str:
    """The page of error codes, its last section anew."""
    rows = "".join(
        f"| `{code}` | {', '.join(f'`{name}`' for name in names)} |\n"
        for code, names in table.items()
    )
    return (
        page.split(SECTION)[0].rstrip("\n") + f"\n\n{SECTION}\n"
        "What `err_field` can end with, where it is one of few; its beginning says where the\n"
        "field stands. Written by `python -m tests.tidy.refusal_fields`.\n\n"
        "| code | field |\n|---|---|\n" + rows
    )


def main() -> None:
    """Write both."""
    table = fields()
    (ROOT / "settlement/refusal_fields.py").write_text(module_of(table), "utf-8")
    page = ROOT / "docs/reference/errors.md"
    page.write_text(page_of(page.read_text("utf-8"), table), "utf-8")


if __name__ == "__main__":
    main()
