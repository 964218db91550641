"""Bad input gets an answer that says what is wrong, in which field, and what is expected."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from protocol.nhsa.errors import WireError
from settlement.gateway import NotYours
from tests.kit.counter import ABSENT, Message
from tests.kit.population import CLASS_A, EXPIRED, PLAIN, Citizen, Kind, some
from tests.kit.reply import assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD, LINE = "input.druginfo", "input.drugdetail[0]"
NOBODY = "44190099999999999999"


def a_sale(town: Town, citizen: Citizen | None = None) -> Message:
    """A good sale of two lines."""
    return town.pharmacy.sale(citizen or town.borrowed(), some(CLASS_A, 2), some(PLAIN[0]))


FIELDS = [
    # path,                       value,          refusal,             the text names
    (f"{HEAD}.psn_no", ABSENT, "FIELD_MISSING", "人员编号"),
    (f"{HEAD}.psn_no", "", "FIELD_MISSING", "人员编号"),
    (f"{HEAD}.psn_no", None, "FIELD_MISSING", "人员编号"),
    (f"{HEAD}.psn_no", 4419, "FIELD_TYPE", "人员编号"),
    (f"{HEAD}.psn_no", "9" * 31, "FIELD_TOO_LONG", "30"),
    (f"{HEAD}.begntime", "2026/11/23", "FIELD_FORMAT", "yyyy-MM-dd"),
    (f"{HEAD}.begntime", "2026-02-30 10:00:00", "FIELD_FORMAT", "开始时间"),
    (f"{HEAD}.acct_used_flag", "7", "CODE_UNKNOWN", "个人账户使用标志"),
    (f"{HEAD}.mdtrt_cert_type", "99", "CODE_UNKNOWN", "就诊凭证类型"),
    (f"{HEAD}.medfee_sumamt", "thirty", "FIELD_TYPE", "医疗费总额"),
    (f"{HEAD}.medfee_sumamt", "-30.00", "AMOUNT_NEGATIVE", "-30.00"),
    (f"{HEAD}.medfee_sumamt", "30.001", "AMOUNT_SCALE", "30.001"),
    (f"{HEAD}.medfee_sumamt", "NaN", "AMOUNT_NOT_FINITE", "医疗费总额"),
    (f"{HEAD}.medfee_sumamt", "Infinity", "AMOUNT_NOT_FINITE", "医疗费总额"),
    (f"{HEAD}.medfee_sumamt", "1E+400", "AMOUNT_TOO_LARGE", "医疗费总额"),
    (f"{HEAD}.medfee_sumamt", "99999999999999999", "AMOUNT_TOO_LARGE", "医疗费总额"),
    (f"{HEAD}.psn_name", "测\0试", "FIELD_FORMAT", "人员姓名"),
    (f"{LINE}.cnt", "2.00001", "AMOUNT_SCALE", "数量"),
    (f"{LINE}.pric", "1.0000001", "AMOUNT_SCALE", "单价"),
    (f"{LINE}.pric", "-12.50", "AMOUNT_NEGATIVE", "单价"),
    (f"{LINE}.cnt", "-2", "AMOUNT_NEGATIVE", "数量"),
    (f"{LINE}.det_item_fee_sumamt", ABSENT, "FIELD_MISSING", "明细项目费用总额"),
    (f"{LINE}.fee_ocur_time", "yesterday", "FIELD_FORMAT", "费用发生时间"),
    (f"{LINE}.fee_ocur_time", "2026-11-23 10+08:00", "FIELD_FORMAT", "费用发生时间"),
    (f"{HEAD}.begntime", "2026-11-23 10-08:00", "FIELD_FORMAT", "开始时间"),
    (f"{LINE}.feedetl_sn", "2", "DUPLICATE_LINE", "费用明细流水号"),
    ("input.drugdetail", [], "LINES_NONE", "drugdetail"),
    ("input.drugdetail", {}, "FIELD_TYPE", "drugdetail"),
    ("input.druginfo", ABSENT, "FIELD_MISSING", "druginfo"),
    ("input", ABSENT, "FIELD_MISSING", "交易输入"),
    ("msgid", ABSENT, "FIELD_MISSING", "报文"),
    ("infno", "2103", "INFNO_MISMATCH", "2103"),
]
SECOND_LINE = {"DUPLICATE_LINE": "input.drugdetail[1].feedetl_sn"}
"""Where the fault is told at another place than where the test made it."""


@pytest.mark.parametrize(("path", "value", "code", "mentions"), FIELDS)
async def test_wrong_field_is_named_with_its_chinese_name_and_what_is_expected(
    town: Town, path: str, value: object, code: str, mentions: str
) -> None:
    citizen = town.borrowed()
    message = a_sale(town, citizen).edited({path: value})
    reply = await town.send_as("2102", message)
    assert_refused(reply, code, field=SECOND_LINE.get(code, path), mentions=mentions)
    assert await town.rows_of(citizen) == []


async def test_more_lines_than_the_limit_are_refused(town: Town) -> None:
    message = town.pharmacy.sale(town.borrowed(), *[some(PLAIN[0]) for _ in range(501)])
    reply = await town.pharmacy.send(message)
    assert_refused(reply, "LINES_TOO_MANY", field="input.drugdetail", mentions="500")


UNREADABLE = [
    # body,                            code
    (b"", "MALFORMED_JSON"),
    (b"{", "MALFORMED_JSON"),
    (b'{"infno": NaN}', "MALFORMED_JSON"),
    (b"[]", "NOT_AN_ENVELOPE"),
    (b'"2102"', "NOT_AN_ENVELOPE"),
    ('{"infno":"2102","msgid":"测试"}'.encode("gbk"), "NOT_UTF8"),
    (b"[" * 10_000 + b"]" * 10_000, "TOO_DEEP"),
    (b'{"input":' * 10_000 + b"1" + b"}" * 10_000, "TOO_DEEP"),
]


@pytest.mark.parametrize(("body", "code"), UNREADABLE, ids=range(len(UNREADABLE)))
async def test_what_cannot_be_read_has_a_stable_code(town: Town, body: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        await town.service.answer("2102", body, town.pharmacy.caller)
    assert refused.value.code == code


async def test_envelope_in_the_name_of_another_institution_is_not_accepted(town: Town) -> None:
    message = a_sale(town).edited({"fixmedins_code": town.other_pharmacy.code})
    with pytest.raises(NotYours) as refused:
        await town.pharmacy.send(message)
    assert refused.value.code == "INSTITUTION_NOT_YOURS"


async def test_unknown_transaction_is_refused(town: Town) -> None:
    message = a_sale(town).edited({"infno": "9999"})
    assert_refused(await town.pharmacy.send(message), "UNKNOWN_TRANSACTION", field="infno")


RULES: list[tuple[Mapping[str, object], str, str, str]] = [
    # changes,                        refusal,             field,                 the text names
    ({f"{HEAD}.medfee_sumamt": "31.00"}, "TOTAL_MISMATCH", f"{HEAD}.medfee_sumamt", "31.00"),
    ({f"{HEAD}.medfee_sumamt": "31.00"}, "TOTAL_MISMATCH", f"{HEAD}.medfee_sumamt", "30.00"),
    (
        {f"{LINE}.det_item_fee_sumamt": "26.00", f"{HEAD}.medfee_sumamt": "31.00"},
        "LINE_AMOUNT_MISMATCH", f"{LINE}.det_item_fee_sumamt", "25.00",
    ),
    ({f"{LINE}.cnt": 0, f"{LINE}.det_item_fee_sumamt": 0}, "QUANTITY_NOT_POSITIVE",
     f"{LINE}.cnt", "大于零"),
    ({f"{LINE}.med_list_codg": "!!"}, "ITEM_CODE_MALFORMED", f"{LINE}.med_list_codg", "!!"),
    ({f"{LINE}.med_list_codg": EXPIRED.item.code}, "ITEM_NOT_IN_FORCE", f"{LINE}.med_list_codg",
     EXPIRED.item.code),
    ({f"{LINE}.fee_ocur_time": "2026-11-24 00:00:00"}, "FEE_DATE_IN_FUTURE", "input.drugdetail",
     "2026-11-24"),
    ({f"{LINE}.fee_ocur_time": "2026-01-01 00:00:00"}, "FEE_DATE_TOO_OLD", "input.drugdetail",
     "90"),
    ({f"{HEAD}.psn_no": NOBODY}, "PERSON_UNKNOWN", f"{HEAD}.psn_no", "1101"),
    ({f"{HEAD}.insutype": "390"}, "SCHEME_NOT_ENROLLED", f"{HEAD}.insutype", "310"),
    ({f"{HEAD}.med_type": "11"}, "INSTITUTION_CARE_TYPE_NOT_APPROVED", f"{HEAD}.med_type", "11"),
    ({f"{HEAD}.med_type": "22"}, "CARE_TYPE_NOT_COVERED", f"{HEAD}.med_type", "22"),
    ({f"{HEAD}.mdtrt_cert_no": "999999198001019999"}, "CREDENTIAL_MISMATCH",
     f"{HEAD}.mdtrt_cert_no", "凭证"),
    ({f"{HEAD}.certno": "999999198001019999"}, "IDENTITY_MISMATCH", f"{HEAD}.certno", "证件号码"),
    ({f"{HEAD}.psn_name": "测试别人"}, "IDENTITY_MISMATCH", f"{HEAD}.psn_name", "姓名"),
    ({f"{HEAD}.mdtrt_cert_type": "03"}, "FIELD_MISSING", f"{HEAD}.card_sn", "卡识别码"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "field", "mentions"), RULES)
async def test_claim_that_breaks_a_rule_is_refused_with_what_to_do(
    town: Town, changes: Mapping[str, object], code: str, field: str, mentions: str
) -> None:
    citizen = town.borrowed()
    reply = await town.pharmacy.send(a_sale(town, citizen).edited(changes))
    assert_refused(reply, code, field=field, mentions=mentions)
    assert await town.rows_of(citizen) == []


async def test_refusal_shows_nobodys_name_or_identity_number(town: Town) -> None:
    citizen = town.borrowed()
    secret = citizen.insured.identity.certificate_no
    message = a_sale(town, citizen).edited({f"{HEAD}.psn_name": secret * 3})
    reply = await town.pharmacy.send(message)
    assert_refused(reply, "FIELD_TOO_LONG", field=f"{HEAD}.psn_name")
    assert secret not in json.dumps(reply.err_msg, ensure_ascii=False)


async def test_unknown_extra_fields_are_tolerated(town: Town) -> None:
    message = a_sale(town, town.someone()).edited(
        {"from_the_future": 1, f"{HEAD}.from_the_future": {"a": [1]}, f"{LINE}.from_the_future": ""}
    )
    assert (await town.pharmacy.send(message)).infcode == 0


async def test_drug_trace_codes_are_accepted_and_kept(town: Town) -> None:
    trace = {"feedetl_sn": "1", "drug_trac_codg": "81234567890123456789", "trdn_flag": "0"}
    message = a_sale(town, town.someone()).edited({f"{LINE}.durg_trac_info": [trace]})
    settled = await town.pharmacy.send(message)
    assert settled.infcode == 0
    assert trace["drug_trac_codg"] in await town.detail_of(settled)


async def test_resident_who_may_not_be_paid_is_told_since_when(town: Town) -> None:
    reply = await town.pharmacy.send(a_sale(town, town.someone(Kind.WAITING)))
    assert_refused(reply, "NOT_ENTITLED", field=f"{HEAD}.insutype", mentions="2099-01-01")
