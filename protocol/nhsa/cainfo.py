"""Signed and encrypted bodies: what `cainfo` covers, and how `input` is a ciphertext (1.5 d, e).

The national text names the fields and no algorithm, and provinces differ. So everything that a
source leaves open is a choice in `BodyRules`, with what was seen where. This module decides neither
who must sign nor what happens to those who do not.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from enum import StrEnum
from hmac import compare_digest

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from protocol.nhsa import gm
from protocol.nhsa.amounts import decimal_of

Parts = Mapping[str, Raw]
"""The members of an envelope, each as it was written."""

SM2, SM3, SM4 = "SM2", "SM3", "SM4"
_SM2_SPELLINGS = frozenset({SM2, "SM3WITHSM2"})


class Signed(StrEnum):
    """What the signature is over (签名原文)."""

    INPUT = "input"
    """the bytes of `input` as they were sent, or the plaintext where it was encrypted"""
    INPUT_SORTED = "input_sorted"
    """`input` written anew: keys sorted at every level, empty members left out, no blanks"""
    ENVELOPE = "envelope"
    """`k=v` of every other member that is not empty, sorted, joined by `&`: not `cainfo`, and not
    `input`, which is therefore not protected"""
    MESSAGE = "message"
    """the same with `input` among them, as `input_sorted` writes it"""


class UserId(StrEnum):
    """The signer's id that SM2 hashes with the message (用户标识)."""

    DEFAULT = "default"
    """1234567812345678"""
    ACCESS_KEY = "access_key"
    SECRET = "secret"  # noqa: S105 - where the id is found


class Sm3Use(StrEnum):
    """What a signature of type SM3 is."""

    HMAC = "hmac"
    """keyed with the credential's secret"""
    DIGEST = "digest"
    """no key: shows accidents, proves nothing"""


class TextForm(StrEnum):
    """How a ciphertext is written in JSON."""

    BASE64 = "base64"
    HEX = "hex"


class BodyRules(Struct, frozen=True, kw_only=True):
    """A region's choices where the interface is silent."""

    signed: Signed = Signed.INPUT
    user_id: UserId = UserId.DEFAULT
    sm3: Sm3Use = Sm3Use.HMAC
    sm4_mode: gm.Sm4Mode = gm.Sm4Mode.ECB
    sm4_text: TextForm = TextForm.BASE64


class Signer(Struct, frozen=True, kw_only=True, eq=False):
    """Whose signature is expected. With a public key it is SM2, without one SM3."""

    access_key: str
    secret: str
    public_key: gm.Sm2PublicKey | None = None

    @property
    def signtype(self) -> str:
        """What `signtype` should say."""
        return SM3 if self.public_key is None else SM2


def parts_of(body: bytes) -> dict[str, Raw]:
    """The members of a message; ValueError where it is not a JSON object in UTF-8."""
    return _decode_parts(body)


def text_of(parts: Parts, name: str) -> str:
    """A member that is text; empty where it is absent or anything else."""
    raw = parts.get(name)
    value = None if raw is None else _decode_tree(raw)
    return value if isinstance(value, str) else ""


def is_type(said: str, expected: str) -> bool:
    """Whether `signtype` names the expected type; an empty one leaves it to the receiver."""
    said = said.upper()
    return said in ("", expected) or (expected == SM2 and said in _SM2_SPELLINGS)


def sign_text(parts: Parts, rules: BodyRules) -> bytes:
    """The bytes that are signed. ValueError or RecursionError where `input` cannot be read."""
    match rules.signed:
        case Signed.INPUT:
            return bytes(parts.get("input", _NOTHING))
        case Signed.INPUT_SORTED:
            return sorted_json(_decode_tree(parts.get("input", _NULL)))
        case Signed.ENVELOPE | Signed.MESSAGE:
            left_out = {"cainfo"} if rules.signed is Signed.MESSAGE else {"cainfo", "input"}
            members = [
                (name.encode(), _member(_decode_tree(parts[name])))
                for name in sorted(parts.keys() - left_out)
            ]
            return b"&".join(b"%b=%b" % member for member in members if member[1])


