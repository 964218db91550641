"""`settlement certify`: examines, prints each check, writes the report, says whether it passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from settlement.certify.candidate import Candidate, CandidateError, from_demo, from_files, kind_of
from settlement.certify.exam import Exam
from settlement.certify.plan import checklist, examine
from settlement.certify.report import (
    Report,
    as_html,
    as_json,
    counts_of,
    coverage_of,
    line_of,
    with_reasons,
)
from settlement.certify.scope import FAILED, NOT_REACHED, SENT, UNKNOWN, not_sent, served_by
from settlement.certify.sheet import Check, Verdict
from settlement.client import (
    FileStore,
    Institution,
    MemoryStore,
    NotSent,
    Operator,
    Patience,
)
from settlement.clock import Clock, system_clock
from settlement.said import UNUSABLE, Said

OPERATOR = Operator(code="0001", name="测试收费员")
PATIENCE = Patience(answer_seconds=20.0, deadline_seconds=45.0)
Tell = Callable[[str], None]


def certify(
    url: str, code: str, *, report_dir: Path, tell: Tell, demo: bool = False, kind: str = "",
    name: str = "", paasid: str = "", secret_file: Path | None = None,
    person_file: Path | None = None, counter_file: Path | None = None,
) -> Said:  # fmt: skip
    """The whole command. Exit status 0 passed, 1 not passed, 2 could not be examined."""

    async def run() -> Report:
        if demo:
            candidate = await from_demo(url, code)
        elif secret_file is None or person_file is None or not paasid:
            raise CandidateError("--paasid, --secret-file and --person-file are needed, or --demo")
        else:
            candidate = from_files(
                url, code, name=name or code, kind=kind or kind_of(code), paasid=paasid,
                secret_file=secret_file, person_file=person_file,
            )  # fmt: skip
        numbers = MemoryStore() if counter_file is None else FileStore(counter_file)
        return await certification(candidate, tell=tell, numbers=numbers)

    try:
        report = asyncio.run(run())
        places = write(report, report_dir)
    except (CandidateError, OSError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0 if report.passed else 1, _verdict(report, places))


async def certification(
    candidate: Candidate, *, tell: Tell, numbers: FileStore | MemoryStore | None = None,
    patience: Patience = PATIENCE, clock: Clock = system_clock,
    checks: tuple[Check, ...] | None = None, client: type[Institution] = Institution,
) -> Report:  # fmt: skip
    """Examine it, by the whole checklist unless some `checks` are chosen, through a `client` that
    may watch. Raises CandidateError where the server cannot be reached at all."""
    async with client(
        candidate.url, candidate.code, candidate.paasid, candidate.secret, operator=OPERATOR,
        name=candidate.name, region=candidate.region, numbers=numbers, patience=patience,
        clock=clock,
    ) as institution:  # fmt: skip
        page = await institution.wire.get("/openapi.json")
        if isinstance(page, NotSent):
            raise CandidateError(f"{candidate.url} cannot be reached: {page.reason}")
        served = served_by(page) - candidate.without
        exam = Exam(candidate, institution, served=served, clock=clock)
        began = institution.now()
        chosen = checklist(candidate.kind) if checks is None else checks
        results = await examine(exam, chosen, lambda result: tell(line_of(result)))
        refused, unsent = uncovered(exam)
        return Report(
            institution=candidate.code, name=candidate.name, kind=candidate.kind,
            url=candidate.url, began=began, ended=institution.now(),
            passed=all(result.verdict is not Verdict.FAILED for result in results),
            counts=counts_of(results), transactions=tuple(sorted(exam.answered)),
            transactions_refused=refused, transactions_not_sent=unsent,
            results=tuple(results),
        )  # fmt: skip


def uncovered(exam: Exam) -> tuple[dict[str, str], dict[str, str]]:
    """Of what the server lists: what was sent and never carried out, what was not sent; and why."""
    reasons = not_sent(exam.candidate.kind) | exam.excused
    left = sorted(exam.served - exam.answered)
    refused = {one: reasons.get(one, FAILED) for one in left if one in exam.sent}
    known = SENT[exam.candidate.kind]
    unsent = {
        one: reasons.get(one, NOT_REACHED if one in known else UNKNOWN)
        for one in left
        if one not in exam.sent
    }
    return refused, unsent


def write(report: Report, directory: Path) -> tuple[Path, Path]:
    """Both files of the report. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    stem = f"certification-{report.institution}"
    as_data, page = directory / f"{stem}.json", directory / f"{stem}.html"
    as_data.write_bytes(as_json(report))
    page.write_text(as_html(report), "utf-8")
    return as_data, page


def _listed(told: dict[str, str]) -> str:
    return with_reasons(told).replace("\n", "\n    ")


def _verdict(report: Report, places: tuple[Path, Path]) -> str:
    counts = report.counts
    zh, en = ("通过", "passed") if report.passed else ("不通过", "NOT passed")
    return (
        f"认证{zh} certification {en}: {counts['passed']} 项通过 passed, "
        f"{counts['failed']} 项不通过 failed, {counts['not applicable']} 项不适用 n/a\n"
        f"交易 transactions: {coverage_of(report)}\n"
        f"未办成 not carried out: {_listed(report.transactions_refused)}\n"
        f"未发送 not sent: {_listed(report.transactions_not_sent)}\n"
        f"报告 report: {places[1]}, {places[0]}"
    )
