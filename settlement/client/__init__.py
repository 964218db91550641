"""A client for programmers of a hospital's HIS or a pharmacy's POS: number, sign, retry, resolve.

    async with Institution(url, code, paasid, secret, operator=me, numbers=FileStore(path)) as his:
        outcome = await his.sell(patient, lines)

It speaks the interface only: of this project it imports `protocol` and the clock, nothing of the
server (ADR 0019). docs/reference/client.md is its page.
"""

from settlement.client.inputs import Item, Line, Patient
from settlement.client.institution import Institution
from settlement.client.message import Message, Operator
from settlement.client.numbers import CounterError, FileStore, MemoryStore, MessageNumbers
from settlement.client.outcome import (
    AnswerError,
    Done,
    Outcome,
    Refused,
    Resolution,
    Settlement,
    TakenBack,
    Unknown,
)
from settlement.client.patience import Patience
from settlement.client.wire import Came, HttpWire, Lost, NotSent, Wire

__all__ = [
    "AnswerError",
    "Came",
    "CounterError",
    "Done",
    "FileStore",
    "HttpWire",
    "Institution",
    "Item",
    "Line",
    "Lost",
    "MemoryStore",
    "Message",
    "MessageNumbers",
    "NotSent",
    "Operator",
    "Outcome",
    "Patience",
    "Patient",
    "Refused",
    "Resolution",
    "Settlement",
    "TakenBack",
    "Unknown",
    "Wire",
]
