"""Institutions with registered keys: cainfo is checked, SM4 bodies are read and answered."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs

from protocol.nhsa.cainfo import BodyRules, Signed
from settlement.embedded.services import Services
from settlement.gateway import Caller, NotYours
from settlement.seals import stored_keys
from settlement.storage.body_keys import set_body_keys
from tests.kit.clerk import Clerk, zipped
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, some
from tests.kit.profiles import policies_where
from tests.kit.reply import Reply, assert_done, assert_refused, read_reply
from tests.kit.sealing import (
    OTHER,
    PRIVATE,
    SM4_KEY,
    encrypted_message,
    opened,
    public_pem,
    signed_message,
)
from tests.kit.served import ROOT, ServedTown, a_served_town, signed
from tests.kit.town import Town
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")


# Over HTTP, the keys registered by the command.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment(services: Services, database: FreshDatabase) -> Mapping[str, str]:
    """The site's database and Redis, where the run has them."""
    return {**chosen_environment(services, database), "PYTHONPATH": str(ROOT)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(environment: Mapping[str, str]) -> AsyncIterator[ServedTown]:
    """A server of one process."""
    async with a_served_town(environment, workers=1) as town:
        yield town


async def keys_command(
    town: ServedTown, environment: Mapping[str, str], *arguments: str
) -> tuple[int, str]:
    """`settlement keys` for the pharmacy."""
    command = ["keys", town.pharmacy.caller.access_key, *arguments]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "settlement.cli", *command, "--data-dir", str(town.data)],
        env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


async def posted(town: ServedTown, message: Message) -> tuple[int, dict[str, str]]:
    """Status and reply."""
    came = await town.gateway.post("/hsa/hgs/2102", message.body, signed(message.caller))
    return came.status, json.loads(came.body)


async def test_signing_pharmacy_settles_and_is_refused_with_another_key(
    served: ServedTown, environment: Mapping[str, str], tmp_path: Path
) -> None:
    key = tmp_path / "pharmacy.pem"
    key.write_text(public_pem())
    given = ("--sm2-public", str(key), "--required", "--reason", "登记测试1号")
    assert (await keys_command(served, environment, *given))[0] == 0

    async def unsigned_is_refused() -> bool:
        return (await posted(served, quote_of(served)))[1].get("err_code") == "CAINFO_MISSING"

    await until(unsigned_is_refused)
    citizen = served.someone()
    message = signed_message(served.pharmacy.sale(citizen, some(CLASS_A)))
    forged = signed_message(served.pharmacy.sale(citizen, some(CLASS_A)), OTHER)
    status, told = await posted(served, forged)
    assert (status, told["err_code"], told["retry"]) == (401, "CAINFO_WRONG", "never")
    assert "请核对" in told["message"]
    status, told = await posted(served, message)
    assert (status, told["infcode"]) == (200, 0)
    altered = message.edited({"input.druginfo.psn_no": served.someone().number})
    assert (await posted(served, altered))[1]["err_code"] == "CAINFO_WRONG"
    assert [row["kind"] for row in await served.rows_of(citizen)] == [1]
    assert (await keys_command(served, environment, "--remove", "--reason", "撤销"))[0] == 0

    async def unsigned_is_taken() -> bool:
        return (await posted(served, quote_of(served)))[0] == 200

    await until(unsigned_is_taken)
    audited = await served.owner.fetch("select action from settlement.audit order by at")
    assert [row["action"] for row in audited][-2:] == ["register-keys", "remove-keys"]


def quote_of(town: ServedTown) -> Message:
    """A sale that is never carried out: addressed as 2102, it says 2101."""
    return town.pharmacy.quote(town.borrowed(), some(CLASS_A))


async def test_keys_that_are_none_are_not_registered(
    served: ServedTown, environment: Mapping[str, str], tmp_path: Path
) -> None:
    key = tmp_path / "wrong.pem"
    key.write_text("00" * 64)
    status, told = await keys_command(
        served, environment, "--sm2-public", str(key), "--reason", "x"
    )
    assert status != 0 and "SM2" in told
    status, told = await keys_command(served, environment, "--reason", "x")
    assert status == 2 and "--remove" in told


# In one process, under several rules.


async def register(town: Town, *, sm2: str = "", sm4: str = "", required: bool = False) -> Caller:
    """Keys for the pharmacy, and the pharmacy as its headers would prove it then."""
    key = town.pharmacy.caller.access_key
    stored = stored_keys(sm2=sm2, sm4=sm4, required=required)
    assert await set_body_keys(
        town.owner, town.keyring, key, stored, reason="测试", actor="测试", at=town.clock()
    )
    await town.restart()
    return as_proved(town)


def as_proved(town: Town) -> Caller:
    """The pharmacy with what is registered for it."""
    fact = town.service.credential(town.pharmacy.caller.access_key)
    assert fact is not None
    return structs.replace(town.pharmacy.caller, keys=fact.keys)


async def answer(town: Town, message: Message, caller: Caller) -> bytes:
    """The answer's bytes."""
    return await town.service.answer(message.infno, message.body, caller)


