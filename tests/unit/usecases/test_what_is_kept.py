"""What a sender says and we only keep: each field by its wire name, unless it says nothing."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from protocol.nhsa.messages.outpatient import FeeDetail
from settlement.translate.pieces import LINE_PRICED, kept_of

TEXTS = st.one_of(st.none(), st.just(""), st.text(min_size=1, max_size=6))


@given(
    rxno=TEXTS, memo=TEXTS, flag=st.sampled_from(["0", "1"]),
    days=st.one_of(st.none(), st.just(Decimal(0)), st.integers(1, 30).map(Decimal)),
)
def test_a_line_keeps_what_it_says_beside_its_price(
    rxno: str | None, memo: str | None, flag: str, days: Decimal | None
) -> None:
    line = FeeDetail(
        feedetl_sn="1", mdtrt_id="1", psn_no="1", chrg_bchno="A", rxno=rxno, rx_circ_flag=flag,
        fee_ocur_time="2026-11-20 09:00:00", med_list_codg="X", medins_list_codg="Y",
        det_item_fee_sumamt=Decimal(1), cnt=Decimal(1), pric=Decimal(1), prd_days=days,
        bilg_dept_codg="0300", bilg_dept_name="内科", bilg_dr_codg="D1", bilg_dr_name="测试医师",
        hosp_appr_flag=flag, memo=memo,
    )  # fmt: skip
    said: dict[str, object] = {
        "rxno": rxno, "rx_circ_flag": flag, "bilg_dept_codg": "0300", "bilg_dept_name": "内科",
        "bilg_dr_codg": "D1", "bilg_dr_name": "测试医师", "hosp_appr_flag": flag,
        "prd_days": days, "memo": memo,
    }  # fmt: skip
    kept = kept_of(line, LINE_PRICED)
    assert kept == {name: value for name, value in said.items() if value}
