"""The load generator's messages, written from the field tables, against the server's own reading.

The two sides share no code; only this test brings them together.
"""

from __future__ import annotations

import pytest

from loadtest.generator.request import Request
from loadtest.workload import Scenario
from protocol.nhsa.codec import decode
from protocol.nhsa.fields import LINES_MAX
from protocol.nhsa.profile import BASELINE, STRICT, Profile
from protocol.nhsa.signing import tif_verified

from .worlds import make_population

REPLIES = {
    b"2201": b'{"infcode":0,"output":{"data":{"mdtrt_id":"42"}}}',
    b"2206": (
        b'{"infcode":0,"output":{"setlinfo":{"fulamt_ownpay_amt":1.00,"overlmt_selfpay":2,'
        b'"preselfpay_amt":3,"inscp_scp_amt":4}}}'
    ),
}


def infno_of(request: Request) -> bytes:
    return request.payload.split(b" ", 2)[1].rpartition(b"/")[2]


def messages_of(scenario: Scenario, count: int) -> list[Request]:
    script = make_population().scripts(scenario, 1)[0]
    sent = [next(script)]
    while len(sent) < count:
        sent.append(script.send(REPLIES.get(infno_of(sent[-1]), b'{"infcode":0}')))
    return sent


@pytest.mark.parametrize("profile", [BASELINE, STRICT], ids=["baseline", "strict"])
@pytest.mark.parametrize("scenario", Scenario)
def test_every_message_of_a_scenario_is_read_without_fault(
    scenario: Scenario, profile: Profile
) -> None:
    for request in messages_of(scenario, 12):
        infno = infno_of(request).decode()
        body = request.payload.partition(b"\r\n\r\n")[2]
        envelope = decode(infno, body, profile, lines_max=LINES_MAX)
        assert envelope.infno == infno


def test_signatures_are_verified_by_the_server_side() -> None:
    for request in messages_of(Scenario.ONESHOT, 5):
        head = request.payload.partition(b"\r\n\r\n")[0].decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert tif_verified(
            timestamp=fields["x-tif-timestamp"],
            secret=fields["x-tif-paasid"].replace("demo", "secret"),
            nonce=fields["x-tif-nonce"],
            signature=fields["x-tif-signature"],
        )
