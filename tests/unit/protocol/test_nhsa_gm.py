"""SM2, SM3 and SM4 against the examples of their standards and an oracle of our own."""

from __future__ import annotations

import subprocess
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.nhsa import gm, libcrypto
from protocol.nhsa.gm import Sm2PrivateKey, Sm2PublicKey, Sm4Mode
from protocol.nhsa.libcrypto import Sm2UnavailableError
from tests.unit.protocol import sm2_oracle as oracle

# GB/T 32918.5-2017, annex A: the recommended curve.
D = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
POINT = (
    0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020,
    0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13,
)
K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
MESSAGE = b"message digest"

SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")

numbers = st.integers(1, gm.SM2_ORDER - 2)
user_ids = st.binary(max_size=64)


def raw(r: int, s: int) -> bytes:
    """r ‖ s"""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def point_bytes(point: tuple[int, int]) -> bytes:
    """04 ‖ x ‖ y"""
    return b"\x04" + raw(*point)


KEY = Sm2PublicKey(point_bytes(POINT))
PRIVATE = Sm2PrivateKey.of_number(D)


@pytest.mark.parametrize(
    ("text", "digest"),
    [  # GB/T 32905-2016, annex A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_is_that_of_the_standard(text: bytes, digest: str) -> None:
    assert gm.sm3(text).hex() == digest


def test_sm4_is_that_of_the_standard() -> None:
    """GB/T 32907-2016, annex A: one block, and the same a million times over."""
    once = "681edf34d206965e86b3e94f536e4246"
    assert gm.sm4_encrypt(SM4_KEY, SM4_KEY, Sm4Mode.ECB)[:16].hex() == once
    block, update = SM4_KEY, Cipher(SM4(SM4_KEY), ECB()).encryptor().update  # noqa: S305
    for _ in range(1_000_000):
        block = update(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_sm4_gcm_is_that_of_rfc_8998(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for its tag, which covers associated data too; bodies have none."""
    start = bytes.fromhex("00001234567800000000abcd")
    ciphertext = bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    plaintext = b"".join(bytes([two]) * 8 for two in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    monkeypatch.setattr(gm.os, "urandom", lambda length: start[:length])
    ours = gm.sm4_encrypt(SM4_KEY, plaintext, Sm4Mode.GCM)
    assert ours[:-16] == start + ciphertext
    assert gm.sm4_decrypt(SM4_KEY, ours, Sm4Mode.GCM) == plaintext
    with pytest.raises(gm.UndecipherableTextError):
        gm.sm4_decrypt(SM4_KEY, start + ciphertext + bytes(16), Sm4Mode.GCM)


def test_oracle_is_that_of_the_standard_on_both_curves() -> None:
    assert oracle.public_point(D) == POINT
    assert oracle.sign(MESSAGE, D, K, gm.DEFAULT_USER_ID) == (R, S)
    d = 0x128B2FA8BD433C6C068C8D803DFF79792A519A55171B1B650C23661D15897263
    k = 0x6CB28D99385C175C94F94E934817663FC176D925DD72B727260DBAAE1FB2F96F
    expected = (
        0x40F1EC59F793D9F49E09DCEF49130D4194F79FB1EED2CAA55BACDB49C4E755D1,
        0x6FC6DAC32C5D5CF10C77DFB20F7C2EB667A457872FB09EC56327A67EC7DEEBE7,
    )
    signed = oracle.sign(MESSAGE, d, k, b"ALICE123@YAHOO.COM", oracle.SAMPLE)
    assert signed == expected


def test_sm2_signature_of_the_standard_verifies() -> None:
    assert PRIVATE.public.point == KEY.point
    assert KEY.verify(MESSAGE, raw(R, S))


@given(d=numbers, k=numbers, message=st.binary(max_size=300), user_id=user_ids)
@settings(max_examples=25, deadline=None)
def test_what_the_oracle_signs_we_verify(
    d: int, k: int, message: bytes, user_id: bytes
) -> None:
    signed = oracle.sign(message, d, k, user_id)
    if signed is not None:
        key = Sm2PrivateKey.of_number(d).public
        assert key.point == point_bytes(oracle.public_point(d))
        assert key.verify(message, raw(*signed), user_id)


@given(d=numbers, message=st.binary(max_size=300), user_id=user_ids, flip=st.integers(0, 511))
@settings(max_examples=25, deadline=None)
def test_what_we_sign_the_oracle_verifies_and_nothing_like_it(
    d: int, message: bytes, user_id: bytes, flip: int
) -> None:
    private = Sm2PrivateKey.of_number(d)
    signature, point = private.sign(message, user_id), oracle.public_point(d)

    def oracle_says(data: bytes) -> bool:
        r, s = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
        return oracle.verify(message, r, s, point, user_id)

    assert oracle_says(signature)
    other = bytearray(signature)
    other[flip // 8] ^= 1 << flip % 8
    assert private.public.verify(message, bytes(other), user_id) == oracle_says(bytes(other))
    assert not private.public.verify(message, bytes(other), user_id)


def test_wrong_key_id_or_message_does_not_verify() -> None:
    other = Sm2PrivateKey.of_number(D + 1).public
    assert not other.verify(MESSAGE, raw(R, S))
    assert not KEY.verify(MESSAGE, raw(R, S), b"1234567812345679")
    assert not KEY.verify(MESSAGE, raw(R, S), b"")
    assert not KEY.verify(MESSAGE + b" ", raw(R, S))


N = gm.SM2_ORDER


@pytest.mark.parametrize(
    "signature",
    [
        b"", raw(R, S)[:63], raw(R, S) + b"\0", bytes(64), raw(0, S), raw(R, 0), raw(N, S),
        raw(R, N), raw(R, N - R), raw(S, R), b"\xff" * 64,
    ],
    ids=lambda value: value.hex()[:8],
)  # fmt: skip
def test_signature_out_of_range_or_length_does_not_verify(signature: bytes) -> None:
    assert not KEY.verify(MESSAGE, signature)


def test_a_value_and_the_same_plus_the_order_are_not_both_signatures() -> None:
    """Small enough to fit twice: the second spelling must not count."""
    assert not KEY.verify(MESSAGE, raw((R + N) % 2**256, S))


BASE64 = b64encode(raw(R, S)).decode()
DER = gm.der_signature(raw(R, S))


@pytest.mark.parametrize(
    "text",
    [BASE64, raw(R, S).hex(), raw(R, S).hex().upper(), b64encode(DER).decode()],
)
def test_signature_texts_that_are_read(text: str) -> None:
    assert gm.signature_in(text) == raw(R, S)


def _long_form(der: bytes) -> bytes:
    return der[:1] + b"\x81" + der[1:]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "签名", BASE64[:-1], BASE64[:-4], BASE64 + "\n", " " + BASE64, BASE64 + "====",
        BASE64.replace("==", "").replace("=", ""), raw(R, S).hex()[:-2], raw(R, S).hex()[:-1] + "g",
        b64encode(DER + b"\0").decode(), b64encode(DER[:-1]).decode(),
        b64encode(_long_form(DER)).decode(), b64encode(b"\x30\x80" + DER[2:] + b"\0\0").decode(),
        b64encode(b"\x30\x06\x02\x01\xff\x02\x01\x01").decode(),
        b64encode(b"\x30\x07\x02\x02\x00\x01\x02\x01\x01").decode(),
        b64encode(b"\x30\x26\x02\x21\x01" + bytes(32) + b"\x02\x01\x01").decode(),
    ],
)  # fmt: skip
def test_signature_texts_that_are_no_canonical_ones_are_not_read(text: str) -> None:
    assert gm.signature_in(text) is None


def test_bits_that_base64_does_not_use_must_be_zero() -> None:
    assert BASE64.endswith("==")
    other = BASE64[:-3] + chr(ord(BASE64[-3]) + 1) + "=="
    assert gm.signature_in(other) is None


def test_public_keys_in_every_spelling_are_one_key() -> None:
    point, spki = point_bytes(POINT), bytes.fromhex(
        "3059301306072a8648ce3d020106082a811ccf5501822d034200"
    ) + point_bytes(POINT)
    pem = b64encode(spki).decode()
    texts = [
        point.hex(), point.hex().upper(), point[1:].hex(), b64encode(point).decode(),
        b64encode(point[1:]).decode(), pem, spki.hex(),
        f"-----BEGIN PUBLIC KEY-----\n{pem[:64]}\n{pem[64:]}\n-----END PUBLIC KEY-----\n",
    ]  # fmt: skip
    assert {Sm2PublicKey.parse(text).point for text in texts} == {point}


@pytest.mark.parametrize(
    "text",
    [
        "", "04", "密钥", "-----BEGIN PUBLIC KEY-----", raw(1, 1).hex(), raw(*POINT).hex()[:-2],
        "05" + raw(*POINT).hex(), raw(POINT[0], POINT[1] ^ 1).hex(), bytes(64).hex(),
        b64encode(b"\x30\x00").decode(),
    ],
)  # fmt: skip
def test_what_is_no_point_of_the_curve_is_no_key(text: str) -> None:
    with pytest.raises(ValueError):
        Sm2PublicKey.parse(text)


def test_private_keys_in_every_spelling_sign() -> None:
    data = D.to_bytes(32, "big")
    for text in (data.hex(), b64encode(data).decode()):
        assert Sm2PrivateKey.parse(text).public.point == KEY.point
    pem = _openssl("genpkey", "-algorithm", "SM2")
    private = Sm2PrivateKey.parse(pem)
    assert private.public.verify(MESSAGE, private.sign(MESSAGE))


@pytest.mark.parametrize("number", [0, gm.SM2_ORDER - 1, gm.SM2_ORDER, -1])
def test_private_number_out_of_range_is_no_key(number: int) -> None:
    with pytest.raises(ValueError):
        Sm2PrivateKey.of_number(number)


def test_key_of_another_curve_is_no_sm2_key() -> None:
    pem = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    with pytest.raises(ValueError, match="not an SM2 key"):
        Sm2PrivateKey.parse(pem)


def test_failures_leave_nothing_for_pythons_own_tls() -> None:
    """The library's queue of errors is shared with `ssl`, which reports what it finds there."""
    import ssl

    assert not KEY.verify(MESSAGE, raw(S, R))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="example.org").do_handshake()


def test_machine_without_sm2_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_names", lambda: iter(["libc.so.6", "libno-such.so"]))
    libcrypto.load_library.cache_clear()
    try:
        with pytest.raises(Sm2UnavailableError, match="OpenSSL 3"):
            Sm2PublicKey(point_bytes(POINT))
    finally:
        libcrypto.load_library.cache_clear()


@given(plaintext=st.binary(max_size=200), key=st.binary(min_size=16, max_size=16))
@pytest.mark.parametrize("mode", list(Sm4Mode))
def test_sm4_gives_back_what_went_in(mode: Sm4Mode, plaintext: bytes, key: bytes) -> None:
    assert gm.sm4_decrypt(key, gm.sm4_encrypt(key, plaintext, mode), mode) == plaintext


@pytest.mark.parametrize("mode", list(Sm4Mode))
@pytest.mark.parametrize("length", [0, 1, 15, 17, 27, 28, 33])
def test_sm4_of_a_wrong_length_is_not_deciphered(mode: Sm4Mode, length: int) -> None:
    with pytest.raises(gm.UndecipherableTextError):
        gm.sm4_decrypt(SM4_KEY, b"x" * length, mode)


def test_gcm_does_not_open_what_was_altered() -> None:
    sealed = bytearray(gm.sm4_encrypt(SM4_KEY, b'{"data":{}}', Sm4Mode.GCM))
    sealed[14] ^= 1
    with pytest.raises(gm.UndecipherableTextError):
        gm.sm4_decrypt(SM4_KEY, bytes(sealed), Sm4Mode.GCM)


@pytest.mark.parametrize("text", [SM4_KEY.hex(), b64encode(SM4_KEY).decode(), SM4_KEY.hex() + "\n"])
def test_sm4_keys_are_read(text: str) -> None:
    assert gm.sm4_key(text) == SM4_KEY


def test_sixteen_characters_are_a_key_and_other_lengths_are_not() -> None:
    assert gm.sm4_key("client-id-of-16c") == b"client-id-of-16c"
    for text in ("", "short", "00" * 15, "00" * 17):
        with pytest.raises(ValueError):
            gm.sm4_key(text)


def test_hmac_is_that_over_sm3() -> None:
    """By its definition (RFC 2104), block of 64 bytes."""
    key = b"secret".ljust(64, b"\0")
    inner = gm.sm3(bytes(byte ^ 0x36 for byte in key) + MESSAGE)
    assert gm.hmac_sm3(b"secret", MESSAGE) == gm.sm3(bytes(b ^ 0x5C for b in key) + inner)


def _openssl(*arguments: str) -> str:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl command to make a key with")
    return done.stdout
