"""GET /demo/world.json: the shape that clients rely on, and only what works at the first try."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from loadtest.population import make_credential, make_person
from loadtest.simulators import voucher_codes
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.voucher_codes import Decoding
from loadtest.world import read_world
from settlement.clock import local_time
from settlement.demo.loader import SEED
from settlement.demo.world_json import world_json
from settlement.payments.wallets import owner_of
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import credential_record
from tests.kit.rewriting import rewrite_person
from tests.world import AT, REGION, SMALL, SmallWorld, connected

ON = local_time(AT).date()
PERSON_FIELDS = (
    "psn_no psn_name psn_cert_type certno mdtrt_cert_type mdtrt_cert_no psn_type insutype balance"
    " person_code one_code"
).split()
ITEM_FIELDS = ("med_list_codg medins_list_codg name price chrgitm_lv med_chrgitm_type").split()


async def test_page_has_exactly_the_promised_fields(world: SmallWorld) -> None:
    page = json.loads(await world.json())
    assert list(page) == ["region", "institutions", "persons", "catalogue", "channels"]
    assert (page["region"], page["channels"]) == (REGION, {})
    assert list(page["institutions"][0]) == ["code", "name", "kind", "paasid", "secret"]
    assert list(page["persons"][0]) == PERSON_FIELDS
    assert list(page["catalogue"][0]) == ITEM_FIELDS
    for rows in (page["institutions"], page["persons"], page["catalogue"]):
        assert all(isinstance(value, str) for row in rows for value in row.values())


async def test_page_is_the_same_every_time_and_ordered(world: SmallWorld) -> None:
    first, second = await world.json(), await world.json()
    assert first == second
    page = read_world(first)
    assert [p.psn_no for p in page.persons] == sorted(p.psn_no for p in page.persons)
    assert [i.code for i in page.institutions] == sorted(i.code for i in page.institutions)
    assert len(page.catalogue) == SMALL.items


async def test_codes_name_the_person_as_the_simulated_centre_does(world: SmallWorld) -> None:
    page = read_world(await world.json())
    for shown in page.persons:
        for code, paying in ((shown.person_code, None), (shown.one_code, Behaviour.OK)):
            read = voucher_codes.read(code)
            assert read is not None
            assert (read.is_test, read.paying, read.decoding) == (True, paying, Decoding.OK)
            made = make_person(read.person, seed=SEED, region=REGION, on=ON)
            assert (made.person_no, made.identity.certificate_no) == (shown.psn_no, shown.certno)


async def test_secrets_are_those_the_institutions_sign_with(world: SmallWorld) -> None:
    page = read_world(await world.json())
    for one in page.institutions:
        assert (one.paasid, one.secret) == (
            make_credential(one.code, seed=SEED).access_key,
            make_credential(one.code, seed=SEED).secret,
        )
    assert {one.kind for one in page.institutions} == {"hospital", "pharmacy"}


async def test_wallet_with_a_credential_is_no_institution(world: SmallWorld) -> None:
    before = read_world(await world.json()).institutions
    key = "wallet-of-a-test-01"
    sealed = world.keyring.seal(b"secret", credential_record(key))
    async with connected(world.database.owner_dsn) as connection:
        await connection.execute(
            REFERENCE["keep_credential"], key, owner_of("TEST"), world.keyring.version, sealed
        )
    assert read_world(await world.json()).institutions == before


async def test_credential_is_the_identity_number_and_prices_are_yuan(world: SmallWorld) -> None:
    page = read_world(await world.json())
    assert all((p.mdtrt_cert_type, p.mdtrt_cert_no) == ("02", p.certno) for p in page.persons)
    assert {p.insutype for p in page.persons} == {"310", "390"}
    assert all(item.price > 0 for item in page.catalogue)
    assert any(p.balance > Decimal(100) for p in page.persons)


async def test_people_whose_first_claim_would_fail_are_not_shown(world: SmallWorld) -> None:
    plain = make_person(1_000_100, seed=SEED, region=REGION, on=ON)
    normal = replace(
        plain.enrolments[-1], status="1", benefit_from=plain.enrolments[-1].enrolled_on,
        suspended_on=None, closed_funds=(),
    )  # fmt: skip
    fates = (
        normal,
        replace(normal, status="2", suspended_on=ON),
        replace(normal, benefit_from=ON + timedelta(days=1)),
        replace(normal, closed_funds=("310102",)),
        replace(normal, enrolled_on=ON + timedelta(days=1), benefit_from=ON + timedelta(days=1)),
    )
    people = [
        replace(make_person(1_000_100 + n, seed=SEED, region=REGION, on=ON), enrolments=(fate,))
        for n, fate in enumerate(fates)
    ]
    await world.add(*people)
    shown = {p.psn_no for p in read_world(await world.json(persons=100_000)).persons}
    assert [person.person_no in shown for person in people] == [True] + [False] * 4


async def test_guests_from_other_regions_are_not_of_this_world(world: SmallWorld) -> None:
    first = read_world(await world.json()).persons[0].psn_no
    async with connected(world.database.owner_dsn) as connection:
        await rewrite_person(connection, world.keyring, first, home_region="611000")
        try:
            shown = read_world(await world.json()).persons
        finally:
            await rewrite_person(connection, world.keyring, first, home_region="")
    assert first not in {one.psn_no for one in shown}


async def test_as_many_people_as_asked_for(world: SmallWorld) -> None:
    few = read_world(await world.json(persons=17)).persons
    all_of_them = read_world(await world.json(persons=100_000)).persons
    assert len(few) == 17
    assert 150 < len(all_of_them) <= SMALL.persons + 10
    assert few == all_of_them[:17]
    assert read_world(await world.json(persons=0)).persons == []


async def test_the_application_role_may_read_the_page(world: SmallWorld) -> None:
    async with connected(world.database.app_dsn) as connection:
        page = await world_json(connection, world.keyring, persons=1, read_clock=lambda: AT)
    assert read_world(page).region == REGION
