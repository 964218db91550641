"""Imports (`/imports/…`) for /openapi.json and /docs: addresses, files, what is answered, samples.

Every kind of file is an address of its own here, with the columns that `settlement/intake` reads.
A file is a stream of rows, so its schema says only that it is text; `x-row` refers to the schema of
one row as NDJSON has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from msgspec import Struct, json

from protocol.nhsa.list_layouts import LAYOUTS
from settlement.import_job import STATES, Accepted, JobReport
from settlement.intake import (
    code_lists,
    counterparts,
    institutions,
    items,
    old_settlements,
    openings,
    payables,
    persons,
    staff,
    stays,
)
from settlement.intake.cells import Column
from settlement.intake.order import CUT_OVER
from settlement.refusals import REFUSALS
from settlement.web.schema_parts import JsonValue, Schema, properties_of, refer

IMPORT_TYPES: tuple[type, ...] = (Accepted, JobReport)
"""What is answered."""

CSV, NDJSON = "text/csv", "application/x-ndjson"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMAT_OF_TYPE = {CSV: "csv", NDJSON: "ndjson", "application/jsonl": "ndjson", WORKBOOK: "xlsx"}
"""The Content-Types that are taken."""

IMPORT_SECURITY: dict[str, JsonValue] = {
    "import": {
        "type": "apiKey",
        "in": "header",
        "name": "x-import-signature",
        "description": "导入密钥，不是定点机构的凭证。另需 x-import-key、x-import-timestamp（秒）、"
        "x-import-sha256（报文体的SHA-256）；签名为 HMAC-SHA256(secret, 方法、路径及参数、"
        "时间戳、SHA-256 四行，以换行符连接) 的小写十六进制",
    }
}


class ImportOperation(Struct, frozen=True, kw_only=True):
    """A kind of file, and the address that takes it."""

    kind: str
    title: str
    title_en: str
    about: str
    columns: Sequence[Column]
    sample: Mapping[str, str]
    """a row"""

    @property
    def name(self) -> str:
        """operationId, and how the page names it."""
        return f"import{self.kind.capitalize()}"

    @property
    def path(self) -> str:
        """Where the file is sent."""
        return f"/imports/{self.kind}"

    @property
    def row(self) -> str:
        """The component that describes a row."""
        return f"{self.kind.capitalize()}Row"


JOB_NAME, JOB_PATH = "importJob", "/imports/{job}"
JOB_TITLE, JOB_TITLE_EN = "查询导入任务", "what became of a file"
JOB_ABOUT = "任务的状态、进度、计数和逐行差错。任务编号由导入应答给出。"

PARAMETERS: Mapping[str, tuple[str, Schema]] = {
    "reason": ("事由及文号，记入审计", {"type": "string", "minLength": 1, "maxLength": 200}),
    "preview": ("1 只说明将有哪些变更，不写入", {"enum": ["0", "1"], "default": "0"}),
    "whole": ("1 全量：文件没有的即告终止", {"enum": ["0", "1"], "default": "0"}),
    "skip_bad": ("1 跳过有误的行；不与 whole=1 同用", {"enum": ["0", "1"], "default": "0"}),
    "ends_on": ("whole=1 时终止的日期，默认当天",
                {"type": "string", "pattern": "^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$"}),
    "name": ("审计中的文件名", {"type": "string", "pattern": r"^[0-9A-Za-z_.\-]{1,80}$"}),
    "confirm": ("另一操作员已提出的同一文件的SHA-256：核对合计后确认入账",
                {"type": "string", "pattern": "^[0-9a-f]{64}$"}),
}  # fmt: skip
"""What the address may order, and what it means."""

_RECEIVED_REFUSALS = (
    "IMPORT_OPTION_WRONG", "IMPORT_DIGEST_DIFFERS", "IMPORT_HEADERS_MISSING", "IMPORT_KEY_UNKNOWN",
    "TIMESTAMP_REFUSED", "SIGNATURE_WRONG", "CREDENTIAL_SUSPENDED", "IMPORT_NOT_FOR_INSTITUTIONS",
    "IMPORT_KIND_NOT_ALLOWED", "IMPORT_TOO_LARGE", "IMPORT_FORMAT_UNKNOWN", "IMPORTS_TOO_MANY",
    "UNAVAILABLE",
)  # fmt: skip
_ASKED_REFUSALS = (
    "IMPORT_HEADERS_MISSING", "IMPORT_KEY_UNKNOWN", "TIMESTAMP_REFUSED", "SIGNATURE_WRONG",
    "CREDENTIAL_SUSPENDED", "IMPORT_NOT_FOR_INSTITUTIONS", "IMPORT_JOB_UNKNOWN", "UNAVAILABLE",
)  # fmt: skip


def parameters_of(one: ImportOperation) -> list[str]:
    """What may be ordered with a file of this kind: the cut-over is confirmed, never whole."""
    left_out = ("whole", "ends_on") if one.kind in CUT_OVER else ("confirm",)
    return [name for name in PARAMETERS if name not in left_out]


def add_import_facts(components: dict[str, Schema]) -> None:
    """Complete the schemas of `IMPORT_TYPES`, and add that of a row of each kind of file."""
    for shape in IMPORT_TYPES:
        state: Schema = {"enum": list[JsonValue](STATES)}
        properties_of(components[shape.__name__])["state"] = state
    for one in IMPORT_OPERATIONS:
        components[one.row] = _row_schema(one)


def import_paths() -> dict[str, JsonValue]:
    """The operations of /imports/…, by address."""
    paths: dict[str, JsonValue] = {
        one.path: {"post": _operation(one)} for one in IMPORT_OPERATIONS
    }
    paths[JOB_PATH] = {"get": _asking()}
    return paths


def _row_schema(one: ImportOperation) -> Schema:
    """Numbers, flags, lists and tables may be JSON or text as in a cell, so only names are told."""
    return {
        "type": "object",
        "title": f"{one.title}：一行",
        "properties": {
            column.name: {
                "title": column.title,
                "description": f"{column.expected.zh} ({column.expected.en})",
            }
            for column in one.columns
        },
        "required": [column.name for column in one.columns if column.required],
        "additionalProperties": False,
    }


def _operation(one: ImportOperation) -> Schema:
    accepted = refer(Accepted.__name__)
    content: dict[str, JsonValue] = {
        media: {
            "schema": {"type": "string", "contentMediaType": media, "x-row": refer(one.row)},
            "example": example_of(one, media),
        }
        for media in (CSV, NDJSON)
    }
    content[WORKBOOK] = {"schema": {"contentMediaType": WORKBOOK, "x-row": refer(one.row)}}
    parameters: list[JsonValue] = [
        {
            "name": name, "in": "query", "required": name == "reason",
            "description": PARAMETERS[name][0], "schema": PARAMETERS[name][1],
        }
        for name in parameters_of(one)
    ]  # fmt: skip
    return {
        "operationId": one.name,
        "summary": f"{one.title} ({one.title_en})",
        "description": one.about,
        "security": [{"import": []}],
        "parameters": parameters,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _described("此文件已有任务，不重复导入", accepted),
            "202": _described("已受理，任务排队", accepted),
            **_refusals(_RECEIVED_REFUSALS),
        },
    }


def _asking() -> Schema:
    return {
        "operationId": JOB_NAME,
        "summary": f"{JOB_TITLE} ({JOB_TITLE_EN})",
        "description": JOB_ABOUT,
        "security": [{"import": []}],
        "parameters": [
            {
                "name": "job", "in": "path", "required": True,
                "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
            }
        ],
        "responses": {
            "200": _described("任务", refer(JobReport.__name__)), **_refusals(_ASKED_REFUSALS),
        },
    }  # fmt: skip


def _refusals(codes: Sequence[str]) -> dict[str, JsonValue]:
    """The refusals by status, each status naming its codes."""

    def status_of(code: str) -> str:
        return str(REFUSALS[code].http_status)

    return {
        status: _described("、".join(own), refer("Problem"))
        for status, own in groupby(sorted(codes, key=status_of), status_of)
    }


def _described(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def example_of(one: ImportOperation, media: str) -> str:
    """A file with the sample's row."""
    if media == CSV:
        return f"{','.join(one.sample)}\n{','.join(one.sample.values())}\n"
    return json.encode(one.sample).decode() + "\n"


