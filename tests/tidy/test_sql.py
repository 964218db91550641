"""SQL is source: named and explained blocks, explicit columns, one lane, no clock of its own."""

from __future__ import annotations

import ast
import re

from tests.tidy.onelane import SCHEMAS
from tests.tidy.sqltext import Block, blocks, code_only
from tests.tidy.tree import (
    PRODUCT,
    Finding,
    Module,
    every_node,
    expect_none,
    is_in,
    modules,
    planted,
    text_files,
)

# The database's own clock is what `settlement doctor` asks about.
ASKS_THE_CLOCK = "settlement/storage/sql/doctor.sql"

# Where the statements of the settle path live, and the files there that are never on it.
SETTLE_PATH_ROOMS = ("settlement/storage/", "ledger/postgres/")
OFF_THE_SETTLE_PATH = {
    "scatter.sql", "reference.sql", "admin.sql", "console.sql", "closing.sql",
    "matching_scatter.sql", "payouts.sql", "reimbursements.sql", "sheets.sql", "bills.sql",
    "console_reading.sql", "institutions.sql", "day_totals.sql", "clearing_accounts_scatter.sql",
    "console_money.sql", "backup.sql", "census.sql", "doctor.sql", "personal.sql", "archive.sql",
    "fund_payers.sql",
}  # fmt: skip

# A journal orders whole lanes and is one shard on a cluster: a scalar journal is as good.
LANE = re.compile(r"\b(?:p_)?lanes?\b|\bjournal = \$\d|\bp_journal => \$\d")
BLOCK_NAME = re.compile(r"[a-z][a-z0-9_]*")
STAR = re.compile(r"\bselect\s+(?:distinct\s+)?(?:\w+\.)?\*", re.IGNORECASE)
CLOCK = re.compile(
    r"\b(?:now\s*\(|(?:clock|statement|transaction)_timestamp\s*\("
    r"|current_timestamp\b|current_date\b|current_time\b|localtime(?:stamp)?\b)",
    re.IGNORECASE,
)
KEYWORDS = frozenset(
    "add all alter and any array as asc begin between by cascade case check column comment commit"
    " conflict constraint create cross declare default delete desc distinct do drop else elsif end"
    " except exists execute false for foreach foreign from full function grant group having if in"
    " index inner insert into is join key language lateral left like limit loop not nothing null"
    " nulls offset on or order outer over partition perform primary raise references returning"
    " returns revoke right schema select sequence set table then to trigger true union unique"
    " update using values view when where while with".split()
)
DML = re.compile(
    r"\bselect\b.+\bfrom\b|\binsert\s+into\b|\bupdate\s+\S+\s+set\b|\bdelete\s+from\b",
    re.IGNORECASE | re.DOTALL,
)
STATEMENT = re.compile(
    r"\s*(?:select\s+[\w$({*']|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s"
    r"|with\s+\w+\s+as\b)"
)
TABLE = re.compile(
    r"^create (?:unlogged )?table (?:if not exists )?([\w.]+) \((.*?)^\)", re.MULTILINE | re.DOTALL
)
COLUMN = re.compile(r"^ {2,4}(?!constraint\b|primary\b|unique\b|check\b)(\w+)\s+\S", re.MULTILINE)


def text_findings(path: str, text: str) -> list[Finding]:
    """Breaches that are visible in any SQL file, schema and migrations included."""
    code = code_only(text)
    found = [
        *((match, "list the columns, no `select *`") for match in STAR.finditer(code)),
        *(
            (match, "time is a parameter, never asked here")
            for match in CLOCK.finditer(code)
            if path != ASKS_THE_CLOCK
        ),
        *(
            (match, f"keywords are lower-case: {match[0]}")
            for match in re.finditer(r"\b[A-Z]+\b", code)
            if match[0].lower() in KEYWORDS
        ),
    ]
    return [Finding(path, code.count("\n", 0, m.start()) + 1, message) for m, message in found]


def block_findings(block: Block, used_names: set[str]) -> list[Finding]:
    """Breaches of one named block."""
    objections = []
    if not BLOCK_NAME.fullmatch(block.name):
        objections.append("a block's name is lower_snake_case")
    if len(block.why.split()) < 3:
        objections.append("say why in a comment sentence between name and SQL")
    if not block.statement:
        objections.append("the block is empty")
    if block.name not in used_names:
        objections.append("no Python code names this block; remove it or use it")
    if _is_on_settle_path(block.path) and not LANE.search(code_only(block.statement)):
        objections.append(
            "a statement of the settle path names its lane (or `journal = $n`, `p_journal => $n`);"
            f" move it to {', '.join(sorted(OFF_THE_SETTLE_PATH))} if it is not one"
        )
    return [Finding(block.path, block.line, f"{block.name}: {text}") for text in objections]


def built_sql_findings(module: Module) -> list[Finding]:
    """SQL put together or written out in Python instead of named in a .sql file."""
    findings: list[Finding] = []
    for node in every_node(module.tree):
        if _is_formatting(node) and DML.search(" x ".join(_constants(node))):
            message = "SQL is never built from strings"
            findings.append(Finding(module.path, getattr(node, "lineno", 1), message))
        if isinstance(node, ast.Constant) and STATEMENT.match(str(node.value)):
            message = "SQL lives in a named block of a .sql file"
            findings.append(Finding(module.path, node.lineno, message))
    return findings


