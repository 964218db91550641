"""The report of an examination: JSON for machines, one HTML page for the file, a line for the
terminal. The page carries everything with it: no script, no font, no picture from elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import msgspec
from msgspec import Struct

from settlement.certify.sheet import TITLES, Group, Result, Step, Verdict

FORMAT = "certification-report/1"
_WORDS = {
    Verdict.PASSED: ("通过", "passed"),
    Verdict.FAILED: ("不通过", "failed"),
    Verdict.NOT_APPLICABLE: ("不适用", "n/a"),
}
_MARKS = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.NOT_APPLICABLE: "–"}


class Report(Struct, frozen=True, kw_only=True):
    """Everything that is filed. No personal data: persons are not named."""

    format: str = FORMAT
    institution: str
    name: str
    kind: str
    url: str
    began: str
    ended: str
    passed: bool
    counts: dict[str, int]
    transactions: tuple[str, ...]
    """those carried out at least once"""
    transactions_refused: dict[str, str]
    """those that were sent and only refused, with the reason"""
    transactions_not_sent: dict[str, str]
    """those that the server lists and that were not sent, with the reason"""
    results: tuple[Result, ...]


def counts_of(results: Sequence[Result]) -> dict[str, int]:
    """How many passed, failed, did not apply."""
    found = Counter(result.verdict for result in results)
    return {verdict.value: found[verdict] for verdict in Verdict}


def as_json(report: Report) -> bytes:
    """The report as a JSON document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1)


def as_html(report: Report) -> str:
    """The report as one page, fit to be printed."""
    every = [
        (group, [result for result in report.results if result.group is group]) for group in Group
    ]
    groups = [one for one in every if one[1]]
    body = "".join(_chapter(number, *one) for number, one in enumerate(groups, 1))
    return _PAGE.format(
        title=escape(f"接入认证报告 {report.institution}"), style=_STYLE, head=_head(report),
        summary=_summary(groups), failures=_failures(report), body=body,
    )  # fmt: skip


def line_of(result: Result) -> str:
    """A check in a line of the terminal, with the step that failed."""
    zh, en = _WORDS[result.verdict]
    line = f"{_MARKS[result.verdict]} {zh} {en:6}  {result.id}  {result.chinese} {result.english}"
    wrong = [step for step in result.steps if not step.passed]
    for step in wrong[:1]:
        line += f"\n    {step.sent}\n    应为 expected: {_expected(step)}"
        line += f"\n    实际 came: {step.came}"
    return line


def _head(report: Report) -> str:
    zh, en = ("通过", "PASSED") if report.passed else ("不通过", "NOT PASSED")
    kind = {"pharmacy": "定点零售药店 pharmacy", "hospital": "定点医疗机构 hospital"}
    rows = (
        ("机构 institution", f"{report.name}（{report.institution}）"),
        ("类别 kind", kind.get(report.kind, report.kind)),
        ("服务端 server", report.url),
        ("检测时间 examined", f"{report.began} – {report.ended}"),
        ("检测结果 result", "，".join(
            f"{_WORDS[v][0]} {_WORDS[v][1]} {report.counts[v.value]}" for v in Verdict
        )),
        ("交易覆盖 transactions", coverage_of(report)),
        ("已办成 carried out", "、".join(report.transactions) or "—"),
        ("未办成 not carried out", with_reasons(report.transactions_refused)),
        ("未发送 not sent", with_reasons(report.transactions_not_sent)),
    )  # fmt: skip
    cells = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    stamp = "good" if report.passed else "bad"
    return (
        f'<div class="stamp {stamp}"><b>{zh}</b><span>{en}</span></div>'
        f'<table class="facts">{cells}</table>'
    )


def coverage_of(report: Report) -> str:
    """How many of the server's transactions were sent, in a line."""
    done, refused = len(report.transactions), len(report.transactions_refused)
    every = done + refused + len(report.transactions_not_sent)
    return (
        f"服务端 {every} 项，已发送 {done + refused} 项，其中办成 {done} 项；"
        f"{done + refused} of {every} were sent, {done} of them carried out"
    )


