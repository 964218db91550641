"""A settlement says how every fen of it came about, and computing it again gives the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from settlement.gateway import Caller, Unavailable
from settlement.policy.loader import parse_policies, shipped_files
from settlement.usecases.explain import Explained, Recomputed
from tests.kit.erasing import a_desk, erased
from tests.kit.population import CAPPED_B, CLASS_A, Kind, some
from tests.kit.reply import Reply
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def explanation(town: Town, settled: Reply, institution: str = "") -> Explained | None:
    code = institution or town.pharmacy.institution.code
    caller = Caller(institution_code=code, access_key="test")
    found = await town.service.explanation(settled.setl_id, caller)
    return None if found is None else msgspec.json.decode(found, type=Explained)


@pytest.mark.parametrize("kind", [Kind.EMPLOYEE, Kind.RESIDENT])
async def test_every_fen_is_explained_in_two_languages_and_comes_out_again(
    town: Town, kind: Kind
) -> None:
    settled = await town.pharmacy.sell(town.someone(kind), some(CLASS_A, 2), some(CAPPED_B, 2))
    told = await explanation(town, settled)
    assert told is not None
    assert told.recomputed is Recomputed.SAME
    assert (told.undoes, told.undone_by) == (None, None)
    assert told.total == str(settled.money("medfee_sumamt"))
    assert told.funds == str(settled.money("fund_pay_sumamt"))
    assert told.cash == str(settled.money("psn_cash_pay"))
    assert f"医疗费 {told.total} 元" in told.text_zh
    assert f"total {told.total}" in told.text_en
    shares = [step for step in told.steps if step["rule"].startswith("share:")]
    assert [step["amount"] for step in shares] == [told.funds]
    assert all(step["text_zh"] and step["text_en"] for step in told.steps)
    assert shares[0]["source"]


async def test_cancel_is_explained_by_its_original(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    original, undoing = await explanation(town, settled), await explanation(town, cancelled)
    assert original is not None and undoing is not None
    assert (original.undone_by, undoing.undoes) == (cancelled.setl_id, settled.setl_id)
    assert original.recomputed is Recomputed.SAME
    assert undoing.recomputed is Recomputed.NOT_KEPT
    assert undoing.steps == original.steps


async def test_nobody_else_is_told(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    other = town.other_pharmacy.institution.code
    assert await explanation(town, settled, other) is None


async def test_explanation_waits_until_the_policy_is_loaded(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    old, new = "（演示）".encode(), "（另一版）".encode()
    files = {name: text.replace(old, new) for name, text in shipped_files().items()}
    await town.restart(parse_policies(files))
    with pytest.raises(Unavailable) as raised:
        await explanation(town, settled)
    assert raised.value.retry == "later"
    await town.restart()
    assert await explanation(town, settled) is not None


async def test_erased_personal_data_leaves_the_stored_steps(town: Town, tmp_path: Path) -> None:
    who = town.someone()
    settled = await town.pharmacy.sell(who, some(CLASS_A))
    async with a_desk(town, tmp_path) as desk:
        await erased(desk, who)
    told = await explanation(town, settled)
    assert told is not None
    assert told.recomputed is Recomputed.NOT_KEPT
    assert told.steps
