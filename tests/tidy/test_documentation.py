"""Documentation matches code: error codes, metrics, links, and the pages that must be there."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from settlement.refusal_fields import FIELDS
from settlement.refusals import REFUSALS
from settlement.refusals_english import CAUSES, REMEDIES
from tests.tidy.refusal_fields import fields, named, page_of
from tests.tidy.tree import (
    PRODUCT,
    ROOT,
    Finding,
    Module,
    dotted_name,
    every_node,
    expect_none,
    modules,
    planted,
    text_files,
)

REFUSALS_MODULE = "settlement/refusals.py"
ERRORS_PAGE = "docs/reference/errors.md"
METRICS_PAGE = "docs/reference/metrics.md"
METRICS_MODULE = "settlement/telemetry/metrics.py"
ARCHITECTURE = "docs/ARCHITECTURE.md"
LOOP = re.compile(r'\bLoop\(\s*name="([\w-]+)", lease=(\d+)')
METRIC_TYPES = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
NEVER_A_LABEL = {"psn_no", "person", "person_no", "institution", "fixmedins_code", "msgid", "text"}
BASE_UNITS = ("_seconds", "_bytes", "_fen", "_ratio", "_total", "_info", "_count")
RULE = re.compile(r"^(\d+)\. \*\*", re.MULTILINE)
SOURCE = re.compile(r"\b(?:DOMAIN (?P<rule>\d+)|DESIGN D?\d+|STYLE \d+|issue \d+\b)")
THIS_FILE = "tests/tidy/test_documentation.py"
REQUIRED_PAGES = ("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
SAID_ROW = re.compile(r"^\| `(\w+)` \| \d+ \| `\w+` \| .* \| (.*?) \| (.*?) \|$", re.MULTILINE)
SENTENCE = re.compile(r"[A-Z/].{6,}\.")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def undocumented(names: set[str], page: str) -> list[str]:
    """Names that the page does not show in code quotes."""
    quoted = set(re.findall(r"`([^`\n]+)`", page))
    return sorted(names - quoted)


def metric_findings(module: Module) -> list[Finding]:
    """Metrics outside the one module, counters without `_total`, labels that name a person."""
    findings: list[Finding] = []
    for call, name in _metric_calls(module.tree):
        kind = dotted_name(call.func).rsplit(".", 1)[-1]
        if module.path != METRICS_MODULE:
            message = f"{name}: metrics are declared in {METRICS_MODULE} only"
            findings.append(Finding(module.path, call.lineno, message))
        if kind == "Counter" and not name.endswith("_total"):
            findings.append(Finding(module.path, call.lineno, f"{name}: a counter ends in _total"))
        if kind == "Histogram" and not name.endswith(BASE_UNITS):
            findings.append(Finding(module.path, call.lineno, f"{name}: name the base unit"))
        findings += [
            Finding(module.path, call.lineno, f"{name}: {label} must not be a label")
            for label in sorted(_labels(call) & NEVER_A_LABEL)
        ]
    return findings


def link_findings(path: str, text: str, pages: Mapping[str, str]) -> list[Finding]:
    """Relative links and anchors that lead nowhere; `pages` are the Markdown files by path."""
    prose = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    findings: list[Finding] = []
    for match in LINK.finditer(prose):
        target, _, anchor = match[1].partition("#")
        if ":" in target.split("/", 1)[0]:
            continue
        place = _resolve(path, target) if target else path
        line = prose.count("\n", 0, match.start()) + 1
        if place not in pages and not (ROOT / place).exists():
            findings.append(Finding(path, line, f"link to {match[1]} leads nowhere"))
        elif anchor and place in pages and anchor not in anchors(pages[place]):
            findings.append(Finding(path, line, f"{place} has no heading for #{anchor}"))
    return findings


def refusal_codes_built(module: Module) -> Iterator[tuple[int, str]]:
    """Line and code of every `Refusal(code="…")` written out in a module."""
    for node in every_node(module.tree):
        if isinstance(node, ast.Call) and dotted_name(node.func).rsplit(".", 1)[-1] == "Refusal":
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    yield node.lineno, str(keyword.value.value)


def table_codes(names: Mapping[str, object]) -> set[str]:
    """Codes of the refusal table: rows with a code, listed or mapped in a constant."""
    constants = [value for name, value in names.items() if name.isupper()]
    groups = [list(c.values()) if isinstance(c, Mapping) else c for c in constants]
    rows = [row for group in groups if isinstance(group, tuple | list) for row in group]
    return {str(row.code) for row in rows if hasattr(row, "code")}


def rows_written_twice(source: ast.Module, codes: set[str]) -> list[str]:
    """Codes that open more than one row; a mapping would let the later one win in silence."""
    opening: list[object] = []
    for node in every_node(source):
        if isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
            opening.append(node.elts[0].value)
        elif isinstance(node, ast.keyword) and node.arg == "code":
            opening.append(getattr(node.value, "value", None))
    return sorted(code for code in codes if opening.count(code) > 1)


def _metric_calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    imported = {
        alias.asname or alias.name
        for node in every_node(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for alias in node.names
    }
    for node in every_node(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        owner, _, kind = dotted_name(node.func).rpartition(".")
        is_metric = kind in METRIC_TYPES and (kind in imported or owner == "prometheus_client")
        first = node.args[0]
        if is_metric and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield node, first.value


def _labels(call: ast.Call) -> set[str]:
    places = [*call.args[2:3], *(k.value for k in call.keywords if k.arg == "labelnames")]
    return {
        part.value
        for place in places
        for part in ast.walk(place)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def _resolve(path: str, target: str) -> str:
    if target.startswith("/"):
        return target.lstrip("/")
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(target).parts):
        if part == "..":
            parts = parts[:-1] if parts else ["outside the tree"]
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


def anchors(page: str) -> set[str]:
    """What a link into a page may name."""
    seen: dict[str, int] = {}
    anchors = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", page))
    for heading in HEADING.findall(FENCE.sub("", page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


def _page(path: str) -> str:
    file = Path(ROOT, path)
    return file.read_text("utf-8") if file.exists() else ""


def _refusal_table() -> set[str]:
    """Codes of the shipped table; empty only while settlement/refusals.py does not exist."""
    if not Path(ROOT, REFUSALS_MODULE).exists():
        return set()
    codes = table_codes(vars(importlib.import_module("settlement.refusals")))
    assert codes, f"{REFUSALS_MODULE} has no table that this test can read (see table_codes)"
    return codes


def test_every_error_has_one_row_and_is_documented() -> None:
    codes = _refusal_table()
    doubled = rows_written_twice(ast.parse(_page(REFUSALS_MODULE)), codes)
    assert not doubled, f"{REFUSALS_MODULE} has two rows for: {', '.join(doubled)}"
    missing = undocumented(codes, _page(ERRORS_PAGE))
    assert not missing, f"{ERRORS_PAGE} does not document: {', '.join(missing)}"


def test_every_refusal_built_in_code_is_in_the_table() -> None:
    table = _refusal_table()
    findings = [
        Finding(module.path, line, f"{code} has no row in settlement/refusals.py")
        for module in modules("settlement")
        for line, code in refusal_codes_built(module)
        if code not in table
    ]
    expect_none(findings, "Refusals:")


def test_metrics_are_declared_in_one_module_with_base_units() -> None:
    expect_none([f for m in modules(*PRODUCT) for f in metric_findings(m)], "Metrics:")


def test_metrics_page_lists_exactly_what_is_declared() -> None:
    declared = {name for m in modules(*PRODUCT) for _, name in _metric_calls(m.tree)}
    page = _page(METRICS_PAGE)
    missing = undocumented(declared, page)
    assert not missing, f"{METRICS_PAGE} does not list: {', '.join(missing)}"
    gone = set(re.findall(r"`(settlement_[a-z0-9_]+)`", page)) - declared
    assert not gone, f"{METRICS_PAGE} lists what nobody declares: {', '.join(sorted(gone))}"


def loops_drawn(page: str) -> tuple[set[str], set[str]]:
    """The loops that the picture of processes names, and the leases that it shows by number."""
    drawn = page.partition("├ background ")[2].partition("├ console")[0].replace("│", "")
    background, _, importer = drawn.partition("├ importer")
    names = " ".join(background.partition("under leases:")[2].split())
    return set(names.split(", ")), set(re.findall(r"\(lease (\d+)\)", importer))


def test_picture_of_processes_has_every_background_loop() -> None:
    registry = _page("settlement/workers/registry.py")
    before, _, owners = registry.partition("def owner_loops")
    names, numbers = loops_drawn(_page(ARCHITECTURE))
    assert names == {name for name, _ in LOOP.findall(before)}
    assert numbers == {number for _, number in LOOP.findall(owners)}
    assert len(names) + len(numbers) == registry.count("every_seconds=")


def test_relative_links_lead_somewhere() -> None:
    pages = dict(text_files(".md"))
    findings = [f for path, text in pages.items() for f in link_findings(path, text, pages)]
    expect_none(findings, "Links:")


def test_required_pages_are_there() -> None:
    missing = [page for page in REQUIRED_PAGES if not _page(page).strip()]
    assert not missing, f"missing or empty: {missing}"
    assert re.search(r"^## \[?Unreleased\]?", _page("CHANGELOG.md"), re.MULTILINE)


def unlisted(pages: Collection[str], index: str) -> list[str]:
    """Pages under docs/ that its index does not lead to; decisions have an index of their own."""
    targets = (match[1].partition("#")[0] for match in LINK.finditer(index))
    linked = {_resolve("docs/README.md", target) for target in targets}
    return sorted(
        page for page in pages
        if page.startswith("docs/") and not page.startswith("docs/adr/") and page not in linked
        and page != "docs/README.md" and "/channels/" not in page
    )  # fmt: skip


def test_index_of_pages_lists_every_page() -> None:
    pages = [path for path, _ in text_files(".md")]
    assert unlisted(pages, _page("docs/README.md")) == []
    assert "docs/operating/console.md" in pages
    assert unlisted(["docs/a.md", "docs/b.md", "x.md"], "[a](a.md#part)") == ["docs/b.md"]


def unknown_sources(path: str, text: str, rules: Collection[str]) -> list[Finding]:
    """What a text rests on that is no page of this tree: rules without a number, other papers."""
    return [
        Finding(path, number, f"{match[0]} is nowhere to be read")
        for number, line in enumerate(text.splitlines(), 1)
        for match in SOURCE.finditer(line)
        if match["rule"] not in rules
    ]


def test_what_the_code_rests_on_can_be_read() -> None:
    rules = RULE.findall(_page("docs/domain-rules.md"))
    assert rules == [str(number) for number in range(1, len(rules) + 1)]
    texts = [*text_files(".py"), *text_files(".md"), *text_files(".sql")]
    found = [
        one for path, text in texts if path != THIS_FILE
        for one in unknown_sources(path, text, rules)
    ]  # fmt: skip
    expect_none(found, "Sources:")
    planted_text = "DOMAIN 1\nDOMAIN 99\n(DESIGN D3)\n(STYLE 6)\nDOMAIN.md"
    assert [one.line for one in unknown_sources("x", planted_text, ["1"])] == [2, 3, 4]


def test_metric_checker_names_each_planted_breach() -> None:
    head = "from prometheus_client import Counter, Histogram\n"
    plants = {
        (METRICS_MODULE, head + 'Counter("settlement_answers_total", "x", ["infno"])'): 0,
        (METRICS_MODULE, head + 'Counter("settlement_answers", "x")'): 1,
        (METRICS_MODULE, head + 'Histogram("settlement_batch", "x")'): 1,
        (METRICS_MODULE, head + 'Counter("a_total", "x", labelnames=("psn_no",))'): 1,
        ("settlement/web/app.py", head + 'Counter("a_total", "x")'): 1,
        ("settlement/web/app.py", 'from collections import Counter\nCounter("abc")'): 0,
    }
    assert {key: len(metric_findings(planted(*key))) for key in plants} == plants
    assert undocumented({"a_total", "b_total"}, "| `a_total` | counts |") == ["b_total"]


def test_link_checker_names_each_planted_breach() -> None:
    pages = {"docs/a.md": "# The first\n\n## 第二 节\n", "README.md": ""}
    plants = {
        "[x](a.md)": 0,
        "[x](a.md#the-first)": 0,
        "[x](a.md#第二-节)": 0,
        "[x](a.md#third)": 1,
        "[x](../README.md)": 0,
        "[x](../docs/a.md 'title') [y](b.md)": 1,
        "[x](../../a.md)": 1,
        "```\n[x](nowhere.md)\n```": 0,
        "[x](mailto:a@example.org)": 0,
    }
    got = {text: len(link_findings("docs/b0.md", text, pages)) for text in plants}
    assert got == plants


def test_refusal_checker_names_each_planted_breach() -> None:
    module = planted("settlement/x.py", 'Refusal(code="a")\nrefusal.Refusal(code="b", field="c")')
    assert list(refusal_codes_built(module)) == [(1, "a"), (2, "b")]

    class Row:
        code = "a"

    assert table_codes({"TABLE": (Row(),), "lower": (Row(),), "OTHER": {"c": 1}}) == {"a"}
    assert table_codes({"TABLE": {"a": Row()}, "NUMBER": 1}) == {"a"}
    twice = ast.parse('_rows(200, ("a", "x"), ("b", "y"), ("c", "a"))\nRow(code="a")')
    assert rows_written_twice(twice, {"a", "b", "c"}) == ["a"]


def unsaid(codes: Collection[str], texts: Mapping[str, str]) -> list[str]:
    """Codes without a sentence in English, or with one that is none."""
    return sorted(code for code in codes if not SENTENCE.fullmatch(texts.get(code, "")))


def test_every_refusal_says_in_english_when_it_is_given_and_what_to_do() -> None:
    rows = SAID_ROW.findall((ROOT / "docs/reference/errors.md").read_text("utf-8"))
    assert {code: cause for code, cause, _ in rows} == CAUSES, "python -m tools.causes"
    assert {code: remedy for code, _, remedy in rows} == REMEDIES, "python -m tools.causes"
    assert set(CAUSES) == set(REMEDIES) == set(REFUSALS)
    assert unsaid(REFUSALS, REMEDIES) == []


def test_check_of_what_is_said_finds_what_says_nothing() -> None:
    told = {"A": "Send it again.", "B": "", "C": "请核对后重新发送这份报文。", "D": "again"}
    assert unsaid("ABCDE", told) == ["B", "C", "D", "E"]


def test_fields_of_refusals_are_those_that_the_code_names() -> None:
    table, page = fields(), (ROOT / "docs/reference/errors.md").read_text("utf-8")
    assert dict(FIELDS) == table, "python -m tests.tidy.refusal_fields"
    assert page == page_of(page, table), "python -m tests.tidy.refusal_fields"
    assert len(FIELDS) > 150 and FIELDS["TOTAL_MISMATCH"] == ("medfee_sumamt",)


def test_reader_of_fields_reads_each_way_of_naming_one() -> None:
    source = """
Refusal(code="PLAIN", field="total")
Refusal(code="OF_A_LINE", field=f"lines[{n}].amount")
Refusal(code="BY_A_FUNCTION", field=_field(claim, line, "price"))
Refusal(code="COMPUTED", field=name)
Refusal(code="NONE")
"""
    assert list(named(ast.parse(source))) == [
        ("PLAIN", "total"), ("OF_A_LINE", "lines.amount"), ("BY_A_FUNCTION", "lines.price"),
    ]  # fmt: skip
