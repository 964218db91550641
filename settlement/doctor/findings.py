"""What an examination found, for people and for machines. Pure.

A finding has a code, which never changes its meaning; `words` says it in Chinese and English and
what to do. What could be looked at is told as well as what could not, so that silence means
something.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct


class Severity(StrEnum):
    """How bad a finding is."""

    WARNING = "warning"
    """注意: it works, and will not for ever, or with less than it should"""
    FAULT = "fault"
    """故障: money, names or service are in danger now, or it could not be examined"""


class Code(StrEnum):
    """Every finding, in the order in which they are told."""

    DATA_DIR_MISSING = "data_dir_missing"
    DATA_DIR_OPEN = "data_dir_open"
    SECRETS_OPEN = "secrets_open"
    PRIVATE_FILE_OPEN = "private_file_open"
    PRIVATE_FILE_OWNER = "private_file_owner"
    DISK_FULL = "disk_full"
    DISK_LOW = "disk_low"
    KEY_FILE_MISSING = "key_file_missing"
    KEY_FILE_UNUSABLE = "key_file_unusable"
    KEY_FILE_WRONG = "key_file_wrong"
    KEY_OLD = "key_old"
    CHANNELS_UNUSABLE = "channels_unusable"
    HUB_UNUSABLE = "hub_unusable"
    TLS_UNUSABLE = "tls_unusable"
    CERTIFICATE_ENDED = "certificate_ended"
    CERTIFICATE_ENDS_SOON = "certificate_ends_soon"
    HUB_KEYS_UNCERTIFIED = "hub_keys_uncertified"
    TIME_SOURCE_SILENT = "time_source_silent"
    CLOCK_FAR_APART = "clock_far_apart"
    CLOCK_APART = "clock_apart"
    DATABASE_UNREACHABLE = "database_unreachable"
    APP_LOGIN_FAILED = "app_login_failed"
    DATABASE_OLD = "database_old"
    DATABASE_ENCODING = "database_encoding"
    DURABILITY_OFF = "durability_off"
    COMMITS_NOT_DURABLE = "commits_not_durable"
    COMMITS_WAIT = "commits_wait"
    CHECKSUMS_OFF = "checksums_off"
    WAL_MINIMAL = "wal_minimal"
    AUTOVACUUM_OFF = "autovacuum_off"
    SETTING_NEEDS_RESTART = "setting_needs_restart"
    CONNECTIONS_SHORT = "connections_short"
    CONNECTIONS_TIGHT = "connections_tight"
    CONNECTIONS_USED = "connections_used"
    OWNER_SUPERUSER = "owner_superuser"
    APP_TOO_STRONG = "app_too_strong"
    SCHEMA_MISSING = "schema_missing"
    SCHEMA_OTHER = "schema_other"
    REGION_OTHER = "region_other"
    RIGHTS_LACKING = "rights_lacking"
    RIGHTS_EXCESS = "rights_excess"
    RIGHTS_OF_OTHERS = "rights_of_others"
    PARTITIONS_END = "partitions_end"
    LOOPS_STOPPED = "loops_stopped"
    REDIS_UNREACHABLE = "redis_unreachable"
    REDIS_EVICTION = "redis_eviction"
    REDIS_UNBOUNDED = "redis_unbounded"
    REDIS_PERSISTS = "redis_persists"
    BACKUP_NONE = "backup_none"
    BACKUP_UNUSABLE = "backup_unusable"
    BACKUP_OLD = "backup_old"
    BACKUP_MARK_OLD = "backup_mark_old"
    BACKUP_GAP = "backup_gap"
    ARCHIVE_FAILING = "archive_failing"
    PEOPLE_AWAITED = "people_awaited"
    IN_DOUBT_LONG = "in_doubt_long"
    DIFFERENCES_OPEN = "differences_open"
    NOTICES_OVERDUE = "notices_overdue"


class Finding(Struct, frozen=True, kw_only=True):
    """One of them: `facts` are put into its words."""

    code: Code
    facts: dict[str, str | int] = {}


class Examined(Struct, frozen=True, kw_only=True):
    """Something that was looked at, or could not be (`seen` is False); `told` says what was there
    or why not, in figures and names."""

    what: str
    told: str
    seen: bool = True


class Examination(Struct, kw_only=True):
    """What comes together while one looks."""

    findings: list[Finding] = []
    examined: list[Examined] = []

    def found(self, code: Code, **facts: str | int) -> None:
        """Something is not as it should be."""
        self.findings.append(Finding(code=code, facts=facts))

    def saw(self, what: str, told: str) -> None:
        """Something was looked at."""
        self.examined.append(Examined(what=what, told=told))

    def left_out(self, what: str, why: str) -> None:
        """Something was not looked at."""
        self.examined.append(Examined(what=what, told=why, seen=False))

    def ordered(self) -> list[Finding]:
        """In the order of the codes."""
        order = {code: place for place, code in enumerate(Code)}
        return sorted(self.findings, key=lambda one: order[one.code])


class Sentences(Struct, frozen=True, kw_only=True):
    """A finding in words."""

    severity: Severity
    zh: str
    en: str
    do_zh: str
    do_en: str


Words = Callable[[Finding], Sentences]


class Told(Struct, frozen=True, kw_only=True):
    """A finding as machines read it."""

    code: Code
    severity: Severity
    facts: dict[str, str | int]
    zh: str
    en: str
    do_zh: str
    do_en: str


class Report(Struct, frozen=True, kw_only=True):
    """The whole, as machines read it."""

    format: int = 1
    status: int
    at: datetime
    findings: list[Told]
    examined: list[Examined]


def report_of(examination: Examination, words: Words, at: datetime) -> Report:
    """All that was found and seen; status 0: nothing is wrong, 1: warnings only, 2: faults."""
    told = []
    for one in examination.ordered():
        said = words(one)
        told.append(
            Told(
                code=one.code, severity=said.severity, facts=one.facts, zh=said.zh, en=said.en,
                do_zh=said.do_zh, do_en=said.do_en,
            )
        )  # fmt: skip
    status = max((_STATUS[one.severity] for one in told), default=0)
    return Report(status=status, at=at, findings=told, examined=examination.examined)


def as_json(report: Report) -> str:
    """For machines."""
    return msgspec.json.encode(report).decode()


def as_text(report: Report) -> str:
    """For people: what is wrong and what to do, then what was looked at."""
    lines = []
    for one in report.findings:
        lines += [
            f"{_MARK[one.severity]} {one.zh}", f"  {one.en}", f"  处理：{one.do_zh}",
            f"  do: {one.do_en}  [{one.code}]", "",
        ]  # fmt: skip
    lines += [f"{'·' if one.seen else '－ 未查 not examined'} {one.what}: {one.told}"
              for one in report.examined]  # fmt: skip
    faults = sum(one.severity is Severity.FAULT for one in report.findings)
    warnings = len(report.findings) - faults
    lines.append(
        f"故障 faults: {faults}，注意 warnings: {warnings}"
        if report.findings
        else "✓ 未发现问题 nothing is wrong"
    )
    return "\n".join(lines)


_STATUS = {Severity.WARNING: 1, Severity.FAULT: 2}
_MARK = {Severity.WARNING: "⚠ 注意", Severity.FAULT: "✗ 故障"}
