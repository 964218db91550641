"""The checklist in its order, for each kind of institution, and how one point of it is examined."""

from __future__ import annotations

from collections.abc import Callable

from settlement.certify import (
    checks_cancel,
    checks_catalogue,
    checks_clearing,
    checks_counter,
    checks_daily,
    checks_details,
    checks_door,
    checks_filing,
    checks_history,
    checks_inpatient,
    checks_mapping,
    checks_mobile,
    checks_outpatient,
    checks_pharmacy,
    checks_resend,
    checks_reversal,
    checks_stored,
)
from settlement.certify.exam import Exam
from settlement.certify.sheet import Check, Group, NotApplicableError, Result, StoppedError, Verdict
from settlement.client import AnswerError
from settlement.clock import monotonic


def checklist(kind: str) -> tuple[Check, ...]:
    """Every point, in the order in which they are examined and filed."""
    filings: tuple[Check, ...] = ()
    if kind == "pharmacy":
        own = checks_pharmacy.CHECKS + checks_pharmacy.REFUSALS
    else:
        own = (
            *checks_outpatient.CHECKS, *checks_inpatient.CHECKS, *checks_outpatient.REFUSALS,
            *checks_inpatient.REFUSALS,
        )  # fmt: skip
        filings = checks_filing.CHECKS
    return (
        *checks_door.CHECKS, *checks_counter.CHECKS, *own, *checks_cancel.CHECKS,
        *checks_resend.CHECKS, *checks_reversal.CHECKS, *checks_catalogue.CHECKS,
        *checks_mapping.CHECKS, *filings, *checks_history.CHECKS, *checks_stored.checks_of(kind),
        *checks_mobile.CHECKS, *checks_daily.CHECKS, *checks_details.CHECKS,
        *checks_clearing.CHECKS, checks_daily.clear_away, checks_counter.coverage,
    )  # fmt: skip


async def examine(
    exam: Exam, checks: tuple[Check, ...], told: Callable[[Result], None]
) -> list[Result]:
    """All of them, whatever happens to one; `told` hears of each. In the report's order."""
    results = []
    for check in checks:
        result = await _examine(exam, check)
        told(result)
        results.append(result)
    order = list(Group)
    return sorted(results, key=lambda result: order.index(result.group))


async def _examine(exam: Exam, check: Check) -> Result:
    begun, exam.steps, skipped = monotonic(), [], False
    try:
        closed = [infno for infno in check.needs if infno not in exam.served]
        if closed:
            raise NotApplicableError(f"服务端未开通 not served: {'、'.join(closed)}")
        await check.run(exam)
    except StoppedError:
        pass
    except NotApplicableError as exc:
        skipped = True
        exam.expect("—", "不适用", "does not apply", str(exc), True)
    except (AnswerError, ArithmeticError, LookupError, TypeError, ValueError) as exc:
        # An answer that is not what the interface promises; it must not end the examination.
        exam.expect(
            "应答结构 the answer's structure", "符合接口规范", "as the interface has it",
            f"{type(exc).__name__}: {exc}", False,
        )  # fmt: skip
    steps, exam.steps = tuple(exam.steps), []
    passed = bool(steps) and all(step.passed for step in steps)
    verdict = Verdict.PASSED if passed else Verdict.FAILED
    return Result(
        id=check.id, group=check.group, chinese=check.chinese, english=check.english,
        verdict=Verdict.NOT_APPLICABLE if skipped and passed else verdict, steps=steps,
        milliseconds=int((monotonic() - begun) * 1000),
    )  # fmt: skip
