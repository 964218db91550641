"""Who may draw on which fund on a date (待遇享受): person x scheme x fund x date (DOMAIN 17-20).

A fund that is closed, for this person or by an operator's stop switch for everybody, pays nothing
and says why; a claim is refused only when nothing at all may pay, neither a fund nor the person's
own account. This module does not compute amounts and does not judge credentials.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct

from settlement.claim import CareKind, Claim
from settlement.explanation import CLOSURE_ZH, Closure
from settlement.institution import Institution
from settlement.people.filing import Filing
from settlement.person import Enrolment
from settlement.policy.model import CareRules, Policy
from settlement.policy.region import RegionProfile, RulingDate
from settlement.refusal import Refusal

_NORMAL = "1"
_SUSPENDED = "2"
_DAY = timedelta(days=1)
_NONE_CLOSED: Mapping[str, str] = {}
_NONE_STOPPED: Mapping[str, str] = {}


class Entitlement(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What may pay for one claim (待遇资格): plain data, stored and read back as it is."""

    scheme: str
    person_type: str
    """psn_type as enrolled"""
    category: str
    """the policy's own name for it"""
    care_type: str
    ruling_on: date
    closed: Mapping[str, str]
    """fund_pay_type → Closure, for the funds that may not pay"""
    account_closed: str
    """Closure, or empty where the account may pay"""


class FundCheck(Struct, frozen=True, kw_only=True, gc=False):
    """One row of an entitlement check (待遇检查, NHSA 2001 trtinfo)."""

    fund_pay_type: str
    entitled: bool
    begins_on: date
    ends_on: date | None
    reason: Closure | None

    @property
    def reason_zh(self) -> str:
        """The reason for a person to read; empty where the fund may pay."""
        return "" if self.reason is None else CLOSURE_ZH[self.reason]


def entitle(
    enrolments: Sequence[Enrolment],
    scheme: str,
    care_type: str,
    institution: Institution,
    on: date,
    policy: Policy,
    stopped: Mapping[str, str] = _NONE_STOPPED,
) -> Entitlement | Refusal:
    """Decide what may pay for care of `care_type` on the ruling date.

    `stopped` are the funds under an operator's stop switch, each with the operator's reason.
    """
    care = policy.care.get(care_type)
    if care is None:
        return Refusal(code="CARE_TYPE_NOT_COVERED", field="care_type", params={"value": care_type})
    refused = check_institution(institution, care_type, on)
    if refused is not None:
        return refused
    enrolment = enrolment_on(enrolments, scheme, on)
    if enrolment is None:
        return Refusal(code="NOT_ENROLLED", field="scheme", params={"value": scheme})
    category = policy.category(enrolment.category)
    if category is None:
        return Refusal(code="PERSON_CATEGORY_NOT_COVERED", params={"value": enrolment.category})
    closure = _closure(enrolment, on)
    closed = _closed_funds(enrolment, care, closure)
    account_closed = _account_closure(enrolment, policy, closure)
    if account_closed and len(closed) == len(care.fund_codes):
        return _nothing_pays(enrolment, closure or Closure.FUND_CLOSED)
    if stopped:
        closed = _with_stopped(closed, care, stopped)
        account_closed = account_closed or _account_stopped(policy, stopped)
        if account_closed and len(closed) == len(care.fund_codes):
            return _stopped_altogether(care, policy, stopped)
    return Entitlement(
        scheme=scheme,
        person_type=enrolment.category,
        category=category,
        care_type=care_type,
        ruling_on=on,
        closed=closed,
        account_closed=account_closed,
    )


def fund_checks(
    enrolment: Enrolment,
    care_type: str,
    on: date,
    policy: Policy,
    stopped: Mapping[str, str] = _NONE_STOPPED,
    *,
    filing: Filing | None = None,
    missing: Closure | None = None,
) -> tuple[FundCheck, ...]:
    """Return one row a fund, the account last, for an enquiry; nothing is refused here. `filing` is
    what opens the care here, within its own dates; `missing` says that nothing does."""
    care = policy.care.get(care_type)
    if care is None:
        return ()
    closure = _closure(enrolment, on)
    closed = _with_stopped(_closed_funds(enrolment, care, closure), care, stopped)
    reasons = {code: closed.get(code, "") for code in care.fund_codes}
    if policy.account is not None:
        reasons[policy.account.fund.code] = _account_closure(
            enrolment, policy, closure
        ) or _account_stopped(policy, stopped)
    if missing is not None:
        reasons = {code: reason or missing.value for code, reason in reasons.items()}
    begins_on, ends_on = enrolment.benefit_from, enrolment.suspended_on
    if filing is not None:
        begins_on = max(begins_on, filing.begins_on)
        ends_on = min((end for end in (ends_on, filing.ends_on) if end is not None), default=None)
    return tuple(
        FundCheck(
            fund_pay_type=code,
            entitled=not reason,
            begins_on=begins_on,
            ends_on=ends_on,
            reason=Closure(reason) if reason else None,
        )
        for code, reason in reasons.items()
    )


