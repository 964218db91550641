"""Reads policy files and finds the policy in force on a date.

A policy that is wrong must never be half in force: every fault raises `PolicyError` naming the
file, and nothing of the set is loaded. A `PolicySet` never changes; to reload, build a new one
and swap it in. This module does not compute benefits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources

import msgspec

from settlement.policy.compiler import PolicyError, compile_policy, compile_region
from settlement.policy.format import PolicyFile, RegionFile
from settlement.policy.model import Policy, RegionProfile

__all__ = ["PolicyError", "PolicySet", "load_policies", "parse_policies"]


class PolicySet:
    """Every policy and region profile that is loaded."""

    __slots__ = ("_by_scheme", "_by_version", "_regions")

    def __init__(self, policies: Iterable[Policy], regions: Iterable[RegionProfile]) -> None:
        """Index the files; raises PolicyError on overlapping periods or clashing codes."""
        self._regions: dict[str, RegionProfile] = {}
        for region in regions:
            if self._regions.setdefault(region.code, region) is not region:
                raise PolicyError(f"统筹区 {region.code} 有两份参数文件")
        self._by_version: dict[str, Policy] = {}
        self._by_scheme: dict[tuple[str, str], tuple[Policy, ...]] = {}
        for policy in sorted(policies, key=lambda each: each.effective_from, reverse=True):
            self._add(policy)
        _check_ledger_codes(self.policies())

    def find(self, region: str, scheme: str, on: date) -> Policy | None:
        """Return the policy of a region and scheme (险种) in force on the ruling date."""
        for policy in self._by_scheme.get((region, scheme), ()):
            if policy.effective_from <= on <= policy.effective_to:
                return policy
        return None

    def version(self, version: str) -> Policy | None:
        """Return the policy that a settlement was computed with."""
        return self._by_version.get(version)

    def region(self, code: str) -> RegionProfile | None:
        """Return the profile of a pooling area."""
        return self._regions.get(code)

    def policies(self) -> tuple[Policy, ...]:
        """Return every policy, the latest first."""
        return tuple(self._by_version.values())

    def _add(self, policy: Policy) -> None:
        if policy.region not in self._regions:
            raise PolicyError(f"{policy.name}: 缺少统筹区 {policy.region} 的参数文件")
        key = policy.region, policy.scheme
        later = self._by_scheme.get(key, ())
        if later and policy.effective_to >= later[-1].effective_from:
            raise PolicyError(f"{policy.name}: 有效期与 {later[-1].name} 重叠")
        self._by_scheme[key] = (*later, policy)
        self._by_version[policy.version] = policy


def load_policies() -> PolicySet:
    """Load every TOML file shipped in this package; raises PolicyError at the first fault."""
    package = resources.files("settlement.policy")
    names = sorted(entry.name for entry in package.iterdir() if entry.name.endswith(".toml"))
    return parse_policies({name: package.joinpath(name).read_bytes() for name in names})


def parse_policies(files: Mapping[str, bytes]) -> PolicySet:
    """Build a set from file contents by file name; raises PolicyError at the first fault."""
    policies: list[Policy] = []
    regions: list[RegionProfile] = []
    for name, content in files.items():
        try:
            file = msgspec.toml.decode(content, type=PolicyFile | RegionFile)
            if isinstance(file, RegionFile):
                regions.append(compile_region(file))
            else:
                policies.append(compile_policy(file))
        except ValueError as error:  # PolicyError, msgspec's and the TOML parser's are all such
            raise PolicyError(f"{name}: {error}") from error
    return PolicySet(policies, regions)


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
