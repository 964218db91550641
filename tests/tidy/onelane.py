"""SQL of the cluster's shape as its rule sees it: every statement compares `lane` with a scalar.

Not a parser of SQL but of our own style: tables are named with their schema and an alias, one
condition a place, lanes are called `lane`. Whatever it does not recognise it reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger.postgres.shape import Shape, shaped
from settlement.storage.queries import SCHEMA_DIRECTORY
from settlement.storage.writer import CALLS
from tests.tidy.sqltext import blocks, code_only
from tests.tidy.tree import ROOT

DISTRIBUTE = "deploy/citus/distribute.sql"
SCHEMAS = (
    "ledger/postgres/sql/schema.sql",
    *(str(path.relative_to(ROOT)) for path in sorted(SCHEMA_DIRECTORY.glob("*.sql"))),
)
SETTLE_PATH = (
    "ledger/postgres/sql/queries.sql",
    "ledger/postgres/sql/shaped.sql",
    "settlement/storage/sql/imports.sql",
    "settlement/storage/sql/queries.sql",
    "settlement/storage/sql/shaped.sql",
)

WRITING = "settlement/storage/sql/shaped.sql:write_batch"

SCALAR = r"(?:\$\d+(?:::smallint)?|p_lane)"
TABLE = re.compile(
    r"\b(?:from|join|update)\s+(?P<table>(?:ledger|settlement)\.\w+)\b(?!\s*\()"
    r"(?:\s+(?:as\s+)?(?!(?:set|where|on|join|left|cross|order|limit)\b)(?P<alias>\w+))?"
)
INSERT = re.compile(r"\binsert into\s+(?P<table>[\w.]+)\s*\(")
CALL = re.compile(r"\b(?P<name>(?:ledger|settlement)\.\w+)\s*\(")
LANE_GIVEN = re.compile(r"\bp_lane => \$\d|(?:^|[\s(,])p_lane(?=[\s,)]|$)(?! =>)")
COLUMN_LIST = re.compile(r"\bas\s+\w+\s*\(")
FUNCTION = re.compile(
    r"^create function (?P<name>[\w.]+)\(\s*(?P<parameters>.*?)\)\s*returns\b.*?"
    r"\$\$(?P<body>.*?)\$\$;",
    re.MULTILINE | re.DOTALL,
)


class Function(NamedTuple):
    """A function of the schema in the cluster's shape."""

    name: str
    parameters: str
    body: str

    @property
    def takes_lane(self) -> bool:
        """Whether it is about one lane."""
        return re.search(r"\bp_lane smallint\b", self.parameters) is not None


def cluster_text(path: str) -> str:
    """A file of ours as a cluster gets it."""
    lane = "p_lane" if path in SCHEMAS else "$1"
    return shaped((ROOT / path).read_text("utf-8"), Shape.CLUSTER, lane=lane)


def statements() -> dict[str, str]:
    """Every statement of the settle path on a cluster, by file and name."""
    found = {
        f"{path}:{block.name}": block.statement
        for path in SETTLE_PATH
        for block in blocks(path, cluster_text(path))
    }
    return {**found, WRITING: CALLS[Shape.CLUSTER].statement}


def functions() -> dict[str, Function]:
    """Every function of both schemas on a cluster, by name."""
    return {
        match["name"]: Function(match["name"], code_only(match["parameters"]), match["body"])
        for path in SCHEMAS
        for match in FUNCTION.finditer(cluster_text(path))
    }


def distributed(text: str) -> frozenset[str]:
    """The tables that the deployment's file distributes by lane."""
    return frozenset(re.findall(r"create_distributed_table\(\s*'([\w.]+)', 'lane'", text))


def objections(statement: str, laned: frozenset[str], takers: frozenset[str]) -> list[str]:
    """What would make a statement visit more than the shard of one lane. `laned` are the tables
    that are distributed by lane, `takers` the functions that take one."""
    code = code_only(statement)
    found = []
    if re.search(r"\w*lanes\b", code):
        found.append("it speaks of several lanes")
    for match in COLUMN_LIST.finditer(code):
        if "lane" in re.findall(r"\w+", _inside(code, match.end())):
            found.append("it makes rows that carry lanes of their own")
    found += _unbound(code, laned)
    found += _misplaced(code, laned)
    for match in CALL.finditer(code):
        if match["name"] in takers and not LANE_GIVEN.search(_inside(code, match.end())):
            found.append(f"it calls {match['name']} without the lane")
    return found


def called(body: str) -> set[str]:
    """The functions of ours that a body calls."""
    return {match["name"] for match in CALL.finditer(code_only(body))}


def tables(text: str) -> set[str]:
    """The tables of ours that a statement names."""
    code = code_only(text)
    return {match["table"] for rule in (TABLE, INSERT) for match in rule.finditer(code)}


def _unbound(code: str, laned: frozenset[str]) -> Iterator[str]:
    """Tables that are read or updated without `lane` being one scalar, in a condition that holds
    for every row."""
    used: dict[str, int] = {}
    for match in TABLE.finditer(code):
        if match["table"] in laned:
            alias = match["alias"] or ""
            used[alias] = used.get(alias, 0) + 1
    for alias, count in used.items():
        name = rf"{alias}\.lane" if alias else r"(?<![\w.])lane"
        bound = [
            match
            for match in re.finditer(rf"\b(?:where|and|on)\s+{name} = {SCALAR}(?![\w.\[])", code)
            if not _alternative(code, match.start())
        ]
        if len(bound) < count:
            yield f"{alias or 'a table'} is not compared with one lane"


def _misplaced(code: str, laned: frozenset[str]) -> Iterator[str]:
    """Inserts that do not carry the one lane."""
    for match in INSERT.finditer(code):
        if match["table"] not in laned:
            continue
        columns = _split(_inside(code, match.end()))
        rest = code[match.end() + len(_inside(code, match.end())) + 1 :].lstrip()
        if rest.startswith("values"):
            values = _split(_inside(rest, rest.index("(") + 1))
        else:
            values = _split(_until_from(rest.removeprefix("select")))
        if "lane" not in columns or len(values) != len(columns):
            yield f"the insert into {match['table']} does not say its lane"
        elif not re.fullmatch(SCALAR, values[columns.index("lane")]):
            yield f"the insert into {match['table']} takes its lane from rows"


def _alternative(code: str, position: int) -> bool:
    """Whether an `or` stands beside a condition, in the same brackets."""
    start, depth = position, 0
    while start > 0 and depth >= 0:
        start -= 1
        depth += {")": 1, "(": -1}.get(code[start], 0)
    begin = start + 1 if depth < 0 else 0
    depth = 0
    level = []
    for character in code[begin:]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or (depth == 0 and character == ";"):
            break
        level.append(character if depth == 0 else " ")
    return re.search(r"\bor\b", "".join(level)) is not None


def _inside(code: str, start: int) -> str:
    """The text from behind an opening bracket to its closing one."""
    depth = 1
    for position in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return code[start:position]
    return code[start:]


def _split(text: str) -> list[str]:
    """The parts between commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _until_from(text: str) -> str:
    """The select list: up to the `from` outside brackets."""
    depth = 0
    for match in re.finditer(r"[()]|\bfrom\b", text):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] == "from" and depth == 0:
            return text[: match.start()]
    return text