def check_institution(institution: Institution, care_type: str, on: date) -> Refusal | None:
    """Refuse where the agreement (服务协议) does not allow this care on this date (DOMAIN 19)."""
    if institution.suspended:
        return Refusal(code="INSTITUTION_AGREEMENT_SUSPENDED", field="institution_code")
    if not institution.agreement_from <= on <= institution.agreement_to:
        return Refusal(
            code="INSTITUTION_AGREEMENT_NOT_IN_FORCE",
            field="institution_code",
            params={"on": on.isoformat()},
        )
    if care_type not in institution.care_types:
        return Refusal(
            code="INSTITUTION_CARE_TYPE_NOT_APPROVED",
            field="care_type",
            params={"value": care_type},
        )
    return None


def choose_scheme(enrolments: Sequence[Enrolment], on: date, profile: RegionProfile) -> str | None:
    """Return the scheme for a claim that names none: the first normal one in the region's order,
    else the first one enrolled at all (its own account may still pay)."""
    found = ((scheme, enrolment_on(enrolments, scheme, on)) for scheme in profile.scheme_order)
    enrolled = {scheme: enrolment for scheme, enrolment in found if enrolment is not None}
    ordered = list(enrolled)
    for scheme in ordered:
        if _closure(enrolled[scheme], on) is None:
            return scheme
    return ordered[0] if ordered else None


class CareDates(Struct, frozen=True, gc=False):
    """The dates of one claim: first and last fee, and a stay's admission and discharge."""

    earliest: date
    latest: date
    admitted: date | None = None
    discharged: date | None = None


def dates_of(claim: Claim) -> CareDates:
    """The dates of a claim that comes with its lines."""
    latest = earliest = claim.lines[0].occurred_on if claim.lines else claim.service_at.date()
    for line in claim.lines:
        occurred_on = line.occurred_on
        if occurred_on > latest:
            latest = occurred_on
        elif occurred_on < earliest:
            earliest = occurred_on
    return CareDates(earliest, latest)


def ruling_date(
    kind: CareKind, dates: CareDates, profile: RegionProfile, *, today: date
) -> date | Refusal:
    """Return the date that decides policy, person status and year (DOMAIN 21).

    The fee date of a claim is the date of its latest line. A line in the future, or older than
    the region lets be settled on line, is refused: that case goes to manual reimbursement. A stay
    that is settled before its discharge is ruled by its latest fee.
    """
    latest, earliest = dates.latest, dates.earliest
    if latest > today:
        return Refusal(code="FEE_DATE_IN_FUTURE", field="lines", params={"on": latest.isoformat()})
    days_max = profile.backdating_days_max[kind]
    if earliest < today and today - earliest > timedelta(days=days_max):
        return Refusal(
            code="FEE_DATE_TOO_OLD",
            field="lines",
            params={"on": earliest.isoformat(), "days_max": days_max},
        )
    match profile.ruling_date[kind]:
        case RulingDate.FEE:
            return latest
        case RulingDate.ADMISSION:
            return dates.admitted or latest
        case RulingDate.DISCHARGE:
            return dates.discharged or latest
        case RulingDate.SETTLEMENT:
            return today


def enrolment_on(enrolments: Sequence[Enrolment], scheme: str, on: date) -> Enrolment | None:
    """Return the latest version of an enrolment in a scheme that began by a date."""
    found: Enrolment | None = None
    for enrolment in enrolments:
        if enrolment.scheme != scheme or enrolment.starts_on > on:
            continue
        if found is None or enrolment.starts_on > found.starts_on:
            found = enrolment
    return found


def has_left(enrolments: Sequence[Enrolment], scheme: str, on: date) -> bool:
    """Whether a scheme pays nothing more on a date because the membership is suspended or ended."""
    enrolment = enrolment_on(enrolments, scheme, on)
    return enrolment is not None and _closure(enrolment, on) in (Closure.SUSPENDED, Closure.ENDED)


