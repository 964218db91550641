"""An authority, regions with keys and certificates, for tests of the wire between regions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from protocol.hub.certificates import (
    Authority,
    Certificate,
    SecretKeys,
    read_certificate,
    read_request,
    request_of,
)
from protocol.hub.envelope import BYTES_MAX
from protocol.hub.messages import (
    Case,
    CaseTold,
    InstitutionTold,
    LineTold,
    PersonAsked,
    ShareTold,
)
from protocol.hub.post import Post
from protocol.hub.sealing import Chance, Sealer

AT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
"""Noon in China."""
AUTHORITY = Authority(Ed25519PrivateKey.from_private_bytes(b"authority".ljust(32, b".")))
TREATED, INSURED, OTHER = "441900", "430100", "520100"
"""Regions of tests; their certificates and keys are synthetic."""


class Papers(Struct, frozen=True, kw_only=True):
    """Keys with their certificate."""

    keys: SecretKeys
    content: str
    """the signed text"""

    @property
    def certificate(self) -> Certificate:
        """What the text says."""
        return read_certificate(self.content, AUTHORITY.root)


def keys_of(name: str) -> SecretKeys:
    """Keys that are the same in every run."""
    return SecretKeys(
        signing=f"signing {name}".encode().ljust(32, b"."),
        sealing=f"sealing {name}".encode().ljust(32, b"."),
    )


def papers_of(
    region: str, number: int = 1, *, begins_at: datetime = AT - timedelta(days=30),
    days: int = 365, authority: Authority = AUTHORITY,
) -> Papers:  # fmt: skip
    """The n-th keys of a region, certified."""
    keys = keys_of(f"{region} {number}")
    content = authority.issue(
        read_request(request_of(keys, region, at=begins_at)), serial=f"{region}-{number}",
        not_before=begins_at, not_after=begins_at + timedelta(days=days),
    )  # fmt: skip
    return Papers(keys=keys, content=content)


def post_of(
    papers: Papers, *others: Papers, more: Sequence[Papers] = (), withdrawn: Sequence[str] = (),
    chance: Chance = os.urandom, bytes_max: int = BYTES_MAX,
) -> Post:  # fmt: skip
    """The end of the wire of whoever has these papers (and `more` of its own)."""
    return Post(
        papers.certificate.region,
        identities=[(own.keys, own.certificate) for own in (papers, *more)],
        certificates=[other.certificate for other in others],
        withdrawn=withdrawn, bytes_max=bytes_max, sealer=Sealer(chance),
    )  # fmt: skip


def person_asked() -> PersonAsked:
    """Who is this."""
    return PersonAsked(
        credential_kind="02", number="999999199001010017", certificate_no="999999199001010017",
        name="测试甲", card_serial="", on=date(2026, 11, 26),
    )  # fmt: skip


def a_case(number: str = "441900-2611000300001000001", *, lines: int = 8) -> Case:
    """A priced visit of 12 yuan a line, of which 2 are the person's own."""
    total, own = 1200 * lines, 200 * lines
    return Case(
        case_no=number, person_no="43010000000000000001", scheme="310", care_kind="outpatient",
        care_type="11", credential_kind="02", account_use="own",
        institution=InstitutionTold(
            code="H44190000001", name="测试医院", region=TREATED, hospital_level="03",
            deductible_level="3",
        ),
        visit_no="2611000300001000000", service_at=AT, admitted_on=None, discharged_on=None,
        disease="A00.000x001", emergency=False, referral=False, total_fen=total,
        full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=own, in_scope_fen=total - own,
        lines=tuple(
            LineTold(
                line_no=str(at), item_code="XN05CHA1090A001010101", item_class="02",
                charge_kind="09", quantity_e4=20_000, price_e6=6_000_000, amount_fen=1200,
                full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=200, in_scope_fen=1000,
                occurred_on=date(2026, 11, 26),
            )
            for at in range(1, lines + 1)
        ),
    )  # fmt: skip


def shared(case: Case) -> CaseTold:
    """Half of what is in scope from the fund, a tenth of all from the account."""
    fund, account = case.in_scope_fen // 2, case.total_fen // 10
    return CaseTold(
        case_no=case.case_no, settlement_no="2611000100002000001", told_at=AT,
        business_day=date(2026, 11, 26), clearing_type="11", category="11", civil_servant=False,
        deductible_fen=0, pool_ratio_bp=5000, total_fen=case.total_fen, fund_fen=fund,
        account_fen=account, family_account_fen=0, hospital_fen=0,
        cash_fen=case.total_fen - fund - account, balance_fen=50_000,
        shares=(
            ShareTold(
                fund_code="310100", name="职工基本医疗保险统筹基金", amount_field="hifp_pay",
                amount_fen=fund,
            ),
        ),
        policy="430100-employees-2026", explanation=msgspec.Raw(b"[]"), filing="long_term",
    )  # fmt: skip
