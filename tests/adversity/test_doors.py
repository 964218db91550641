"""Who knocks at a door with what is not theirs: signatures that are wrong, stale, replayed or
stripped, and keys of somebody else, at every address that the server says is signed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from settlement.import_job import ImportKey
from settlement.payments.wallets import owner_of as wallet_owner
from settlement.people.my_token import Claims, owner_of, signed_token
from settlement.serve.mobile_door import CLOSE, CONFIRM, INFNO_OF
from tests.acceptance.test_admission_requests import a_request
from tests.kit import citizen_app, import_desk
from tests.kit.cashier import Cashier
from tests.kit.citizen_app import CitizenApp, keep_credential, register_app
from tests.kit.counter import Counter
from tests.kit.doors import (
    Doors,
    Headers,
    Knock,
    Opened,
    addresses,
    csb,
    importing,
    secret_of,
    the_doors,
    tif,
)
from tests.kit.import_desk import issue_keys
from tests.kit.mobile import Caller, a_caller
from tests.kit.population import CLASS_A, some
from tests.kit.sealing import OTHER
from tests.kit.till import WALLET as PAY_CODE
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.kit.ward import admission, admit
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALE_SECONDS = 7_200
"""Beyond the window of either dialect."""
APP, WALLET, STOPPED = "door-app-0001", "door-wallet-0001", "door-stopped-0001"
SECRET = "test-secret-at-the-doors-0123456789"
EVERY = 6
"""Addresses of transactions share one door: each is tried with a sixth of the forgeries in turn."""
DENIED = {
    (401, "SIGNATURE_WRONG"), (401, "ACCESS_KEY_UNKNOWN"), (401, "TIMESTAMP_REFUSED"),
    (401, "INSTITUTION_NOT_YOURS"), (400, "MOBILE_ENVELOPE_UNREADABLE"),
}  # fmt: skip
"""How the mobile centre turns people away; the last where it cannot decipher what came."""
Sign = Callable[..., Headers]
DIALECTS: Mapping[str, Sign] = {"tif": tif, "csb": csb}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(database: FreshDatabase) -> AsyncIterator[Doors]:
    """A town's doors, and keys of every kind that there is. Nothing is settled by who may not: the
    books are checked when the town is left."""
    with temporary_directory() as directory:
        async with a_town(database) as town:
            await issue_keys(town)
            await register_app(town)
            await keep_credential(town, owner_of("doors"), APP, SECRET)
            await keep_credential(town, wallet_owner("DOORS"), WALLET, SECRET)
            await keep_credential(town, town.pharmacy.code, STOPPED, SECRET)
            await town.switch("credential", STOPPED, on=True)

            async def known() -> bool:
                found = town.service.credential(STOPPED)
                return found is not None and found.suspended

            await until(known)
            async with the_doors(town, directory) as doors:
                yield doors


def forged(sign: Sign, key: str, secret: str, other: str) -> dict[str, Headers]:
    """What is not a signature of `key`, by what is wrong with it."""
    good = sign(key, secret)
    last = list(good)[-1]
    made = {
        "wrong secret": sign(key, secret[:-1] + "x"),
        "no secret": sign(key, ""),
        "another's secret": sign(key, secret_of(other)),
        "stale": sign(key, secret, late_seconds=STALE_SECONDS),
        "of the future": sign(key, secret, late_seconds=-STALE_SECONDS),
        "nobody's key": sign("nobody", secret),
        "stopped": sign(STOPPED, SECRET),
        "an app's": sign(APP, SECRET),
        "a wallet's": sign(WALLET, SECRET),
        "an import key's": sign(import_desk.KEY.access_key, import_desk.KEY.secret),
        "cut": {**good, last: good[last][:-1]},
        "made longer": {**good, last: good[last] + "0"},
        "of another request": {**sign(key, secret), last: sign(other, secret_of(other))[last]},
        "nothing": {},
    }
    for name in good:
        made[f"without {name}"] = {each: value for each, value in good.items() if each != name}
        made[f"empty {name}"] = {**good, name: ""}
    for name in list(good)[:-1]:
        made[f"other {name}"] = {**good, name: _other(good[name])}
    return made


def _other(value: str) -> str:
    """As good as before, and not what was signed."""
    return value[:-1] + ("1" if value[-1] != "1" else "2")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_forged_signature_opens_no_door_of_institutions(
    doors: Doors, dialect: str
) -> None:
    town, sign = doors.town, DIALECTS[dialect]
    key, code = town.pharmacy.caller.access_key, town.pharmacy.code
    places = addresses("tif")
    assert len(places) > 100 and addresses("csb") == places
    for at, (method, path) in enumerate(places):
        made = [*forged(sign, key, secret_of(code), town.hospital.code).items()]
        for what, headers in made[at % EVERY :: EVERY] if path.startswith("/hsa/") else made:
            came = await doors.knock(Knock(method=method, path=path, headers=headers, body=b"{}"))
            assert came.status == 401, (method, path, what, came)
            assert secret_of(code).encode() not in came.body, (path, what)
        headers = sign(key, secret_of(code))
        came = await doors.knock(Knock(method=method, path=path, headers=headers, body=b"{}"))
        assert came.status != 401 or came.code == "INSTITUTION_NOT_YOURS", (path, came)


async def test_right_signature_of_the_other_dialect_makes_no_forged_one_good(
    doors: Doors,
) -> None:
    key, secret = doors.town.pharmacy.caller.access_key, secret_of(doors.town.pharmacy.code)
    good = csb(key, secret)
    for headers in forged(tif, key, secret, doors.town.hospital.code).values():
        if "x-tif-paasid" not in headers or "x-tif-nonce" not in headers:
            continue
        knock = Knock(method="POST", path="/pay/scan", headers={**good, **headers}, body=b"{}")
        assert (await doors.knock(knock)).status == 401, headers


async def test_nonce_that_was_used_opens_no_door_for_anything_else(doors: Doors) -> None:
    key, secret = doors.town.pharmacy.caller.access_key, secret_of(doors.town.pharmacy.code)
    headers = tif(key, secret)
    first = await doors.knock(Knock(method="POST", path="/pay/scan", headers=headers, body=b"{}"))
    assert first.status == 400
    for method, path in addresses("tif"):
        if method == "POST":
            body = json.dumps({"path": path}).encode()
            came = await doors.knock(Knock(method=method, path=path, headers=headers, body=body))
            assert (came.status, came.code) == (401, "NONCE_REUSED"), (path, came)


async def test_forged_signature_imports_nothing(doors: Doors) -> None:
    key, town = import_desk.KEY, doors.town
    at = town.clock().timestamp()
    pharmacy = town.pharmacy.caller.access_key
    body = b"{}\n"
    for method, path in addresses("import"):
        target = f"{path}?reason=x"
        sent = b"" if method == "GET" else body
        good = importing(key, at, method, target, sent)
        wrong = {**_wrong_imports(key, at, method, target, sent), "nothing": {},
                 "an institution's": tif(pharmacy, secret_of(town.pharmacy.code))}  # fmt: skip
        for name in good:
            if name.startswith("x-import"):
                wrong[f"without {name}"] = {n: value for n, value in good.items() if n != name}
                wrong[f"other {name}"] = {**good, name: _other(good[name])}
        for what, headers in wrong.items():
            came = await doors.knock(
                Knock(method=method, path=target, headers=headers, body=sent)
            )
            assert came.status in (401, 403), (path, what, came)
        came = await doors.knock(Knock(method=method, path=target, headers=good, body=sent))
        assert came.status not in (401, 403), (path, came)


def _wrong_imports(
    key: ImportKey, at: float, method: str, target: str, body: bytes
) -> dict[str, Headers]:
    """Signatures of other requests than the one that is sent."""
    other_method = "POST" if method == "GET" else "GET"
    return {
        "wrong secret": importing(replace(key, secret="x" * 64), at, method, target, body),
        "stale": importing(key, at - STALE_SECONDS, method, target, body),
        "of the future": importing(key, at + STALE_SECONDS, method, target, body),
        "of another method": importing(key, at, other_method, target, body),
        "of another address": importing(key, at, method, target.replace("?", "x?"), body),
        "of other parameters": importing(key, at, method, target + "&preview=1", body),
        "an app's": importing(replace(key, access_key=APP), at, method, target, body),
        "a credential's": importing(replace(key, access_key=STOPPED), at, method, target, body),
    }


async def test_forged_token_tells_nothing_of_a_person(doors: Doors) -> None:
    town = doors.town
    who = town.borrowed()
    app = CitizenApp(town, None, "")
    now = int(town.clock().timestamp())
    wrong = {
        "nothing": {},
        "no token": {"Authorization": "Bearer "},
        "another scheme": {"Authorization": f"Basic {app.token(who)}"},
        "wrong secret": _bearer(citizen_app.KEY, "x" * 32, app.claims(who)),
        "an institution's key": _bearer(
            town.pharmacy.caller.access_key, secret_of(town.pharmacy.code), app.claims(who)
        ),
        "a wallet's key": _bearer(WALLET, SECRET, app.claims(who)),
        "over": _bearer(citizen_app.KEY, citizen_app.SECRET, app.claims(who), exp=now - 1),
        "too long": _bearer(citizen_app.KEY, citizen_app.SECRET, app.claims(who), exp=now + 999),
        "for elsewhere": _bearer(citizen_app.KEY, citizen_app.SECRET, app.claims(who), aud="x"),
        "unsigned": {"Authorization": f"Bearer {app.token(who).rpartition('.')[0]}."},
        "of no algorithm": {"Authorization": f"Bearer {_unsigned(app.token(who))}"},
        "an institution's": tif(town.pharmacy.caller.access_key, secret_of(town.pharmacy.code)),
    }  # fmt: skip
    used = {"Authorization": f"Bearer {app.token(who)}"}
    first = await doors.knock(Knock(method="GET", path="/my/v1/status", headers=used))
    assert first.status == 200
    for method, path in addresses("app"):
        for what, headers in {**wrong, "used": used}.items():
            came = await doors.knock(Knock(method=method, path=path, headers=headers, body=b"{}"))
            assert came.status == 401, (method, path, what, came)
            assert who.insured.identity.name not in came.body.decode()


def _bearer(key: str, secret: str, claims: Claims, **changes: object) -> Headers:
    return {"Authorization": f"Bearer {signed_token(key, secret, replace(claims, **changes))}"}


def _unsigned(token: str) -> str:
    """The same token, saying that it needs no signature (`alg: none`)."""
    header = urlsafe_b64encode(b'{"alg":"none","kid":"%b"}' % citizen_app.KEY.encode()).decode()
    return f"{header.rstrip('=')}.{token.split('.')[1]}."


async def test_forged_envelope_opens_no_door_of_the_mobile_centre(doors: Doors) -> None:
    town = doors.town
    sender = await a_caller(town, town.pharmacy.code, "door-platform-0001")
    wallet = await a_caller(town, wallet_owner("DOORS"), "door-wallet-0002")
    hospital = await a_caller(town, town.hospital.code, "door-platform-0002")
    for whose, operations, mine, not_mine in (
        ("hos", INFNO_OF, sender, wallet), ("wallet", (CONFIRM, CLOSE), wallet, sender),
    ):  # fmt: skip
        for operation in operations:
            path = f"/org/local/api/{whose}/{operation}"
            for what, body in _forged_envelopes(mine, not_mine, hospital).items():
                came = await doors.knock(Knock(method="POST", path=path, body=body))
                assert (came.status, came.code) in DENIED, (path, what, came)
            came = await doors.knock(Knock(method="POST", path=path, body=mine.sealed({})))
            assert came.status == 200, (path, came)


def _forged_envelopes(mine: Caller, not_mine: Caller, other: Caller) -> dict[str, bytes]:
    good = json.loads(mine.sealed({"payOrdId": "X"}))
    made = {
        "another's key": replace(mine, key=OTHER).sealed({}),
        "another's secret": replace(mine, party=replace(mine.party, secret="x" * 32)).sealed({}),
        "another's name": json.dumps({**good, "appId": other.party.app_id}).encode(),
        "stale": mine.sealed({}, stamp="20200101000000"),
        "of the future": mine.sealed({}, stamp="20990101000000"),
        "who has no business here": not_mine.sealed({}),
        "nothing": b"{}",
    }
    for name in ("signData", "appId", "timestamp"):
        made[f"without {name}"] = json.dumps(
            {each: value for each, value in good.items() if each != name}
        ).encode()
    made["other timestamp"] = json.dumps(
        {**good, "timestamp": _other(str(good["timestamp"]))}
    ).encode()
    return made


async def test_institution_reaches_no_payment_of_another_one(doors: Doors) -> None:
    """Every address of payments, with everything that the hospital has there: asked by another
    institution, which gets and changes nothing, and then by its own, which does."""
    town, cashier = doors.town, Cashier(doors.town.service)
    stay = await admit(town.hospital, town.someone(), some(CLASS_A))
    deposit = await cashier.pay_in(stay.mdtrt_id, "500.00", pay_code=PAY_CODE)
    citizen, request = await a_request(town, cashier)
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    quoted = visit.quote(some(CLASS_A))
    bill = visit.settlement(quoted, await town.hospital.send(quoted))
    orders = [str(each["order_no"]) for each in (deposit, request)]
    bodies: dict[str, dict[str, object]] = {
        "deposit": {**cashier.deposit_order(stay.mdtrt_id, "1.00"), "pay_code": PAY_CODE},
        "visit": {**cashier.visit_order(bill), "pay_code": PAY_CODE},
        "refund": {"refund_no": "R1", "operator": "0001"},
        "phone": {"openid": "oTest"},
        "admit": {"operator": "0001", "input": admission(town.hospital, citizen).envelope["input"]},
    }
    before = await _hospitals_payments(town)
    for desk in (town.other_hospital, town.pharmacy):
        told = await _ask_all(doors, desk, orders, stay.mdtrt_id, bodies)
        for path, came in told.items():
            nothing = json.loads(came.body).get("requests") == []
            assert nothing or came.code in NOT_THERE, (path, came)
            assert not any(order in came.body.decode() for order in orders if order not in path)
        assert await _hospitals_payments(town) == before, told
    told = await _ask_all(doors, town.hospital, orders, stay.mdtrt_id, bodies)
    done = {path.rsplit("/", 1)[-1] for path, came in told.items() if not came.code}
    assert done >= {"deposit", "visit", "refund", "admissions", "admit", stay.mdtrt_id, *orders}
    assert told[f"/pay/{orders[0]}/cancel"].code == "ORDER_SETTLED"


async def test_institution_is_told_nothing_of_how_another_one_settled(doors: Doors) -> None:
    town = doors.town
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    statuses = []
    for desk in (town.other_pharmacy, town.hospital, town.pharmacy):
        headers = tif(desk.caller.access_key, secret_of(desk.code))
        path = f"/settlements/{settled.setl_id}/explanation"
        statuses.append((await doors.knock(Knock(method="GET", path=path, headers=headers))).status)
    assert statuses == [404, 404, 200]


NOT_THERE = {"ORDER_UNKNOWN", "VISIT_UNKNOWN"}
"""What an institution hears of what is another's: the same as of what is nobody's."""


async def _ask_all(
    doors: Doors, desk: Counter, orders: Sequence[str], mdtrt_id: str,
    bodies: Mapping[str, Mapping[str, object]],
) -> dict[str, Opened]:  # fmt: skip
    """What each address of payments says to an institution, of each order and of the stay. What
    only takes an order of one's own (`/pay/scan`, `/pay/admission`) is left out."""
    told = {}
    for method, shape in addresses("tif"):
        if not shape.startswith("/pay/") or shape in ("/pay/scan", "/pay/admission"):
            continue
        last = shape.rsplit("/", 1)[-1]
        placed = shape.replace("deposits/1", f"deposits/{mdtrt_id}")
        for path in dict.fromkeys(placed.replace("O1", each) for each in orders):
            headers = tif(desk.caller.access_key, secret_of(desk.code))
            body = msgspec.json.Encoder(decimal_format="number").encode(bodies.get(last, {}))
            told[path] = await doors.knock(
                Knock(method=method, path=path, headers=headers, body=body)
            )
    return told


async def _hospitals_payments(town: Town) -> list[str]:
    """Everything of the hospital that a payment could change, as text."""
    return [
        str(await town.owner.fetchval(statement, town.hospital.code))
        for statement in (
            "select array_agg(p::text order by p.pay_no) from settlement.payment p"
            " where p.institution = $1",
            "select array_agg(t::text order by t.setl_id) from settlement.settlement t"
            " where t.institution = $1",
            "select array_agg(e::text order by e.mdtrt_id, e.event_no)"
            " from settlement.visit_event e"
            " join settlement.visit v on v.lane = e.lane and v.mdtrt_id = e.mdtrt_id"
            " where v.institution = $1",
        )
    ]
