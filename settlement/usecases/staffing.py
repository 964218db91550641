"""Doctors of a claim (DOMAIN 19): does whoever ordered it work here, on that day, as a doctor?

Looked at where the region's profile says so (`doctor_check`): the doctor who orders each fee line
of a visit or stay, on the day of the fee, and the doctor in charge, when the visit or stay begins.
A pharmacy's sale names the doctor of a prescription, who works somewhere else: not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from settlement.claim import ClaimLine
from settlement.commands import Asked
from settlement.policy.region import DoctorCheck
from settlement.refusal import Refusal
from settlement.rows import KeptLine
from settlement.staff import STAFF_ZH, StaffKind
from settlement.world import World

ORDERING = "bilg_dr_codg"
"""The kept field of a line that names who ordered it (开单医生编码)."""
IN_CHARGE = "atddr_no"
"""The kept field of a visit or stay that names its doctor (医师编码, 主治医生编码)."""
_Params = dict[str, str | int]
NAMED_MAX = 3
"""How many doctors a warning names."""


def check_lines(
    lines: Sequence[ClaimLine], kept: Sequence[KeptLine], asked: Asked, world: World
) -> str | Refusal:
    """What the sender should read of the doctors of fee lines; empty where all is well. A line that
    takes another back goes as that one went."""
    check = world.profile.doctor_check
    if check is DoctorCheck.OFF:
        return ""
    wrong: list[str] = []
    for n, (line, said) in enumerate(zip(lines, kept, strict=True)):
        code = str(said.extra.get(ORDERING, ""))
        if not code or line.quantity_e4 <= 0:
            continue
        objection = _objection(code, asked, line.occurred_on, world)
        if objection is None:
            continue
        if check is DoctorCheck.REFUSE:
            why, params = objection
            params["line_no"] = line.line_no
            return Refusal(code=why, field=f"lines[{n}].doctor", params=params)
        if code not in wrong:
            wrong.append(code)
    return _warning(wrong)


def check_in_charge(
    kept: Mapping[str, object], asked: Asked, on: date, world: World
) -> str | Refusal:
    """The same of the doctor in charge, where one is named."""
    check = world.profile.doctor_check
    code = str(kept.get(IN_CHARGE, ""))
    if check is DoctorCheck.OFF or not code:
        return ""
    objection = _objection(code, asked, on, world)
    if objection is None:
        return ""
    if check is DoctorCheck.WARN:
        return _warning([code])
    why, params = objection
    return Refusal(code=why, field="doctor", params=params)


def _objection(code: str, asked: Asked, on: date, world: World) -> tuple[str, _Params] | None:
    """Why this is no doctor of this institution on this day: a refusal's code and values."""
    params: _Params = {"value": code}
    terms = world.staff.get((asked.institution.code, code), ())
    if not terms:
        return "DOCTOR_NOT_REGISTERED", params
    term = next((t for t in terms if t.effective_from <= on <= t.effective_to), None)
    if term is None:
        params["on"] = on.isoformat()
        return "DOCTOR_NOT_IN_FORCE", params
    if term.kind is not StaffKind.DOCTOR:
        params["kind"] = STAFF_ZH[term.kind]
        return "DOCTOR_OF_OTHER_KIND", params
    return None


def _warning(codes: Sequence[str]) -> str:
    if not codes:
        return ""
    more = f"等{len(codes)}人" if len(codes) > NAMED_MAX else ""
    return f"医师{'、'.join(codes[:NAMED_MAX])}{more}不是本机构在册的医师"
