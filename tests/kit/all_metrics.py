"""A page of /metrics on which everything was counted that ever is: by a region's two gateways."""

from __future__ import annotations

from settlement.books import channel_matching
from settlement.chart import CHANNEL_OFFSET
from settlement.clock import monotonic
from settlement.elsewhere import regional_matching
from settlement.gate import Rank, Reason
from settlement.telemetry.metrics import Metrics, Outcome, render
from settlement.telemetry.numbers import Sample
from settlement.telemetry.resources import process_samples
from settlement.workers.census import IN_DOUBT

INFNOS = ("2102", "2103", "2207", "2208", "2304", "2305", "2601", "3201", "9102")


def full_page() -> str:
    """As Prometheus gets it from a server that has done all there is to do."""
    gateway = Metrics()
    for infno in INFNOS:
        for outcome in Outcome:
            gateway.request_ended(infno, outcome, 0.002)
    gateway.pool("settlement-my").size += 1
    gateway.turned_away = {(rank, reason): 1 for rank in Rank for reason in Reason}
    gateway.prepaid = {("430000", whose): (7_500, 1) for whose in ("ours", "theirs")}
    gateway.switches_at = gateway.reference_at = monotonic()
    gateway.counted(_census(), monotonic())
    numbers = gateway.numbers()
    numbers.samples |= process_samples("gateway-0", starts=1)
    numbers.samples |= {
        f"settlement_disk_{what}_bytes": [((), 10**9)] for what in ("free", "size")
    }
    return render([numbers]).decode()


def _census() -> dict[str, list[Sample]]:
    of_doubt: list[Sample] = [((what,), 1) for what in IN_DOUBT]
    of_channels: list[Sample] = [((channel,), 1) for channel in CHANNEL_OFFSET]
    of_differences: list[Sample] = [
        *((("channel", str(one)), 1) for one in channel_matching.Class),
        *((("region", str(one)), 1) for one in regional_matching.Class),
    ]
    of_database = ("bytes", "connections", "connections_max")
    plain = ("day_closings_due", *(f"database_{what}" for what in of_database))
    return {
        "settlement_in_doubt": of_doubt,
        "settlement_in_doubt_oldest_seconds": of_doubt,
        "settlement_differences_open": of_differences,
        "settlement_fund_paid_today_fen": [(("310101",), 1)],
        "settlement_channel_collected_today_fen": of_channels,
        "settlement_channel_returned_today_fen": of_channels,
        **{f"settlement_{name}": [((), 1)] for name in plain},
    }
