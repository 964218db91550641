"""A worked request for every transaction, made from the field facts: what /docs shows and sends.

Persons and institutions are visibly invented. Who tries a request fills in their own.
"""

from __future__ import annotations

from base64 import b64encode

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Node, Rows
from protocol.nhsa.registry import Transaction
from protocol.nhsa.textfile import pack, text_of
from settlement.web.schema_parts import JsonValue


def sample_request(transaction: Transaction) -> dict[str, JsonValue]:
    """A request with an example in every field that each edition requires, as a tree."""
    sample: dict[str, JsonValue] = {
        field.name: _sample(field, "") for field in ENVELOPE_FIELDS if field.need is Need.ALWAYS
    }
    infno = transaction.infno
    sample["infno"] = infno
    nodes = TABLES[infno].input
    sample["input"] = {
        name: _sample_node(infno, name, nodes)
        for name, node in nodes.items()
        if node.inside is None
    }
    return sample


def _sample_node(infno: str, name: str, nodes: dict[str, Node]) -> JsonValue:
    """One row of a node, with the nodes inside it."""
    row: dict[str, JsonValue] = {
        field.name: _sample(field, infno)
        for field in nodes[name].fields
        if field.kind is not Kind.NODE
        and (field.need is Need.ALWAYS or field.name in _SHOWN_TOO.get(infno, ()))
    }
    row |= {each: _sample_node(infno, each, nodes) for each in nodes if nodes[each].inside == name}
    return row if nodes[name].rows is Rows.ONE else [row]


def _sample(field: Field, infno: str) -> JsonValue:
    if field.name == "med_type":
        return next((code for start, code in _CARE_TYPES if infno.startswith(start)), "11")
    if field.name in _SAMPLES:
        return _SAMPLES[field.name]
    if field.name in _MOBILE_SAMPLES:
        return _MOBILE_SAMPLES[field.name]
    if field.code_list is not None:
        codes = CODE_LISTS[field.code_list]
        return "1" if "1" in codes else min(codes)
    match field.kind:
        case Kind.NUMBER | Kind.SIGNED:
            return "1.00" if field.digits[1] else "1"
        case Kind.DATETIME | Kind.MOMENT:
            return "2026-11-23 10:00:00"
        case Kind.DATE:
            return "2026-11-23"
        case _:
            return "1"


def _sample_file() -> str:
    """The file that 3202 compares, with one settlement: a zip, as Base64."""
    whose = ("1000000000000000001", "1000000000000000002", "44190000000000000001")
    return b64encode(pack("detail.txt", text_of([(*whose, "1.00", "0.60", "0.40", "0")]))).decode()


_MOBILE_SAMPLES: dict[str, JsonValue] = {
    "orgCodg": "H44190000001",
    "psnNo": "44190000000000000001",
    "idNo": "999999199001010017",
    "userName": "测试甲",
    "idType": "01",
    "insutype": "310",
    "medOrgOrd": "M202611230001",
    "payOrdId": "ORD4419001000000000000000003",
    "payToken": "0123456789abcdef0123456789abcdef01234567",
    "payAuthNo": "1",
    "appRefdSn": "R202611230001",
    "appRefdTime": "20261123100000",
    "refdType": "ALL",
    "medType": "11",
    "acctUsedFlag": "1",
}
"""What mobile payment calls it."""
_CARE_TYPES = (("21", "41"), ("23", "21"), ("24", "21"))
"""med_type of what begins so: pharmacies, stays."""

_LIST_FIELDS = ("setl_id", "mdtrt_id", "psn_no")
_SHOWN_TOO: dict[str, tuple[str, ...]] = {
    "6202": ("payAuthNo",),
    **dict.fromkeys(("2303", "2304", "2304A", "2401"), ("mdtrt_cert_no",)),
    "4101": _LIST_FIELDS,
    "4101A": _LIST_FIELDS,
}
"""Optional fields without which a transaction makes little sense."""

_SAMPLES: dict[str, JsonValue] = {
    "msgid": "H44190000001202611231000000001",
    "mdtrtarea_admvs": "441900",
    "recer_sys_code": "99",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "0001",
    "opter_name": "测试员",
    "fixmedins_code": "H44190000001",
    "fixmedins_name": "测试医院",
    "psn_no": "44190000000000000001",
    "psn_name": "测试甲",
    "certno": "999999199001010017",
    "psn_cert_type": "01",
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "999999199001010017",
    "insutype": "310",
    "acct_used_flag": "1",
    "setl_id": "1000000000000000001",
    "mdtrt_id": "1000000000000000002",
    "setl_optins": "441900",
    "ide_fixmedins_no": "H44190000001",
    "mid_setl_flag": "0",
    "ver": "v0000",
    "type": "med_type",
    "in": _sample_file(),
}
"""Example values; persons are visibly invented."""
