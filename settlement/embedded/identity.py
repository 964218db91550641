"""Which operating-system user the servers run as.

PostgreSQL refuses to run as root, and rightly so. An ordinary user runs the servers under their own
name; root hands them to an existing unprivileged user. Nothing is ever added to /etc/passwd and no
permission of a directory that we did not make is changed.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from settlement.embedded.errors import ServiceError

USER_VARIABLE = "SETTLEMENT_SERVICE_USER"
DEFAULT_USER = "nobody"
"""Exists everywhere. A machine with other services under `nobody` names a user of its own."""
NOT_EXECUTABLE = 126
"""The exit status by which shells say: found, but may not be run."""


class ServiceUser(Struct, frozen=True, kw_only=True):
    """`switch` tells whether a server has to be handed over to this user (we are root)."""

    name: str
    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give a file or directory that we have just made to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can(self, operator: str, path: Path) -> bool:
        """Ask the kernel, as this user, one `test` question: -w writable, -x enterable, …"""
        if not self.switch:
            mode = {"-w": os.W_OK, "-x": os.X_OK, "-r": os.R_OK}[operator]
            return os.access(path, mode)
        question = self.run(["test", operator, str(path)])
        return question.returncode == 0

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a short command as this user and return what it said."""
        try:
            return subprocess.run(  # noqa: S603 - the callers build the commands
                command,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=server_environment(),
                umask=0o077,
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
            )
        except OSError as exc:
            return subprocess.CompletedProcess(command, NOT_EXECUTABLE, "", str(exc))


def choose_user(environment: Mapping[str, str]) -> ServiceUser:
    """The current user, or for root the unprivileged one."""
    uid = os.geteuid()
    if uid != 0:
        return ServiceUser(name=_name_of(uid), uid=uid, gid=os.getegid(), switch=False)
    name = environment.get(USER_VARIABLE, DEFAULT_USER)
    try:
        entry = pwd.getpwnam(name)
    except KeyError as exc:
        raise ServiceError(
            f"root may not run PostgreSQL, and there is no user {name!r} to run it instead. Set "
            f"{USER_VARIABLE} to an existing unprivileged user."
        ) from exc
    if entry.pw_uid == 0:
        raise ServiceError(f"{USER_VARIABLE} names root; name an unprivileged user.")
    user = ServiceUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    if user.run(["true"]).returncode != 0:
        raise ServiceError(
            f"root is not allowed to become {name!r} here. Start this program as an ordinary user."
        )
    return user


def server_environment() -> dict[str, str]:
    """All that a server inherits: no PG* variable of the caller's shell may bend it."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}


def owner_of(path: Path) -> str:
    """The name of the owner of a path, for messages."""
    return _name_of(path.stat().st_uid)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
