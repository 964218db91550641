"""The envelope of the mobile-payment centre (section 1.5 e): signed with SM2, encrypted with SM4.

`signData` is over all members that are not empty, sorted, the plain `data` among them, and the
secret behind them; `encData` hides `data` under a key that both sides derive of appId and secret.
No keys are kept here, no clock, and nothing of what `data` says.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from protocol.nhsa import gm
from protocol.nhsa.amounts import decimal_of
from protocol.nhsa.cainfo import sorted_json

VERSION = "2.0.1"
SIGN_TYPE, ENC_TYPE = "SM2", "SM4"
APP_ID_LENGTH_MIN = 16
"""The key is made with its first 16 characters."""
_UNSIGNED = frozenset({"signData", "encData", "extra"})


class EnvelopeError(Exception):
    """What came is no such envelope, or its data cannot be deciphered; the text says which."""


class Party(Struct, frozen=True, kw_only=True, eq=False):
    """What two sides share: appId and appSecret (应用标识与密钥)."""

    app_id: str
    secret: str

    @property
    def user_id(self) -> bytes:
        """The id that SM2 hashes with what is signed."""
        return self.secret.encode()

    @property
    def sm4_key(self) -> bytes:
        """The first 16 characters of the secret's ciphertext, in upper-case hex. ValueError for an
        appId of fewer than 16."""
        if len(self.app_id.encode()) < APP_ID_LENGTH_MIN:
            raise ValueError(f"an appId has at least {APP_ID_LENGTH_MIN} characters")
        key = self.app_id.encode()[:APP_ID_LENGTH_MIN]
        hidden = gm.sm4_encrypt(key, self.secret.encode(), gm.Sm4Mode.ECB)
        return hidden.hex().upper()[:APP_ID_LENGTH_MIN].encode()


class Opened(Struct, frozen=True, kw_only=True):
    """An envelope whose data is plain; the signature is not checked yet."""

    members: Mapping[str, object]
    """all of them, `data` too"""
    data: bytes
    """as JSON"""

    def text(self, name: str) -> str:
        """A member that is text; empty where it is absent or anything else."""
        value = self.members.get(name)
        return value if isinstance(value, str) else ""


def app_id_in(body: bytes) -> str:
    """Whose envelope it says it is. Raises EnvelopeError."""
    app_id = _members(body).get("appId")
    if not isinstance(app_id, str) or not app_id:
        raise EnvelopeError("appId")
    return app_id


def opened(body: bytes, party: Party) -> Opened:
    """The envelope with `data` in plain. Raises EnvelopeError."""
    members = dict(_members(body))
    hidden = members.pop("encData", None)
    if hidden is not None and hidden != "":
        members["data"] = _deciphered(hidden, party)
    data = members.get("data")
    if not isinstance(data, dict):
        raise EnvelopeError("data")
    return Opened(members=members, data=_ENCODER.encode(data))


def sign_text(members: Mapping[str, object], secret: str) -> bytes:
    """What is signed."""
    said = [
        b"%b=%b" % (name.encode(), _value(members[name]))
        for name in sorted(members.keys() - _UNSIGNED)
        if not _is_empty(members[name])
    ]
    return b"&".join((*said, b"key=%b" % secret.encode()))


def is_signed(envelope: Opened, party: Party, key: gm.Sm2PublicKey) -> bool:
    """Whether `signData` is this key's."""
    signature = gm.signature_in(envelope.text("signData"))
    if signature is None or envelope.text("signType").upper() != SIGN_TYPE:
        return False
    return key.verify(sign_text(envelope.members, party.secret), signature, party.user_id)


def sealed(
    data: bytes, party: Party, key: gm.Sm2PrivateKey, *, stamp: str, more: Mapping[str, object]
) -> bytes:
    """An envelope around JSON `data`, signed and encrypted; `stamp` is yyyyMMddHHmmss."""
    members: dict[str, object] = {
        "appId": party.app_id, "encType": ENC_TYPE, "signType": SIGN_TYPE, "timestamp": stamp,
        "version": VERSION, **more, "data": _TREE.decode(data),
    }  # fmt: skip
    signature = key.sign(sign_text(members, party.secret), party.user_id)
    members["signData"] = gm.signature_text(signature)
    members["encData"] = (
        gm.sm4_encrypt(party.sm4_key, data, gm.Sm4Mode.ECB).hex().upper()
    )
    del members["data"]
    return _ENCODER.encode(members)


def _deciphered(hidden: object, party: Party) -> object:
    try:
        text = bytes.fromhex(hidden if isinstance(hidden, str) else "")
        return _TREE.decode(gm.sm4_decrypt(party.sm4_key, text, gm.Sm4Mode.ECB))
    except (gm.UndecipherableTextError, ValueError, RecursionError) as exc:
        raise EnvelopeError("encData") from exc


def _members(body: bytes) -> Mapping[str, object]:
    try:
        return _MEMBERS.decode(body)
    except (ValueError, RecursionError) as exc:
        raise EnvelopeError("envelope") from exc


def _value(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else sorted_json(value)


def _is_empty(value: object) -> bool:
    return value is None or value == "" or isinstance(value, Raw)


_MEMBERS = Decoder(dict[str, object], float_hook=decimal_of)
_TREE = Decoder(float_hook=decimal_of)
_ENCODER = Encoder(decimal_format="number")
