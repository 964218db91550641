"""/openapi.json: every transaction served, for programs (OpenAPI 3.1, JSON Schema from the types).

Made once a process, when first asked for. Nothing here is on the settle path.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Struct

from protocol.nhsa.registry import TRANSACTIONS, Effect, Transaction
from settlement.refusal_causes import CAUSES
from settlement.refusals import REFUSALS
from settlement.usecases.explain import Explained

OPENAPI_VERSION = "3.1.0"

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]

EFFECT_ZH = {Effect.READ: "查询类，不产生业务数据", Effect.WRITE: "业务类，产生业务数据"}


class _Reply(Struct, kw_only=True):
    """What every reply has; `output` differs."""

    infcode: int
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str = ""
    err_code: str = ""
    err_field: str = ""
    retry: str = ""
    warn_msg: str = ""


class _Problem(Struct, kw_only=True):
    """A reply outside the envelope: HTTP 400, 401, 413, 503."""

    code: int
    message: str
    err_code: str
    retry: str


@lru_cache(maxsize=1)
def openapi_document() -> bytes:
    """OpenAPI 3.1 of every transaction served."""
    types: list[type] = [_Reply, _Problem, Explained]
    for transaction in TRANSACTIONS.values():
        types += [transaction.request, transaction.reply]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    reply, problem, explained, *pairs = schemas
    paths: dict[str, JsonValue] = {
        f"/hsa/hgs/{transaction.infno}": {
            "post": _operation(transaction, pairs[2 * index], pairs[2 * index + 1], reply, problem)
        }
        for index, transaction in enumerate(TRANSACTIONS.values())
    }
    paths["/settlements/{setl_id}/explanation"] = {"get": _explanation(explained, problem)}
    document = {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "医保结算 settlement", "version": "0.1.0"},
        "security": [{"tif": []}, {"csb": []}],
        "paths": paths,
        "components": {"schemas": components | _error_codes(), "securitySchemes": _SECURITY},
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _error_codes() -> dict[str, JsonValue]:
    """Every `err_code`, each with its texts and its advice."""
    codes: list[JsonValue] = [
        {
            "const": row.code,
            "title": row.wrong + row.todo,
            "description": CAUSES.get(row.code, ""),
            "x-http-status": row.http_status,
            "x-retry": row.retry,
        }
        for row in REFUSALS.values()
    ]
    return {"ErrorCode": {"type": "string", "oneOf": codes}}


def _operation(
    transaction: Transaction,
    request: JsonValue,
    output: JsonValue,
    reply: JsonValue,
    problem: JsonValue,
) -> dict[str, JsonValue]:
    one = {"type": "array", "items": output} if transaction.reply_is_array else output
    with_output: JsonValue = {"type": "object", "properties": {"output": one}}
    answered: JsonValue = {"allOf": [reply, with_output]}
    undone = f" 撤销交易 {transaction.undone_by}。" if transaction.undone_by else ""
    return {
        "operationId": f"hsa{transaction.infno}",
        "summary": f"{transaction.infno} {transaction.title} ({transaction.title_en})",
        "description": f"{EFFECT_ZH[transaction.effect]}。{undone}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {
            "200": _described("infcode 0 成功，-1 失败", answered),
            **{status: _described(words, problem) for status, words in _STATUSES.items()},
        },
    }


def _explanation(explained: JsonValue, problem: JsonValue) -> dict[str, JsonValue]:
    return {
        "operationId": "explanation",
        "summary": "结算说明 (how every fen of a settlement came about)",
        "description": "本机构的结算逐步说明，中英文；并按保存的依据重新计算。"
        "签名同交易接口，报文体为空。",
        "parameters": [
            {"name": "setl_id", "in": "path", "required": True, "schema": {"type": "string"}}
        ],
        "responses": {
            "200": _described("结算说明", explained),
            "404": _described("本机构没有这笔结算", problem),
            **{status: _described(_STATUSES[status], problem) for status in ("401", "503")},
        },
    }


def _described(words: str, schema: JsonValue) -> dict[str, JsonValue]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_STATUSES = {
    "400": "报文无法解析",
    "401": "身份认证失败",
    "413": "报文过大",
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
