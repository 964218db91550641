"""For finance: what was paid today, and what is open with whom. To act there is the console."""

from __future__ import annotations

from tools.panels import Dashboard, Kind, Panel, Query, Section, Unit

_TODAY = Section(
    "Today (China time)",
    (
        Panel(
            "Paid by funds", "What all funds paid today, less what was taken back.",
            (Query("sum(max by (fund) (settlement_fund_paid_today_fen)) / 100", "funds"),),
            Unit.YUAN, Kind.FIGURE, width=6, least=None, decimals=2,
        ),
        Panel(
            "Collected over channels", "What was collected over payment channels today.",
            (Query("sum(max by (channel) (settlement_channel_collected_today_fen)) / 100",
                   "collected"),),
            Unit.YUAN, Kind.FIGURE, width=6, decimals=2,
        ),
        Panel(
            "Given back over channels", "What was given back over payment channels today.",
            (Query("sum(max by (channel) (settlement_channel_returned_today_fen)) / 100",
                   "given back"),),
            Unit.YUAN, Kind.FIGURE, width=6, decimals=2,
        ),
        Panel(
            "Waiting for somebody of ours", "Refunds that a channel refused: settlement payments "
            "lists them.",
            (Query('max(settlement_in_doubt{what="by_hand"})', "by hand"),),
            Unit.NUMBER, Kind.FIGURE, width=6, limits=(1,), decimals=0,
        ),
    ),
    height=4,
)  # fmt: skip

_FUNDS = Section(
    "Funds and channels",
    (
        Panel(
            "Paid today by fund", "By the fund's code. Negative where more was taken back.",
            (Query("sort_desc(max by (fund) (settlement_fund_paid_today_fen)) / 100", "{{fund}}"),),
            Unit.YUAN, Kind.BARS, width=8, least=None, decimals=2,
        ),
        Panel(
            "Paid by fund over the day", "Falls to zero at midnight, and where much is taken back.",
            (Query("max by (fund) (settlement_fund_paid_today_fen) / 100", "{{fund}}"),),
            Unit.YUAN, width=8, least=None, decimals=2,
        ),
        Panel(
            "Collected and given back by channel", "Over the day; what was given back is below "
            "zero.",
            (Query("max by (channel) (settlement_channel_collected_today_fen) / 100",
                   "{{channel}} collected"),
             Query("max by (channel) (settlement_channel_returned_today_fen) / -100",
                   "{{channel}} given back")),
            Unit.YUAN, width=8, least=None, decimals=2,
        ),
    ),
)  # fmt: skip

_ACTS = Section(
    "Settlements",
    (
        Panel(
            "Settlements in 24 hours", "Answered with a result, resends of answered ones included.",
            (Query('sum by (infno) (increase(settlement_requests_total{outcome="ok",'
                   'infno=~"2102|2207|2304"}[24h]))', "{{infno}}"),),
            Unit.NUMBER, width=8, stacked=True, decimals=0,
        ),
        Panel(
            "Taken back in 24 hours", "Cancels (2103, 2208, 2305) and reversals (2601).",
            (Query('sum by (infno) (increase(settlement_requests_total{outcome="ok",'
                   'infno=~"2103|2208|2305|2601"}[24h]))', "{{infno}}"),),
            Unit.NUMBER, width=8, stacked=True, decimals=0,
        ),
        Panel(
            "Business days not closed", "Days that are over. They close by themselves a while "
            "after midnight; more than one means that somebody has to look.",
            (Query("max(settlement_day_closings_due)", "open"),),
            Unit.NUMBER, width=8, limits=(2,), decimals=0,
        ),
    ),
)  # fmt: skip

_OPEN = Section(
    "Open with others",
    (
        Panel(
            "Differences with channels", "By class, until two people have corrected them: "
            "settlement match.",
            (Query('sum(max by (class) (settlement_differences_open{party="channel"}))', "all"),
             Query('max by (class) (settlement_differences_open{party="channel"}) > 0',
                   "{{class}}")),
            Unit.NUMBER, width=8, decimals=0,
        ),
        Panel(
            "Differences with other regions", "By class, until somebody ends them.",
            (Query('sum(max by (class) (settlement_differences_open{party="region"}))', "all"),
             Query('max by (class) (settlement_differences_open{party="region"}) > 0',
                   "{{class}}")),
            Unit.NUMBER, width=8, decimals=0,
        ),
        Panel(
            "Bills of channels", "Late: should be here and is not; ask the channel.",
            (Query("sum(increase(settlement_bills_fetched_total[24h]))", "fetched in 24 hours"),
             Query("max(settlement_bills_late)", "late")),
            Unit.NUMBER, width=8, decimals=0,
        ),
        Panel(
            "Prepayments in use", "Of regions, ours there and theirs here: what is owed for care "
            "and not paid yet, of what lies in advance. Yellow from 70 %, red from 90 %.",
            (Query("max by (region, whose) (settlement_prepaid_use_ratio)",
                   "{{region}} {{whose}}"),),
            Unit.SHARE, width=8, limits=(0.7, 0.9), decimals=0,
        ),
        Panel(
            "Days that others did not tell", "Late: a region did not tell its rows. Two-way: the "
            "region did, and the hub did not.",
            (Query("max(settlement_region_comparisons_late)", "late"),
             Query("max(settlement_region_comparisons_two_way)", "two-way")),
            Unit.NUMBER, width=8, limits=(1,), decimals=0,
        ),
        Panel(
            "Papers of months put aside", "In 24 hours: ours by other regions, or not known to "
            "their programs; theirs by us. The list says why.",
            (Query("sum by (whose) (increase(settlement_region_papers_refused_total[24h]))",
                   "{{whose}}"),),
            Unit.NUMBER, width=8, limits=(1,), decimals=0,
        ),
    ),
)  # fmt: skip

FINANCE = Dashboard(
    uid="settlement-finance", title="Settlement · finance",
    about="What was paid and collected today, and what is open with channels and regions. The "
    "books themselves are in the console.",
    sections=(_TODAY, _FUNDS, _ACTS, _OPEN), hours=24, refresh="1m", marks_alerts=False,
)  # fmt: skip
