"""What is said beside an answer: to its reader, and to operators where a case failed."""

from __future__ import annotations

import logging

from settlement.commands import Command
from settlement.decision import Answer

logger = logging.getLogger("settlement.service")
REPLAYED = "重复报文，返回首次处理结果"


def warning_of(reply: Answer) -> str:
    """What the answer says beside what was done."""
    return "；".join(filter(None, (REPLAYED if reply.replayed else "", reply.warning)))


def report_failure(command: Command, exc: Exception) -> None:
    """A use case raised: somebody has to look at it."""
    extra = {
        "event": "case.failed",
        "infno": command.asked.infno,
        "msgid": command.asked.msgid,
        "institution": command.asked.institution.code,
    }
    logger.error("a case violates our own rules", extra=extra, exc_info=exc)
