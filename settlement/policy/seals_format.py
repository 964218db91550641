"""The table `national_crypto` of a region profile (国密): signed and encrypted bodies."""

from __future__ import annotations

from protocol.nhsa.cainfo import BodyRules, Signed, Sm3Use, TextForm, UserId
from protocol.nhsa.gm import Sm4Mode
from settlement.policy.format import Strict
from settlement.seals import Demand, SealRules, WithoutKey


class SealsFile(Strict, frozen=True, kw_only=True):
    """The table `national_crypto`: signed and encrypted bodies (国密)."""

    cainfo: Demand = Demand.OPTIONAL
    """whether a signature must be there"""
    cainfo_without_key: WithoutKey = WithoutKey.IGNORE
    """what becomes of a signature where no key is registered"""
    cainfo_signed: Signed = Signed.INPUT
    """what is signed"""
    cainfo_user_id: UserId = UserId.DEFAULT
    """the user id of an SM2 signature"""
    cainfo_sm3: Sm3Use = Sm3Use.HMAC
    """how SM3 makes a signature"""
    sm4_mode: Sm4Mode = Sm4Mode.ECB
    """how SM4 encrypts a body"""
    sm4_text: TextForm = TextForm.BASE64
    """how an encrypted body is written"""


def seal_rules(file: SealsFile) -> SealRules:
    """The rules that the table says."""
    return SealRules(
        demand=file.cainfo,
        without_key=file.cainfo_without_key,
        body=BodyRules(
            signed=file.cainfo_signed,
            user_id=file.cainfo_user_id,
            sm3=file.cainfo_sm3,
            sm4_mode=file.sm4_mode,
            sm4_text=file.sm4_text,
        ),
    )
