"""Time and chance are injected, tests do not sleep, and only commands print."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.tree import (
    PRODUCT,
    Finding,
    Module,
    dotted_name,
    every_node,
    expect_none,
    is_in,
    modules,
    planted,
)

CLOCK_CALLS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
SLEEP_CALLS = {"time.sleep", "asyncio.sleep"}
WATCHED_MODULES = {"time", "datetime", "random", "asyncio"}
CLOCK_MAY = ("settlement/clock.py", "loadtest/", "tools/")
RANDOM_MAY = ("loadtest/", "tools/", "settlement/demo.py", "settlement/demo/")
PRINT_MAY = (
    "settlement/cli/",
    "settlement/__main__.py",
    "settlement/demo.py",
    "settlement/demo/",
    "loadtest/",
    "tools/",
)


def call_findings(module: Module) -> list[Finding]:
    """Calls that would make the product depend on the wall clock, on chance or on a terminal."""
    return [
        Finding(module.path, call.lineno, message)
        for call, name in _calls(module.tree)
        if (message := _objection(module.path, name))
    ]


def sleep_findings(module: Module) -> list[Finding]:
    """Sleeps; `asyncio.sleep(0)` is no sleep, it lets the others run."""
    message = "a test does not sleep: move the injected clock or await the event"
    return [
        Finding(module.path, call.lineno, message)
        for call, name in _calls(module.tree)
        if name in SLEEP_CALLS and [ast.unparse(argument) for argument in call.args] != ["0"]
    ]


def _objection(path: str, name: str) -> str | None:
    if name in CLOCK_CALLS and not is_in(path, CLOCK_MAY):
        return f"{name}() outside settlement/clock.py: time is injected"
    if name.split(".", 1)[0] == "random" and not is_in(path, RANDOM_MAY):
        return f"{name}(): chance is injected, secrets come from `secrets`"
    if name == "print" and not is_in(path, PRINT_MAY):
        return "print() outside the command line: log an event or return the text"
    return None


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the full dotted name of what is called, whatever it was imported as."""
    aliases = _aliases(tree)
    for node in every_node(tree):
        if isinstance(node, ast.Call):
            head, _, rest = dotted_name(node.func).partition(".")
            yield node, ".".join(filter(None, (aliases.get(head, head), rest)))


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: t for time.time after `from time import time as t`."""
    names: dict[str, str] = {}
    for node in every_node(tree):
        if isinstance(node, ast.ImportFrom) and node.module in WATCHED_MODULES:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return names


def test_product_asks_neither_clock_nor_chance_nor_prints() -> None:
    findings = [f for module in modules(*PRODUCT, "tools") for f in call_findings(module)]
    expect_none(findings, "Banned calls:")


def test_tests_do_not_sleep() -> None:
    expect_none([f for module in modules("tests") for f in sleep_findings(module)], "Sleeps:")


def test_checker_names_each_planted_breach() -> None:
    plants = {
        ("settlement/usecases/settle.py", "import time\ntime.time()"): True,
        ("settlement/usecases/settle.py", "from time import time as t\nt()"): True,
        ("settlement/usecases/settle.py", "from datetime import datetime\ndatetime.now(tz)"): True,
        ("settlement/usecases/settle.py", "import datetime as d\nd.date.today()"): True,
        ("settlement/usecases/settle.py", "import time\ntime.monotonic()"): False,
        ("settlement/usecases/settle.py", "clock.now()"): False,
        ("settlement/usecases/settle.py", "from random import choice\nchoice(x)"): True,
        ("settlement/usecases/settle.py", "print(x)"): True,
        ("settlement/clock.py", "from datetime import datetime\ndatetime.now(tz)"): False,
        ("settlement/cli/parser.py", "print(x)"): False,
        ("loadtest/bench.py", "import random\nrandom.Random(1)"): False,
    }
    assert {key: bool(call_findings(planted(*key))) for key in plants} == plants


def test_sleep_checker_names_each_planted_breach() -> None:
    plants = {
        "import asyncio\nasyncio.sleep(0.1)": True,
        "from asyncio import sleep\nsleep(1)": True,
        "import time\ntime.sleep(1)": True,
        "import asyncio\nasyncio.sleep(0)": False,
    }
    assert {text: bool(sleep_findings(planted("tests/x.py", text))) for text in plants} == plants
