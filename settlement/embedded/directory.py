"""The data directory of the embedded servers: who may use it, what is where, one owner at a time.

    DATA_DIR/
      SETTLEMENT_DATA     marker: this directory is ours, with the identity of its servers
      lock                held by the process that owns the servers
      secrets/            passwords, one a file, readable by the owner only
      server-home         only where needed: where the four folders below live instead
      postgres/  redis/   the servers' data
      run/  logs/         their sockets and their logs

The four folders belong to the user who runs the servers. Where root gave a directory which that
user cannot enter (a home, a private temporary directory), they live under /var/lib/settlement and
`server-home` says where. What is not ours is refused and left exactly as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from settlement.embedded.errors import DiskFullError, ServiceError, explained
from settlement.embedded.files import write_durably
from settlement.embedded.identity import ServiceUser, choose_user, owner_of

logger = logging.getLogger("settlement.embedded")

MARKER = "SETTLEMENT_DATA"
HARMLESS = {"lost+found", f"{MARKER}.partial"}
"""May be found in an empty directory: a fresh volume, and our own first step cut short."""
HOME_POINTER = "server-home"
HOME_FOLDERS = ("postgres", "redis", "run", "logs")
HOMES_VARIABLE = "SETTLEMENT_SERVER_HOMES"
HOMES_DEFAULT = "/var/lib/settlement"
FREE_BYTES_MIN = 256 * 1024 * 1024
"""Less than this cannot hold a redo log between two checkpoints of a busy minute."""
SOCKET_PATH_BYTES_MAX = 107
"""sun_path of Linux holds 108 bytes with the closing zero."""
SOCKET_NAME_LONGEST = ".s.PGSQL.5432.lock"


class Marker(Struct, frozen=True, kw_only=True):
    """What the marker file says."""

    format: int
    id: str
    made_for: str


class DataDirectory:
    """An opened data directory. `home` holds the servers' own folders (see above)."""

    def __init__(self, root: Path, marker: Marker, user: ServiceUser, home: Path) -> None:
        self.root = root
        self.id = marker.id
        self.user = user
        self.home = home
        self._lock_descriptor: int | None = None

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        """Redis's working directory; it stores nothing there."""
        return self.home / "redis"

    @property
    def logs(self) -> Path:
        """What both servers say."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Where the sockets are: in the home, or in a short private place if that is too long."""
        inside = self.home / "run"
        longest = os.fsencode(inside / SOCKET_NAME_LONGEST)
        if len(longest) <= SOCKET_PATH_BYTES_MAX:
            return inside
        key = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path("/tmp") / f"settlement-{self.user.uid}-{key}"  # noqa: S108 - 0700, verified

    @property
    def secrets(self) -> Path:
        """Passwords, one a file."""
        return self.root / "secrets"

    @property
    def locked(self) -> bool:
        """Whether this process owns the servers."""
        return self._lock_descriptor is not None

    def secret(self, name: str) -> str | None:
        """A password that was kept earlier, None when there is none."""
        try:
            return (self.secrets / name).read_text().strip()
        except FileNotFoundError:
            return None

    def keep_secret(self, name: str, value: str) -> None:
        """Write a password once and durably; a crash leaves all of it or nothing."""
        write_durably(self.secrets / name, value + "\n")

    def make_secret(self, name: str) -> str:
        """The kept password of this name, or a new random one that is kept from now on."""
        kept = self.secret(name)
        if kept is not None:
            return kept
        value = secrets.token_urlsafe(24)
        self.keep_secret(name, value)
        return value

    def try_lock(self) -> bool:
        """Become the owner of the servers. The kernel lets go when this process ends, however."""
        if self.locked:
            return True
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock_descriptor = descriptor
        with explained(f"locking {self.root}"):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        return True

    def lock(self) -> None:
        """`try_lock`, or a ServiceError that names the owner."""
        if self.try_lock():
            return
        owner = (self.root / "lock").read_text().strip() or "unknown"
        raise ServiceError(
            f"{self.root} is in use by process {owner}. Stop that process first, or choose another "
            "--data-dir."
        )

    def unlock(self) -> None:
        """Let others own the servers."""
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None

    def prepare_run(self) -> Path:
        """The private directory of the sockets, made when missing, refused when not private."""
        run = self.run
        if not run.exists():
            run.mkdir(mode=0o700)
            self.user.own(run)
        status = run.lstat()
        private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
        if not private or status.st_uid != self.user.uid:
            raise ServiceError(
                f"{run} should be a private directory of {self.user.name!r} for sockets, but is "
                "not. Remove it and start again."
            )
        return run

    def require_free_space(self, bytes_min: int = FREE_BYTES_MIN) -> None:
        """Refuse to start on a disk that is nearly full, while everything is still in order."""
        free = shutil.disk_usage(self.home).free
        if free < bytes_min:
            raise DiskFullError(
                f"only {free // 2**20} MB are free on the disk of {self.home}; at least "
                f"{bytes_min // 2**20} MB are needed. Free some space and start again."
            )


