"""What /openapi.json allows, and what it forbids, is answered as it says: signed, over HTTP.

Requests are made by schemathesis from the served document alone, some valid by it and some broken,
and sent for every operation, with simulated payment channels behind and the importer at work. No
answer is a server error, every answer is of the described form, and the town's books are right
afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from random import Random
from typing import Any
from zlib import crc32

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests import PreparedRequest
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from loadtest.simulators.channel_world import Channels, open_channels
from settlement.clock import system_clock
from settlement.embedded.services import Services
from settlement.serve.supervisor import CHANNELS_VARIABLE
from settlement.web.import_documents import FORMAT_OF_TYPE
from settlement.web.imports import signature
from settlement.web.openapi import openapi_document
from tests.conftest import SEED
from tests.kit.citizen_app import CitizenApp, register_app
from tests.kit.familiar import Familiar, person_of
from tests.kit.familiar_orders import FamiliarOrders
from tests.kit.import_desk import KEY, issue_keys
from tests.kit.population import CLASS_A, PLAIN, some
from tests.kit.served import ServedTown, a_served_town, signed
from tests.kit.ward import admit
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = int(os.environ.get("SETTLEMENT_SCHEMA_EXAMPLES", "3"))
"""Requests of each kind to each operation; more of them find more."""

ORDERS = 3
"""Of scan-to-pay, made before."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (path, method, mode)
    for path, methods in json.loads(openapi_document())["paths"].items()
    for method, operation in methods.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or "requestBody" in operation or operation.get("parameters")
]
"""What has nothing in it cannot be broken."""
OF_HOSPITALS = ("/pay/deposit", "/pay/visit", "/pay/admission", "/pay/{order_no}/admit")


class Tried:
    """The served document, and whoever sends what it allows."""

    def __init__(
        self, town: ServedTown, document: dict[str, Any], familiar: Familiar,
        orders: FamiliarOrders, hospital_orders: FamiliarOrders,
    ) -> None:  # fmt: skip
        self.town = town
        self.schema = schemathesis.openapi.from_dict(document)
        self._familiar = familiar
        self._orders = orders
        self._job = ""
        self._app = CitizenApp(town, None, town.gateway.url, system_clock)
        self._hospital_orders = hospital_orders

    def send(self, case: Case, random: Random) -> None:
        """A case, moved into the town, signed and sent; its answer is as described."""
        if case.operation.path.startswith("/pay/"):
            self._pay(case, random)
            return
        if case.operation.path.startswith("/imports/"):
            self._import(case, random)
            return
        if case.operation.path.startswith("/my/"):
            self._mine(case)
            return
        counter = random.choice(
            (self.town.pharmacy, self.town.hospital, self.town.other_pharmacy)
        )
        infno = case.path.rpartition("/")[2]
        case.body = self._familiar.move_in(case.body, counter, infno, random)
        response = case.call(
            base_url=self.town.gateway.url, headers=signed(counter.caller)
        )
        case.validate_response(response, checks=CHECKS)
        if response.headers["content-type"][0].startswith("application/json"):
            self._familiar.remember(json.loads(response.content), person_of(case.body))

    def _mine(self, case: Case) -> None:
        """As the city's app, for somebody of the town."""
        now = int(system_clock().timestamp())
        token = self._app.token(self.town.borrowed(), iat=now, exp=now + 120)
        response = case.call(
            base_url=self.town.gateway.url, headers={"Authorization": f"Bearer {token}"}
        )
        case.validate_response(response, checks=CHECKS)

    def _pay(self, case: Case, random: Random) -> None:
        """The same at the till of the pharmacy, or at the hospital's window."""
        path, counter, orders = case.operation.path, self.town.pharmacy, self._orders
        if path.startswith(OF_HOSPITALS) or ("scan" not in path and random.random() < 0.5):
            counter, orders = self.town.hospital, self._hospital_orders
        case.body = orders.move_in(case.body, path, random)
        if isinstance(case.body, dict) and isinstance(case.body.get("input"), dict):
            infno = str(case.body.get("infno", "2401"))
            inside = {"input": case.body["input"]}
            moved = self._familiar.move_in(inside, counter, infno, random)
            case.body["input"] = moved["input"]
        for name, find in (("order_no", orders.order_no), ("mdtrt_id", orders.stay_no)):
            made = case.path_parameters.get(name)
            if isinstance(made, str):
                case.path_parameters[name] = find(made, random)
        response = case.call(base_url=self.town.gateway.url, headers=signed(counter.caller))
        case.validate_response(response, checks=CHECKS)
        orders.remember(json.loads(response.content))

    def _import(self, case: Case, random: Random) -> None:
        """A file of the agency's, mostly the sample of its kind; the importer may take it."""
        if isinstance(case.body, str) and random.random() < 0.7:
            sent = case.operation.definition.raw["requestBody"]["content"][case.media_type]
            case.body = sent.get("example", case.body)
        if "job" in case.path_parameters and self._job and random.random() < 0.7:
            case.path_parameters["job"] = self._job
        response = case.call(base_url=self.town.gateway.url, auth=signed_for_import)
        case.validate_response(response, checks=CHECKS)
        self._job = json.loads(response.content).get("job", self._job)


