"""From lines and accumulators to the outputs of 5205 and 5206.

The codes of accumulators (cum_type_code, ten characters) are ours: no source lists the national
ones. They are the group of care in the interface's own abbreviations (OTP 门诊, IPT 住院), then
what is summed: the code of the fund that paid, DEDC, INSCP, OWNPAY, or CNT for admissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from msgspec import Struct

from protocol.nhsa.amounts import decimal_raw, yuan
from protocol.nhsa.messages.history import (
    AccumulatorEnquiryReply,
    AccumulatorRow,
    ChronicMedicineEnquiryReply,
    ChronicMedicineRow,
)
from settlement.catalogue import Item
from settlement.institution import Institution
from settlement.policy.loader import PolicySet
from settlement.policy.model import Policy
from settlement.policy.region import RegionProfile
from settlement.rows import SettledLine, SettlementRow
from settlement.view import PersonFacts

CODE_LENGTH_MAX = 10
_GROUPS = {"outpatient": "OTP", "inpatient": "IPT", "pharmacy": "PHA"}
_SUMS = {"deductible": "DEDC", "in_scope": "INSCP", "own_share": "OWNPAY", "admissions": "CNT"}
_COUNTED = "admissions"


class YearlySum(Struct, frozen=True, kw_only=True):
    """One accumulator of a year, with the policy whose name it is."""

    year: int
    name: str
    code: str
    value: int
    scheme: str
    first_month: int
    """of the fiscal year"""


def medicine(
    row: SettlementRow, settled: SettledLine, item: Item, institution: Institution
) -> ChronicMedicineRow:
    """One row of 5205."""
    priced, kept = settled.priced, settled.kept
    line = priced.line
    said = {key: value for key, value in kept.extra.items() if isinstance(value, str)}
    return ChronicMedicineRow(
        feedetl_sn=line.line_no,
        rx_drord_no=said.get("rx_drord_no") or said.get("rxno", ""),
        fixmedins_code=institution.code,
        fixmedins_name=institution.name,
        psn_no=row.psn_no,
        med_type=row.care_type,
        fee_ocur_time=kept.occurred_at,
        cnt=decimal_raw(line.quantity_e4, 4),
        pric=decimal_raw(line.price_e6, 6),
        chrgitm_lv=priced.item_class,
        hilist_code=line.item_code,
        hilist_name=item.name,
        list_type=item.list_type,
        med_list_codg=line.item_code,
        medins_list_codg=line.institution_item_code,
        medins_list_name=item.name,
        med_chrgitm_type=priced.charge_kind,
        spec="",
        hosp_appr_flag=said.get("hosp_appr_flag", ""),
        tcmdrug_used_way=said.get("tcmdrug_used_way", ""),
        etip_flag=said.get("etip_flag", ""),
        etip_hosp_code=said.get("etip_hosp_code", ""),
        dscg_tkdrug_flag=said.get("dscg_tkdrug_flag", ""),
        matn_fee_flag=said.get("matn_fee_flag", ""),
    )


def medicines_reply(rows: Iterable[ChronicMedicineRow]) -> ChronicMedicineEnquiryReply:
    """Output of 5205."""
    return ChronicMedicineEnquiryReply(feedetail=tuple(rows))


def month_of(text: str) -> date | None:
    """The first day of a month written yyyyMM; None for anything else."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:]), 1)
    except ValueError:
        return None


def sums_of(
    person: PersonFacts, policies: PolicySet, profile: RegionProfile, region: str
) -> list[YearlySum]:
    """The person's accumulators of all years kept, each under the scheme whose policy counts it."""
    schemes = [enrolment.scheme for enrolment in person.enrolments]
    in_force = [each for each in policies.in_force() if each.region == region]
    in_force.sort(key=lambda each: _rank(each.scheme, schemes, profile.scheme_order))
    owners = {name: policy for policy in reversed(in_force) for name in _names(policy)}
    codes = _codes({*owners, *[name for doc in person.years.values() for name in doc.values]})
    return [
        YearlySum(
            year=int(year),
            name=name,
            code=codes[name],
            value=value,
            scheme=owners[name].scheme if name in owners else (schemes or [""])[0],
            first_month=owners[name].fiscal_year_start_month if name in owners else 1,
        )
        for year, document in sorted(person.years.items())
        for name, value in sorted(document.values.items())
    ]


def accumulators_reply(
    sums: Iterable[YearlySum], today: date, month: date | None
) -> AccumulatorEnquiryReply:
    """Output of 5206. Sums are those of now, and `cum_ym` says of which month that is: this one,
    or the last of a year that is over."""
    return AccumulatorEnquiryReply(
        cuminfo=tuple(
            AccumulatorRow(
                insutype=one.scheme,
                year=str(one.year),
                cum_ym=_as_of(one, today),
                cum_type_code=one.code,
                cum=yuan(one.value * 100 if one.name.endswith(f".{_COUNTED}") else one.value),
            )
            for one in sums
            if month is None or one.year == _fiscal_year(month, one.first_month)
        )
    )


def code_of(name: str) -> str:
    """The code of an accumulator: `outpatient.paid.310102` is OTP310102."""
    group, _, summed = name.partition(".")
    letters = "".join(filter(str.isalnum, group))[:3].upper()
    what = _SUMS.get(summed, summed.rpartition(".")[-1])
    return f"{_GROUPS.get(group, letters)}{what}"[:CODE_LENGTH_MAX]


def _codes(names: set[str]) -> dict[str, str]:
    """A code for each name; where a region's own groups abbreviate to the same, they are numbered
    in the order of their names."""
    codes: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (name.partition(".")[0] not in _GROUPS, name)):
        code, number = code_of(name), 1
        while code in codes.values():
            number += 1
            code = f"{code_of(name)[: CODE_LENGTH_MAX - len(str(number))]}{number}"
        codes[name] = code
    return codes


def _names(policy: Policy) -> Iterator[str]:
    return (name for care in policy.care.values() for name in care.counted)


def _rank(scheme: str, own: list[str], order: tuple[str, ...]) -> tuple[bool, int]:
    """The person's own schemes first, in the region's order."""
    return scheme not in own, order.index(scheme) if scheme in order else len(order)


def _fiscal_year(on: date, first_month: int) -> int:
    return on.year if on.month >= first_month else on.year - 1


def _as_of(one: YearlySum, today: date) -> str:
    if _fiscal_year(today, one.first_month) <= one.year:
        return f"{today:%Y%m}"
    year, month = (one.year, 12) if one.first_month == 1 else (one.year + 1, one.first_month - 1)
    return f"{year:04d}{month:02d}"