def open_directory(
    path: Path, environment: Mapping[str, str], *, create: bool = True
) -> DataDirectory:
    """Open a data directory, made when missing. Refuses what is not ours and leaves it alone."""
    root = path.expanduser().resolve()
    user = choose_user(environment)
    _require_ours(root)
    if not create and not (root / MARKER).exists():
        raise ServiceError(f"there is no data in {root}. Check --data-dir.")
    with explained(f"preparing {root}"):
        try:
            marker = _read_or_make(root, user)
            home = _find_home(root, marker, user, environment)
            _make_folders(root, home, user)
        except PermissionError as exc:
            raise ServiceError(f"{root} cannot be used: {exc}. Choose another --data-dir.") from exc
    return DataDirectory(root, marker, user, home)


def _require_ours(root: Path) -> None:
    if not root.exists():
        return
    if not root.is_dir():
        raise ServiceError(f"{root} is not a directory. Choose another --data-dir.")
    if root.stat().st_uid != os.geteuid():
        raise ServiceError(
            f"{root} belongs to {owner_of(root)!r}. Start this program as that user, or choose "
            "another --data-dir."
        )
    if root.stat().st_mode & stat.S_IWOTH:
        raise ServiceError(
            f"everybody may write into {root}, so nobody's money is safe there. Choose another "
            "--data-dir, or run: chmod o-w"
        )
    if (root / MARKER).exists() or {entry.name for entry in root.iterdir()} <= HARMLESS:
        return
    raise ServiceError(
        f"{root} holds files that this program did not make (no {MARKER} among them). Choose an "
        "empty or new --data-dir; nothing was changed."
    )


def _read_or_make(root: Path, user: ServiceUser) -> Marker:
    if not root.exists():
        root.mkdir(parents=True)
        # The servers' user must pass through, and nobody else has business in there.
        root.chmod(0o711 if user.switch else 0o700)
    marker_path = root / MARKER
    if marker_path.exists():
        return _read_marker(marker_path)
    marker = Marker(format=1, id=secrets.token_hex(6), made_for=str(root))
    write_durably(marker_path, msgspec.json.encode(marker).decode() + "\n")
    return marker


def _read_marker(path: Path) -> Marker:
    try:
        marker = msgspec.json.decode(path.read_bytes(), type=Marker)
    except msgspec.DecodeError as exc:
        raise ServiceError(f"{path} is damaged: {exc}. Restore it from a backup.") from exc
    if marker.format != 1:
        raise ServiceError(
            f"{path.parent} was made by a newer release of this program. Use that release."
        )
    return marker


def _find_home(
    root: Path, marker: Marker, user: ServiceUser, environment: Mapping[str, str]
) -> Path:
    """Where the servers' folders are, or should be."""
    pointer = root / HOME_POINTER
    if pointer.exists():
        return _follow_pointer(root, marker, Path(pointer.read_text().strip()))
    if user.can("-x", root):
        return root
    if (root / "postgres").exists():
        raise ServiceError(
            f"{user.name!r}, who runs the servers, can no longer enter {_blocking(root, user)}. "
            "Give everybody the right to pass through it (chmod o+x), as when the data was made."
        )
    homes = Path(environment.get(HOMES_VARIABLE, HOMES_DEFAULT)).resolve()
    key = hashlib.sha256(f"{root}\n{marker.id}".encode()).hexdigest()[:12]
    home = homes / f"data-{user.uid}-{key}"
    make_public_directory(homes, user)
    if not home.exists():
        home.mkdir()
        home.chmod(0o711)
    write_durably(home / MARKER, msgspec.json.encode(marker).decode() + "\n")
    write_durably(pointer, f"{home}\n")
    logger.warning(
        "%s may not be entered by %r, who runs the servers; their data is in %s",
        _blocking(root, user),
        user.name,
        home,
        extra={"event": "embedded.home.moved"},
    )
    return home


def _follow_pointer(root: Path, marker: Marker, home: Path) -> Path:
    """Two directories must never share one home: a copied data directory is noticed here."""
    if not (home / MARKER).exists():
        raise ServiceError(
            f"{root / HOME_POINTER} points to {home}, which is not there. Restore it."
        )
    theirs = _read_marker(home / MARKER)
    original = Path(theirs.made_for)
    copied = original != root and (original / MARKER).exists()
    if theirs.id != marker.id or copied:
        raise ServiceError(
            f"{home} holds the data of {original}, of which {root} is a copy. Use the original, or "
            "dump and restore to get a second one."
        )
    return home


def make_public_directory(path: Path, user: ServiceUser) -> None:
    """A directory of root's that the servers' user may enter, made when missing, never changed."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o755)
    if path.stat().st_uid != os.geteuid() or not user.can("-x", path):
        raise ServiceError(
            f"{path} must belong to root and be open to {user.name!r}. Set {HOMES_VARIABLE} to "
            "such a directory, or choose a --data-dir that this user can enter."
        )


def _make_folders(root: Path, home: Path, user: ServiceUser) -> None:
    (root / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name in HOME_FOLDERS:
        folder = home / name
        if name == "postgres" or folder.exists():
            continue
        folder.mkdir(mode=0o700)
        user.own(folder)


def _blocking(root: Path, user: ServiceUser) -> Path:
    """The topmost directory on the way that this user cannot enter, for messages."""
    for step in [*reversed(root.parents), root]:
        if not user.can("-x", step):
            return step
    return root
