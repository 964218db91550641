"""What a region demands of the fields of the interface (接口字段), beyond the printed editions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.policy import loader
from settlement.policy.errors import PolicyError
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION_FILE = "441900.toml"
PLAIN = '[interface]\nedition = "baseline"\n'


def policies_with(interface: str) -> PolicySet:
    """The shipped policies under a region that demands this of fields."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_bytes() for path in shelf.glob("*.toml")}
    region = files[REGION_FILE].decode()
    assert PLAIN in region
    files[REGION_FILE] = region.replace(PLAIN, f"[interface]\n{interface}\n").encode()
    return parse_policies(files)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def restored(town: Town) -> AsyncIterator[None]:
    """The town's own rules at the end."""
    yield
    await town.restart()


async def test_field_that_the_region_requires_must_be_there(town: Town) -> None:
    await town.restart(policies_with('required = ["2102.druginfo.psn_name"]'))
    buyer = town.someone()
    sale = town.pharmacy.sale(buyer, some(CLASS_A))
    name = "input.druginfo.psn_name"
    refused = await town.pharmacy.send(sale.edited({name: ""}))
    assert_refused(refused, "FIELD_MISSING", field=name)
    assert_done(await town.pharmacy.send(sale.edited({name: buyer.patient.person.psn_name})))


async def test_text_may_be_shorter_and_a_code_list_longer(town: Town) -> None:
    await town.restart(
        policies_with(
            '[interface.length_max]\n"2102.druginfo.invono" = 4\n'
            '[interface.codes]\n"2102.druginfo.med_type" = ["9901"]'
        )
    )
    sale = town.pharmacy.sale(town.someone(), some(CLASS_A))
    long = sale.edited({"input.druginfo.invono": "12345"})
    assert_refused(
        await town.pharmacy.send(long), "FIELD_TOO_LONG", field="input.druginfo.invono"
    )
    other = sale.edited({"input.druginfo.med_type": "9901"})
    assert (await town.pharmacy.send(other)).err_code != "CODE_UNKNOWN"
    assert_done(await town.pharmacy.send(sale.edited({"input.druginfo.invono": "1234"})))


@pytest.mark.parametrize(
    ("interface", "said"),
    [
        ('required = ["2102.druginfo.nothing"]', "2102.druginfo.nothing：接口没有这个字段"),
        ('optional = ["2102.druginfo.psn_no"]', "不能改为选填"),
        ('[interface.length_max]\n"2102.druginfo.invono" = 99', "只能缩短"),
        ('required = ["druginfo"]', "interface.required"),
        ('edition = "widest"', "widest"),
    ],
)
async def test_what_no_edition_allows_stops_the_loading(interface: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        policies_with(interface)
