"""PostgreSQL's settings for a ledger on a small machine, and why each differs from the default.

Pure: numbers about the machine in, the text of `settlement.conf` out. The file is written anew at
every start and included last from postgresql.conf; a site changes settings by the variables below,
or by a server of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from settlement.embedded.errors import ServiceError

MIB = 2**20
GIB = 2**30

SHARED_BUFFERS_VARIABLE = "SETTLEMENT_POSTGRES_SHARED_BUFFERS"
IO_METHOD_VARIABLE = "SETTLEMENT_POSTGRES_IO_METHOD"
WAL_COMPRESSION_VARIABLE = "SETTLEMENT_POSTGRES_WAL_COMPRESSION"
MAX_CONNECTIONS_VARIABLE = "SETTLEMENT_POSTGRES_MAX_CONNECTIONS"

ARCHIVE_FILE = "archive.conf"
"""Beside settlement.conf: where WAL goes. It may change while the server runs."""
NO_ARCHIVE = "true"
"""The shell's own: a segment that goes nowhere counts as archived."""
ARCHIVE_TIMEOUT = "1min"
"""The longest that a commit waits to be in the archive, on a server with little to do."""

SHARED_BUFFERS_WHEN_REFUSED = "64MB"
"""Tried once when the machine refuses the memory that was computed."""
_HEADER = "# Written at every start; changes here are lost."
SHARED_MEMORY_DISK_MIN = 256 * MIB
"""A smaller /dev/shm (containers have 64 MB) fails parallel queries in the middle."""


class Machine(Struct, frozen=True, kw_only=True):
    """What the settings depend on."""

    ram_bytes: int
    cpu_count: int
    shared_memory_disk_bytes: int
    """Size of /dev/shm, 0 where there is none."""
    tells_sync_errors: bool = False
    """Whether syncing a whole file system tells when writing failed: Linux since 5.8."""


class PostgresSettings(Struct, frozen=True, kw_only=True):
    """The settings that a site or a machine changes; the rest is fixed in `render`."""

    shared_buffers: str
    effective_cache_size: str
    dynamic_shared_memory_type: str
    parallel_workers: int
    io_method: str = "sync"
    """The server's default, `worker`, hands reads from disk to other processes. On two cores none
    is idle to take them: `sync` used a little less processor per transaction and scanned as fast.
    Machines with idle cores and slow disks take `worker`."""
    wal_compression: str = "off"
    """This build has only pglz, which costs more processor than the bytes are worth."""
    max_connections: int = 100
    recovery_init_sync_method: str = "fsync"
    """How what a crash left unwritten gets to the disk before recovery. `fsync` opens every file,
    some two thousand at first and more each month: 1.6 to 2.6 s on a busy machine, where `syncfs`
    had recovered after 0.2 to 0.7 s."""


