"""What institutions ask of lists that every process has in memory: the dictionary (1901), and pages
of the catalogue (1304, 1312, 1316, 1318, 1319), as far as it holds what they show.

The catalogue does not hold when a row was changed, so every page shows all of it, whatever
`updt_time` asks for, and a row's own times are the day it came into force.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date

from msgspec import Raw, Struct

from protocol.nhsa import dictionary
from protocol.nhsa.amounts import decimal_raw
from protocol.nhsa.messages import catalogue as wire
from protocol.nhsa.profile import Profile
from protocol.nhsa.times import parse_moment
from settlement.catalogue import OPEN_END, Catalogue, Item
from settlement.catalogue_pages import Passed, Walk
from settlement.decision import Answer
from settlement.refusal import Refusal
from settlement.world import World

PAGE_ROWS_MAX = 1_000
_ETHNIC_DRUG = "104"
_EVERY_PERSON = "0"
_BY_RATIO = "1"
_SELF_PAID_ABOVE = "1"
"""overlmt_dspo_way: what is above the ceiling is paid by the person. No source prints the list."""
_CATALOGUE = "catalogue_item"
_UNRESTRICTED = "0"
"""lmt_used_flag: the catalogue knows no restricted use, as answers to fee lines say too"""


class ListRows(Struct, frozen=True, gc=False):
    """A bare array."""

    rows: tuple[Struct, ...]


class _Shown(Struct, frozen=True):
    """What a page shows of an item: how many rows, and the rows."""

    asked: tuple[str, ...]
    """tells enquiries apart that show something else"""
    count: Callable[[Item], int]
    rows: Callable[[Item, str, str], Iterator[Struct]]


class _Wanted(Struct, frozen=True):
    """Which items are wanted: in force on a day, and ended by today or not, as far as asked."""

    on: date | None
    valid: str
    today: date

    def has(self, item: Item) -> bool:
        """Whether an item is one of them."""
        if self.on is not None and not item.effective_from <= self.on <= item.effective_to:
            return False
        return not self.valid or self.valid == _flag(item, self.today)


Page = (
    wire.EthnicDrugQuery
    | wire.ItemQuery
    | wire.MatchQuery
    | wire.CeilingQuery
    | wire.SelfPayQuery
)
PageData = (
    wire.EthnicDrugQueryData
    | wire.ItemQueryData
    | wire.MatchQueryData
    | wire.MappingQueryData
    | wire.CeilingQueryData
    | wire.SelfPayQueryData
)


def dictionary_answer(request: wire.DictionaryQuery, profile: Profile) -> Answer | Refusal:
    """1901: the codes that a field is checked against. Lists are flat: nothing is below a value."""
    asked = request.input.data
    values = dictionary.values_of(asked.type.lower(), profile)
    if values is None:
        return Refusal(code="DICTIONARY_UNKNOWN", field="type", params={"value": asked.type})
    if asked.parent_value or asked.Vali_Flag == "0":
        values = []
    rows = tuple(
        wire.DictionaryRow(
            type=asked.type,
            label=label,
            value=value,
            parentValue="",
            sort=_number(place),
            valiFlag="1",
            createUser="",
            createDate=dictionary.WRITTEN_ON,
            version=_number(dictionary.VERSION),
        )
        for place, (value, label) in enumerate(values, 1)
    )
    return Answer(output=wire.DictionaryQueryReply(list=rows))


def page_steps(
    request: Page, world: World, today: date, *, codes: Collection[str] | None = None
) -> Iterator[Answer | Refusal | None]:
    """1304, 1312, 1316, 1318 and 1319: one page; an empty one after the last. `codes`: of these
    items only. The answer comes last; before it a None after every `STEP_ITEMS` items, as others
    wait for the loop."""
    match request:
        case wire.EthnicDrugQuery(input=wire.EthnicDrugQueryInput(data=data)):
            code, on, shown = data.med_list_codg, None, _ETHNIC_DRUGS
        case wire.ItemQuery(input=wire.ItemQueryInput(data=data)):
            code, on, shown = data.hilist_code, data.query_date, _items_asked(data)
        case wire.MatchQuery(input=wire.MatchQueryInput(data=data)):
            code, on, shown = data.hilist_code, data.query_date, _matches_asked(data)
        case wire.CeilingQuery(input=wire.CeilingQueryInput(data=data)):
            code, on, shown = data.hilist_code, data.query_date, _CEILINGS
        case wire.SelfPayQuery(input=wire.SelfPayQueryInput(data=data)):
            code, on, shown = data.hilist_code, data.query_date, _RATIOS
    page = page_of(data)
    if isinstance(page, Refusal):
        yield page
        return
    if code:
        codes = {code} if codes is None else {code} & set(codes)
    day, valid = parse_moment(on).date() if on else None, data.vali_flag or ""
    walk = _walk(shown, world.catalogue, codes, _Wanted(day, valid, today))
    walk.step()
    while not walk.is_complete and walk.row_count < page.stop:
        yield None
        walk.step()
    rows: list[Struct] = []
    for first, item in walk.between(page.start, page.stop):
        made = list(shown.rows(item, world.region, _flag(item, today)))
        rows += made[max(page.start - first, 0) : page.stop - first]
    yield Answer(output=ListRows(tuple(rows)))


def _walk(
    shown: _Shown, catalogue: Catalogue, codes: Collection[str] | None, wanted: _Wanted
) -> Walk:
    """Through all items; or through those that are named, which are few."""

    def count_wanted(item: Item) -> int:
        return shown.count(item) if wanted.has(item) else 0

    count = count_wanted if wanted.on is not None or wanted.valid else shown.count
    if codes is None:
        return catalogue.walk((shown.asked, wanted), count)
    versions = (item for code in sorted(codes) for item in catalogue.versions(code))
    return Walk(Passed(versions), count)


def page_of(data: PageData) -> slice | Refusal:
    """Which rows a page has; pages count from 1."""
    number, size = int(data.page_num), int(data.page_size)
    if number < 1 or not 1 <= size <= PAGE_ROWS_MAX:
        name = "page_num" if number < 1 else "page_size"
        return Refusal(
            code="PAGE_WRONG", field=name,
            params={"number": number, "size": size, "rows_max": PAGE_ROWS_MAX},
        )  # fmt: skip
    return slice((number - 1) * size, number * size)


def _flag(item: Item, today: date) -> str:
    return "1" if item.effective_to >= today else "0"


def _ethnic_drugs(item: Item, region: str, valid: str) -> Iterator[Struct]:
    since, until = _dates(item)
    yield wire.EthnicDrugRow(
        med_list_codg=item.code,
        drug_genname=item.name,
        ethdrug_type=item.list_type,
        begndate=since,
        enddate=until,
        vali_flag=valid,
        rid=_rid(item),
        crte_time=since,
        updt_time=since,
        crter_id="",
        crter_name="",
        crte_optins_no=region,
        opter_id="",
        opter_name="",
        opt_time=since,
        optins_no=region,
        ver=f"F{item.effective_from:%Y%m%d}",
    )


def _items_asked(data: wire.ItemQueryData) -> _Shown:
    """1312: a row a version, of the items that meet what was asked of the columns we have."""

    def count(item: Item) -> int:
        return int(
            data.list_type in (None, "", item.list_type)
            and data.chrgitm_lv in (None, "", item.item_class)
            and data.med_chrgitm_type in (None, "", item.charge_kind)
            and (data.hilist_name or "") in item.name
        )

    asked = (data.list_type, data.chrgitm_lv, data.med_chrgitm_type, data.hilist_name)
    return _Shown(("1312", *(text or "" for text in asked)), count, _items)


def _items(item: Item, region: str, valid: str) -> Iterator[Struct]:
    since, until = _dates(item)
    yield wire.ItemRow(
        hilist_code=item.code,
        hilist_name=item.name,
        insu_admdvs=region,
        begndate=since,
        enddate=until,
        med_chrgitm_type=item.charge_kind,
        chrgitm_lv=item.item_class,
        lmt_used_flag=_UNRESTRICTED,
        list_type=item.list_type,
        med_use_flag="",
        matn_used_flag="",
        hilist_use_type="",
        lmt_cpnd_type="",
        vali_flag=valid,
        rid=_rid(item),
        updt_time=since,
        crte_time=since,
        poolarea_no=region,
    )


def _matches_asked(data: wire.MatchQueryData) -> _Shown:
    """1316: a row a version; an item has the same code in both catalogues here."""

    def count(item: Item) -> int:
        return int(data.list_type in (None, "", item.list_type))

    return _Shown(("1316", data.list_type or ""), count, _matches)


def _matches(item: Item, region: str, valid: str) -> Iterator[Struct]:
    since, until = _dates(item)
    yield wire.MatchRow(
        med_list_codg=item.code,
        hilist_code=item.code,
        list_type=item.list_type,
        insu_admdvs=region,
        begndate=since,
        enddate=until,
        vali_flag=valid,
        rid=_rid(item),
        updt_time=since,
        crte_time=since,
        poolarea_no=region,
    )


def _ceilings(item: Item, region: str, valid: str) -> Iterator[Struct]:
    """A row for each level of institutions (lmtpric_hosp_lv) that has a ceiling."""
    since, until = _dates(item)
    for level, ceiling_e6 in sorted((item.ceiling_e6 or {}).items()):
        yield wire.CeilingRow(
            hilist_code=item.code,
            hilist_lmtpric_type=level,
            overlmt_dspo_way=_SELF_PAID_ABOVE,
            insu_admdvs=region,
            begndate=since,
            enddate=until,
            hilist_pric_uplmt_amt=decimal_raw(ceiling_e6, 6),
            vali_flag=valid,
            rid=f"{_rid(item)}-{level}",
            updt_time=since,
            crte_time=since,
            tabname=_CATALOGUE,
            poolarea_no=region,
        )


def _ratios(item: Item, region: str, valid: str) -> Iterator[Struct]:
    """A row for everybody, and one for each scheme whose ratio differs. A policy's own terms for an
    item (项目支付规定) depend on the case and are not here."""
    since, until = _dates(item)
    by_scheme = item.self_pay_bp_by_scheme or {}
    for whom, ratio_bp in ((_EVERY_PERSON, item.self_pay_bp), *sorted(by_scheme.items())):
        yield wire.SelfPayRow(
            hilist_code=item.code,
            selfpay_prop_psn_type=whom,
            selfpay_prop_type=_BY_RATIO,
            insu_admdvs=region,
            begndate=since,
            enddate=until,
            selfpay_prop=decimal_raw(ratio_bp, 4),
            vali_flag=valid,
            rid=f"{_rid(item)}-{whom}",
            updt_time=since,
            crte_time=since,
            tabname=_CATALOGUE,
            poolarea_no=region,
        )


def _dates(item: Item) -> tuple[str, str]:
    until = "" if item.effective_to == OPEN_END else item.effective_to.isoformat()
    return item.effective_from.isoformat(), until


def _rid(item: Item) -> str:
    return f"{item.code}-{item.effective_from:%Y%m%d}"


def _number(value: int) -> Raw:
    return Raw(str(value).encode())


_ETHNIC_DRUGS = _Shown(("1304",), lambda item: int(item.list_type == _ETHNIC_DRUG), _ethnic_drugs)
_CEILINGS = _Shown(("1318",), lambda item: len(item.ceiling_e6 or ()), _ceilings)
_RATIOS = _Shown(("1319",), lambda item: 1 + len(item.self_pay_bp_by_scheme or ()), _ratios)
