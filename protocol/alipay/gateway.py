"""The envelope around every call: common parameters with a signature, and the answer's node.

An answer is signed over the bytes of its node exactly as they came, so the node stays bytes here
until its signature has been checked; written anew it would be another text.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Raw, Struct

from protocol.alipay.signing import SIGN_TYPE, PublicKey, request_text
from protocol.alipay.times import text_of
from protocol.base64_form import quoted

PATH = "/gateway.do"
CHARSET = "utf-8"
ERROR_NODE = "error_response"
FORM_TYPE = f"application/x-www-form-urlencoded; charset={CHARSET}"

Parameters = dict[str, str]
Content = TypeVar("Content", bound=Struct)


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls: what every request of one merchant repeats."""

    app_id: str
    app_auth_token: str = ""
    """of a service provider that acts for the merchant"""
    app_cert_sn: str = ""
    alipay_root_cert_sn: str = ""
    """both in certificate mode only"""


class Request(Struct, frozen=True, kw_only=True):
    """A signed call: common parameters in the address, where the gateway looks for the charset
    before it reads the body, and the content in the body."""

    query: str
    body: bytes


class Answer(Struct, frozen=True, kw_only=True):
    """What came back, taken apart and not yet believed."""

    node: bytes
    """exactly as received"""
    is_error: bool
    """`error_response`: the gateway did not get so far as to know the method"""
    sign: str
    alipay_cert_sn: str

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the other side wrote this node."""
        return bool(self.sign) and key.verifies(self.node, self.sign)


class AnswerUnreadableError(ValueError):
    """What came back is no answer to the call."""


def parameters(
    method: str, content: Struct, *, caller: Caller, at: datetime, notify_url: str = "",
    return_url: str = "",
) -> Parameters:  # fmt: skip
    """A call before it is signed; empty ones are left out. `return_url` is where the browser comes
    back to from a page."""
    everything = {
        "app_id": caller.app_id,
        "method": method,
        "format": "JSON",
        "charset": CHARSET,
        "sign_type": SIGN_TYPE,
        "timestamp": text_of(at),
        "version": "1.0",
        "notify_url": notify_url,
        "return_url": return_url,
        "app_auth_token": caller.app_auth_token,
        "app_cert_sn": caller.app_cert_sn,
        "alipay_root_cert_sn": caller.alipay_root_cert_sn,
        "biz_content": msgspec.json.encode(content).decode(),
    }
    return {name: value for name, value in everything.items() if value}


def signed(unsigned: Parameters, signature: str) -> Request:
    """The call as it is sent, with the signature of its `request_text`."""
    common = {name: value for name, value in unsigned.items() if name != "biz_content"}
    return Request(
        query=f"{urlencode(common)}&sign={quoted(signature)}",
        body=urlencode({"biz_content": unsigned["biz_content"]}).encode(),
    )


def page_query(unsigned: Parameters, signature: str) -> str:
    """A call as the address of a page, which a browser opens: everything stands in it."""
    return f"{urlencode(unsigned)}&sign={quoted(signature)}"


def parameters_of(query: str, body: str) -> Parameters:
    """All parameters of a call that came in; ValueError where one comes twice."""
    pairs = [
        pair
        for part in (query, body)
        for pair in parse_qsl(part, keep_blank_values=True, errors="strict")
    ]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a parameter comes twice")
    return found


def is_signed_by(received: Parameters, key: PublicKey) -> bool:
    """Whether the caller signed these parameters."""
    return key.verifies(request_text(received), received.get("sign", ""))


def answer_of(body: bytes, method: str) -> Answer:
    """Take an answer apart. Raises AnswerUnreadableError."""
    try:
        parts = _decode_parts(body)
        name = next((one for one in (node_name(method), ERROR_NODE) if one in parts), None)
        if name is None:
            raise AnswerUnreadableError(f"no {node_name(method)}")
        return Answer(
            node=bytes(parts[name]),
            is_error=name == ERROR_NODE,
            sign=_text(parts, "sign"),
            alipay_cert_sn=_text(parts, "alipay_cert_sn"),
        )
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise AnswerUnreadableError("not a JSON object") from exc


def content_of(node: bytes, kind: type[Content]) -> Content:
    """The node's fields. Raises AnswerUnreadableError."""
    try:
        return msgspec.json.decode(node, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise AnswerUnreadableError(f"no {kind.__name__}: {exc}") from exc


def answer(name: str, node: bytes, signature: str, *, alipay_cert_sn: str = "") -> bytes:
    """An answer as the gateway writes it; `name` is a `node_name` or ERROR_NODE."""
    parts = {name: Raw(node), "alipay_cert_sn": alipay_cert_sn, "sign": signature}
    return msgspec.json.encode({one: value for one, value in parts.items() if value})


def node_name(method: str) -> str:
    """Under which name an answer carries its fields."""
    return f"{method.replace('.', '_')}_response"


def _text(parts: dict[str, Raw], name: str) -> str:
    return msgspec.json.decode(parts[name], type=str) if name in parts else ""


_decode_parts = msgspec.json.Decoder(dict[str, Raw]).decode
