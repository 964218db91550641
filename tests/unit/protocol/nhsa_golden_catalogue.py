"""Golden messages of the catalogue and its mapping, requests and replies. Not a test file."""

from __future__ import annotations

from typing import Any

from tests.unit.protocol.nhsa_golden_parts import INSTITUTION

_FILES = (
    "1301 1302 1303 1305 1306 1306A 1307 1308 1309 1310 1311 1313 1314 1315 "
    "1320 1321 1322 1323 1324 1325 1326 1327"
).split()
_PAGE = {"updt_time": "2026-11-01", "page_num": 1, "page_size": "100"}
_MAPPED = {
    "fixmedins_hilist_id": "D00001",
    "list_type": "101",
    "med_list_codg": "XA99ZZZ001",
}

INPUTS: dict[str, dict[str, Any]] = {
    **{infno: {"data": {"ver": "v0000"}} for infno in _FILES},
    "1304": {"data": {**_PAGE, "drug_genname": "测试药", "vali_flag": "1"}},
    "1312": {"data": {**_PAGE, "hilist_name": "测试药", "list_type": "101", "vali_flag": "1"}},
    "1316": {"data": {**_PAGE, "medins_list_codg": "D00001", "list_type": "101"}},
    "1317": {"data": {**_PAGE, "fixmedins_code": INSTITUTION, "list_type": "101"}},
    "1318": {"data": {**_PAGE, "hilist_code": "XA99ZZZ001"}},
    "1319": {"data": {**_PAGE, "query_date": "2026-11-23 00:00:00"}},
    "1901": {
        "data": {
            "type": "INSUTYPE",
            "parent_value": "0",
            "admdvs": "999900",
            "date": "2026-11-23",
            "Vali_Flag": "1",
        }
    },
    "3301": {
        "catalogcompin": [
            {
                **_MAPPED,
                "fixmedins_hilist_name": "测试药",
                "begndate": "2026-01-01",
                "enddate": "2099-12-31",
            }
        ]
    },
    "3302": {"data": {**_MAPPED, "fixmedins_code": INSTITUTION}},
}