def comment_findings(path: str, text: str) -> list[Finding]:
    """Tables and columns of a schema that no `comment on` describes."""
    described = set(re.findall(r"^comment on (?:table|column) ([\w.]+) is", text, re.MULTILINE))
    findings: list[Finding] = []
    for match in TABLE.finditer(text):
        columns = COLUMN.findall(match[2])
        line = text.count("\n", 0, match.start()) + 1
        for name in (match[1], *(f"{match[1]}.{column}" for column in columns)):
            if name not in described:
                findings.append(Finding(path, line, f"no comment describes {name}"))
    return findings


def _is_on_settle_path(path: str) -> bool:
    return is_in(path, SETTLE_PATH_ROOMS) and path.rsplit("/", 1)[-1] not in OFF_THE_SETTLE_PATH


def _is_formatting(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        return any(
            isinstance(side, ast.Constant) and isinstance(side.value, str)
            for side in (node.left, node.right)
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return node.func.attr == "format" and isinstance(owner, ast.Constant)
    return False


def _constants(node: ast.AST) -> list[str]:
    return [
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def _names_used_in_python() -> set[str]:
    names: set[str] = set()
    for module in modules("settlement", "ledger", "loadtest", "tools", "deploy"):
        for node in every_node(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
    return names


def test_sql_files_keep_the_house_style() -> None:
    findings = [f for path, text in text_files(".sql") for f in text_findings(path, text)]
    expect_none(findings, "SQL style:")


def test_every_block_is_explained_used_and_laned() -> None:
    used = _names_used_in_python()
    found = [block for path, text in text_files(".sql") for block in blocks(path, text)]
    expect_none([f for block in found for f in block_findings(block, used)], "SQL blocks:")


def test_block_names_are_unique_within_a_package() -> None:
    seen: dict[tuple[str, str], Block] = {}
    findings = []
    for path, text in text_files(".sql"):
        for block in blocks(path, text):
            earlier = seen.setdefault((path.rsplit("/", 1)[0], block.name), block)
            if earlier != block:
                message = f"{block.name} is already in {earlier.path}:{earlier.line}"
                findings.append(Finding(path, block.line, message))
    expect_none(findings, "SQL block names:")


def test_no_sql_is_built_or_written_in_python() -> None:
    product = modules(*PRODUCT)
    findings = [f for module in product for f in built_sql_findings(module)]
    expect_none(findings, "SQL in Python:")


def test_every_table_and_column_is_described() -> None:
    schemas = [file for file in text_files(".sql") if file[0] in SCHEMAS]
    expect_none([f for file in schemas for f in comment_findings(*file)], "Schema comments:")


def test_text_checker_names_each_planted_breach() -> None:
    plants = {
        "select a from t where b = $1;": 0,
        "select * from t;": 1,
        "select t.* from t;": 1,
        "select count(*) from t;": 0,
        "SELECT a FROM t;": 2,
        "select 'SELECT * FROM now()'; -- SELECT now()": 0,
        "/* FROM */ select a from t where b = 'it''s FROM';": 0,
        "select now();": 1,
        "created_at timestamptz default CURRENT_TIMESTAMP": 1,
        "select known(a), now_at from t": 0,
        "raise exception using errcode = 'MS001';": 0,
    }
    assert {text: len(text_findings("x.sql", text)) for text in plants} == plants


def test_block_checker_names_each_planted_breach() -> None:
    good = "-- name: read_it\n-- What the batch needs.\nselect a from t where lane = $1;\n"
    laneless = good.replace("where lane = $1", "where id = $1")
    plants = {
        ("settlement/storage/sql/queries.sql", good): 0,
        ("settlement/storage/sql/queries.sql", laneless): 1,
        ("settlement/storage/sql/scatter.sql", laneless): 0,
        ("settlement/embedded/sql/roles.sql", laneless): 0,
        ("ledger/postgres/sql/queries.sql", laneless.replace("id = $1", "journal = $1")): 0,
        ("ledger/postgres/sql/queries.sql", laneless + "-- by lane\n"): 1,
        ("settlement/storage/sql/queries.sql", good.replace("-- What the batch needs.\n", "")): 1,
        ("settlement/storage/sql/queries.sql", good.replace("read_it", "unread")): 1,
        ("settlement/storage/sql/queries.sql", good.replace("read_it", "Read-it")): 2,
        ("settlement/storage/sql/queries.sql", "-- name: read_it\n-- What it is for.\n"): 2,
    }
    got = {
        plant: len([f for block in blocks(*plant) for f in block_findings(block, {"read_it"})])
        for plant in plants
    }
    assert got == plants


def test_python_checker_names_each_planted_breach() -> None:
    plants = {
        'f"select a from t where b = {c}"': True,
        '"delete from %s" % table': True,
        '"select a from t where b = " + c': True,
        '"update {} set a = 1".format(table)': True,
        '"select a from t"': True,
        'f"{n} rows selected"': False,
        '"Select a hospital from the list"': False,
        'queries["read_it"]': False,
    }
    got = {text: bool(built_sql_findings(planted("ledger/x.py", text))) for text in plants}
    assert got == plants


def test_comment_checker_names_each_planted_breach() -> None:
    schema = (
        "create table s.t (\n    lane smallint not null,\n    name text,\n"
        "    constraint t_pkey primary key (lane)\n);\n"
        "comment on table s.t is 'T.';\ncomment on column s.t.lane is 'L.';\n"
    )
    assert [f.message for f in comment_findings("schema.sql", schema)] == [
        "no comment describes s.t.name"
    ]