def changed_days(
    before: Sequence[Enrolment], after: Sequence[Enrolment]
) -> tuple[tuple[date, date], ...]:
    """The days on which a person's memberships decide something else than they did, as periods
    with their last day, oldest first: what was settled for one of them is to be decided again
    (待重算, DOMAIN 21). date.min and date.max stand for an open end.

    What is compared is what decides a claim, so a suspension from tomorrow touches no day before.
    """
    begins = sorted({date.min, *turns_of(before), *turns_of(after)})
    found: list[tuple[date, date]] = []
    for at, first in enumerate(begins):
        if _deciding_on(before, first) == _deciding_on(after, first):
            continue
        last = begins[at + 1] - _DAY if at + 1 < len(begins) else date.max
        if found and found[-1][1] + _DAY == first:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return tuple(found)


def turns_of(enrolments: Sequence[Enrolment]) -> Iterator[date]:
    """Days from which memberships may decide something else, in no order."""
    for each in enrolments:
        yield each.starts_on
        yield each.benefit_from
        if each.suspended_on is not None:
            yield each.suspended_on
        for one in each.qualifications:
            yield one.begins_on
            if one.ends_on < date.max:
                yield one.ends_on + _DAY


def _deciding_on(enrolments: Sequence[Enrolment], on: date) -> Mapping[str, Hashable]:
    """What decides a claim of a date, by scheme."""
    found: dict[str, Hashable] = {}
    for scheme in {each.scheme for each in enrolments}:
        each = enrolment_on(enrolments, scheme, on)
        if each is not None:
            found[scheme] = (
                each.category, each.region, each.civil_servant, _closure(each, on),
                frozenset(each.closed_funds), frozenset(each.tags_on(on)),
            )  # fmt: skip
    return found


def _closure(enrolment: Enrolment, on: date) -> Closure | None:
    """What closes every fund of the scheme on a date, if anything does.

    The status is today's; a suspension or end that begins after the ruling date does not count.
    """
    if enrolment.status != _NORMAL:
        since = enrolment.suspended_on
        if since is None or since <= on:
            return Closure.SUSPENDED if enrolment.status == _SUSPENDED else Closure.ENDED
    if enrolment.benefit_from > on:
        return Closure.WAITING
    return None


def _closed_funds(
    enrolment: Enrolment, care: CareRules, closure: Closure | None
) -> Mapping[str, str]:
    if closure is not None:
        return dict.fromkeys(care.fund_codes, closure.value)
    if not enrolment.closed_funds:
        return _NONE_CLOSED
    closed = enrolment.closed_funds
    return {code: Closure.FUND_CLOSED.value for code in care.fund_codes if code in closed}


def _account_closure(enrolment: Enrolment, policy: Policy, closure: Closure | None) -> str:
    account = policy.account
    if account is None:
        return Closure.NO_ACCOUNT.value
    if account.fund.code in enrolment.closed_funds:
        return Closure.FUND_CLOSED.value
    match closure:
        case None:
            return ""
        case Closure.SUSPENDED if account.while_suspended:
            return ""
        case Closure.WAITING if account.while_waiting:
            return ""
    return closure.value


def _with_stopped(
    closed: Mapping[str, str], care: CareRules, stopped: Mapping[str, str]
) -> Mapping[str, str]:
    """The closed funds and those under a stop switch; the person's own reason comes first."""
    by_switch = {code: Closure.FUND_STOPPED.value for code in care.fund_codes if code in stopped}
    return {**by_switch, **closed}


def _account_stopped(policy: Policy, stopped: Mapping[str, str]) -> str:
    account = policy.account
    if account is None or account.fund.code not in stopped:
        return ""
    return Closure.FUND_STOPPED.value


def _nothing_pays(enrolment: Enrolment, closure: Closure) -> Refusal:
    return Refusal(
        code="NOT_ENTITLED",
        field="scheme",
        params={
            "scheme": enrolment.scheme,
            "reason": CLOSURE_ZH[closure],
            "benefit_from": enrolment.benefit_from.isoformat(),
        },
    )


def _stopped_altogether(care: CareRules, policy: Policy, stopped: Mapping[str, str]) -> Refusal:
    """Without the stop switch something would pay: name the first fund that is under one."""
    account = () if policy.account is None else (policy.account.fund.code,)
    code = next(code for code in (*care.fund_codes, *account) if code in stopped)
    return Refusal(code="FUND_SUSPENDED", params={"fund": code, "reason": stopped[code]})
