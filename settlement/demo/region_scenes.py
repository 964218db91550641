"""The scenes between two regions (异地就医): a stranger is treated here, somebody of ours there and
buys there with one scan, an answer that the hub loses, and three books that say the same.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from loadtest.institution_client import InstitutionClient, Message, Reply
from loadtest.simulators.hub_faults import Fault, Plan, Rule
from protocol.hub.messages import Kind
from settlement.clock import local_time, system_clock
from settlement.demo import till
from settlement.demo.books import agency_book
from settlement.demo.cast import Cast, Props, SceneMaker
from settlement.demo.neighbour import NAME, REGION, Neighbour
from settlement.demo.outpatient import quoted_visit
from settlement.demo.scene import Scene, StoryError, bought_lines, who
from settlement.demo.table import money, yuan
from settlement.embedded.services import open_database
from settlement.serve.regional_asking import Wanted, ask
from settlement.storage.connect import connect_plain
from settlement.who import Who

RECEIVABLE, PAYABLE = ("1122.11", "1122.12"), ("2202.11", "2202.12")
"""应收异地, 应付异地: of funds and of personal accounts"""
PATIENCE_TIMES, PATIENCE_SECONDS = 60, 0.5
"""How often, and how far apart, a counter asks what became of its message."""


async def stranger(cast: Cast, _props: Props, *, neighbour: Neighbour) -> Scene:
    """Somebody of the other region at our hospital: our prices, their rules."""
    counter, patient = cast.hospital, neighbour.cast.people[0]
    begun = await quoted_visit(counter, patient, cast.treatment, insured_in=REGION)
    paid = begun.settled(await counter.send(begun.settlement))
    return Scene(
        infno="1101 → … → 2207", chinese=f"{NAME}的参保人在本地看病",
        english="a stranger from another province",
        lines=(
            who(patient, counter),
            *bought_lines(cast.treatment),
            f"目录按就医地，待遇按参保地（{NAME}） priced here, shared by the rules of {REGION}",
        ),
        paid=paid,
    )  # fmt: skip


async def away(cast: Cast, _props: Props, *, neighbour: Neighbour) -> Scene:
    """Somebody of ours at the other region's hospital: our funds and account pay there."""
    counter, patient = neighbour.cast.hospital, cast.colleague
    begun = await quoted_visit(
        counter, patient, neighbour.cast.treatment, insured_in=cast.world.region
    )
    paid = begun.settled(await counter.send(begun.settlement))
    return Scene(
        infno="1101 → … → 2207", chinese=f"本地参保人在{NAME}看病",
        english="somebody of ours is treated there",
        lines=(who(patient, counter), *bought_lines(neighbour.cast.treatment)), paid=paid,
    )  # fmt: skip


async def scanned_away(cast: Cast, _props: Props, *, neighbour: Neighbour) -> Scene:
    """Somebody of ours in the other region's pharmacy: we share it, then the wallet there pays."""
    counter, patient = neighbour.cast.pharmacy, cast.colleague
    number = till.order_no(counter, 21)
    code = till.pay_code(neighbour.cast.world, "wechat", "ok")
    body = till.sale(number, neighbour.cast.drugs, code, patient=patient)
    body |= {"person_code": patient.person.certno, "insuplc_admdvs": cast.world.region}
    reply = await counter.pay("POST", "/pay/scan", body)
    reply = till.expect(await till.until(counter, reply, "settled"), "settled")
    return till.told(
        "POST /pay/scan", f"本地参保人在{NAME}的药店扫码购药",
        "somebody of ours scans to pay there", reply,
        f"{counter.institution.name} · {patient.person.psn_name}，订单 {number}",
    )  # fmt: skip


async def lost_between(cast: Cast, _props: Props, *, neighbour: Neighbour) -> Scene:
    """The other region settles, and the hub loses its answer: nothing is settled twice."""
    counter, patient = cast.hospital, neighbour.cast.people[1]
    begun = await quoted_visit(counter, patient, cast.treatment, insured_in=REGION)
    rule = Rule(fault=Fault.LOST_AFTER, kind=Kind.SETTLE)
    neighbour.hub.hub.faults.replace(Plan(rules=(rule,)))
    first = await counter.send(begun.settlement)
    neighbour.hub.hub.faults.replace(Plan())
    if first.retry != "same_msgid":
        raise StoryError(f"an answer was lost, and the hospital heard {first.err_code or 'done'}")
    paid = begun.settled(await _known(counter, begun.settlement))
    return Scene(
        infno="2207, 2207", chinese="参保地的答复在途中丢失", english="the hub loses an answer",
        lines=(
            who(patient, counter),
            f"2207：{first.err_code}",
            *(f"“{said}。”" for said in first.err_msg.rstrip("。").split("。")),
            f"原报文重发 sent again: 结算号 setl_id {paid.setl_id}",
            "两地各记一次 booked once on either side",
        ),
        paid=paid,
    )  # fmt: skip


