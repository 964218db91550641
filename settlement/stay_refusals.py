"""Why a stay is not settled as it was asked where the region splits stays (分段结算).

Code, what is wrong, what to do: rows of the one table (settlement/refusals.py), which would be too
long with them.
"""

from __future__ import annotations

# fmt: off
STAY_ROWS: tuple[tuple[str, str, str], ...] = (
    ("STAY_TURNS", "住院期间{on}有{turn}，此前的费用须单独结算。",
     "请先以insutype={scheme}、mid_setl_flag=1、medfee_sumamt={total_fen}结算{on}之前的费用，"
     "再结算其后的费用。"),
    ("STAY_PART_OF_OTHER_SCHEME", "{first}至{last}的住院费用属于险种[{scheme}]，不是[{value}]。",
     "请将insutype填为{scheme}后重新预结算。"),
    ("STAY_UPLOAD_SPANS_TURN",
     "同一批上传的明细（{first}至{last}，含流水号{line_no}）跨{on}的{turn}，不能分段结算。",
     "请用2302撤销该批明细，再重新上传。"),
)
# fmt: on
