"""On a cluster no statement of the settle path leaves its lane: the SQL itself is read and proved.

The texts are those that a cluster would get (ledger/postgres/shape.py). Which tables go by lane,
deploy/citus/distribute.sql says. tests/integration/test_cluster.py reads what goes over the wire.
"""

from __future__ import annotations

import ast
import re

from ledger.postgres.shape import Shape, shaped
from settlement.storage.writer import CALLS
from tests.tidy.onelane import (
    DISTRIBUTE,
    SCHEMAS,
    SETTLE_PATH,
    WRITING,
    called,
    cluster_text,
    distributed,
    functions,
    objections,
    statements,
    tables,
)
from tests.tidy.sqltext import blocks, code_only
from tests.tidy.test_sql import TABLE, comment_findings
from tests.tidy.tree import ROOT, Finding, Module, every_node, expect_none, modules

SETTLE_PATH_MODULES = (
    "settlement/desk.py",
    "settlement/serve/inbox.py",
    "settlement/serve/sessions.py",
    "settlement/storage/journal.py",
    "settlement/storage/lookups.py",
    "settlement/storage/reader.py",
    "settlement/storage/writer.py",
)
_SCATTERED = ("SCATTER", "MATCHING_SCATTER", "CLEARING_SCATTER")
SCATTER_IS_DEFINED_IN = "settlement/storage/queries.py"
DELEGATED = re.compile(r"select settlement\.write_batch\([^;]*\);?", re.DOTALL)
LANED = distributed((ROOT / DISTRIBUTE).read_text("utf-8"))
TAKERS = frozenset(name for name, function in functions().items() if function.takes_lane)


def test_every_statement_of_the_settle_path_compares_its_lane_with_a_scalar() -> None:
    found = [
        Finding(place, 1, text)
        for place, statement in statements().items()
        for text in objections(statement, LANED, TAKERS)
    ]
    expect_none(found, "Cluster statements:")


def test_every_function_of_the_settle_path_keeps_to_its_lane() -> None:
    assert {"settlement.write_batch", "ledger.write_block", "ledger.lock_head"} <= TAKERS
    found = [
        Finding(name, 1, text)
        for name in TAKERS
        for statement in functions()[name].body.split(";")
        for text in objections(statement, LANED, TAKERS)
    ]
    found += [
        Finding(name, 1, "a function on the settle path takes one lane, in `p_lane`")
        for name in TAKERS
        if "lanes" in functions()[name].parameters
    ]
    expect_none(found, "Cluster functions:")


def test_what_the_settle_path_calls_takes_a_lane_or_touches_no_table() -> None:
    known = functions()
    on_it = {name for statement in statements().values() for name in called(statement)}
    on_it |= {name for taker in TAKERS for name in called(known[taker].body)}
    without = {name for name in on_it & set(known) - TAKERS if tables(known[name].body)}
    assert without == set()
    assert {"settlement.write_batch", "ledger.block_hash", "settlement.slice"} <= on_it


def test_the_writing_call_is_in_the_only_form_that_is_delegated() -> None:
    """Nothing but the call: no `from`, no condition, one column."""
    assert DELEGATED.fullmatch(statements()[WRITING])


def test_shapes_differ_only_where_they_are_marked() -> None:
    for path in (*SETTLE_PATH, *SCHEMAS):
        text = (ROOT / path).read_text("utf-8")
        assert "/*" not in shaped(text, Shape.ONE_MACHINE, lane="$1")
        unmarked = re.sub(r"/\*cluster [^*]+\*/\s*|/\*lanes?\*/ ", "", text)
        assert shaped(text, Shape.ONE_MACHINE, lane="$1") == unmarked
    same_in_both = "settlement/storage/sql/queries.sql"
    assert cluster_text(same_in_both) == (ROOT / same_in_both).read_text("utf-8")


def test_cluster_schemas_describe_what_they_add() -> None:
    found = [f for path in SCHEMAS for f in comment_findings(path, cluster_text(path))]
    expect_none(found, "Schema comments on a cluster:")