async def _known(counter: InstitutionClient, message: Message) -> Reply:
    """The answer, once it is known what became of a message."""
    for _ in range(PATIENCE_TIMES):
        reply = await counter.send(message)
        if reply.retry != "same_msgid":
            return reply
        await asyncio.sleep(PATIENCE_SECONDS)
    raise StoryError("the other region was not heard of in time")


async def agreed(cast: Cast, _props: Props, *, neighbour: Neighbour) -> Scene:
    """What each owes the other by its own ledger, and what the hub's book says."""
    ours, region = cast.data_dir, cast.world.region
    owed_to_us = await _owed(ours, RECEIVABLE, REGION)
    they_owe = await _owed(neighbour.data_dir, PAYABLE, region)
    we_owe = await _owed(ours, PAYABLE, REGION)
    owed_to_them = await _owed(neighbour.data_dir, RECEIVABLE, region)
    totals = neighbour.hub.hub.book.totals()
    hub_has = [_net(totals.get(pair, {})) for pair in (f"{region}>{REGION}", f"{REGION}>{region}")]
    if [owed_to_us, we_owe] != hub_has or (owed_to_us, we_owe) != (they_owe, owed_to_them):
        raise StoryError(
            f"the books differ: ours {owed_to_us} and {we_owe}, theirs {they_owe} and "
            f"{owed_to_them}, the hub's {hub_has} fen"
        )
    return Scene(
        infno="ledgers, hub", chinese="两地账本与平台三方一致",
        english="both ledgers and the hub's book agree",
        lines=(
            f"应收{NAME} they owe us {money(yuan(owed_to_us))} = {NAME}应付 by their ledger "
            f"{money(yuan(they_owe))} = 平台 the hub {money(yuan(hub_has[0]))}",
            f"应付{NAME} we owe them {money(yuan(we_owe))} = {NAME}应收 by their ledger "
            f"{money(yuan(owed_to_them))} = 平台 the hub {money(yuan(hub_has[1]))}",
            "逐笔对账，经平台取得对方与平台的清单 row by row, both asked over the wire:",
            f"{await _row_by_row(ours)}，全部一致 everything agrees",
        ),
    )  # fmt: skip


async def _row_by_row(data_dir: Path) -> str:
    """How many rows of today we have, the other region, and the hub by its own answer; as every
    morning does it for yesterday."""
    who = Who(actor="演示", reason="每日对账")
    wanted = Wanted(day=local_time(system_clock()).date(), region=REGION)
    said = await asyncio.to_thread(ask, data_dir, wanted, who)
    counted = said.text.partition("对账：")[2].partition("\n")[0]
    if said.status or "everything agrees" not in said.text or "平台 未取" in counted:
        raise StoryError(f"the day does not agree row by row: {said.text}")
    return counted


async def _owed(data_dir: Path, kinds: tuple[str, ...], region: str) -> int:
    """The balance of what one region owes or is owed, in fen."""
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-story")
        try:
            book = await agency_book(connection)
        finally:
            await connection.close()
    codes = {f"{kind}.{region}" for kind in kinds}
    return sum(abs(one.debits_fen - one.credits_fen) for one in book.lines if one.code in codes)


def _net(counted: dict[str, int]) -> int:
    """Funds and accounts, settled less taken back."""
    return sum(
        counted.get(f"settled_{what}_fen", 0) - counted.get(f"taken_back_{what}_fen", 0)
        for what in ("fund", "account")
    )


def region_scenes(neighbour: Neighbour) -> tuple[SceneMaker, ...]:
    """Those of this neighbour."""
    return tuple(
        partial(make, neighbour=neighbour)
        for make in (stranger, away, scanned_away, lost_between, agreed)
    )
