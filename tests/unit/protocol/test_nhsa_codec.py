"""Decoding requests: good messages pass, every kind of bad one is refused by name and place."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from protocol.nhsa.codec import decode, decode_typed, peek_infno
from protocol.nhsa.errors import UNREADABLE, WireError, WireErrorCode
from protocol.nhsa.explain import explain
from protocol.nhsa.fields import BASELINE, STRICT, Profile, check, passes
from protocol.nhsa.messages.outpatient import FeeUpload
from protocol.nhsa.messages.pharmacy import DrugTrace, PharmacySettle
from protocol.nhsa.registry import TRANSACTIONS, TYPED
from protocol.nhsa.stored import NESTING_MAX, seen, tree_of
from tests.unit.protocol import nhsa_golden as golden

LINES_MAX = 100
MISSING = object()


def read(infno: str, raw: bytes, profile: Profile = BASELINE) -> Any:
    return decode_typed(infno, raw, profile, lines_max=LINES_MAX)


def refused(infno: str, raw: bytes, profile: Profile = BASELINE) -> WireError:
    with pytest.raises(WireError) as caught:
        read(infno, raw, profile)
    return caught.value


def bent(infno: str, path: str, value: object) -> bytes:
    """The golden message with one place changed, or taken out."""
    message = golden.request(infno)
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    place: Any = message
    for step in way:
        place = place[step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return golden.body(message)


@pytest.mark.parametrize("infno", TYPED)
@pytest.mark.parametrize("profile", [BASELINE, STRICT], ids=lambda profile: profile.name)
def test_golden_message_decodes_to_its_registered_type(infno: str, profile: Profile) -> None:
    request = read(infno, golden.body(golden.request(infno)), profile)
    assert type(request) is TYPED[infno].request
    assert request.fixmedins_code == golden.INSTITUTION


@pytest.mark.parametrize("infno", TYPED)
def test_golden_message_survives_encoding_and_decoding(infno: str) -> None:
    first = read(infno, golden.body(golden.request(infno)))
    assert read(infno, msgspec.json.encode(first)) == first


def test_purchase_carries_its_lines_with_exact_numbers() -> None:
    request = read("2102", golden.body(golden.request("2102")))
    assert isinstance(request, PharmacySettle)
    assert [line.feedetl_sn for line in request.input.drugdetail] == ["1", "2", "3"]
    assert request.input.druginfo.medfee_sumamt == Decimal("73.80")


def test_numbers_may_be_text_and_serials_may_be_numbers() -> None:
    request = read("2204", golden.body(golden.request("2204")))
    assert isinstance(request, FeeUpload)
    assert request.input.feedetail[0].pric == Decimal("12.3")
    assert request.input.feedetail[0].feedetl_sn == 1


def test_unknown_fields_are_tolerated_and_extension_is_kept() -> None:
    message = golden.request("2102")
    message["local_extra"] = {"a": [1, 2]}
    message["input"]["druginfo"] |= {"exp_content": '{"TRUM_FLAG":"0"}', "local": "x"}
    request = read("2102", golden.body(message))
    assert request.input.druginfo.exp_content == '{"TRUM_FLAG":"0"}'


@pytest.mark.parametrize("as_array", [True, False])
def test_trace_codes_come_as_array_or_object(as_array: bool) -> None:
    trace = {"feedetl_sn": "1", "drug_trac_codg": "8" * 20, "trdn_flag": "0"}
    message = golden.request("2102")
    message["input"]["drugdetail"][0]["durg_trac_info"] = [trace] if as_array else trace
    kept = read("2102", golden.body(message)).input.drugdetail[0].durg_trac_info
    expected = DrugTrace(feedetl_sn="1", drug_trac_codg="8" * 20, trdn_flag="0")
    assert kept == ((expected,) if as_array else expected)


def test_empty_text_for_an_optional_number_means_no_number() -> None:
    raw = bent("2102", "input.drugdetail.1.prd_days", "")
    assert read("2102", raw).input.drugdetail[1].prd_days is None


def test_a_number_that_a_profile_requires_may_be_zero() -> None:
    need = frozenset({("2102", "drugdetail", "prd_days")})
    profile = Profile(name="test", required=need)
    message = golden.request("2102")
    for line in message["input"]["drugdetail"]:
        line["prd_days"] = 0
    read("2102", golden.body(message), profile)
    message["input"]["drugdetail"][1]["prd_days"] = ""
    error = refused("2102", golden.body(message), profile)
    assert (error.code, error.field) == ("FIELD_MISSING", "input.drugdetail[1].prd_days")


UPLOAD = golden.body(golden.request("4301"))


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_an_upload_is_kept_as_sent() -> None:
    raw = UPLOAD.replace(b"3.5", b"3.500")
    kept = bytes(read("4301", raw).input)
    assert kept in raw and b"3.500" in kept
    assert bytes(read("4301", b"\xef\xbb\xbf" + raw).input) == kept


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (UPLOAD.replace("测试".encode(), b"\xff"), "NOT_UTF8"),
        (UPLOAD.replace("测试".encode(), b"\\u0000"), "FIELD_FORMAT"),
        (UPLOAD.replace(b'"anything"', b'"\\u0000"'), "FIELD_FORMAT"),
        (UPLOAD.replace(b"3.5", nested(10_000)), "TOO_DEEP"),
        (UPLOAD.replace(b"3.5", nested(NESTING_MAX - 3)), "TOO_DEEP"),
        (UPLOAD.replace(b"3.5", b"3.5e"), "MALFORMED_JSON"),
        (UPLOAD.replace(b"3.5", b"1e" + b"9" * 20), "MALFORMED_JSON"),
        (bent("4301", "input", []), "FIELD_TYPE"),
        (bent("4301", "input", MISSING), "FIELD_MISSING"),
        (bent("4301", "input", None), "FIELD_MISSING"),
        (bent("4301", "fixmedins_code", ""), "FIELD_MISSING"),
    ],
)
def test_an_upload_that_could_not_be_read_again_is_refused(raw: bytes, code: str) -> None:
    assert refused("4301", raw).code is WireErrorCode(code)


def test_an_upload_may_be_nested_as_deep_as_the_limit() -> None:
    # The message, its input, "anything" and "deep" are four levels already.
    read("4301", UPLOAD.replace(b"3.5", nested(NESTING_MAX - 4)))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    read("4301", UPLOAD.replace("测试".encode(), b"\\\\u0000"))


def test_the_totals_of_a_settlement_list_are_seen() -> None:
    request = read("4101", golden.body(golden.request("4101")))
    assert check(request, BASELINE)["setlinfo", "psn_cashpay"] == [246]
    assert seen(request).setlinfo.setl_id == "S1"


def test_a_single_mapping_comes_as_array_or_object() -> None:
    message = golden.request("3301")
    (row,) = read("3301", golden.body(message)).input.catalogcompin
    message["input"]["catalogcompin"] = message["input"]["catalogcompin"][0]
    assert read("3301", golden.body(message)).input.catalogcompin == row
    message["input"]["catalogcompin"]["begndate"] = "2026-13-01"
    error = refused("3301", golden.body(message))
    assert (error.code, error.field) == ("FIELD_FORMAT", "input.catalogcompin[0].begndate")


def test_a_file_comes_as_base64_or_as_an_array_of_bytes() -> None:
    message = golden.request("9101")
    assert read("9101", golden.body(message)).input.fsUploadIn.in_ == "UEsFBg=="
    message["input"]["fsUploadIn"]["in"] = [80, 75, -1, 255]
    assert read("9101", golden.body(message)).input.fsUploadIn.in_ == (80, 75, -1, 255)


def test_byte_order_mark_is_tolerated() -> None:
    raw = b"\xef\xbb\xbf" + golden.body(golden.request("2102"))
    assert read("2102", raw).infno == "2102"
    assert peek_infno(raw) == "2102"


@pytest.mark.parametrize("value", [4.500, "4.500", "1E+1", 0, -0.0, "99999999999999.99", " 5 "])
def test_amounts_that_fit_their_scale_are_fine(value: object) -> None:
    read("2102", bent("2102", "input.druginfo.medfee_sumamt", value))


HEAD, LINE = "input.druginfo.", "input.drugdetail."
# fmt: off
BAD_FIELDS = [
    # infno   path                           value                     code
    ("2102", "msgid",                        MISSING,                  "FIELD_MISSING"),
    ("2102", "msgid",                        "",                       "FIELD_MISSING"),
    ("2102", "msgid",                        "9" * 31,                 "FIELD_TOO_LONG"),
    ("2102", "msgid",                        1,                        "FIELD_TYPE"),
    ("2102", "opter_type",                   "9",                      "CODE_UNKNOWN"),
    ("2102", "inf_time",                     "20261123100000",         "FIELD_FORMAT"),
    ("2102", "input",                        MISSING,                  "FIELD_MISSING"),
    ("2102", "input",                        [],                       "FIELD_TYPE"),
    ("2102", "input.druginfo",               MISSING,                  "FIELD_MISSING"),
    ("2102", "input.druginfo",               [],                       "FIELD_TYPE"),
    ("2102", HEAD + "psn_no",                MISSING,                  "FIELD_MISSING"),
    ("2102", HEAD + "psn_no",                None,                     "FIELD_MISSING"),
    ("2102", HEAD + "psn_no",                12345,                    "FIELD_TYPE"),
    ("2102", HEAD + "psn_no",                {"a": 1},                 "FIELD_TYPE"),
    ("2102", HEAD + "psn_no",                "1" * 31,                 "FIELD_TOO_LONG"),
    ("2102", HEAD + "psn_no",                "a\0b",                   "FIELD_FORMAT"),
    ("2102", HEAD + "exp_content",           "x" * 4001,               "FIELD_TOO_LONG"),
    ("2102", HEAD + "mdtrt_cert_type",       "77",                     "CODE_UNKNOWN"),
    ("2102", HEAD + "insutype",              "311",                    "CODE_UNKNOWN"),
    ("2102", HEAD + "acct_used_flag",        "3",                      "CODE_UNKNOWN"),
    ("2102", HEAD + "begntime",              "2026-11-23T10:00:00",    "FIELD_FORMAT"),
    ("2102", HEAD + "begntime",              "2026-02-30 10:00:00",    "FIELD_FORMAT"),
    ("2102", HEAD + "begntime",              "2026-11-23",             "FIELD_FORMAT"),
    ("2102", HEAD + "begntime",              "2026-11-23 10:00:00.0",  "FIELD_FORMAT"),
    ("2102", HEAD + "medfee_sumamt",         MISSING,                  "FIELD_MISSING"),
    ("2102", HEAD + "medfee_sumamt",         "",                       "FIELD_MISSING"),
    ("2102", HEAD + "medfee_sumamt",         True,                     "FIELD_TYPE"),
    ("2102", HEAD + "medfee_sumamt",         "十元",                   "FIELD_TYPE"),
    ("2102", HEAD + "medfee_sumamt",         1.005,                    "AMOUNT_SCALE"),
    ("2102", HEAD + "medfee_sumamt",         "1E-3",                   "AMOUNT_SCALE"),
    ("2102", HEAD + "medfee_sumamt",         "1E-999999",              "AMOUNT_SCALE"),
    ("2102", HEAD + "medfee_sumamt",         "1." + "0" * 80 + "1",    "AMOUNT_SCALE"),
    ("2102", HEAD + "medfee_sumamt",         "NaN",                    "AMOUNT_NOT_FINITE"),
    ("2102", HEAD + "medfee_sumamt",         "sNaN",                   "AMOUNT_NOT_FINITE"),
    ("2102", HEAD + "medfee_sumamt",         "Infinity",               "AMOUNT_NOT_FINITE"),
    ("2102", HEAD + "medfee_sumamt",         "-Infinity",              "AMOUNT_NOT_FINITE"),
    ("2102", HEAD + "medfee_sumamt",         -1,                       "AMOUNT_NEGATIVE"),
    ("2102", HEAD + "medfee_sumamt",         "100000000000000",        "AMOUNT_TOO_LARGE"),
    ("2102", HEAD + "medfee_sumamt",         "1E+999999999",           "AMOUNT_TOO_LARGE"),
    ("2102", LINE + "2.cnt",                 "1.00001",                "AMOUNT_SCALE"),
    ("2102", LINE + "1.pric",                "0.0000001",              "AMOUNT_SCALE"),
    ("2102", LINE + "1.prd_days",            100,                      "AMOUNT_TOO_LARGE"),
    ("2102", LINE + "0.rx_circ_flag",        MISSING,                  "FIELD_MISSING"),
    ("2102", LINE + "1.fee_ocur_time",       "2026/11/23 10:00:00",    "FIELD_FORMAT"),
    ("2102", LINE + "1.feedetl_sn",          1,                        "DUPLICATE_LINE"),
    ("2102", LINE + "1.feedetl_sn",          1.5,                      "FIELD_TYPE"),
    ("2102", LINE + "1.feedetl_sn",          -1,                       "FIELD_TOO_LONG"),
    ("2102", LINE + "1.feedetl_sn",          10**30,                   "FIELD_TOO_LONG"),
    ("2102", LINE + "1",                     "line",                   "FIELD_TYPE"),
    ("2102", "input.drugdetail",             [],                       "LINES_NONE"),
    ("2102", "input.drugdetail",             {},                       "FIELD_TYPE"),
    ("2102", "input.drugdetail",             None,                     "FIELD_MISSING"),
    ("2203", "input.diseinfo.1.vali_flag",   "2",                      "CODE_UNKNOWN"),
    ("2203", "input.diseinfo.0.diag_srt_no", 100,                      "AMOUNT_TOO_LARGE"),
    ("2203", "input.mdtrtinfo.birctrl_matn_date", "2026-13-01",        "FIELD_FORMAT"),
    ("2204", "input.feedetail.0.cnt",        "-2",                     "AMOUNT_NEGATIVE"),
    ("2207", "input.data.inscp_scp_amt",     MISSING,                  "FIELD_MISSING"),
    ("2301", "input.feedetail.2.cnt",        "-2.00001",               "AMOUNT_SCALE"),
    ("2301", "input.feedetail.2.cnt",        "-1000000000000",         "AMOUNT_TOO_LARGE"),
    ("2301", "input.feedetail.2.pric",       -12.3,                    "AMOUNT_NEGATIVE"),
    ("2302", "input.data.1.feedetl_sn",      "1",                      "DUPLICATE_LINE"),
    ("2304", "input.data.mid_setl_flag",     "2",                      "CODE_UNKNOWN"),
    ("2401", "input.diseinfo",               [],                       "LINES_NONE"),
    ("2601", "input.data.omsgid",            "",                       "FIELD_MISSING"),
    ("3201", "input.data.acct_pay",          "-0.005",                 "AMOUNT_SCALE"),
    ("3201", "input.data.fixmedins_setl_cnt", -1,                      "AMOUNT_NEGATIVE"),
    ("3261", "input.detail.0.cnfm_flag",     "2",                      "CODE_UNKNOWN"),
    ("9101", "input.fsUploadIn.in",          MISSING,                  "FIELD_MISSING"),
    ("9101", "input.fsUploadIn.in",          "",                       "FIELD_MISSING"),
    ("9101", "input.fsUploadIn.in",          [],                       "FIELD_MISSING"),
    ("9101", "input.fsUploadIn.in",          80,                       "FIELD_TYPE"),
    ("9101", "input.fsUploadIn.in",          [80, 256],                "FIELD_FORMAT"),
    ("9101", "input.fsUploadIn.in",          [80, "K"],                "FIELD_FORMAT"),
    ("2181", "input.data.status",            "1108",                   "CODE_UNKNOWN"),
    ("3301", "input.catalogcompin",          [],                       "LINES_NONE"),
    ("3301", "input.catalogcompin",          "x",                      "FIELD_TYPE"),
    ("4101", "input.setlinfo",               MISSING,                  "FIELD_MISSING"),
    ("4101", "input.setlinfo.psn_cashpay",   "2.465",                  "AMOUNT_SCALE"),
    ("4101", "input.payinfo.0.fund_payamt",  "x",                      "FIELD_TYPE"),
    ("4101", "input.iteminfo.0.amt",         "1E+99",                  "AMOUNT_TOO_LARGE"),
    ("4101", "input.setlinfo.setl_id",       "S" * 31,                 "FIELD_TOO_LONG"),
    ("5201", "input.data.endtime",           "2026-11",                "FIELD_FORMAT"),
]
# fmt: on


@pytest.mark.parametrize(("infno", "path", "value", "code"), BAD_FIELDS)
def test_bad_field_is_named(infno: str, path: str, value: object, code: str) -> None:
    error = refused(infno, bent(infno, path, value))
    assert error.code is WireErrorCode(code)
    assert error.field == re.sub(r"\.(\d+)", r"[\1]", path)
    assert error.code not in UNREADABLE


@pytest.mark.parametrize(("infno", "path", "value"), [row[:3] for row in BAD_FIELDS])
def test_fast_and_slow_reading_agree(infno: str, path: str, value: object) -> None:
    raw = bent(infno, path, value)
    try:
        request = msgspec.json.decode(raw, type=TYPED[infno].request)
    except msgspec.ValidationError:
        return
    tree = tree_of(request)
    slow = explain(infno, tree, BASELINE, lines_max=LINES_MAX)
    fast = passes(request, BASELINE, lines_max=LINES_MAX) is not None
    # A NUL inside a text is looked for in the bytes, before the fast check.
    assert fast == (slow is None) or "\0" in str(value)


def test_a_repeated_serial_is_named_where_it_comes_again() -> None:
    error = refused("2102", bent("2102", "input.drugdetail.1.feedetl_sn", "3"))
    assert error.code is WireErrorCode.DUPLICATE_LINE
    assert error.field == "input.drugdetail[2].feedetl_sn"


@pytest.mark.parametrize(
    ("trace", "name", "code"),
    [
        ({"feedetl_sn": "1"}, "drug_trac_codg", "FIELD_MISSING"),
        ({"feedetl_sn": "1", "drug_trac_codg": "8", "trdn_flag": "7"}, "trdn_flag", "CODE_UNKNOWN"),
    ],
)
def test_a_bad_trace_code_is_named(trace: dict[str, str], name: str, code: str) -> None:
    error = refused("2102", bent("2102", "input.drugdetail.0.durg_trac_info", [trace]))
    assert error.code is WireErrorCode(code)
    assert error.field == f"input.drugdetail[0].durg_trac_info[0].{name}"


NESTED = b"[" * 10_000 + b"]" * 10_000
GOOD = golden.body(golden.request("2102"))
# fmt: off
UNREADABLE_BODIES = [
    (b"",                                           "MALFORMED_JSON"),
    (b"{",                                          "MALFORMED_JSON"),
    (GOOD[:-1],                                     "MALFORMED_JSON"),
    (GOOD + b"x",                                   "MALFORMED_JSON"),
    (GOOD.replace(b"73.8", b"NaN"),                 "MALFORMED_JSON"),
    (GOOD.replace(b"73.8", b"Infinity"),            "MALFORMED_JSON"),
    (GOOD.replace(b"73.8", b"1e" + b"9" * 20),      "MALFORMED_JSON"),
    (GOOD.replace(b"73.8", b"1e-" + b"9" * 20),     "MALFORMED_JSON"),
    (b'{"x":1e' + b"9" * 20 + b',"a":' + GOOD,      "MALFORMED_JSON"),
    (b"[]",                                         "NOT_AN_ENVELOPE"),
    (b'"2102"',                                     "NOT_AN_ENVELOPE"),
    (b"null",                                       "NOT_AN_ENVELOPE"),
    (GOOD.decode().encode("gbk"),                   "NOT_UTF8"),
    (GOOD.decode().encode("utf-16"),                "NOT_UTF8"),
    (NESTED,                                        "TOO_DEEP"),
    (GOOD.replace(b"73.8", NESTED),                 "TOO_DEEP"),
    (b'{"x":' + NESTED + b"," + GOOD[1:],           "TOO_DEEP"),
]
# fmt: on


@pytest.mark.parametrize(("raw", "code"), UNREADABLE_BODIES)
def test_unreadable_body_is_refused_without_a_crash(raw: bytes, code: str) -> None:
    error = refused("2102", raw)
    assert error.code is WireErrorCode(code)
    assert error.code in UNREADABLE


def test_a_very_long_integer_is_refused_not_computed() -> None:
    raw = GOOD.replace(b'"feedetl_sn": "1"', b'"feedetl_sn": ' + b"9" * 10_000)
    assert refused("2102", raw).code in WireErrorCode


def test_more_lines_than_allowed_are_refused() -> None:
    message = golden.request("2102")
    message["input"]["drugdetail"] = [golden.drug_line(number) for number in range(101)]
    error = refused("2102", golden.body(message))
    assert (error.code, error.params["found"]) == (WireErrorCode.LINES_TOO_MANY, "101")


CARD_NODES = [
    *(("2101", "druginfo"), ("2102", "druginfo"), ("2201", "data"), ("2206", "data")),
    *(("1101", "data"), ("2303", "data"), ("2304", "data"), ("2401", "mdtrtinfo")),
]


@pytest.mark.parametrize(("infno", "node"), CARD_NODES)
def test_card_needs_its_serial(infno: str, node: str) -> None:
    error = refused(infno, bent(infno, f"input.{node}.mdtrt_cert_type", "03"))
    assert (error.code, error.field) == (WireErrorCode.FIELD_MISSING, f"input.{node}.card_sn")


@pytest.mark.parametrize("infno", ["1101", "2101", "2102", "2201", "2206", "2207"])
@pytest.mark.parametrize("name", ["certno", "psn_cert_type"])
def test_identity_fields_are_required_by_strict_editions_only(infno: str, name: str) -> None:
    node = "druginfo" if infno in ("2101", "2102") else "data"
    raw = bent(infno, f"input.{node}.{name}", MISSING)
    read(infno, raw, BASELINE)
    error = refused(infno, raw, STRICT)
    assert (error.code, error.field) == (WireErrorCode.FIELD_MISSING, f"input.{node}.{name}")


def test_profile_requires_shortens_and_extends() -> None:
    head = ("2102", "druginfo")
    profile = Profile(
        name="test",
        required=frozenset({(*head, "invono")}),
        length_max={(*head, "psn_no"): 10},
        codes={("*", "druginfo", "insutype"): frozenset({"311"})},
    )
    message = golden.request("2102")
    message["input"]["druginfo"] |= {"insutype": "311", "psn_no": "P1"}
    assert refused("2102", golden.body(message), profile).field == "input.druginfo.invono"
    message["input"]["druginfo"]["invono"] = "I1"
    read("2102", golden.body(message), profile)
    message["input"]["druginfo"]["psn_no"] = "P" * 11
    assert refused("2102", golden.body(message), profile).code is WireErrorCode.FIELD_TOO_LONG


@pytest.mark.parametrize(
    "overrides",
    [
        {"optional": frozenset({("2102", "druginfo", "psn_no")})},
        {"length_max": {("2102", "druginfo", "psn_no"): 31}},
        {"required": frozenset({("2102", "druginfo", "no_such_field")})},
    ],
)
def test_profile_that_promises_what_it_cannot_keep_does_not_load(overrides: Any) -> None:
    with pytest.raises(ValueError, match="profile test"):
        Profile(name="test", **overrides)


def test_infno_of_address_and_body_must_be_equal() -> None:
    error = refused("2101", GOOD)
    assert (error.code, error.field) == (WireErrorCode.INFNO_MISMATCH, "infno")


def test_unknown_transaction_is_a_readable_refusal() -> None:
    with pytest.raises(WireError) as caught:
        decode("9999", GOOD, BASELINE, lines_max=LINES_MAX)
    assert caught.value.code is WireErrorCode.UNKNOWN_TRANSACTION
    assert caught.value.code not in UNREADABLE


@pytest.mark.parametrize("infno", sorted(set(TYPED) - set(TRANSACTIONS)))
def test_a_transaction_that_is_not_served_is_unknown(infno: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(infno, golden.body(golden.request(infno)), BASELINE, lines_max=LINES_MAX)
    assert caught.value.code is WireErrorCode.UNKNOWN_TRANSACTION


@pytest.mark.parametrize("infno", TRANSACTIONS)
def test_a_served_transaction_is_decoded_by_its_number(infno: str) -> None:
    raw = golden.body(golden.request(infno))
    assert decode(infno, raw, BASELINE, lines_max=LINES_MAX) == read(infno, raw)


def test_peek_reads_only_the_transaction_number() -> None:
    assert peek_infno(GOOD) == "2102"
    for raw, code in ((b"{}", "FIELD_MISSING"), (b'{"infno":1}', "FIELD_TYPE"), (b"[", None)):
        with pytest.raises(WireError) as caught:
            peek_infno(raw)
        assert caught.value.code is WireErrorCode(code or "MALFORMED_JSON")


@pytest.mark.parametrize("name", ["certno", "psn_name", "mdtrt_cert_no"])
def test_a_refusal_never_repeats_names_or_identity_numbers(name: str) -> None:
    error = refused("2102", bent("2102", f"input.druginfo.{name}", golden.IDENTITY_NO * 5))
    assert golden.IDENTITY_NO not in "".join(error.params.values())
    error = refused("2102", bent("2102", "input.druginfo.insutype", "99019"))
    assert error.params["found"] == "99019"
    error = refused("2102", bent("2102", "input.druginfo.dise_codg", golden.IDENTITY_NO * 2))
    assert golden.IDENTITY_NO not in error.params["found"]


def test_a_refusal_says_what_was_expected_in_chinese() -> None:
    error = refused("2102", bent("2102", "input.drugdetail.2.cnt", "1.00001"))
    assert error.params == {
        "name_zh": "数量",
        "expected": "数值，不小于0，整数最多12位，最多4位小数",
        "found": "1.00001",
    }
    error = refused("2102", bent("2102", "input.druginfo.mdtrt_cert_type", "77"))
    assert error.params["expected"] == "取值：01,02,03"


def test_of_a_long_code_list_a_dozen_values_are_told() -> None:
    error = refused("2102", bent("2102", "input.druginfo.med_type", "4Z"))
    told = str(error.params["expected"])
    assert told.startswith("取值：11,") and "…等" in told and len(told) < 100


def test_a_missing_field_is_told_with_what_it_should_be() -> None:
    error = refused("2102", bent("2102", "input.druginfo.psn_no", ""))
    assert error.params["expected"] == "文本，最长30个字符"
