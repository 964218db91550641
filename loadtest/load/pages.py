"""A load's report for people: one HTML file with charts, a Markdown page, and a table.

Pure, but for `write`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import msgspec

from loadtest.load import charts
from loadtest.load.figures import Report
from loadtest.load.steady import Steady

Rows = list[tuple[str, ...]]
_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:900px;
margin:2em auto;padding:0 1em;color:#222}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;width:100%;font-size:.9em}td,th{padding:.25em .5em;border-bottom:
1px solid #ddd;text-align:right;font-variant-numeric:tabular-nums}td:first-child,th:first-child{
text-align:left}svg{width:100%;height:auto;font-size:11px}.verdict{padding:.6em 1em;border-radius:
4px;color:#fff}.good{background:#00694d}.void{background:#a33a00}.legend{display:flex;
flex-wrap:wrap;gap:0 1.2em}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
small{color:#555}li{margin:.2em 0}@media print{body{margin:0}}
"""


def write(report: Report, folder: Path, name: str, *, whole: bool = True) -> None:
    """JSON, Markdown and, where it is `whole`, the HTML page."""
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(report), indent=2 if whole else 0)
    (folder / f"{name}.json").write_bytes(text + b"\n")
    (folder / f"{name}.md").write_text(markdown(report), "utf-8")
    if whole:
        (folder / f"{name}.html").write_text(html(report), "utf-8")


def table(report: Report) -> list[str]:
    """For the terminal."""
    rows = summary(report) + sizes(report)[1:]
    return [f"{row[0]:<44} {row[1]:>14}  {'  '.join(row[2:])}".rstrip() for row in rows]


def markdown(report: Report) -> str:
    """The page for a repository or a mail."""
    parts = [f"# {_title(report)}", "", f"**{_verdict(report)}**", ""]
    parts += [f"- {one}" for one in report.why]
    parts += ["", *_markdown_table([("", ""), *summary(report)])]
    for title, rows in _tables(report):
        parts += ["", f"## {title}", "", *_markdown_table(rows)]
    parts += ["", "## 瓶颈 What limits", "", *(f"- {one}" for one in report.limits)]
    parts += ["", "## 说明 About", "", *(f"- {one}" for one in _about(report)), ""]
    return "\n".join(parts)


def html(report: Report) -> str:
    """The whole page in one file: it asks nobody for anything."""
    why = "".join(f"<li>{escape(one)}</li>" for one in report.why)
    body = [
        f"<h1>{escape(_title(report))}</h1>",
        f'<p class="verdict {"void" if report.void else "good"}">{escape(_verdict(report))}</p>',
        f"<ul>{why}</ul>" if why else "",
        _html_table([("", ""), *summary(report)]),
        *(f"<h2>{title}</h2>{drawn}" for title, drawn in _charts(report)),
        *(f"<h2>{title}</h2>{_html_table(rows)}" for title, rows in _tables(report)),
        "<h2>瓶颈 What limits</h2>", _html_list(report.limits),
        "<h2>说明 About</h2>", _html_list(_about(report)),
    ]  # fmt: skip
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(_title(report))}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def summary(report: Report) -> Rows:
    """The figures that everybody asks for."""
    one, audit = report.latency_ms, report.audit
    return [
        ("结算 settlements", f"{report.settled:,}"),
        ("  计划 expected", "-" if report.expected is None else f"{report.expected:,}"),
        ("  撤销 taken back", f"{report.undone:,}"),
        ("用时 seconds", f"{report.seconds:,.1f}"),
        ("快放倍数 times faster than life", f"{report.compression:,.1f}"),
        ("每秒结算 settlements a second", f"{report.settled_per_s:,.1f}"),
        ("  最忙时 in the fullest stretch", f"{report.settled_per_s_most:,.1f}"),
        ("报文 messages", f"{report.messages:,}"),
        ("每秒报文 messages a second", f"{report.messages_per_s:,.1f}"),
        ("时延 latency p50, ms", f"{one.p50:,.1f}"),
        ("  p99, ms", f"{one.p99:,.1f}"),
        ("  p99.9, ms", f"{one.p999:,.1f}"),
        ("错误 errors and lost answers", f"{report.failed:,}"),
        ("丢弃 dropped", f"{report.dropped:,}"),
        ("每笔字节 bytes stored a settlement", f"{report.growth.bytes_per_settlement:,}"),
        ("每笔处理器 server CPU a settlement, us",
         f"{report.resources.server_cpu_us_per_settlement:,}"),
        ("处理器最忙 processors, fullest 20 s", f"{report.resources.busy_most:.0%}"),
        ("金额（元） yuan acknowledged", f"{audit.acknowledged_fen // 100:,}"),
        ("账账相符 books equal", "是 yes" if audit.books_equal else "否 NO"),
        ("哈希链 chains verified", "是 yes" if audit.verify_ok else "否 NO"),
        *_steady(report.steady),
    ]  # fmt: skip


def _steady(one: Steady | None) -> Rows:
    """Nothing where it was not looked at."""
    if one is None:
        return []
    return [
        ("后三分之一比中三分之一：结算 last third ÷ the one before: settled", f"{one.settled:.3f}"),
        ("  每笔处理器 server CPU a settlement", f"{one.cpu_per_settlement:.3f}"),
        ("  内存 memory of the server", f"{one.private_bytes:.3f}"),
    ]  # fmt: skip


def sizes(report: Report) -> Rows:
    """How many such machines."""
    head = ("规模 for", "台数 machines", "最忙每秒 fullest, a second", "一台可承 one carries",
            "每年存储 GB a year")  # fmt: skip
    rows: Rows = [head]
    rows += [
        (
            f"{one.chinese} {one.preset}", f"{one.machines:,}", f"{one.busiest_per_s:,.1f}",
            f"{one.one_carries_per_s:,.1f}", f"{one.stored_gb_a_year:,.0f}",
        )
        for one in report.sizes
    ]  # fmt: skip
    return rows


