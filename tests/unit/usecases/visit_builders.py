"""Messages of outpatient visits to one hospital, for anybody of the world in memory."""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from settlement.claim import AccountUse, CareKind, ClaimLine
from settlement.commands import (
    Asked,
    Command,
    DescribeVisit,
    RegisterVisit,
    SettleVisit,
    UploadLines,
)
from settlement.desk import DecisionDesk
from settlement.institution import Institution, InstitutionKind
from settlement.rows import KeptLine
from tests.unit.usecases.builders import AT, CREDENTIAL, PHARMACY, a_moment, a_world, asked

HOSPITAL: Institution = structs.replace(
    PHARMACY, code="H44190099001", name="测试医院", kind=InstitutionKind.HOSPITAL,
    care_types=frozenset({"11"}),
)  # fmt: skip
FEE_TIME = "2026-11-20 09:00:00"


def a_desk() -> DecisionDesk:
    """Numbers begin anew at every desk; a use case that raises fails the test."""

    def failed(command: Command, exc: Exception) -> None:
        raise exc

    moment = a_moment()
    return DecisionDesk(
        a_world(), read_clock=lambda: moment.at, day_cut=timedelta(0), failed=failed
    )


def of(person_no: str, infno: str) -> Asked:
    """A message of the hospital about somebody."""
    return structs.replace(asked(infno), institution=HOSPITAL, person_no=person_no)


def a_registration(person_no: str, scheme: str = "310") -> RegisterVisit:
    """2201."""
    return RegisterVisit(
        asked=of(person_no, "2201"), scheme=scheme, begun_at=AT, outpatient_no="MZ1",
        credential=CREDENTIAL, kept={"dept_name": "内科"},
    )  # fmt: skip


def a_description(person_no: str, mdtrt_id: int) -> DescribeVisit:
    """2203."""
    return DescribeVisit(
        asked=of(person_no, "2203"), visit_ids=(mdtrt_id,), mdtrt_id=mdtrt_id, care_type="11",
        kept={"dise_codg": "J06.900"},
    )  # fmt: skip


def an_upload(
    person_no: str, mdtrt_id: int, lines: tuple[ClaimLine, ...], batch_no: str = "A"
) -> UploadLines:
    """2204: all lines of one charge batch."""
    return UploadLines(
        asked=of(person_no, "2204"), visit_ids=(mdtrt_id,), mdtrt_id=mdtrt_id, lines=lines,
        batches=(batch_no,) * len(lines), same_visit=True,
        kept_lines=tuple(KeptLine(occurred_at=FEE_TIME, extra={"memo": "测试"}) for _ in lines),
    )  # fmt: skip


def a_settling(
    person_no: str, mdtrt_id: int, lines: tuple[ClaimLine, ...], *, quote: bool,
    batch_no: str = "A",
) -> SettleVisit:  # fmt: skip
    """2206 or 2207, without repeating what was quoted."""
    return SettleVisit(
        asked=of(person_no, "2206" if quote else "2207"), visit_ids=(mdtrt_id,),
        business_key=f"{mdtrt_id % 10**10:010d}{batch_no:>6}".encode(), mdtrt_id=mdtrt_id,
        batch_no=batch_no, scheme="310", care_type="11", kind=CareKind.OUTPATIENT,
        account_use=AccountUse.OWN, total_fen=sum(line.amount_fen for line in lines),
        declared_split=None, credential=CREDENTIAL, invoice_no="", kept={}, quote=quote,
    )  # fmt: skip
