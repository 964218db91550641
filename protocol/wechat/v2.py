"""Messages of API v2: one flat XML element, signed with a key that both sides have.

The grammar is that of the official samples and no more: one `<xml>`, children without attributes,
text or CDATA. Anything else (a document type, nesting, an entity of one's own) is refused, so that
nothing of XML that could harm is ever interpreted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

MD5 = "MD5"
HMAC_SHA256 = "HMAC-SHA256"

_DOCUMENT = re.compile(rb"(?:<\?xml[^<>]*\?>\s*)?<xml>(.*)</xml>", re.DOTALL)
_CHILD = re.compile(
    r"\s*<(?P<name>\w+)(?:\s*/>|>"
    r"(?:\s*<!\[CDATA\[(?P<data>.*?)\]\]>\s*|(?P<text>[^<]*))</(?P=name)>)\s*",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos);")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}


class NotV2Error(Exception):
    """The bytes are no message of v2; the text says where they stop being one."""


def decode(body: bytes) -> dict[str, str]:
    """Names and values in their order. Raises NotV2Error."""
    found = _DOCUMENT.fullmatch(body.strip())
    if found is None:
        raise NotV2Error("not one <xml> element")
    try:
        inside = found[1].decode().rstrip()
    except UnicodeDecodeError as exc:
        raise NotV2Error("not UTF-8") from exc
    fields: dict[str, str] = {}
    at = 0
    while at < len(inside):
        child = _CHILD.match(inside, at)
        if child is None:
            raise NotV2Error(f"no plain element at character {at}")
        if child["name"] in fields:
            raise NotV2Error(f"{child['name']} stands twice")
        data, text = child["data"], child["text"] or ""
        fields[child["name"]] = data if data is not None else _unescaped(text)
        at = child.end()
    return fields


def encode(fields: Mapping[str, str]) -> bytes:
    """Every value as CDATA, as the official samples do; one that CDATA cannot hold as text."""
    children = "".join(f"<{name}>{_content(value)}</{name}>" for name, value in fields.items())
    return f"<xml>{children}</xml>".encode()


def signature(fields: Mapping[str, str], key: str, sign_type: str) -> str:
    """Over the sorted fields that have a value, without `sign` itself. Upper-case hex."""
    named = sorted((n, v) for n, v in fields.items() if v != "" and n != "sign")
    text = "&".join(f"{name}={value}" for name, value in named) + f"&key={key}"
    if sign_type == HMAC_SHA256:
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
    # MD5 is what v2 defines; a merchant that can choose takes HMAC-SHA256.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def signed(fields: Mapping[str, str], key: str, sign_type: str) -> dict[str, str]:
    """With its signature, and without fields that have no value."""
    filled = {name: value for name, value in fields.items() if value != ""}
    return {**filled, "sign": signature(filled, key, sign_type)}


def is_signed(fields: Mapping[str, str], key: str, sign_type: str) -> bool:
    """Whether the signature is the key's."""
    expected = signature(fields, key, sign_type)
    return hmac.compare_digest(expected.encode(), fields.get("sign", "").encode())


def _content(value: str) -> str:
    if "]]>" not in value:
        return f"<![CDATA[{value}]]>"
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    if "&" in _ENTITY.sub("", text):
        raise NotV2Error("an entity that XML itself does not define")
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)
