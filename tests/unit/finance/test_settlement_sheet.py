"""Verification codes of settlement sheets, and lines by kind of fee."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from msgspec import structs

from settlement.books.settlement_sheet import fee_rows, fee_total, is_code_of, sheet_code
from settlement.claim import ClaimLine, PricedLine
from settlement.clock import CHINA
from settlement.keyring import Keyring, new_material
from settlement.rows import MONEY, Detail, KeptLine, RowKind, SettledLine, SettlementRow

KEY = bytes(range(32))
AT = datetime(2026, 10, 1, 9, tzinfo=CHINA)
ROW = SettlementRow(
    lane=1, setl_id=2_610_000_100_001_000_001, mdtrt_id=2_610_000_100_001_000_001,
    undoes_setl_id=None, prior_row=None, prior_active=None, kind=RowKind.SETTLE, setl_time=AT,
    service_at=datetime(2026, 10, 1, 9), business_day=date(2026, 10, 1), year=2026,
    psn_no="99999900000000000000000000000001", institution="H99999900001", infno="2102",
    msgid="M1", scheme="310", category="1101", care_type="41", clearing_type="41",
    credential_type="02", civil_servant=False, invoice_no="", policy="x", operator="0001",
    **{name: at for at, name in enumerate(MONEY)}, balance_fen=7, pool_ratio_bp=0, shares="[]",
    increments="{}", explanation="[]", business_key=b"", detail_commitment=b"",
)  # fmt: skip


def test_code_is_four_groups_that_can_be_read_out() -> None:
    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}", sheet_code(KEY, ROW))


@pytest.mark.parametrize(
    "change",
    [{"total_fen": 1_000_000}, {"cash_fen": -1}, {"psn_no": "9999990"}, {"institution": "H2"},
     {"setl_id": 5}, {"kind": RowKind.CANCEL}, {"invoice_no": "1"}],
)  # fmt: skip
def test_every_accounting_field_is_in_the_code(change: dict[str, object]) -> None:
    assert not is_code_of(KEY, structs.replace(ROW, **change), sheet_code(KEY, ROW))


def test_how_a_code_is_typed_does_not_matter() -> None:
    code = sheet_code(KEY, ROW)
    for typed in (code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert is_code_of(KEY, ROW, typed)
    for wrong in ("", "-", code[:-1], code + "2", "２３４５"):
        assert not is_code_of(KEY, ROW, wrong)


def test_code_needs_our_key_and_survives_a_new_one() -> None:
    old, new = new_material(1), new_material(2)
    code = sheet_code(Keyring((old,)).sheet_key, ROW)
    assert is_code_of(Keyring((old, new)).sheet_key, ROW, code)
    assert not is_code_of(Keyring((new,)).sheet_key, ROW, code)


def line(kind: str, item_class: str, amount_fen: int) -> SettledLine:
    """A line that is wholly in scope."""
    claimed = ClaimLine(
        line_no="1", item_code="X", institution_item_code="X", quantity_e4=10_000,
        price_e6=amount_fen * 10_000, amount_fen=amount_fen, occurred_on=date(2026, 10, 1),
    )  # fmt: skip
    priced = PricedLine(
        line=claimed, item_class=item_class, charge_kind=kind, self_pay_bp=0, ceiling_e6=None,
        full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0, in_scope_fen=amount_fen,
    )  # fmt: skip
    return SettledLine(priced, KeptLine(occurred_at="2026-10-01", extra={}))


def test_lines_are_added_up_by_kind_and_class() -> None:
    rows = fee_rows(
        Detail(lines=(line("11", "02", 5), line("09", "01", 100), line("09", "03", 20),
                      line("99", "", 1)))
    )  # fmt: skip
    assert [(one.name, one.amount_fen, one.classes) for one in rows] == [
        ("西药费", 120, (100, 0, 20)), ("中成药费", 5, (0, 5, 0)), ("99", 1, (0, 0, 1)),
    ]  # fmt: skip
    total = fee_total(rows)
    assert total.amount_fen == sum(total.classes) == total.in_scope_fen == 126