def test_deployment_names_every_table_once() -> None:
    text = (ROOT / DISTRIBUTE).read_text("utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    named = re.findall(r"create_(?:distributed|reference)_table\(\s*'([\w.]+)'", code)
    stay = {name for name in re.findall(r"`([\w.]+)`", text) if name.count(".") == 1}
    there = {match[1] for path in SCHEMAS for match in TABLE.finditer(cluster_text(path))}
    assert len(named) == len(set(named))
    assert there - set(named) == {
        "ledger.fold", "settlement.listing", "settlement.day_end", "settlement.audit",
        "settlement.policy_file", "settlement.import_key", "settlement.import_job",
        "settlement.cutover_file", "settlement.audit_link", "settlement.console_user",
        "settlement.console_attempt", "settlement.console_session",
    }  # fmt: skip
    assert there - set(named) <= stay
    assert set(named) <= there
    with_lane = {
        match[1]
        for path in SCHEMAS
        for match in TABLE.finditer(cluster_text(path))
        if re.search(r"^ +lane\s", match[2], re.MULTILINE)
    }
    assert with_lane == LANED


def test_every_key_of_a_distributed_table_contains_its_lane() -> None:
    """What the cluster demands of a key, and more: it comes first."""
    for path in SCHEMAS:
        text = code_only(cluster_text(path))
        for match in TABLE.finditer(text):
            if match[1] in LANED:
                keys = re.findall(r"(?:primary key|unique) \(([^)]*)\)", match[2])
                assert keys, match[1]
                assert all(key.split(", ")[0] == "lane" for key in keys), match[1]
        for table, key in re.findall(r"create unique index \w+ on ([\w.]+) \(([^)]*)\)", text):
            assert table not in LANED or key.split(", ")[0] == "lane", table


def test_scatter_is_out_of_reach_of_the_settle_path() -> None:
    reached = _reached(SETTLE_PATH_MODULES)
    using = {m.path for m in modules("settlement", "ledger") if _uses_scatter(m)}
    assert using - {SCATTER_IS_DEFINED_IN}
    assert "settlement/storage/writer.py" in reached
    assert "ledger/postgres/laned.py" in reached
    assert reached & using == {SCATTER_IS_DEFINED_IN}


def test_checker_names_each_planted_breach() -> None:
    plants = {
        "select a from settlement.visit as v where v.lane = $1": 0,
        "select a from settlement.visit v where v.lane = p_lane and v.mdtrt_id = $2": 0,
        "select a from settlement.visit where lane = $1": 0,
        "select a from settlement.institution i": 0,
        "select a from settlement.visit v": 1,
        "select a from settlement.visit v where v.lane = k.lane": 1,
        "select a from settlement.visit v where v.lane = any($1)": 1,
        "select a from settlement.visit v where v.lane = $1 or v.mdtrt_id = $2": 1,
        "select a from settlement.visit v where v.lane = $1 and (v.a = 1 or v.b = 2)": 0,
        "select a from settlement.visit v where not v.lane = $1": 1,
        "select a from unnest($1::smallint[]) as k (lane) join settlement.visit v"
        " on v.lane = k.lane": 2,
        "select a from unnest(p_lanes, p_ids) as k (x, id) join settlement.visit v"
        " on v.lane = p_lane": 1,
        "select a from settlement.visit v join settlement.visit_event e on e.lane = v.lane"
        " where v.lane = $1": 1,
        "update settlement.person p set a = 1 from unnest($2) as n (psn_no)"
        " where p.lane = $1 and p.psn_no = n.psn_no": 0,
        "update settlement.sign_in set a = 1 where sign_no = $1": 1,
        "insert into settlement.token (lane, key) values ($1, $2)": 0,
        "insert into settlement.token (key, lane) select n.key, p_lane from unnest($2) as n (key)":
            0,
        "insert into settlement.token (key, lane) select n.key, n.place from n": 1,
        "insert into settlement.token (key) values ($1)": 1,
        "select settlement.write_batch(p_journal => $1, p_lane => $2)": 0,
        "perform ledger.lock_head(p_lane, p_journal)": 0,
        "perform ledger.lock_head(p_journal)": 1,
        "select (ledger.lock_head(p_journal => $1)).block_no": 1,
    }  # fmt: skip
    got = {text: len(objections(text, LANED, TAKERS)) for text in plants}
    assert got == plants


def test_checker_objects_to_what_is_for_one_machine() -> None:
    text = (ROOT / "settlement/storage/sql/shaped.sql").read_text("utf-8")
    for block in blocks("x.sql", shaped(text, Shape.ONE_MACHINE, lane="$1")):
        assert objections(block.statement, LANED, TAKERS), block.name
    assert objections(CALLS[Shape.ONE_MACHINE].statement, LANED, TAKERS)


def _reached(paths: tuple[str, ...]) -> set[str]:
    """These modules and all of ours that they import, directly or not."""
    known = {module.path: module for module in modules("settlement", "ledger", "protocol")}
    reached: set[str] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in known and path not in reached:
            reached.add(path)
            waiting += _imports(known[path])
    return reached


def _imports(module: Module) -> list[str]:
    found = []
    for node in every_node(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            base = node.module.replace(".", "/")
            found += [f"{base}.py", *(f"{base}/{alias.name}.py" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [f"{alias.name.replace('.', '/')}.py" for alias in node.names]
    return found


def _uses_scatter(module: Module) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in _SCATTERED)
        or (isinstance(node, ast.Constant) and str(node.value).endswith("scatter.sql"))
        for node in every_node(module.tree)
    )
