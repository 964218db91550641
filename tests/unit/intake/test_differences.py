"""What a file changes: by version and date, no more than it says, and nothing the second time."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from settlement.catalogue import Item
from settlement.entitlement import enrolment_on
from settlement.institution import Institution, InstitutionKind
from settlement.intake import institutions, items, persons
from settlement.intake.faults import Fault
from settlement.intake.items import FileItem
from settlement.intake.persons import FilePerson, Known
from settlement.intake.report import Counts, Sample, preview_text
from settlement.person import Enrolment, FamilyLink, Identity, Qualification

DAY = timedelta(days=1)
CHANGE = date(2026, 12, 1)
IDENTITY = Identity(
    name="测试甲", certificate_type="01", certificate_no="999999198001010001", sex="1",
    ethnic_group="01", born_on=date(1980, 1, 1), card_no="T99", card_serial="S99", employer="",
)  # fmt: skip
WORKING = Enrolment(
    scheme="310", category="11", status="1", enrolled_on=date(2015, 1, 1),
    benefit_from=date(2015, 1, 1), suspended_on=None, region="441900", civil_servant=False,
)  # fmt: skip
RETIRED = replace(WORKING, category="12", effective_from=CHANGE)
KNOWN = Known(identity=IDENTITY, enrolments=(WORKING,), family=())


def told(
    *enrolments: Enrolment, identity: Identity = IDENTITY,
    family: tuple[FamilyLink, ...] | None = None,
) -> FilePerson:  # fmt: skip
    """A person as a file says them."""
    return FilePerson(
        row=2, person_no="44190099000000000001", identity=identity, enrolments=enrolments,
        family=family,
    )  # fmt: skip


def test_version_with_a_date_of_its_own_stands_beside_the_present_one_and_waits() -> None:
    differs = persons.difference(told(RETIRED), KNOWN, whole=False)
    assert differs is not None
    assert differs.enrolments == (WORKING, RETIRED)
    assert differs.fields == ("310 2026-12-01: + 12, 1",)
    assert differs.identity is None and differs.family is None
    assert enrolment_on(differs.enrolments, "310", CHANGE - DAY) is WORKING
    assert enrolment_on(differs.enrolments, "310", CHANGE) is RETIRED


def test_same_file_again_changes_nothing() -> None:
    known = Known(identity=IDENTITY, enrolments=(WORKING, RETIRED), family=())
    for whole in (False, True):
        assert persons.difference(told(WORKING, RETIRED), known, whole=whole) is None
    assert persons.difference(told(WORKING), known, whole=False) is None


def test_whole_file_takes_away_versions_that_it_does_not_say() -> None:
    known = Known(identity=IDENTITY, enrolments=(WORKING, RETIRED), family=())
    differs = persons.difference(told(WORKING), known, whole=True)
    assert differs is not None and differs.enrolments == (WORKING,)
    assert differs.fields == ("310 2026-12-01: —",)


def test_card_and_employer_stay_where_the_file_has_none_unless_it_is_whole() -> None:
    bare = replace(IDENTITY, card_no="", card_serial="", employer="")
    assert persons.difference(told(WORKING, identity=bare), KNOWN, whole=False) is None
    differs = persons.difference(told(WORKING, identity=bare), KNOWN, whole=True)
    assert differs is not None and differs.identity == bare


def test_changed_fields_are_named_and_personal_values_are_not_shown() -> None:
    other = replace(IDENTITY, name="测试乙", card_no="T98")
    suspended = replace(WORKING, status="2", suspended_on=CHANGE)
    link = FamilyLink(donor_no="x", relation="01", order=1, consented_on=CHANGE)
    differs = persons.difference(
        told(suspended, identity=other, family=(link,)), KNOWN, whole=False
    )
    assert differs is not None
    assert differs.fields == (
        "name: ***", "card_no: ***", "310 2015-01-01 status: 1 → 2",
        "310 2015-01-01 suspended_on: None → 2026-12-01", "family: 0 → 1",
    )  # fmt: skip


def test_whom_a_whole_file_leaves_out_ends_on_the_day_and_only_once() -> None:
    before = (WORKING, replace(WORKING, scheme="390", status="4", suspended_on=date(2020, 1, 1)))
    differs = persons.ended(before, CHANGE)
    assert differs is not None
    assert [(e.status, e.suspended_on) for e in differs.enrolments] == [
        ("4", CHANGE), ("4", date(2020, 1, 1)),
    ]  # fmt: skip
    assert persons.ended(differs.enrolments, CHANGE + 5 * DAY) is None


def test_qualification_is_a_tag_between_its_dates() -> None:
    held = Qualification(tag="M01", begins_on=CHANGE, ends_on=CHANGE + 9 * DAY)
    enrolment = replace(WORKING, tags=("low_income",), qualifications=(held,))
    for on, tags in (
        (CHANGE - DAY,      ("low_income",)),
        (CHANGE,            ("low_income", "M01")),
        (CHANGE + 9 * DAY,  ("low_income", "M01")),
        (CHANGE + 10 * DAY, ("low_income",)),
    ):  # fmt: skip
        assert enrolment.tags_on(on) == tags


ITEM = Item(
    code="XA001TEST", name="测试药品", list_type="101", item_class="02", charge_kind="09",
    self_pay_bp=1000, effective_from=date(2020, 1, 1),
)  # fmt: skip
LATER = replace(ITEM, self_pay_bp=2000, effective_from=CHANGE)


def planned(
    *told: Item, known: tuple[Item, ...] = (), whole: bool = False
) -> tuple[items.Plan, list[Fault]]:
    """The plan of a file, and its faults."""
    faults: list[Fault] = []
    rows = [FileItem(row, item) for row, item in enumerate(told, 2)]
    by_code: dict[str, tuple[Item, ...]] = {}
    for item in known:
        by_code[item.code] = (*by_code.get(item.code, ()), item)
    return items.plan(rows, by_code, faults, whole=whole, ends_on=CHANGE), faults


def test_new_version_of_an_item_ends_the_one_before_on_the_day_before() -> None:
    plan, faults = planned(LATER, known=(ITEM,))
    assert not faults
    assert plan.items == [replace(ITEM, effective_to=CHANGE - DAY), LATER]
    assert (plan.counts.new, plan.counts.changed) == (1, 0)
    assert plan.counts.samples[0].fields == ("effective_to: 9999-12-31 → 2026-11-30",)


def test_same_items_again_change_nothing() -> None:
    known = (replace(ITEM, effective_to=CHANGE - DAY), LATER)
    for told_items in ((ITEM, LATER), (LATER,), (ITEM,), known):
        plan, faults = planned(*told_items, known=known)
        assert (plan.items, faults, plan.counts.unchanged) == ([], [], len(told_items))


def test_versions_of_a_file_whose_own_dates_overlap_are_refused() -> None:
    _, faults = planned(replace(ITEM, effective_to=CHANGE), LATER)
    assert [(f.row, f.column, f.problem.zh) for f in faults] == [
        (2, "enddate", "与 2026-12-01 开始的版本重叠")
    ]


def test_item_that_a_whole_file_leaves_out_ends_on_the_day_before() -> None:
    other = replace(ITEM, code="XA002TEST")
    plan, _ = planned(ITEM, known=(ITEM, other, replace(other, effective_from=CHANGE)), whole=True)
    assert plan.counts.missing == 2
    again, _ = planned(ITEM, known=(ITEM, *plan.items), whole=True)
    assert (again.items, again.counts.missing) == ([], 0)


SHOP = Institution(
    code="P44190099009", name="测试药店", kind=InstitutionKind.PHARMACY, region="441900",
    hospital_level="11", deductible_level="1", ceiling_level="1", agreement_from=date(2026, 1, 1),
    agreement_to=date(2027, 12, 31), suspended=False, care_types=frozenset({"41"}), account_base=0,
)  # fmt: skip


def planned_shops(
    *told: institutions.FileInstitution, known: tuple[Institution, ...] = (),
    credentials: dict[str, tuple[str, str]] | None = None, whole: bool = False,
) -> tuple[institutions.Plan, list[Fault]]:  # fmt: skip
    """The plan of a file, and its faults."""
    faults: list[Fault] = []
    plan = institutions.plan(
        told, {one.code: one for one in known}, credentials or {}, faults, whole=whole,
        ends_on=CHANGE,
    )  # fmt: skip
    return plan, faults


def shop(key: str = "", secret: str = "", **changes: object) -> institutions.FileInstitution:
    """A pharmacy as a file says it."""
    return institutions.FileInstitution(
        row=2, institution=replace(SHOP, **changes), access_key=key, secret=secret
    )


def test_new_institution_gets_accounts_behind_the_others_and_a_known_one_keeps_its_own() -> None:
    known = replace(SHOP, code="P44190099001", account_base=10_000_050)
    plan, faults = planned_shops(
        shop(), shop(code="P44190099001", suspended=True), known=(known,)
    )
    assert not faults
    assert [one.account_base for one in plan.institutions] == [10_000_060, 10_000_050]
    assert plan.counts.samples == [Sample(2, "P44190099001", ("suspended: False → True",))]
    assert plan.without == ["P44190099009", "P44190099001"]


def test_credentials_are_written_when_they_change_and_never_shown() -> None:
    known = (replace(SHOP, account_base=10_000_010),)
    held = {"key-00000001": (SHOP.code, "s" * 16)}
    for key, secret, fields in (
        ("key-00000001", "s" * 16, ()),
        ("key-00000001", "",       ()),
        ("key-00000001", "t" * 16, ("credential key-00000001: *** → ***",)),
        ("key-00000002", "t" * 16, ("credential key-00000002: +",)),
    ):  # fmt: skip
        plan, faults = planned_shops(shop(key, secret), known=known, credentials=held)
        assert not faults
        assert [sample.fields for sample in plan.counts.samples] == [fields][: len(fields)]
        assert len(plan.credentials) == len(fields)


def test_credential_of_another_institution_and_a_new_one_without_secret_are_refused() -> None:
    held = {"key-00000001": ("P44190099001", "s" * 16)}
    for key, column in (("key-00000001", "access_key"), ("key-00000002", "secret")):
        _, faults = planned_shops(shop(key), credentials=held)
        assert [fault.column for fault in faults] == [column]


def test_institution_that_a_whole_file_leaves_out_ends_its_agreement() -> None:
    known = replace(SHOP, account_base=10_000_010)
    plan, _ = planned_shops(known=(known,), whole=True)
    assert [one.agreement_to for one in plan.institutions] == [CHANGE - DAY]
    again, _ = planned_shops(known=tuple(plan.institutions), whole=True)
    assert again.institutions == []


def test_preview_shows_counts_and_the_first_twenty_changes() -> None:
    counts = Counts(new=1, changed=25, unchanged=3, missing=2)
    counts.sample([Sample(n, f"x{n}", ("a: 1 → 2",)) for n in range(2, 40)])
    text = preview_text(counts, whole=True)
    assert text.startswith("新增 new 1，变更 changed 25，不变 unchanged 3，缺少（将终止）missing, ")
    assert text.count("a: 1 → 2") == 20
    assert "前 20 项" in text