_TWICE = "经办机构导入一次，须由两人核对：一人提出，另一人以 confirm 确认后入账。"
_CODE = {"fixmedins_code": "H44190000001"}

IMPORT_OPERATIONS = (
    ImportOperation(
        kind="persons", title="导入参保人", title_en="import insured persons",
        about="参保人及参保状态：一行一个参保版本，同一人的各行相连。", columns=persons.COLUMNS,
        sample={
            "psn_no": "44190000000000000001", "psn_name": "测试甲",
            "certno": "999999199001010017", "gend": "1", "brdy": "1990-01-01", "insutype": "310",
            "psn_type": "11", "psn_insu_stas": "1", "psn_insu_date": "2020-01-01",
        },
    ),
    ImportOperation(
        kind="institutions", title="导入定点机构", title_en="import institutions",
        about="定点医药机构、等级、协议和接入凭证：一行一家。", columns=institutions.COLUMNS,
        sample={
            **_CODE, "fixmedins_name": "测试医院", "fixmedins_type": "1", "hosp_lv": "03",
            "dedc_hosp_lv": "3", "lmtpric_hosp_lv": "3", "agreement_from": "2026-01-01",
            "agreement_to": "2026-12-31", "care_types": "11;21",
        },
    ),
    ImportOperation(
        kind="staff", title="导入医护人员", title_en="import staff",
        about="医护人员在各机构的任职期间：一行一段。", columns=staff.COLUMNS,
        sample={
            **_CODE, "staff_code": "D0001", "staff_name": "测试医师", "staff_kind": "医师",
            "begndate": "2026-01-01",
        },
    ),
    ImportOperation(
        kind="items", title="导入目录", title_en="import the catalogue",
        about="医保目录：一行一个版本。", columns=items.COLUMNS,
        sample={
            "med_list_codg": "XN05CHA1090A001010101", "hilist_name": "测试药品",
            "list_type": "101", "chrgitm_lv": "02", "med_chrgitm_type": "09",
            "selfpay_prop": "0.1", "begndate": "2026-01-01",
        },
    ),
    ImportOperation(
        kind="lists", title="导入编码目录", title_en="import lists of codes",
        about="机构下载的编码目录（1307至1315、1321至1327）：一行一个编码。列以本地区布局为准。",
        columns=code_lists.columns_of(LAYOUTS),
        sample={"list": "1307", "diag_code": "A00.000", "diag_name": "测试诊断"},
    ),
    ImportOperation(
        kind="counterparts", title="导入对方统筹区", title_en="import other regions",
        about="异地就医的对方统筹区、路由地址和证书：一行一个统筹区。",
        columns=counterparts.COLUMNS,
        sample={"region": "430100", "name": "测试统筹区", "active": "1"},
    ),
    ImportOperation(
        kind="openings", title="导入期初累计和余额", title_en="import openings of persons",
        about="年度累计和个人账户余额：一行一人一年。" + _TWICE, columns=openings.COLUMNS,
        sample={
            "psn_no": "44190000000000000001", "year": "2026",
            "accumulators": "inpatient.in_scope:1200.00", "balance": "350.20",
            "source": "旧系统 2026-11-30",
        },
    ),
    ImportOperation(
        kind="payables", title="导入应付机构期初", title_en="import balances of institutions",
        about="尚未拨付定点机构的款项：一行一家。" + _TWICE, columns=payables.COLUMNS,
        sample={**_CODE, "funds": "12000.00", "accounts": "300.00", "source": "旧系统"},
    ),
    ImportOperation(
        kind="stays", title="导入在院期初", title_en="import open stays",
        about="尚未出院结算的住院：一行一次住院。" + _TWICE, columns=stays.COLUMNS,
        sample={
            **_CODE, "psn_no": "44190000000000000001", "earlier_mdtrt_id": "OLD-1",
            "ipt_no": "ZY0001", "insutype": "310", "med_type": "21", "begntime": "2026-11-20",
            "source": "旧系统",
        },
    ),
    ImportOperation(
        kind="settlements", title="导入可撤销结算期初",
        title_en="import old settlements that can still be cancelled",
        about="原系统办理、上线后仍可撤销的结算：一行一笔。" + _TWICE,
        columns=old_settlements.COLUMNS,
        sample={
            **_CODE, "psn_no": "44190000000000000001", "earlier_setl_id": "OLD-S1",
            "infno": "2207", "medins_setl_id": "H44190000001202611200900000001",
            "setl_time": "2026-11-20 09:00:00", "insutype": "310", "psn_type": "11",
            "med_type": "11", "medfee_sumamt": "100.00", "funds": "310102:60.00",
            "acct_pay": "40.00", "accumulators": "outpatient.paid.310102:60.00",
            "source": "旧系统",
        },
    ),
)  # fmt: skip
"""All of them, in the order of `intake.order.KINDS`."""
