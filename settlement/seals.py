"""Messages of institutions with registered keys: the signature checked, the ciphertext opened.

An institution has keys (国密密钥) only where an operator registered some; the others never come
here. Pure: what to do is decided by the region's rules and the credential, and the answer is a
message in plain JSON or a refusal. Deciphering comes first, so that what is signed is the content.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Raw, Struct

from protocol.nhsa import cainfo, gm
from protocol.nhsa.cainfo import BodyRules, Signer
from settlement.refusal import Refusal

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Demand(StrEnum):
    """Which institutions must sign (cainfo)."""

    OPTIONAL = "optional"
    """those whose credential says so; a signature that comes is checked all the same"""
    REQUIRED = "required"
    """all that have a key"""


class WithoutKey(StrEnum):
    """What becomes of a `cainfo` that nothing is registered for."""

    IGNORE = "ignore"
    REFUSE = "refuse"


class SealRules(Struct, frozen=True, kw_only=True):
    """A region's rules for signed and encrypted bodies (国密)."""

    demand: Demand = Demand.OPTIONAL
    without_key: WithoutKey = WithoutKey.IGNORE
    body: BodyRules = BodyRules()


class Keys(Struct, frozen=True, kw_only=True, eq=False):
    """What is registered for a credential. Made once when it is loaded."""

    signer: Signer
    sm4: bytes | None
    required: bool
    """it must sign, whatever the region says"""


class StoredKeys(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The same as it is kept, encrypted, with the credential: public key and SM4 key in hex."""

    sm2: str = ""
    sm4: str = ""
    required: bool = False


class Unsealed(Struct, frozen=True):
    """A message in plain JSON; `encrypted`: it was not, and its answer must not be."""

    body: bytes
    encrypted: bool


def keys_of(stored: bytes, *, access_key: str, secret: str) -> Keys:
    """Keys as they are used. ValueError for what is no key, Sm2UnavailableError (protocol)."""
    kept = msgspec.json.decode(stored, type=StoredKeys)
    public_key = gm.Sm2PublicKey.parse(kept.sm2) if kept.sm2 else None
    return Keys(
        signer=Signer(access_key=access_key, secret=secret, public_key=public_key),
        sm4=bytes.fromhex(kept.sm4) if kept.sm4 else None,
        required=kept.required,
    )


def stored_keys(*, sm2: str, sm4: str, required: bool) -> bytes:
    """Keys as an operator writes them, checked, as they are kept. ValueError, as above."""
    kept = StoredKeys(
        sm2=gm.Sm2PublicKey.parse(sm2).point.hex() if sm2 else "",
        sm4=gm.sm4_key(sm4).hex() if sm4 else "",
        required=required,
    )
    return msgspec.json.encode(kept)


def unseal(body: bytes, keys: Keys, rules: SealRules) -> Unsealed | Refusal:
    """The message in plain JSON, its signature checked. Raises ValueError or RecursionError where
    it cannot be read at all, which the decoder of messages then explains."""
    parts = cainfo.parts_of(body.removeprefix(_BYTE_ORDER_MARK))
    encrypted = _says_encrypted(parts)
    if encrypted:
        if keys.sm4 is None:
            return Refusal(code="BODY_KEY_MISSING", field="enc_type")
        try:
            plaintext = cainfo.decrypted(cainfo.text_of(parts, "input"), keys.sm4, rules.body)
        except gm.UndecipherableTextError:
            return Refusal(code="BODY_UNDECIPHERABLE", field="input")
        parts["input"] = Raw(plaintext)
    refused = _check_signature(parts, keys, rules)
    if refused is not None:
        return refused
    return Unsealed(cainfo.put_together(parts) if encrypted else body, encrypted)


def seal_answer(wire: bytes, keys: Keys, rules: SealRules) -> bytes:
    """An answer with its output encrypted; one that has none (a refusal, a file) stays as it is."""
    if not wire.startswith(b"{"):
        return wire
    parts = cainfo.parts_of(wire)
    output = parts.get("output")
    if output is None or keys.sm4 is None:
        return wire
    write = msgspec.json.encode
    parts["output"] = Raw(write(cainfo.encrypted(bytes(output), keys.sm4, rules.body)))
    parts["enctype"] = Raw(write(cainfo.SM4))
    return cainfo.put_together(parts)


def key_is_missing(body: bytes) -> bool:
    """Whether a message that could not be read is one that was encrypted for us."""
    try:
        return _says_encrypted(cainfo.parts_of(body.removeprefix(_BYTE_ORDER_MARK)))
    except (ValueError, RecursionError):
        return False


def _says_encrypted(parts: cainfo.Parts) -> bool:
    said = cainfo.text_of(parts, "enc_type").upper()
    return said == cainfo.SM4 and bytes(parts.get("input", b"")).startswith(b'"')


def _check_signature(parts: cainfo.Parts, keys: Keys, rules: SealRules) -> Refusal | None:
    """Is it signed where it must be, and is a signature that is there the right one?"""
    signature, signer = cainfo.text_of(parts, "cainfo"), keys.signer
    checks = signer.public_key is not None or keys.required
    if not signature:
        required = keys.required or (checks and rules.demand is Demand.REQUIRED)
        if not required:
            return None
        return Refusal(
            code="CAINFO_MISSING", field="cainfo", params={"signtype": signer.signtype}
        )
    if not checks:
        refuses = rules.without_key is WithoutKey.REFUSE
        return Refusal(code="CAINFO_KEY_MISSING", field="cainfo") if refuses else None
    said = cainfo.text_of(parts, "signtype")
    if not cainfo.is_type(said, signer.signtype):
        params: dict[str, str | int] = {"found": said, "signtype": signer.signtype}
        return Refusal(code="CAINFO_TYPE_WRONG", field="signtype", params=params)
    if cainfo.is_right(signature, cainfo.sign_text(parts, rules.body), signer, rules.body):
        return None
    return Refusal(code="CAINFO_WRONG", field="cainfo")