def with_reasons(told: dict[str, str]) -> str:
    """Transactions with the reason, a line a reason."""
    by_reason: dict[str, list[str]] = {}
    for infno, reason in told.items():
        by_reason.setdefault(reason, []).append(infno)
    return "\n".join(f"{'、'.join(one)}：{reason}" for reason, one in by_reason.items()) or "—"


def _summary(groups: Sequence[tuple[Group, list[Result]]]) -> str:
    rows = []
    for number, (group, results) in enumerate(groups, 1):
        counts = counts_of(results)
        zh, en = TITLES[group]
        rows.append(
            f'<tr><td>{number}</td><td><a href="#{group}">{zh}</a> <i>{en}</i></td>'
            f"<td>{counts['passed']}</td>{_counted(counts['failed'])}"
            f"<td>{counts['not applicable']}</td></tr>"
        )
    return (
        '<table class="summary"><tr><th></th><th>项目 chapter</th><th>通过 passed</th>'
        "<th>不通过 failed</th><th>不适用 n/a</th></tr>" + "".join(rows) + "</table>"
    )


def _counted(failed: int) -> str:
    return f'<td class="bad">{failed}</td>' if failed else "<td>0</td>"


def _failures(report: Report) -> str:
    failed = [result for result in report.results if result.verdict is Verdict.FAILED]
    if not failed:
        return ""
    rows = "".join(
        f'<li><a href="#{escape(one.id)}"><b>{escape(one.id)}</b> {escape(one.chinese)}'
        f" <i>{escape(one.english)}</i></a>{_first_wrong(one)}</li>"
        for one in failed
    )
    return f'<section class="failures"><h2>须整改 To be mended</h2><ul>{rows}</ul></section>'


def _first_wrong(result: Result) -> str:
    """Where it went wrong first, with what was expected."""
    step = next((one for one in result.steps if not one.passed), None)
    if step is None:
        return "<br><small>未执行 nothing was examined</small>"
    said = step.sent, f"应为 expected: {_expected(step)}", f"实际 came: {step.came}"
    return f"<br><small>{'<br>'.join(map(escape, said))}</small>"


def _expected(step: Step) -> str:
    if step.expected_zh == step.expected_en:
        return step.expected_zh
    return f"{step.expected_zh} / {step.expected_en}"


def _chapter(number: int, group: Group, results: Sequence[Result]) -> str:
    zh, en = TITLES[group]
    parts = "".join(_check(f"{number}.{n}", result) for n, result in enumerate(results, 1))
    return f'<section id="{group}"><h2>{number} {zh} <i>{en}</i></h2>{parts}</section>'


def _check(number: str, result: Result) -> str:
    zh, en = _WORDS[result.verdict]
    style = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.NOT_APPLICABLE: "none"}
    steps = "".join(_step(n, step) for n, step in enumerate(result.steps, 1))
    return (
        f'<article id="{escape(result.id)}"><h3><span class="no">{number}</span>'
        f"{escape(result.chinese)} <i>{escape(result.english)}</i>"
        f'<span class="verdict {style[result.verdict]}">{zh} {en}</span></h3>'
        '<table class="steps"><tr><th class="n"></th><th>发送 sent</th><th>应为 expected</th>'
        f"<th>实际 came</th><th class=\"ok\"></th></tr>{steps}</table></article>"
    )


def _step(number: int, step: Step) -> str:
    mark, style = ("✓", "") if step.passed else ("✗", ' class="bad"')
    return (
        f"<tr{style}><td>{number}</td><td>{escape(step.sent)}</td>"
        f"<td>{escape(step.expected_zh)}<br><i>{escape(step.expected_en)}</i></td>"
        f"<td>{escape(step.came)}</td><td>{mark}</td></tr>"
    )


