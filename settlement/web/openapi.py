"""/openapi.json: transactions, scan-to-pay, imports, self-service, for programs (OpenAPI 3.1).

JSON Schema from the types. Made once a process, when first asked for. It takes some tenths of a
second, so the server has it made in a thread.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from protocol.nhsa.registry import TRANSACTIONS, Effect, Transaction
from settlement.refusal_fields import FIELDS
from settlement.refusals import REFUSALS
from settlement.refusals_english import CAUSES, REMEDIES
from settlement.web.examples import worked_examples
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.import_documents import IMPORT_SECURITY, import_paths
from settlement.web.my_documents import MY_SECURITY, my_components, my_paths
from settlement.web.pay_documents import PAY_OPERATIONS, pay_paths
from settlement.web.schema_parts import JsonValue, Schema, refer
from settlement.web.schemas import Schemas, message_schemas

OPENAPI_VERSION = "3.1.0"

EFFECT_ZH = {Effect.READ: "查询类，不产生业务数据", Effect.WRITE: "业务类，产生业务数据"}

FILE_INFNO = "9102"
"""Answers the bytes of a file where it answers yes."""


@lru_cache(maxsize=1)
def openapi_document() -> bytes:
    """OpenAPI 3.1 of everything that institutions and the agency's systems call."""
    schemas = message_schemas(TRANSACTIONS)
    paths: dict[str, JsonValue] = {
        f"/hsa/hgs/{infno}": {"post": _operation(transaction, schemas)}
        for infno, transaction in TRANSACTIONS.items()
    }
    paths |= pay_paths((*PAY_OPERATIONS, *HOSPITAL_OPERATIONS))
    paths["/settlements/{setl_id}/explanation"] = {"get": _explanation()}
    paths |= import_paths()
    paths |= my_paths()
    document = {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "医保结算 settlement", "version": "0.1.0", "description": _GENERAL},
        "servers": [{"url": "/"}],
        "security": [{"tif": []}, {"csb": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components, **my_components(), "ErrorCode": _error_codes()},
            "securitySchemes": _SECURITY | IMPORT_SECURITY | MY_SECURITY,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _error_codes() -> Schema:
    """Every `err_code`, each with its texts and its advice."""
    codes: list[JsonValue] = [
        {
            "const": row.code,
            "title": row.wrong + row.todo,
            "description": CAUSES[row.code],
            "x-what-to-do": REMEDIES[row.code],
            "x-http-status": row.http_status,
            "x-retry": row.retry,
            "x-fields": list(FIELDS.get(row.code, ())),
        }
        for row in REFUSALS.values()
    ]
    return {"type": "string", "oneOf": codes}


def _operation(transaction: Transaction, schemas: Schemas) -> Schema:
    infno = transaction.infno
    undone = f" 撤销交易 {transaction.undone_by}。" if transaction.undone_by else ""
    request = refer(schemas.requests[infno])
    return {
        "operationId": f"hsa{infno}",
        "summary": f"{infno} {transaction.title} ({transaction.title_en})",
        "description": f"{EFFECT_ZH[transaction.effect]}。{undone}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, **_example(infno, "request")}},
        },
        "responses": {
            "200": _answered(transaction, refer(schemas.outputs[infno])),
            **{status: _described(words, refer("Problem")) for status, words in _STATUSES.items()},
        },
    }


def _example(infno: str, side: str) -> Schema:
    """What was sent or came; nothing of a transaction that is not served."""
    worked = worked_examples().get(infno)
    return {} if worked is None else {"example": getattr(worked, side)}


def _answered(transaction: Transaction, output: Schema) -> Schema:
    """infcode 0 and -1 tell the two forms apart."""
    if transaction.infno == FILE_INFNO:
        described = _described("文件的内容；失败时为报文，infcode -1", refer("Refused"))
        described["content"] = {
            "application/zip": {"schema": {"contentMediaType": "application/zip"}},
            "application/json": {"schema": refer("Refused")},
        }
        return described
    one: Schema = {"type": "array", "items": output} if transaction.reply_is_array else output
    with_output: Schema = {"properties": {"output": one}, "required": ["output"]}
    done: Schema = {"allOf": [refer("Done"), with_output]}
    return {
        "description": "infcode 0 成功，-1 失败",
        "content": {
            "application/json": {
                "schema": {"oneOf": [done, refer("Refused")]},
                **_example(transaction.infno, "answer"),
            }
        },
    }


def _explanation() -> Schema:
    return {
        "operationId": "explanation",
        "summary": "结算说明 (how every fen of a settlement came about)",
        "description": "本机构的结算逐步说明，中英文；并按保存的依据重新计算。"
        "签名同交易接口，报文体为空。",
        "parameters": [
            {
                "name": "setl_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": "^[0-9]{1,20}$"},
            }
        ],
        "responses": {
            "200": _described("结算说明", refer("Explained")),
            "404": _described("本机构没有这笔结算", refer("Problem")),
            "401": _described(_STATUSES["401"], refer("Problem")),
            "503": _described(_STATUSES["503"], refer("Problem")),
        },
    }


def _described(words: str, schema: JsonValue) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_GENERAL = (
    "数值可写为JSON数字或文本，小数位数不超过 x-decimals；选填项可以省略、为null或空文本。"
    "文本不得含NUL字符；日期须真实存在。代码表为国家版，地区可有更多取值。"
    " (Numbers may be JSON numbers or texts, with at most `x-decimals` decimals; what is not"
    " required may be absent, null or empty. No text holds NUL; dates exist. Code lists are the"
    " national ones, a region may know more.)"
)

_STATUSES = {
    "400": "报文无法解析",
    "401": "身份认证失败",
    "413": "报文过大",
    "429": "平台繁忙，且本机构同时提交的请求远多于其他机构，见 Retry-After",
    "503": "暂不能受理或结果未知，见 retry 与 Retry-After",
}

_SECURITY: dict[str, JsonValue] = {
    "tif": {
        "type": "apiKey",
        "in": "header",
        "name": "x-tif-signature",
        "description": "另需 x-tif-paasid、x-tif-timestamp、x-tif-nonce；"
        "签名为 SHA-256(timestamp + secret + nonce + timestamp) 的小写十六进制",
    },
    "csb": {
        "type": "apiKey",
        "in": "header",
        "name": "_api_signature",
        "description": "另需 _api_access_key、_api_name、_api_version、_api_timestamp；"
        "签名为排序后 key=value 以 & 连接的 HMAC-SHA1 的 Base64",
    },
}