def _tables(report: Report) -> list[tuple[str, Rows]]:
    transactions: Rows = [
        ("交易 transaction", "完成 done", "未成 not done", "错误 errors", "丢弃 dropped", "p50 ms",
         "p90 ms", "p99 ms", "p99.9 ms")
    ]  # fmt: skip
    for name, one in report.transactions.items():
        at = one.latency_ms
        transactions.append(
            (name, f"{one.done:,}", f"{one.refused:,}", f"{one.errors + one.broken:,}",
             f"{one.dropped:,}", f"{at.p50:.1f}", f"{at.p90:.1f}", f"{at.p99:.1f}",
             f"{at.p999:.1f}")
        )  # fmt: skip
    used = report.resources
    kinds: Rows = [("进程 processes", "每笔 CPU us a settlement", "内存 private MiB, most")]
    kinds += [
        (kind, f"{value:,}", f"{used.private_mib_most.get(kind, 0):,}")
        for kind, value in sorted(used.cpu_us_per_settlement.items(), key=lambda one: -one[1])
    ]
    growth: Rows = [("表 table", "每笔字节 bytes a settlement")]
    growth += [(name, f"{value:,}") for name, value in report.growth.by_table.items()]
    found: list[tuple[str, Rows]] = [
        ("需要多少台 How many such machines", sizes(report)),
        ("各交易时延 Latency by transaction", transactions),
        ("处理器与内存 Processors and memory", kinds),
        ("各表增长 Growth of tables", growth),
    ]
    if report.refusals:
        rows: Rows = [("未成原因 why not done", "次数 times")]
        rows += [(name, f"{times:,}") for name, times in report.refusals.items()]
        found.append(("未成 Not done", rows))
    return found


def _charts(report: Report) -> list[tuple[str, str]]:
    points, use = report.points, report.resources.use
    length = 2 * points[0].at_seconds if points else 1.0
    kinds = sorted({kind for one in use for kind in one.cores})
    cores = {kind: [(one.at_seconds, one.cores.get(kind, 0.0)) for one in use] for kind in kinds}
    cores["others"] = [(one.at_seconds, one.others) for one in use]
    memory = {
        kind: [(one.at_seconds, one.private_mib.get(kind, 0.0)) for one in use] for kind in kinds
    }
    slowest = [
        (name, one.latency_ms.p99, f"p50 {one.latency_ms.p50:.1f}, p99 {one.latency_ms.p99:.1f} ms")
        for name, one in report.transactions.items()
    ]
    rates = {
        "来客 arrived": [(one.at_seconds, one.arrived / length) for one in points],
        "结算 settled": [(one.at_seconds, one.settled / length) for one in points],
        "出错、丢弃 failed, dropped": [
            (one.at_seconds, (one.failed + one.dropped) / length) for one in points
        ],
    }
    times = {
        "p50": [(one.at_seconds, one.p50_ms) for one in points],
        "p99": [(one.at_seconds, one.p99_ms) for one in points],
    }
    return [
        ("速率 Rates, a second", charts.lines(rates, unit="/s")),
        ("时延 Latency from the intended time, ms", charts.lines(times, unit="ms")),
        ("各交易时延 Latency by transaction", charts.bars(slowest)),
        ("处理器 Processors kept busy", charts.stacked(cores, unit="")),
        ("内存 Private memory, MiB", charts.lines(memory, unit="MiB")),
        ("存储 Tables and indexes, MB",
         charts.lines({"全部 all": report.growth.stored_mb}, unit="MB")),
    ]  # fmt: skip


def _about(report: Report) -> list[str]:
    machine = report.machine
    return [
        f"负载 load: {report.preset} ({report.source}), {report.period}, season {report.season}, "
        f"pace {report.pace}, "
        f"scale {report.scale:g}, seed {report.seed}, runner {report.runner}; customers "
        + ", ".join(f"{kind} {number:,}" for kind, number in report.customers.items()),
        f"机器 machine: {machine.get('processor')}, {machine.get('cores')} cores, "
        f"{machine.get('memory')}, {machine.get('kernel')}, Python {machine.get('python')}; load "
        f"before {machine.get('load_before')}; others used {report.resources.others_mean:.0%}",
        f"代码 commit: {report.commit}; {report.started_at}",
        "时延从预定时刻算起，等待空闲连接的时间计入。 Latency counts from the intended time; "
        "waiting for a free connection is in it.",
        "台数按本次每笔的服务器处理器时间、最忙一小时不超过 60% 计；客户端和支付渠道模拟器另算。 "
        "Machines are counted by the server's processor time of a settlement, 60% busy in the "
        "month's fullest hour; clients and simulated channels have machines of their own.",
    ]


def _title(report: Report) -> str:
    return f"负载报告 Load: {report.chinese} {report.preset}, {report.period}"


def _verdict(report: Report) -> str:
    if report.void:
        return "作废 VOID：本次数字不算数。 Its figures do not count."
    return (
        "有效 VALID：客户端账、总账、渠道账逐笔逐分相符，哈希链已验证。 "
        "All books agree to the fen, and the chains verify."
    )


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *rest = rows
    ruled = "|".join(["---"] + ["--:"] * (len(head) - 1))
    return [f"| {' | '.join(head)} |", f"|{ruled}|", *(f"| {' | '.join(row)} |" for row in rest)]


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = rows
    titles = "".join(f"<th>{escape(one)}</th>" for one in head)
    lines = (
        "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rest
    )
    return f"<table><tr>{titles}</tr>{''.join(lines)}</table>"


def _html_list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in texts)}</ul>"
