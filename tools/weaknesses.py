"""Bandit over everything that is not a test; fails on what is neither repaired nor excused.

An excuse stands on a line of the finding, names it and says why: `# noqa: S603 - our own command`
where ruff sees the same (its S rules have bandit's numbers), `# nosec B105 - a name on the wire`
where it does not. An excuse without a reason is none.

What was found in a file is kept under the file's hash, so that an unchanged tree costs a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TypedDict

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("settlement", "protocol", "ledger", "loadtest", "tools", "deploy")
KEPT = ROOT / "build" / "bandit.json"

EXCUSED: Mapping[tuple[str, str], str] = {
    ("", "B404"): "that subprocess is imported is no weakness; every call of it is looked at",
    ("loadtest/", "B311"): "seeded numbers make a workload repeatable; nothing secret is of them",
    ("loadtest/", "B108"): "folders with random names, which only tempfile makes",
    ("tools/", "B603"): "commands of the Makefile's own",
}
"""Where (a file, or a folder ending in /) what is no finding, and why."""

_EXCUSE = re.compile(r"# (?:noqa: [A-Z0-9, ]*S|nosec B)(?P<number>\d{3})\b[A-Z0-9, ]* - \w")


class Found(TypedDict):
    """What of bandit's JSON is used."""

    filename: str
    test_id: str
    issue_text: str
    line_number: int
    line_range: list[int]


class Weakness(NamedTuple):
    """A finding that nobody excused."""

    path: str
    line: int
    test: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.test} {self.text}"


def main() -> int:
    """1 where something was found."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    weaknesses = sorted(_unexcused(look(paths, kept=KEPT), ROOT))
    for weakness in weaknesses:
        print(weakness)
    print(f"bandit: {len(weaknesses)} findings in {len(paths)} files")
    return 1 if weaknesses else 0


def look(paths: Sequence[Path], *, kept: Path) -> list[Found]:
    """Everything bandit says of these files, excused or not."""
    known = _read_kept(kept)
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    fresh = {digest: path for path, digest in digests.items() if digest not in known}
    known |= {digest: [] for digest in fresh}
    for finding in _bandit(list(fresh.values())):
        known[digests[Path(finding["filename"])]].append(finding)
    kept.parent.mkdir(parents=True, exist_ok=True)
    of_now = {digest: known[digest] for digest in digests.values()}
    kept.write_text(json.dumps({"bandit": version("bandit"), "files": of_now}), "utf-8")
    return [
        {**finding, "filename": str(path)}
        for path, digest in digests.items()
        for finding in known[digest]
    ]


def is_excused(finding: Found, path: str, lines: Sequence[str]) -> bool:
    """Whether a line of the finding, or the list above, says why it is none."""
    test = finding["test_id"]
    if any(test == known and _is_in(path, place) for place, known in EXCUSED):
        return True
    return any(
        excuse["number"] == test[1:]
        for number in {finding["line_number"], *finding["line_range"]}
        for excuse in _EXCUSE.finditer(lines[number - 1])
    )


def _unexcused(findings: Iterable[Found], root: Path) -> Iterator[Weakness]:
    for finding in findings:
        file = Path(finding["filename"])
        path = file.relative_to(root).as_posix()
        if not is_excused(finding, path, file.read_text("utf-8").splitlines()):
            yield Weakness(path, finding["line_number"], finding["test_id"], finding["issue_text"])


def _is_in(path: str, place: str) -> bool:
    return path.startswith(place) if place[-1:] in ("", "/") else path == place


def _bandit(paths: Sequence[Path]) -> list[Found]:
    """A process for each core; the largest files are dealt out first."""
    cores = os.cpu_count() or 1
    ordered = sorted(paths, key=lambda path: -path.stat().st_size)
    shares = [share for start in range(cores) if (share := ordered[start::cores])]
    with ThreadPoolExecutor(cores) as pool:
        return [finding for found in pool.map(_run, shares) for finding in found]


def _run(paths: Sequence[Path]) -> list[Found]:
    command = [sys.executable, "-m", "bandit", "--quiet", "--ignore-nosec", "--format", "json"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"bandit failed: {done.stderr}")
    said = json.loads(done.stdout)
    if said["errors"]:
        raise RuntimeError(f"bandit could not read: {said['errors']}")
    results: list[Found] = said["results"]
    return results


def _read_kept(kept: Path) -> dict[str, list[Found]]:
    """What is known of files, by their hash; nothing where another version of bandit said it."""
    if not kept.exists():
        return {}
    said = json.loads(kept.read_text("utf-8"))
    files: dict[str, list[Found]] = said["files"] if said["bandit"] == version("bandit") else {}
    return files


if __name__ == "__main__":
    raise SystemExit(main())
