"""For whoever is on call: is it well, and if not, where to look."""

from __future__ import annotations

from tools.panels import Dashboard, Kind, Panel, Query, Section, Unit, quantile, rate

REQUESTS = "settlement_requests_total"
TOLD_TO_COME_AGAIN = '{outcome=~"unavailable|overloaded"}'
REFUSED = '{outcome="refused"}'
SETTLING = '{infno=~"2102|2103|2207|2208|2304|2305"}'

_AT_A_GLANCE = Section(
    "At a glance",
    (
        Panel(
            "Alerts", "Alerts that fire now. Each names its page of the runbook.",
            (Query('count(ALERTS{alertname=~"Settlement.*",alertstate="firing"}) or vector(0)',
                   "firing"),),
            Unit.NUMBER, Kind.FIGURE, width=4, limits=(1,), decimals=0,
        ),
        Panel(
            "Servers that answer", "Servers whose /metrics Prometheus can read.",
            (Query('sum(up{job="settlement"})', "up"),),
            Unit.NUMBER, Kind.FIGURE, width=4, decimals=0,
        ),
        Panel(
            "Answered 503", "Requests that were told to come again, a minute: the database is "
            "away, or a limit is reached. Nothing was booked, or the same msgid finds out.",
            (Query(f"60 * sum(rate({REQUESTS}{TOLD_TO_COME_AGAIN}[5m])) or vector(0)", "503"),),
            Unit.PER_MINUTE, Kind.FIGURE, width=4, limits=(0.1, 10),
        ),
        Panel(
            "p99 of settling", "Of 100 settlements and cancels, 99 are answered faster.",
            (Query(f"histogram_quantile(0.99, sum by (le) (rate(settlement_request_seconds_bucket"
                   f"{SETTLING}[5m])))", "p99"),),
            Unit.SECONDS, Kind.FIGURE, width=4, limits=(0.1, 0.5), decimals=3,
        ),
        Panel(
            "Oldest unknown payment", "How long nobody has known what became of a payment over a "
            "channel. It resolves itself within minutes; beyond a quarter of an hour look at the "
            "channel.",
            (Query('max(settlement_in_doubt_oldest_seconds{what="payment"})', "oldest"),),
            Unit.SECONDS, Kind.FIGURE, width=4, limits=(300, 900), decimals=0,
        ),
        Panel(
            "Processes without newest switches",
            "Gateway processes in which a stop switch thrown now may not be in force.",
            (Query('sum(settlement_reference_behind{part="switches"})', "behind"),),
            Unit.NUMBER, Kind.FIGURE, width=4, limits=(1,), decimals=0,
        ),
    ),
    height=4,
)  # fmt: skip

_REQUESTS = Section(
    "Requests",
    (
        Panel(
            "Answers by outcome", "Refused means an answer with infcode -1: the sender's business. "
            "Unavailable and overloaded are ours.",
            (Query(rate(REQUESTS, by="outcome"), "{{outcome}}"),),
            Unit.PER_SECOND, stacked=True,
        ),
        Panel(
            "Requests by transaction", "The eight that come most often.",
            (Query(f"topk(8, {rate(REQUESTS, by='infno')})", "{{infno}}"),),
            Unit.PER_SECOND,
        ),
        Panel(
            "Share of requests that are refused", "A jump means that somebody changed something: a "
            "catalogue, a policy, a switch, a hospital's software.",
            (Query(f"{rate(REQUESTS, where=REFUSED)} / {rate(REQUESTS)}", "refused"),),
            Unit.SHARE, limits=(0.3,),
        ),
        Panel(
            "Latency of settling", "Settlements and cancels, from the last byte to the answer.",
            tuple(Query(quantile(q, "settlement_request_seconds", where=SETTLING), name)
                  for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))),
            Unit.SECONDS, width=12, limits=(0.5,),
        ),
        Panel(
            "p99 by transaction", "The eight slowest. Downloads (9102) and reconciliation (3201, "
            "3202) are slow by nature.",
            (Query(f"topk(8, {quantile(0.99, 'settlement_request_seconds', by='infno')})",
                   "{{infno}}"),),
            Unit.SECONDS, width=12,
        ),
        Panel(
            "Messages sent again", "Replayed: got their first answer again. Conflicting: refused, "
            "because the msgid was used with other content. Many replays mean broken lines.",
            (Query(rate("settlement_messages_replayed_total"), "replayed"),
             Query(rate("settlement_messages_conflicting_total"), "conflicting")),
            Unit.PER_SECOND, width=12,
        ),
        Panel(
            "In flight and in queues", "Requests being answered, and items that wait for a batch. "
            "Both grow where the database is slow.",
            (Query("sum(settlement_requests_in_flight)", "in flight"),
             Query("sum(settlement_journal_queue_items)", "in queues"),
             Query("sum(settlement_admission_places)", "places")),
            Unit.NUMBER, width=12,
        ),
        Panel(
            "Turned away", "For want of room: full, or because one institution asks far more than "
            "others (share; the log names it). Quotes go first, what undoes or enquires last.",
            (Query(rate("settlement_turned_away_total", by="rank, reason"),
                   "{{rank}} {{reason}}"),),
            Unit.PER_SECOND, width=12,
        ),
        Panel(
            "Connections of senders", "Open ones, and those that were cut a minute: too slow, "
            "unread, idle for too long, or too many.",
            (Query("sum(settlement_connections_open)", "open"),
             Query("60 * sum(rate(settlement_connections_cut_total[$__rate_interval]))",
                   "cut a minute")),
            Unit.NUMBER, width=12,
        ),
    ),
)  # fmt: skip

