"""Golden messages of filings, their enquiries, histories, and 2181. Not a test file."""

from __future__ import annotations

from typing import Any

from tests.unit.protocol.nhsa_golden_parts import (
    AT,
    IDENTITY_NO,
    INSTITUTION,
    PERSON_NO,
    REGION,
)

_CANCEL = {"trt_dcla_detl_sn": "T1", "psn_no": PERSON_NO, "memo": "测试撤销"}
_PERIOD = {"psn_no": PERSON_NO, "begntime": "2026-01-01", "endtime": AT}

INPUTS: dict[str, dict[str, Any]] = {
    "2181": {
        "data": {
            "fixmedins_code": INSTITUTION,
            "ssn": IDENTITY_NO,
            "mdtrt_regno": "R1",
            "status": "1107",
            "opter_name": "测试员",
        }
    },
    "2501": {
        "refmedin": {
            "psn_no": PERSON_NO,
            "tel": "",
            "diag_code": "Z00.000",
            "diag_name": "测试诊断",
            "reflin_medins_no": "H99990000002",
            "reflin_medins_name": "测试二院",
            "mdtrtarea_admdvs": REGION,
            "refl_type": "1",
            "refl_date": "2026-11-23",
            "refl_rea": "测试原因",
            "refl_opnn": "测试意见",
        }
    },
    "2502": {"data": _CANCEL},
    "2503": {
        "data": {
            "psn_no": PERSON_NO,
            "insutype": "310",
            "opsp_dise_code": "M00000",
            "opsp_dise_name": "测试病种",
            "insu_optins": REGION,
            "ide_fixmedins_no": INSTITUTION,
            "ide_fixmedins_name": "测试医院",
            "hosp_ide_date": "2026-11-20",
            "diag_dr_codg": "D1",
            "diag_dr_name": "测试医师",
            "begndate": "2026-11-23",
        }
    },
    "2504": {"data": _CANCEL},
    "2505": {
        "data": {
            "psn_no": PERSON_NO,
            "biz_appy_type": "03",
            "begndate": "2026-11-23",
            "fix_srt_no": "1",
            "fixmedins_code": INSTITUTION,
            "fixmedins_name": "测试医院",
        }
    },
    "2506": {"data": _CANCEL},
    "5205": {"data": _PERIOD},
    "5206": {"data": {"psn_no": PERSON_NO, "cum_ym": "202611"}},
    "5301": {"data": {"psn_no": PERSON_NO}},
    "5302": {"data": {"psn_no": PERSON_NO, "biz_appy_type": "03"}},
    "5304": {"data": _PERIOD},
}