_STYLE = """
@page { size: A4; margin: 16mm 14mm }
* { box-sizing: border-box }
body { font: 14px/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif;
  color: #1c2430; max-width: 1040px; margin: 0 auto; padding: 28px 32px 64px; background: #fff }
header { position: relative; border-bottom: 3px solid #1d4f91; margin-bottom: 20px }
h1 { font-size: 24px; margin: 0 0 2px; color: #143a6b }
.sub { color: #5b6673; margin: 0 0 14px }
i { font-style: normal; color: #5b6673; font-weight: 400 }
h2 { font-size: 18px; color: #143a6b; border-bottom: 1px solid #b9c6d6; padding-bottom: 4px;
  margin: 34px 0 10px }
h3 { font-size: 14px; margin: 18px 0 4px }
.no { display: inline-block; min-width: 38px; color: #5b6673 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 4px 8px; overflow-wrap: anywhere }
th { font-weight: 600 }
.facts { max-width: 800px; margin-bottom: 16px }
.facts th { width: 170px; color: #5b6673; font-weight: 400; white-space: nowrap }
.facts td { white-space: pre-line }
.stamp { position: absolute; top: 0; right: 0; text-align: center; border: 3px solid;
  border-radius: 6px; padding: 6px 18px; min-width: 120px }
.stamp b { display: block; font-size: 22px; letter-spacing: 2px }
.stamp.good { color: #1b7a43 } .stamp.bad { color: #b3261e }
.summary { margin: 6px 0 0; border: 1px solid #b9c6d6 }
.summary th { background: #eef3f9 }
.summary td, .summary th { border-bottom: 1px solid #dde5ee }
.summary td:nth-child(n+3), .summary th:nth-child(n+3) { text-align: right; width: 116px }
.summary td:first-child { width: 34px; white-space: nowrap; color: #5b6673 }
a { color: inherit; text-decoration: none } a:hover { text-decoration: underline }
.failures { border: 1px solid #b3261e; border-radius: 6px; padding: 0 18px 6px; margin-top: 22px;
  background: #fdf3f2 }
.failures small { color: #5b6673; overflow-wrap: anywhere }
.failures h2 { margin: 12px 0 6px; border: 0; color: #b3261e }
.steps { table-layout: fixed; font-size: 12.5px; border: 1px solid #dde5ee }
.steps th { background: #f4f7fa; font-weight: 500; color: #5b6673 }
.steps td, .steps th { border-bottom: 1px solid #e6ecf2 }
.steps .n { width: 32px } .steps .ok { width: 32px }
.steps th:nth-child(2) { width: 31% } .steps th:nth-child(3) { width: 29% }
.steps td:last-child { text-align: center; color: #1b7a43; font-weight: 700 }
.steps td:first-child { color: #8a94a0 }
tr.bad td { background: #fdf0ef } tr.bad td:last-child, td.bad { color: #b3261e; font-weight: 700 }
.verdict { float: right; font-size: 12px; font-weight: 600; padding: 1px 10px; border-radius: 10px }
.verdict.good { background: #e4f4ea; color: #1b7a43 }
.verdict.bad { background: #fbe3e1; color: #b3261e }
.verdict.none { background: #eceff3; color: #5b6673 }
article { break-inside: avoid }
.sign { display: flex; gap: 40px; margin-top: 48px; break-inside: avoid }
.sign div { flex: 1; border-top: 1px solid #1c2430; padding-top: 6px; color: #5b6673 }
footer { margin-top: 28px; color: #5b6673; font-size: 12px }
"""

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head><body>
<header><h1>定点医药机构接口接入认证报告</h1>
<p class="sub">Certification of an institution's interface · 国家医保局定点医药机构接口</p>{head}
</header>{summary}{failures}{body}
<div class="sign"><div>机构签章 institution, date</div><div>经办机构审核 agency, date</div></div>
<footer>测试数据为虚构，报告不含个人信息。 Test data are invented; the report names no person. ·
certification-report/1</footer>
</body></html>
"""