def is_right(cainfo: str, text: bytes, signer: Signer, rules: BodyRules) -> bool:
    """Whether `cainfo` is the signer's signature of the text."""
    if signer.public_key is None:
        found, expected = cainfo.lower().encode(), _sm3_text(text, signer.secret, rules.sm3)
        in_base64 = b64encode(bytes.fromhex(expected))
        return compare_digest(found, expected.encode()) or compare_digest(
            cainfo.encode(), in_base64
        )
    signature = gm.signature_in(cainfo)
    if signature is None:
        return False
    return signer.public_key.verify(text, signature, user_id(signer, rules))


def sm3_cainfo(text: bytes, secret: str, rules: BodyRules) -> str:
    """What a sender puts into `cainfo` for type SM3: lower-case hex."""
    return _sm3_text(text, secret, rules.sm3)


def sm2_cainfo(text: bytes, key: gm.Sm2PrivateKey, signer: Signer, rules: BodyRules) -> str:
    """What a sender puts into `cainfo` for type SM2: Base64 of r ‖ s."""
    return gm.signature_text(key.sign(text, user_id(signer, rules)))


def user_id(signer: Signer, rules: BodyRules) -> bytes:
    """The id that is hashed with what the signer signs."""
    match rules.user_id:
        case UserId.DEFAULT:
            return gm.DEFAULT_USER_ID
        case UserId.ACCESS_KEY:
            return signer.access_key.encode()
        case UserId.SECRET:
            return signer.secret.encode()


def encrypted(plaintext: bytes, key: bytes, rules: BodyRules) -> str:
    """A ciphertext as it stands in JSON."""
    ciphertext = gm.sm4_encrypt(key, plaintext, rules.sm4_mode)
    if rules.sm4_text is TextForm.HEX:
        return ciphertext.hex().upper()
    return b64encode(ciphertext).decode()


def decrypted(text: str, key: bytes, rules: BodyRules) -> bytes:
    """The JSON object that `encrypted` hid; gm.UndecipherableTextError for anything else.

    A wrong key, wrong padding and a plaintext that is no JSON object are not told apart.
    """
    try:
        data = bytes.fromhex(text) if rules.sm4_text is TextForm.HEX else b64decode(
            text, validate=True
        )
        plaintext = gm.sm4_decrypt(key, data, rules.sm4_mode)
        if not isinstance(_decode_tree(plaintext), dict):
            raise gm.UndecipherableTextError
    except (ValueError, RecursionError) as exc:
        raise gm.UndecipherableTextError from exc
    return plaintext


def put_together(parts: Parts) -> bytes:
    """The message of its members."""
    return _ENCODER.encode(parts)


def _sm3_text(text: bytes, secret: str, use: Sm3Use) -> str:
    if use is Sm3Use.DIGEST:
        return gm.sm3(text).hex()
    return gm.hmac_sm3(secret.encode(), text).hex()


def _member(value: object) -> bytes:
    """A member of the envelope as text: texts as they are, everything else as JSON."""
    if isinstance(value, str):
        return value.encode()
    return b"" if value is None else sorted_json(value)


def sorted_json(value: object) -> bytes:
    """Compact JSON with keys sorted at every level and empty members left out."""
    return _SORTED_ENCODER.encode(_without_empties(value))


def _without_empties(value: object) -> object:
    if isinstance(value, dict):
        kept = {name: _without_empties(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None and inner != ""}
    return [_without_empties(inner) for inner in value] if isinstance(value, list) else value


_NOTHING, _NULL = Raw(b""), Raw(b"null")
_decode_parts = Decoder(dict[str, Raw]).decode
_decode_tree = Decoder(float_hook=decimal_of).decode
_ENCODER = Encoder()
_SORTED_ENCODER = Encoder(order="sorted", decimal_format="number")