def choose_settings(machine: Machine, environment: Mapping[str, str]) -> PostgresSettings:
    """The settings for a machine, with the site's own values where given."""
    defaults = PostgresSettings(
        shared_buffers=f"{_shared_buffers_bytes(machine.ram_bytes) // MIB}MB",
        effective_cache_size=f"{max(machine.ram_bytes // 2, 256 * MIB) // MIB}MB",
        dynamic_shared_memory_type=_dynamic_shared_memory(machine.shared_memory_disk_bytes),
        parallel_workers=max(1, min(4, machine.cpu_count // 2)),
    )
    return PostgresSettings(
        shared_buffers=environment.get(SHARED_BUFFERS_VARIABLE, defaults.shared_buffers),
        effective_cache_size=defaults.effective_cache_size,
        dynamic_shared_memory_type=defaults.dynamic_shared_memory_type,
        parallel_workers=defaults.parallel_workers,
        io_method=environment.get(IO_METHOD_VARIABLE, defaults.io_method),
        wal_compression=environment.get(WAL_COMPRESSION_VARIABLE, defaults.wal_compression),
        max_connections=_max_connections(environment, defaults.max_connections),
        recovery_init_sync_method="syncfs" if machine.tells_sync_errors else "fsync",
    )


def _max_connections(environment: Mapping[str, str], default: int) -> int:
    text = environment.get(MAX_CONNECTIONS_VARIABLE, str(default))
    if not text.isdecimal() or int(text) < 10:
        raise ServiceError(f"{MAX_CONNECTIONS_VARIABLE} must be a whole number from 10 up.")
    return int(text)


def _shared_buffers_bytes(ram_bytes: int) -> int:
    """An eighth of the memory, between 512 MB and 1 GB; a machine under 2 GB gives 128 MB."""
    if ram_bytes < 2 * GIB:
        return 128 * MIB
    return min(max(ram_bytes // 8, 512 * MIB), GIB)


def _dynamic_shared_memory(disk_bytes: int) -> str:
    return "posix" if disk_bytes >= SHARED_MEMORY_DISK_MIN else "mmap"


def render(
    settings: PostgresSettings, *, cluster_name: str, socket_directory: str, log_directory: str
) -> str:
    """The text of settlement.conf."""
    values = {
        # Leads the title of every process of the server, by which orphans are recognised.
        "cluster_name": cluster_name,
        **_access(settings, socket_directory),
        **_durability(settings),
        **_memory(settings),
        **_vacuum(),
        **_logging(log_directory),
    }
    lines = [f"{name} = {_quote(str(value))}" for name, value in values.items()]
    included = f"include_if_exists = '{ARCHIVE_FILE}'"
    return "\n".join([_HEADER, *lines, included]) + "\n"


def render_archive(command: str | None) -> str:
    """The text of archive.conf: WAL goes where `command` puts it, or nowhere."""
    if command is None:
        return f"{_HEADER}\n"
    values = {"archive_command": command, "archive_timeout": ARCHIVE_TIMEOUT}
    lines = [f"{name} = {_quote(value)}" for name, value in values.items()]
    return "\n".join([_HEADER, *lines]) + "\n"


def render_recovery(
    settings: PostgresSettings, *, data: str, host_rules: str, socket_directory: str,
    restore_command: str, to: str | None,
) -> str:  # fmt: skip
    """The settings of a server that recovers apart, from a backup."""
    values = {
        "data_directory": data,
        "hba_file": host_rules,
        "listen_addresses": "",
        "port": 5432,
        "unix_socket_directories": socket_directory,
        "unix_socket_permissions": "0700",
        "shared_buffers": settings.shared_buffers,
        "dynamic_shared_memory_type": settings.dynamic_shared_memory_type,
        "max_parallel_workers_per_gather": settings.parallel_workers,
        "max_wal_size": "1GB",
        "max_locks_per_transaction": 128,
        "jit": "off",
        "timezone": "Asia/Shanghai",
        "log_timezone": "Asia/Shanghai",
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
        # Nobody reads meanwhile, so that settings of the server that was backed up do not count.
        "hot_standby": "off",
        "archive_mode": "off",
        "restore_command": restore_command,
        "recovery_target_action": "promote",
        **({} if to is None else {"recovery_target_time": to}),
    }
    lines = [f"{name} = {_quote(str(value))}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _access(settings: PostgresSettings, socket_directory: str) -> dict[str, str | int]:
    return {
        # No network: a private socket directory and a password stand before every connection.
        "listen_addresses": "",
        "port": 5432,
        "unix_socket_directories": socket_directory,
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",  # nosec B105 - a method, no password
        "max_connections": settings.max_connections,
        # A dead gateway's statement must not hold a journal's head for its full timeout.
        "client_connection_check_interval": "5s",
        "timezone": "Asia/Shanghai",
    }


def _durability(settings: PostgresSettings) -> dict[str, str | int]:
    return {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "replica",
        # An archiver with nothing to do costs a fork a segment, and lets backups begin without a
        # restart (ADR 0052).
        "archive_mode": "on",
        "archive_command": NO_ARCHIVE,
        # Divided by 1 + the target below it is 1 GB, after which a checkpoint begins: the first
        # change of a page after one logs all of it (ADR 0079). Redo ran at 340 MB/s.
        "max_wal_size": "1900MB",
        # Segments below this are renamed, not created: creating one costs a flush of its own.
        "min_wal_size": "512MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_buffers": "16MB",
        # Whoever commits would wait 50 ms for a new segment to be filled with zeros (16 MB), until
        # there are old ones to be renamed. On ext4 a flush into a new file took no longer.
        "wal_init_zero": "off",
        "wal_compression": settings.wal_compression,
        "recovery_init_sync_method": settings.recovery_init_sync_method,
        # After a crash it ends, and whoever watches it starts it when the disk has space. One that
        # begins anew by itself on a full disk may lose its startup process, say "ready" in its pid
        # file and admit nobody for good (PostgreSQL 18.4).
        "restart_after_crash": "off",
    }


def _memory(settings: PostgresSettings) -> dict[str, str | int]:
    return {
        "shared_buffers": settings.shared_buffers,
        "effective_cache_size": settings.effective_cache_size,
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        "huge_pages": "try",
        "dynamic_shared_memory_type": settings.dynamic_shared_memory_type,
        "io_method": settings.io_method,
        "random_page_cost": "1.1",
        # Compiling a statement takes longer than running any of ours.
        "jit": "off",
        "max_parallel_workers_per_gather": settings.parallel_workers,
        "max_parallel_workers": settings.parallel_workers,
        # Rewriting the process title at every statement is measurable at ten thousand a second.
        "update_process_title": "off",
        # Monthly partitions times indexes: a yearly report opens more than the default allows.
        "max_locks_per_transaction": 128,
    }


def _vacuum() -> dict[str, str | int]:
    """A few small tables are updated in place all day: clean often and little."""
    return {
        "autovacuum": "on",
        # What is only added to is frozen while its pages are in the log since the last checkpoint
        # (ADR 0079); the later, the more of them are written there once more.
        "autovacuum_naptime": "5s",
        "autovacuum_max_workers": 2,
        "autovacuum_vacuum_threshold": 500,
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_cost_limit": 1000,
        "autovacuum_work_mem": "64MB",
        # A quarter of the usual: an analysis of a hot table is short then, and settlements wait
        # beside it. What they do goes by key.
        "default_statistics_target": 25,
    }


def _logging(log_directory: str) -> dict[str, str | int]:
    return {
        "logging_collector": "on",
        "log_directory": log_directory,
        # One file a weekday, overwritten a week later.
        "log_filename": "postgresql-%a.log",
        "log_file_mode": "0600",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_timezone": "Asia/Shanghai",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": "on",
        "log_lock_waits": "on",
        "log_autovacuum_min_duration": "10s",
        "log_min_duration_statement": "1s",
        # Parameters and key values are personal data; they stay out of the log.
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
        "log_error_verbosity": "terse",
        "log_startup_progress_interval": "5s",
    }


def _quote(value: str) -> str:
    if "\n" in value or "\0" in value:
        raise ServiceError("a setting of PostgreSQL cannot span lines.")
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
