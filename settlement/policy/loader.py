"""Reads policy files and finds the policy in force on a date.

A policy that is wrong must never be half in force: every fault raises `PolicyError` naming the
file and the line, and nothing of the set is loaded. A `PolicySet` never changes; to reload, build
a new one and swap it in. This module does not compute benefits.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from importlib import resources
from typing import TypeVar

import msgspec

from protocol.nhsa.dictionary import values_of
from settlement.books.fund_payers import FundPayer
from settlement.policy import faults
from settlement.policy.compiler import compile_policy
from settlement.policy.errors import Place, PolicyError
from settlement.policy.format import (
    CapEntry,
    LineClassEntry,
    PolicyFile,
    RuleEntry,
    TableEntry,
)
from settlement.policy.locate import line_of
from settlement.policy.model import Fund, FundKind, Policy
from settlement.policy.region import RegionProfile
from settlement.policy.region_format import RegionFile, compile_region
from settlement.toml_text import line_too_deep

__all__ = ["PolicyError", "PolicySet", "load_policies", "parse_policies", "shipped_files"]

_SECTIONS: Mapping[str, type[object]] = {
    "sources": str,
    "tags": str,
    "levels": str,
    "amounts_fen": TableEntry,
    "ratios_bp": TableEntry,
    "points_bp": TableEntry,
    "caps": CapEntry,
    "line_classes": LineClassEntry,
    "rules": tuple[RuleEntry, ...],
}
_DAY = timedelta(days=1)
_FILE: type[PolicyFile | RegionFile] = PolicyFile | RegionFile  # type: ignore[assignment]
_Kind = TypeVar("_Kind")


class PolicySet:
    """Every policy and region profile that is loaded."""

    __slots__ = ("_by_scheme", "_by_version", "_regions")

    def __init__(
        self,
        policies: Iterable[Policy],
        regions: Iterable[RegionProfile],
        replaced: Iterable[Policy] = (),
    ) -> None:
        """Index the files; raises PolicyError on overlapping periods, a gap between two, or
        clashing codes. `replaced` policies are found by their version only."""
        self._regions: dict[str, RegionProfile] = {}
        for region in regions:
            if self._regions.setdefault(region.code, region) is not region:
                raise PolicyError(f"统筹区 {region.code} 有两份参数文件")
        self._by_version: dict[str, Policy] = {}
        self._by_scheme: dict[tuple[str, str], tuple[Policy, ...]] = {}
        for policy in sorted(policies, key=lambda each: each.effective_from, reverse=True):
            self._add(policy)
        for policy in replaced:
            self._by_version.setdefault(policy.version, policy)
        _check_ledger_codes(self.policies())
        _check_clearing_types(self.in_force(), self._regions)
        _check_fund_payers(self.policies(), self._regions.values())

    def find(self, region: str, scheme: str, on: date) -> Policy | None:
        """Return the policy of a region and scheme (险种) in force on the ruling date."""
        for policy in self._by_scheme.get((region, scheme), ()):
            if policy.effective_from <= on <= policy.effective_to:
                return policy
        return None

    def version(self, version: str) -> Policy | None:
        """Return the policy that a settlement was computed with."""
        return self._by_version.get(version)

    def named(self, name: str) -> tuple[Policy, ...]:
        """Return every period of a policy that is in force in it, the latest first."""
        return tuple(each for each in self.in_force() if each.name == name)

    def region(self, code: str) -> RegionProfile | None:
        """Return the profile of a pooling area."""
        return self._regions.get(code)

    def fund_payers(self, code: str) -> dict[int, FundPayer]:
        """Who owes what funds of a pooling area pay, by the ledger code of the fund; a fund that is
        not here is the agency's own."""
        region = self._regions.get(code)
        named = {} if region is None else region.fund_payers
        funds = _funds_of(self.policies(), code)
        return {
            funds[fund].ledger_code: FundPayer(
                fund=fund, ledger_code=funds[fund].ledger_code, fund_name=funds[fund].name,
                code=payer, name="" if region is None else region.payers[payer],
            )
            for fund, payer in sorted(named.items())
        }  # fmt: skip

    def policies(self) -> tuple[Policy, ...]:
        """Return every policy, the latest first; replaced ones come last."""
        return tuple(self._by_version.values())

    def in_force(self) -> tuple[Policy, ...]:
        """Return every policy that is in force in its period, the latest first of each scheme."""
        return tuple(policy for periods in self._by_scheme.values() for policy in periods)

    def _add(self, policy: Policy) -> None:
        key = policy.region, policy.scheme
        later = self._by_scheme.get(key, ())
        if later and policy.effective_to >= later[-1].effective_from:
            raise PolicyError(f"{policy.name}: 有效期与 {later[-1].name} 重叠")
        if later and policy.effective_to + _DAY != later[-1].effective_from:
            raise PolicyError(
                f"{policy.name}: {policy.effective_to + _DAY} 至 {later[-1].name} 的 "
                f"{later[-1].effective_from} 之间没有政策"
            )
        self._by_scheme[key] = (*later, policy)
        self._by_version[policy.version] = policy


