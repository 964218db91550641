"""Builds `.venv` from the pinned, hashed requirements; does nothing when that was already done.

Two levels: `runtime` is what the product needs, `dev` adds what tests and checks need. A stamp in
`.venv` holds a fingerprint of everything the result depends on (requirements, interpreter, place),
so a moved tree or a changed pin is built anew and an unchanged one costs a few milliseconds.

Runs on the machine's own Python before anything is installed: standard library only. It knows no
package index; pip asks whichever one the machine is configured for.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INPUTS = {
    "runtime": ("pyproject.toml", "requirements.in", "requirements.txt"),
    "dev": ("requirements-dev.txt",),
}
# pip settings that would send packages somewhere else than into .venv.
MISLEADING_SETTINGS = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")


def main(arguments: list[str]) -> int:
    """Bring `.venv` to the level named by the only argument; 0 when it is there."""
    if len(arguments) != 1 or arguments[0] not in INPUTS:
        print("usage: environment.py runtime|dev", file=sys.stderr)
        return 2
    with _one_at_a_time():
        try:
            _build(dev=arguments[0] == "dev")
        except subprocess.CalledProcessError as failure:
            print(f"make: setting up .venv failed: {failure}", file=sys.stderr)
            return 1
    return 0


def fingerprint(level: str) -> str:
    """A hash of everything the given level of `.venv` is made from."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{ROOT}\n".encode())
    for name in INPUTS[level]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def requirement_block(text: str, name: str) -> str:
    """The pin of one package with its hashes, cut out of a compiled requirements file."""
    block: list[str] = []
    for line in text.splitlines():
        starts_a_pin = line[:1].isalnum()
        if starts_a_pin and block:
            break
        if block or (starts_a_pin and line.split("==")[0] == name):
            block.append(line)
    if not block:
        raise LookupError(f"requirements.txt does not pin {name}")
    return "\n".join(line for line in block if not line.lstrip().startswith("#")) + "\n"


def install_pinned(requirements: Path, *options: str, python: Path = PYTHON) -> None:
    """Install what a compiled file lists; CalledProcessError where a file has another hash than it
    says, or something in it has none.

    Nothing is installed that is not listed; `pip check` then proves that nothing is missing (a pin
    made on one interpreter may lack what another one needs).
    """
    arguments = ("install", "-qq", "--no-deps", "--require-hashes", *options)
    _pip(*arguments, "-r", str(requirements), python=python)


def _build(*, dev: bool) -> None:
    if VENV.is_symlink():
        # Another tree's: building it anew would empty it under whoever works there.
        _say(f".venv is a link to {VENV.readlink()}; it is used as it is")
        return
    runtime_stamp = fingerprint("runtime")
    if not _is_done("runtime", runtime_stamp):
        _say("building .venv (a minute or two the first time)")
        venv.create(VENV, clear=True, symlinks=True, with_pip=True)
        _install_runtime()
        _stamp("runtime", runtime_stamp)
    if dev and not _is_done("dev", fingerprint("dev")):
        _say("adding the tools for tests and checks")
        install_pinned(ROOT / "requirements-dev.txt", "--no-build-isolation")
        _pip("check")
        _stamp("dev", fingerprint("dev"))


def _install_runtime() -> None:
    # Packages without a wheel are built with the pinned setuptools: build isolation would fetch
    # whatever build tools are newest, unhashed.
    first = VENV / "setuptools.txt"
    pins = (ROOT / "requirements.txt").read_text("utf-8")
    first.write_text(requirement_block(pins, "setuptools"), "utf-8")
    install_pinned(first)
    install_pinned(ROOT / "requirements.txt", "--no-build-isolation")
    _pip("install", "-qq", "--no-deps", "--no-index", "--no-build-isolation", "--editable", ".")
    _pip("check")


def _pip(*arguments: str, python: Path = PYTHON) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in MISLEADING_SETTINGS}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    command = [str(python), "-I", "-m", "pip", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=PIPE, stderr=STDOUT, text=True)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)


def _is_done(level: str, stamp: str) -> bool:
    path = VENV / f".{level}"
    return PYTHON.exists() and path.exists() and path.read_text("ascii") == stamp


def _stamp(level: str, stamp: str) -> None:
    (VENV / f".{level}").write_text(stamp, "ascii")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two `make` runs in one tree build one `.venv`, one after the other."""
    with (ROOT / "requirements.txt").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
