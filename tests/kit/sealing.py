"""A counter whose software signs and encrypts: messages as such an institution sends them."""

from __future__ import annotations

from base64 import b64encode

import msgspec

from protocol.nhsa import cainfo
from protocol.nhsa.cainfo import BodyRules, Signer
from protocol.nhsa.gm import Sm2PrivateKey
from tests.kit.counter import Message
from tests.kit.reply import Reply, read_reply

PRIVATE = Sm2PrivateKey.of_number(441_900)
OTHER = Sm2PrivateKey.of_number(441_901)
SM4_KEY = b"0123456789abcdef"
RULES = BodyRules()


def signed_message(
    message: Message, private: Sm2PrivateKey = PRIVATE, rules: BodyRules = RULES
) -> Message:
    """With signtype and cainfo."""
    named = message.edited({"signtype": "SM2"})
    text = cainfo.sign_text(cainfo.parts_of(named.body), rules)
    signer = Signer(access_key=message.caller.access_key, secret="", public_key=private.public)
    return named.edited({"cainfo": cainfo.sm2_cainfo(text, private, signer, rules)})


def encrypted_message(message: Message, rules: BodyRules = RULES) -> Message:
    """With its input encrypted; sign it first."""
    plaintext = bytes(cainfo.parts_of(message.body)["input"])
    return message.edited(
        {"enc_type": "SM4", "input": cainfo.encrypted(plaintext, SM4_KEY, rules)}
    )


def opened(wire: bytes, rules: BodyRules = RULES) -> Reply:
    """An answer whose output is encrypted, as its reader reads it."""
    told = msgspec.json.decode(wire)
    assert told["enctype"] == "SM4"
    plain = cainfo.decrypted(told["output"], SM4_KEY, rules)
    return read_reply(msgspec.json.encode(told | {"output": msgspec.Raw(plain)}))


def public_pem(private: Sm2PrivateKey = PRIVATE) -> str:
    """The public key as an institution hands it in."""
    head = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
    text = b64encode(head + private.public.point).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text[:64]}\n{text[64:]}\n-----END PUBLIC KEY-----\n"