def shipped_files() -> dict[str, bytes]:
    """Return every TOML file shipped in this package by file name."""
    package = resources.files("settlement.policy")
    names = sorted(entry.name for entry in package.iterdir() if entry.name.endswith(".toml"))
    return {name: package.joinpath(name).read_bytes() for name in names}


def load_policies() -> PolicySet:
    """Load every shipped file; raises PolicyError at the first fault."""
    return parse_policies(shipped_files())


def parse_policies(files: Mapping[str, bytes]) -> PolicySet:
    """Build a set from file contents by file name; raises PolicyError at the first fault."""
    return policies_over_time(files, ())


def policies_over_time(
    files: Mapping[str, bytes], later: Iterable[tuple[str, bytes]]
) -> PolicySet:
    """Build a set from files and those that came after them, in their order: a file replaces the
    one of its name. Raises PolicyError at the first fault."""
    current: dict[str, Policy | RegionProfile] = {}
    replaced: list[Policy] = []
    for name, content in (*files.items(), *later):
        before = current.get(name)
        if isinstance(before, Policy):
            replaced.append(before)
        current[name] = parse_file(name, content)
    return PolicySet(
        (each for each in current.values() if isinstance(each, Policy)),
        (each for each in current.values() if isinstance(each, RegionProfile)),
        replaced,
    )


def parse_file(name: str, content: bytes) -> Policy | RegionProfile:
    """Compile one file; raises PolicyError naming file, line and place."""
    try:
        text = content.decode("utf-8-sig")  # editors of Windows put a mark before the text
        if (line := line_too_deep(text)) is not None:
            raise PolicyError(f"{name} 第 {line} 行: 一行里的点过多，不是策略文件")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name} {faults.unreadable(content, error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} {faults.syntax(text, error)}") from error
    except PolicyError:
        raise
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets thousands deep: no place is told.
        raise PolicyError(f"{name}: 数字过长或括号嵌套过深，不是策略文件") from error
    try:
        data = _on_its_base(data)
        _check_sections(data)
        file = _convert(data, _FILE, ())
        if isinstance(file, RegionFile):
            return compile_region(file)
        return compile_policy(file)
    except PolicyError as error:
        raise PolicyError(_told(name, text, error), error.place) from error


def settings_of(name: str, content: bytes) -> dict[str, object]:
    """What a file says, as plain values: a region profile with its base and with what holds where
    it says nothing, a policy as it is written. Raises PolicyError."""
    try:
        data = _on_its_base(tomllib.loads(content.decode("utf-8-sig")))
        file = _convert(data, _FILE, ())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"{name}: {error}") from error
    told = file if isinstance(file, RegionFile) else data
    plain: dict[str, object] = msgspec.to_builtins(told, str_keys=True)
    return plain