async def test_encrypted_sale_is_answered_encrypted_and_a_resend_gets_the_same(town: Town) -> None:
    caller = await register(town, sm4=SM4_KEY.hex(), sm2=PRIVATE.public.point.hex())
    citizen = town.someone()
    message = encrypted_message(signed_message(town.pharmacy.sale(citizen, some(CLASS_A))))
    first = opened(await answer(town, message, caller))
    again = opened(await answer(town, message, caller))
    assert_done(first)
    assert again.output == first.output and again.warn_msg
    assert len(await town.rows_of(citizen)) == 1
    plain = town.pharmacy.sale(town.someone(), some(CLASS_A))
    assert_done(read_reply(await answer(town, plain, caller)))


async def test_file_is_answered_as_it_is_to_an_encrypted_message_too(town: Town) -> None:
    caller = await register(town, sm4=SM4_KEY.hex())
    clerk = Clerk(town.pharmacy, begin="", end="")
    uploaded = await clerk.upload(zipped([]))
    assert isinstance(uploaded.output, dict)
    message = encrypted_message(clerk.download(uploaded.output["file_qury_no"]))
    assert await answer(town, message, caller) == zipped([])


async def test_ciphertext_under_another_key_is_refused_readably(town: Town) -> None:
    caller = await register(town, sm4=bytes(16).hex())
    message = encrypted_message(town.pharmacy.sale(town.someone(), some(CLASS_A)))
    reply = read_reply(await answer(town, message, caller))
    assert_refused(reply, "BODY_UNDECIPHERABLE", field="input", mentions="SM4")


async def test_ciphertext_of_an_institution_without_key_says_what_is_missing(town: Town) -> None:
    message = encrypted_message(town.pharmacy.sale(town.someone(), some(CLASS_A)))
    reply = await town.pharmacy.send(message)
    assert_refused(reply, "BODY_KEY_MISSING", field="enc_type", mentions="登记")


async def test_refusal_of_an_encrypted_message_is_readable(town: Town) -> None:
    caller = await register(town, sm4=SM4_KEY.hex())
    sale = town.pharmacy.sale(town.someone(), some(CLASS_A))
    message = encrypted_message(sale.edited({"input.druginfo.medfee_sumamt": 1}))
    reply = read_reply(await answer(town, message, caller))
    assert_refused(reply, "TOTAL_MISMATCH", field="input.druginfo.medfee_sumamt")


async def test_region_may_demand_signatures_of_all_that_have_keys(town: Town) -> None:
    await register(town, sm2=PRIVATE.public.point.hex())
    await town.restart(policies_where("cainfo", "required"))
    caller = as_proved(town)
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    with pytest.raises(NotYours) as refused:
        await answer(town, message, caller)
    assert refused.value.code == "CAINFO_MISSING" and "SM2" in refused.value.message
    assert_done(await town.hospital.send(town.hospital.registration(town.someone())))


async def test_region_may_refuse_signatures_that_it_cannot_check(town: Town) -> None:
    message = signed_message(town.pharmacy.sale(town.someone(), some(CLASS_A)))
    assert_done(await town.pharmacy.send(message))
    await town.restart(policies_where("cainfo_without_key", "refuse"))
    message = signed_message(town.pharmacy.sale(town.someone(), some(CLASS_A)))
    with pytest.raises(NotYours) as refused:
        await town.pharmacy.send(message)
    assert refused.value.code == "CAINFO_KEY_MISSING"
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))


async def test_region_says_what_is_signed(town: Town) -> None:
    await register(town, sm2=PRIVATE.public.point.hex(), required=True)
    await town.restart(policies_where("cainfo_signed", "message"))
    caller = as_proved(town)
    rules = BodyRules(signed=Signed.MESSAGE)
    message = signed_message(town.pharmacy.sale(town.someone(), some(CLASS_A)), PRIVATE, rules)
    assert_done(read_reply(await answer(town, message, caller)))
    moved = message.edited({"opter": "another"})
    with pytest.raises(NotYours) as refused:
        await answer(town, moved, caller)
    assert refused.value.code == "CAINFO_WRONG"


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"input":}'], ids=repr)
async def test_unreadable_body_of_a_signing_institution_is_explained_as_anybodys(
    town: Town, body: bytes
) -> None:
    caller = await register(town, sm2=PRIVATE.public.point.hex(), required=True)
    failures = []
    for one in (caller, town.pharmacy.caller):
        with pytest.raises(Exception) as failed:
            await town.service.answer("2102", body, one)
        failures.append((type(failed.value), str(failed.value)))
    assert failures[0] == failures[1]


async def test_many_signed_sales_at_once_are_each_settled_once(town: Town) -> None:
    caller = await register(town, sm2=PRIVATE.public.point.hex(), required=True)
    people = town.people(20)
    messages = [signed_message(town.pharmacy.sale(one, some(CLASS_A))) for one in people]
    forged = [
        signed_message(town.pharmacy.sale(one, some(CLASS_A)), OTHER) for one in people
    ]

    async def outcome(message: Message) -> str:
        try:
            reply: Reply = read_reply(await answer(town, message, caller))
        except NotYours as refused:
            return refused.code
        return reply.err_code or "done"

    told = await asyncio.gather(*map(outcome, [*messages, *forged]))
    assert told == ["done"] * 20 + ["CAINFO_WRONG"] * 20
    assert [len(await town.rows_of(one)) for one in people] == [1] * 20