_OPEN = Section(
    "What is not at its end",
    (
        Panel(
            "In doubt", "Payments, mobile orders, cases of other regions, payments by relatives "
            "that are under way; by_hand waits for somebody of ours.",
            (Query("max by (what) (settlement_in_doubt)", "{{what}}"),), Unit.NUMBER, decimals=0,
        ),
        Panel(
            "Age of the oldest", "By kind. A mobile order waits ten minutes for its payer.",
            (Query("max by (what) (settlement_in_doubt_oldest_seconds)", "{{what}}"),),
            Unit.SECONDS, limits=(900,),
        ),
        Panel(
            "Notices owed to institutions", "Results that were not delivered yet. A receiver that "
            "is down makes it grow; nothing is lost.",
            (Query("max(settlement_notices_owed)", "owed"),
             Query("max(settlement_notices_overdue)", "overdue for ten minutes (1)")),
            Unit.NUMBER, decimals=0,
        ),
        Panel(
            "Delivery of notices", "Attempts that receivers took, and that failed and will be "
            "repeated.",
            (Query(f"60 * {rate('settlement_notices_delivered_total')}", "delivered a minute"),
             Query(f"60 * {rate('settlement_notices_failed_total')}", "failed a minute")),
            Unit.PER_MINUTE, width=12,
        ),
        Panel(
            "How long notices wait", "From the commit that owes one to its delivery.",
            tuple(Query(quantile(q, "settlement_notice_seconds"), name)
                  for q, name in ((0.5, "p50"), (0.99, "p99"))),
            Unit.SECONDS, width=12, limits=(600,),
        ),
    ),
)  # fmt: skip

_OTHERS = Section(
    "Channels and other regions",
    (
        Panel(
            "Payments until a verdict", "From the first byte to the verdict. Confirmed: the payer "
            "had to confirm, and their own time is in it.",
            (Query(quantile(0.5, "settlement_payment_certainty_seconds"), "p50"),
             Query(quantile(0.99, "settlement_payment_certainty_seconds"), "p99"),
             Query(quantile(0.5, "settlement_payment_confirmed_seconds"), "confirmed p50")),
            Unit.SECONDS, width=12, limits=(45,),
        ),
        Panel(
            "Our own time of a payment", "Call: until the channel's answer is read, without the "
            "wait for it. Leg: until it is committed. Grows with ours, never with theirs.",
            (Query(quantile(0.99, "settlement_channel_call_seconds"), "call p99"),
             Query(quantile(0.99, "settlement_channel_leg_seconds"), "leg p99")),
            Unit.SECONDS, width=12,
        ),
        Panel(
            "Questions to other regions", "Unanswered: nobody knows yet what became of it; it is "
            "asked again and reversed. Worthless: not proved, without effect.",
            (Query(rate("settlement_hub_asked_total"), "asked"),
             Query(rate("settlement_hub_unanswered_total"), "unanswered"),
             Query(rate("settlement_hub_answered_total"), "answered theirs"),
             Query(rate("settlement_hub_worthless_total"), "worthless")),
            Unit.PER_SECOND, width=12,
        ),
        Panel(
            "Contradictions in the last hour", "Each is a case to look at, by its record in the "
            "log.",
            tuple(Query(f"sum(increase(settlement_{name}_total[1h]))", words) for name, words in (
                ("payment_alarms", "channel contradicts"), ("region_alarms", "region contradicts"),
                ("hub_broken", "region's question breaks"), ("hub_alarms", "attack on the hub"),
                ("messages_duplicate_across_lanes", "msgid of two persons"))),
            Unit.NUMBER, width=12, limits=(1,), decimals=0,
        ),
    ),
)  # fmt: skip

_INSIDE = Section(
    "Inside",
    (
        Panel(
            "Processes", "Of each server: gateways, background and importer.",
            (Query("sum by (instance) (settlement_processes)", "{{instance}}"),),
            Unit.NUMBER, decimals=0,
        ),
        Panel(
            "Starts of processes in the last hour", "Above 0, a process died and was started "
            "again; the log has child.died.",
            (Query("sum by (instance, process) (increase(settlement_process_starts_total[1h]))",
                   "{{instance}} {{process}}"),),
            Unit.NUMBER, limits=(1,), decimals=0,
        ),
        Panel(
            "Reference data behind", "Gateway processes that are not sure to have the newest. All: "
            "also while a new catalogue is loaded.",
            (Query("sum by (part) (settlement_reference_behind)", "{{part}}"),),
            Unit.NUMBER, limits=(1,), decimals=0,
        ),
        Panel(
            "Share of requests let through without Redis", "Their nonce was not shared between "
            "processes. A few: Redis was slow for a moment. Nearly all: Redis is away.",
            (Query(f"{rate('settlement_nonces_unshared_total')} / {rate(REQUESTS)}", "unshared"),),
            Unit.SHARE, width=12, limits=(0.2,),
        ),
        Panel(
            "Failures of background loops in the last hour", "Tried again by themselves; the log "
            "has loop.failed with the loop's name.",
            (Query("sum(increase(settlement_background_failures_total[1h]))", "failures"),),
            Unit.NUMBER, width=12, limits=(20,), decimals=0,
        ),
    ),
    height=7,
)  # fmt: skip

OPERATIONS = Dashboard(
    uid="settlement-operations", title="Settlement · operations",
    about="Is it well, and if not, where to look. For whoever is on call.",
    sections=(_AT_A_GLANCE, _REQUESTS, _OPEN, _OTHERS, _INSIDE),
)  # fmt: skip