def _on_its_base(data: dict[str, object]) -> dict[str, object]:
    """A region profile with what the shipped one that it is based on says; whose it is, it says
    itself."""
    base = data.get("based_on")
    if not isinstance(base, str):
        return data
    shipped = shipped_files().get(f"{base}.toml", b"")
    below = tomllib.loads(shipped.decode())
    if below.get("format") != data.get("format") or "based_on" in below:
        raise PolicyError(f"没有名为 {base} 的统筹区参数可作依据", ("based_on",))
    return _laid_over({key: below[key] for key in below if key not in ("code", "name")}, data)


def _laid_over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Two tables as one: what the upper one does not say is as in the lower one."""
    both = {**below, **above}
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            both[key] = _laid_over(under, value)
    return both


def _check_sections(data: Mapping[str, object]) -> None:
    """Named entries one by one: an error of the whole would not say in which it is."""
    for section, kind in _SECTIONS.items():
        entries = data.get(section)
        if isinstance(entries, dict):
            for name, entry in entries.items():
                _convert(entry, kind, (section, name))


def _convert(data: object, kind: type[_Kind], place: Place) -> _Kind:
    try:
        return msgspec.convert(data, type=kind)
    except msgspec.ValidationError as error:
        fault = faults.form(error, kind, data)
        raise PolicyError(str(fault), (*place, *fault.place)) from error


def _told(name: str, text: str, error: PolicyError) -> str:
    line = line_of(text, error.place) if error.place else None
    where = name if line is None else f"{name} 第 {line} 行"
    dotted = ".".join(map(str, error.place))
    return f"{where}（{dotted}）: {error}" if dotted else f"{where}: {error}"


def _check_ledger_codes(policies: Iterable[Policy]) -> None:
    """One fund has one ledger code in a region, and no two funds share one (DOMAIN 5)."""
    code_of: dict[tuple[str, str], int] = {}
    fund_of: dict[tuple[str, int], str] = {}
    for policy in policies:
        for fund in policy.funds.values():
            known = code_of.setdefault((policy.region, fund.code), fund.ledger_code)
            owner = fund_of.setdefault((policy.region, fund.ledger_code), fund.code)
            if known != fund.ledger_code or owner != fund.code:
                raise PolicyError(
                    f"{policy.name}: 基金 {fund.code} 的 ledger_code {fund.ledger_code} "
                    f"与基金 {owner} ({known}) 冲突"
                )


def _check_clearing_types(
    policies: Iterable[Policy], regions: Mapping[str, RegionProfile]
) -> None:
    """What a policy clears by is a value of its region's code list: else institutions could not ask
    for the total of it."""
    for policy in policies:
        region = regions.get(policy.region)
        if region is None:
            continue
        known = {code for code, _ in values_of("clr_type", region.wire) or ()}
        for care in policy.care.values():
            if care.clearing_type not in known:
                raise PolicyError(
                    f"{policy.name}: 清算类别 {care.clearing_type} 不在统筹区 {region.code} "
                    "的代码表 clr_type 中"
                )


def _check_fund_payers(policies: Iterable[Policy], regions: Iterable[RegionProfile]) -> None:
    """A payer owes for a fund that there is: one that a policy of the region pays from."""
    known = tuple(policies)
    for region in regions:
        funds = _funds_of(known, region.code) if region.fund_payers else {}
        for fund, payer in region.fund_payers.items():
            if fund not in funds:
                raise PolicyError(
                    f"统筹区 {region.code}: fund_payers 的基金 {fund}（付款单位 {payer}）不在该区"
                    "任何政策的 funds 中"
                )


def _funds_of(policies: Iterable[Policy], region: str) -> dict[str, Fund]:
    """The funds that policies of a region pay from, by code."""
    return {
        fund.code: fund
        for policy in policies
        if policy.region == region
        for fund in policy.funds.values()
        if fund.kind in (FundKind.FUND, FundKind.OTHER)
    }
