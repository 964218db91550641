"""What an examination of the interface draws for itself."""

from __future__ import annotations

from datetime import UTC, datetime

from settlement.certify.candidate import Candidate
from settlement.certify.command import OPERATOR
from settlement.certify.exam import Exam
from settlement.client import Institution, MemoryStore, Patient
from tests.kit import population

CODE = population.PHARMACY.code
SECRET = "测试密钥-0123456789abcdef"
PATIENT = Patient(
    psn_no="1", psn_name="测试甲", certno="999999198001010011", psn_type="11", insutype="310",
    mdtrt_cert_no="999999198001010011",
)  # fmt: skip


def exam() -> Exam:
    """One that begins in a second in which every other one of this test begins."""
    url = "http://127.0.0.1:1"
    return Exam(
        Candidate(
            url=url, code=CODE, name="测试药店", kind="pharmacy", paasid="test", secret=SECRET,
            region=population.REGION, patients=(PATIENT,) * 3, items=(),
        ),
        Institution(url, CODE, "test", SECRET, operator=OPERATOR, numbers=MemoryStore()),
        served=frozenset(), clock=lambda: datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip


def test_runs_of_one_second_number_their_visits_and_orders_apart() -> None:
    runs = [exam() for _ in range(5)]
    numbers = [run.serial() for run in runs for _ in range(20)]
    assert len(set(numbers)) == len(numbers)
    assert {len(one) for one in numbers} == {22}
