"""Traces as a collector receives them from a server that was asked for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from settlement.embedded.services import Services
from settlement.telemetry.otlp import SHARE_VARIABLE, URL_VARIABLE
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.served import a_served_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
STEPS = ["nonce", "journal.wait", "batch.read", "batch.decide"]


class Collector:
    """Keeps every span by its trace."""

    def __init__(self) -> None:
        self.spans: dict[bytes, list[Span]] = {}
        self.said = b""

    async def take(self, request: web.Request) -> web.Response:
        """One request of an exporter."""
        body = await request.read()
        self.said += body
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in of_process.scope_spans:
                for span in scope.spans:
                    self.spans.setdefault(span.trace_id, []).append(span)
        return web.Response(content_type="application/x-protobuf")

    def of(self, msgid: str) -> list[Span]:
        """The request's span and those below it, by beginning; none while under way."""
        for spans in self.spans.values():
            root = next((one for one in spans if not one.parent_span_id), None)
            if root is not None and facts(root)["message_id"] == msgid:
                below = [one for one in spans if one.parent_span_id == root.span_id]
                assert len(below) == len(spans) - 1
                return [root, *sorted(below, key=lambda one: one.start_time_unix_nano)]
        return []


def facts(span: Span) -> Mapping[str, str | int]:
    return {
        one.key: one.value.string_value or one.value.int_value for one in span.attributes
    }


@asynccontextmanager
async def a_collector() -> AsyncIterator[tuple[Collector, str]]:
    """It and its address, without the path that the protocol adds."""
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield collector, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_where_the_time_of_each_request_went_and_nothing_of_whom_it_was(
    services: Services, database: FreshDatabase
) -> None:
    async with a_collector() as (collector, url):
        asked = {URL_VARIABLE: url, SHARE_VARIABLE: "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
        environment = {**chosen_environment(services, database), **asked}
        async with a_served_town(environment, employees=4, workers=1) as town:
            citizen, pharmacy = town.someone(), town.pharmacy
            sale = pharmacy.sale(citizen, some(CLASS_A, 2))
            quote = pharmacy.quote(citizen, some(CLASS_A, 2))
            assert_done(await pharmacy.send(quote))
            assert_done(await pharmacy.send(sale))
            again = pharmacy.message("2102", sale.envelope["input"])
            assert_refused(await pharmacy.send(again), "CLAIM_ALREADY_SETTLED")
            sent = [str(one.envelope["msgid"]) for one in (quote, sale, again)]

            async def all_came() -> bool:
                return all(map(collector.of, sent))

            await until(all_came)
            quoted, sold, refused = map(collector.of, sent)
            assert [one.name for one in quoted] == ["2101", *STEPS]
            assert [one.name for one in sold] == ["2102", *STEPS, "batch.write"]
            assert [one.name for one in refused] == ["2102", *STEPS]
            assert [facts(one[0])["outcome"] for one in (quoted, sold, refused)] == [
                "ok", "ok", "refused",
            ]  # fmt: skip
            for root, *parts in (quoted, sold, refused):
                assert facts(root)["institution"] == pharmacy.code
                at = root.start_time_unix_nano
                for part in parts:
                    assert abs(part.start_time_unix_nano - at) < 5 * 10**8
                    at = part.end_time_unix_nano
                    assert part.start_time_unix_nano <= at <= root.end_time_unix_nano
            person = citizen.patient.person
            for secret in (person.psn_no, person.psn_name, person.certno):
                assert secret.encode() not in collector.said


async def test_collector_that_is_away_keeps_nobody_waiting(
    services: Services, database: FreshDatabase
) -> None:
    asked = {URL_VARIABLE: "http://127.0.0.1:9", SHARE_VARIABLE: "1"}
    environment = {**chosen_environment(services, database), **asked}
    async with a_served_town(environment, employees=4, workers=1) as town:
        for _ in range(3):
            sale = town.pharmacy.sale(town.someone(), some(CLASS_A, 2))
            assert_done(await town.pharmacy.send(sale))
