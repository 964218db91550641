"""What a signed message costs: SM2 checks a second, ours beside the library's own.

Ours is all that a signed sale of three lines goes through before it joins the unsigned ones: taking
the envelope apart, finding what was signed, reading the signature's text, SM3 and the curve. The
library's is the curve alone, on a digest that is ready. Both are counted per second of one
processor, in turns, so that neither the machine's drift nor its other work is in the ratio.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import c_char_p, c_size_t, c_void_p
from decimal import Decimal

from loadtest import report
from loadtest.desk import Desk
from loadtest.generator.framing import body_of
from loadtest.messages import basket_of, parts_of, pharmacy_sale
from loadtest.report import Figure
from loadtest.world import WorldInstitution, WorldItem, WorldPerson
from protocol.nhsa import cainfo, gm
from protocol.nhsa.cainfo import BodyRules, Signer
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.libcrypto import SIGNATURE_BYTES_MAX, load_library
from settlement.seals import Keys, SealRules, Unsealed, unseal

WINDOW_SECONDS = 0.1
PAIRS_PER_ROUND = 10
_CALLS = 25
"""Between two looks at the clock."""
_RULES = SealRules(body=BodyRules())


def measure_signatures(*, rounds: int, window_seconds: float = WINDOW_SECONDS) -> dict[str, Figure]:
    """`sm2_per_s`, `sm2_bare_per_s` and the ratio of neighbouring windows."""
    private = Sm2PrivateKey.of_number(4_711)
    signer = Signer(
        access_key="bench",
        secret="",  # nosec B106 - a key pair is measured
        public_key=private.public,
    )
    keys = Keys(signer=signer, sm4=None, required=True)
    body = signed_sale(private, signer)

    def ours_once() -> bool:
        return isinstance(unseal(body, keys, _RULES), Unsealed)

    bare_once = bare_check()
    ours, bare = [], []
    for _ in range(rounds * PAIRS_PER_ROUND):
        bare.append(rate(bare_once, window_seconds))
        ours.append(rate(ours_once, window_seconds))
    return {
        "sm2_per_s": report.median_of(ours),
        "sm2_bare_per_s": report.median_of(bare),
        "sm2_ratio": report.paired_ratio(ours, bare),
    }


def rate(check: Callable[[], bool], seconds: float) -> float:
    """Calls a second of processor time; ValueError where one of them says no."""
    count, begun = 0, time.thread_time()
    while (spent := time.thread_time() - begun) < seconds or not count:
        if not all(check() for _ in range(_CALLS)):
            raise ValueError("a signature that is right was refused")
        count += _CALLS
    return count / spent


def signed_sale(private: Sm2PrivateKey, signer: Signer) -> bytes:
    """A sale of three lines as an institution sends it, with its cainfo."""
    institution = WorldInstitution(  # nosec B106 - nothing is sent
        code="P99999900001", name="测试药房", kind="pharmacy", paasid="bench", secret=""
    )
    person = WorldPerson(
        psn_no="0" * 20, psn_name="测试", psn_cert_type="01", certno="0" * 18,
        mdtrt_cert_type="02", mdtrt_cert_no="0" * 18, psn_type="11", insutype="310",
        balance=Decimal("100.00"),
    )  # fmt: skip
    items = [
        WorldItem(
            med_list_codg=f"X{number:019d}", medins_list_codg=f"T{number}", name="测试药",
            price=Decimal("12.50"), chrgitm_lv="01", med_chrgitm_type="09",
        )
        for number in range(3)
    ]  # fmt: skip
    desk = Desk(institution, index=0, region="441900", host="bench", from_second=1_790_000_000)
    basket = basket_of([(item, 2) for item in items])
    content = pharmacy_sale(
        parts_of(person), basket, serial=desk.serial(), at=b"2026-09-21 10:00:00"
    )
    plain = body_of(desk.request("2102", content))
    text = cainfo.sign_text(cainfo.parts_of(plain), _RULES.body)
    signature = cainfo.sm2_cainfo(text, private, signer, _RULES.body)
    return plain.replace(
        b'"cainfo":"","signtype":""', f'"cainfo":"{signature}","signtype":"SM2"'.encode()
    )


def bare_check() -> Callable[[], bool]:
    """One EVP_PKEY_verify of a digest, with everything around it made beforehand."""
    crypto = load_library()
    keygen = crypto.EVP_PKEY_Q_keygen
    keygen.restype, keygen.argtypes = c_void_p, (c_void_p, c_char_p, c_char_p)
    digest, length = gm.sm3(b"bench"), c_size_t(SIGNATURE_BYTES_MAX)
    buffer = ctypes.create_string_buffer(SIGNATURE_BYTES_MAX)
    key = keygen(None, None, b"SM2")
    # Key and context live as long as the process: they are needed once.
    context = crypto.EVP_PKEY_CTX_new(key, None)
    crypto.EVP_PKEY_sign_init(context)
    crypto.EVP_PKEY_sign(context, buffer, ctypes.byref(length), digest, len(digest))
    signature = buffer.raw[: length.value]
    crypto.EVP_PKEY_verify_init(context)

    def check() -> bool:
        verified = crypto.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
        return bool(verified == 1)

    return check