def signed_for_import(prepared: PreparedRequest) -> PreparedRequest:
    """The request, signed with the agency's key over everything that will be sent."""
    body = prepared.body or b""
    digest = sha256(body if isinstance(body, bytes) else body.encode()).hexdigest()
    timestamp = str(int(system_clock().timestamp()))
    told = signature(
        KEY.secret, method=str(prepared.method), target=prepared.path_url, timestamp=timestamp,
        digest=digest,
    )  # fmt: skip
    prepared.headers.update(
        {
            "x-import-key": KEY.access_key, "x-import-timestamp": timestamp,
            "x-import-sha256": digest, "x-import-signature": told,
        }
    )  # fmt: skip
    return prepared


@schemathesis.serializer(*FORMAT_OF_TYPE)
def file_of(_context: SerializationContext, value: object) -> bytes:
    """The bytes of a file that is sent."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tried(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tried]:
    """A served town in which a visit and a stay have begun, and where wallets pay."""
    folder = tmp_path_factory.mktemp("channels")
    environment = {
        **chosen_environment(services, database), CHANNELS_VARIABLE: str(folder / "channels.toml"),
    }
    async with (
        open_channels(folder, notify_base="") as channels,
        a_served_town(environment) as town,
    ):  # fmt: skip
        await issue_keys(town)
        await register_app(town)
        people = town.people(8)
        familiar = Familiar(town.clock, people)
        stays = []
        for citizen in people[:3]:
            visit = await town.hospital.open_visit(citizen, some(CLASS_A), some(PLAIN[0]))
            stay = await admit(town.hospital, citizen, some(CLASS_A))
            stays.append(stay.mdtrt_id)
            for begun in (visit, stay):
                familiar.remember({"mdtrt_id": begun.mdtrt_id}, citizen.number)
        document = json.loads((await town.gateway.get("/openapi.json")).body)
        wallets = wallets_of(channels)
        orders = FamiliarOrders(people[3:], wallets)
        hospital_orders = FamiliarOrders(people[3:], wallets, stays)
        for _ in range(ORDERS):
            order = json.dumps(orders.an_order(Random(SEED))).encode()
            made = await town.gateway.post("/pay/scan", order, signed(town.pharmacy.caller))
            orders.remember(json.loads(made.body))
        yield Tried(town, document, familiar, orders, hospital_orders)


def wallets_of(channels: Channels) -> list[str]:
    """Codes of the simulated channels: payers who pay, must confirm, or have too little."""
    tables = [
        table.get("test_auth_codes") or table.get("test_codes") or {}
        for table in channels.world.values()
    ]
    return [
        str(code)
        for table in tables
        if isinstance(table, dict)
        for behaviour, code in table.items()
        if behaviour in ("ok", "userpaying", "not_enough")
    ]


async def test_document_is_openapi_3_1(tried: Tried) -> None:
    assert tried.schema.raw_schema["openapi"].startswith("3.1.")
    tried.schema.validate()


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
async def test_every_answer_is_as_described(
    tried: Tried, path: str, method: str, mode: GenerationMode
) -> None:
    cases = tried.schema[path][method].as_strategy(mode)

    @seed(crc32(f"{SEED} {path} {mode}".encode()))
    @settings(
        max_examples=EXAMPLES, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, chance=st.randoms(use_true_random=False))
    def send(case: Case, chance: Random) -> None:
        tried.send(case, chance)

    await asyncio.to_thread(send)
