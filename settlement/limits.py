"""Every limit of a gateway process in one place, and the relations that must hold between them.

Over a limit the caller gets an immediate, honest answer with `Retry-After`, never a slow death.
Numbers only: who enforces a limit imports it from here; nobody declares one of their own.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class LimitsError(ValueError):
    """Two limits contradict each other; the text names both and says what to change."""


class Limits(Struct, frozen=True, kw_only=True):
    """Sizes in bytes or pieces, times in seconds. `check` before use."""

    body_bytes_max: int = 1024 * 1024
    """One message. The interface allows `input` 40,000 characters (section 1.1), which 500 lines
    exceed; larger data travels as files (9101). More is answered 413."""
    head_bytes_max: int = 16 * 1024
    """Request line and headers together."""
    lines_per_claim_max: int = 500
    """Rows of one list of a message, as of a one-shot claim (2101, 2102) or an upload of a stay
    (2301); but for 2204. What several uploads of a visit or stay come to has no limit."""
    lines_per_message_max: int = 100
    """Lines of one upload of a visit (2204): senders split at 100, as several HIS products do."""

    file_text_bytes_max: int = 16 * 1024 * 1024
    """What a file (9101) may unpack to; its zip is bounded by `body_bytes_max`."""
    file_rows_max: int = 100_000
    """Rows of a detail reconciliation (3202), on either side."""
    files_kept_max: int = 200
    """Files that one institution has here at a time."""
    file_bytes_kept_max: int = 64 * 1024 * 1024
    """All of them together."""
    file_days_max: int = 7
    """How long a file stays."""
    list_file_bytes_max: int = 32 * 1024 * 1024
    """The zip of a list of the catalogue (1301): more does not fit into `settlement.file`."""
    list_file_days_max: int = 1
    """How many days after its own such a file stays; whoever is late asks for it again."""
    import_bytes_max: int = 2 * 1024 * 1024 * 1024
    """A file for import over HTTP: two million persons are some 400 MB."""
    import_workbook_bytes_max: int = 32 * 1024 * 1024
    """An .xlsx workbook among them, which is read whole into memory."""
    import_arrival_seconds_max: float = 1_800.0
    """From its first byte to its last."""
    imports_arriving_max: int = 2
    """Files that a process receives at the same time."""
    imports_waiting_max: int = 20
    """Files that wait for their import, in the whole system."""
    period_days_max: int = 366
    """The longest period that is reconciled in one go (3201, 3202)."""
    hub_rows_max: int = 1_000
    """Rows of a page that another region compares with its own."""

    in_flight_max: int = 2_048
    """Requests a process answers at the same time; the next one is told to come back. Who gets
    these places as they become few, `gate` says (ADR 0057)."""
    payments_in_flight_max: int = 2_048
    """The same of scan-to-pay, where a payer may take their time."""
    journal_wait_seconds_max: float = 0.1
    """How long a request may wait for its journal's next batch before fewer are let in. What waits
    longer makes nothing faster: it is out of every cache by the time it is decided."""
    requests_per_second_max: int | None = None
    """Requests that a server lets in, of all its processes together; None: as many as it can."""
    connections_max: int = 8_192
    """Open connections of a process, idle ones included."""
    queue_length_max: int = 1_536
    """Requests waiting for one journal's next batch."""
    batch_size_max: int = 128
    """Items of one batch: one transaction, one block. Larger ones only add waiting."""

    request_seconds_max: float = 10.0
    """From the last byte of a request to its answer."""
    database_write_seconds_max: float = 5.0
    """One batch write; no transaction outside maintenance lasts longer."""
    database_read_seconds_max: float = 2.0
    """One batch read."""
    drain_seconds_max: float = 15.0
    """From the signal to stop until what is unfinished is left in doubt."""
    start_seconds_max: float = 60.0
    """From its start until a gateway process accepts requests."""
    silent_seconds_max: int = 10
    """A gateway process whose event loop gives no sign of life for so long is killed: the kernel
    would go on giving it connections. Nobody waits longer than `request_seconds_max` anyway."""
    retry_after_seconds: int = 1
    """What `Retry-After` says unless somebody knows better."""

    idle_seconds_max: float = 600.0
    """A connection without a request; longer than the idle time of common proxies and pools."""
    arrival_seconds_max: float = 20.0
    """From the first byte of a request to its last; and how long a connection may be idle while
    three quarters of `connections_max` are open."""
    unread_seconds_max: float = 30.0
    """How long a sender may leave what we sent without a sign of having got it. The kernel looks
    after it."""
    quiet_seconds_max: int = 60
    """A connection without a byte for so long is asked by the kernel whether anybody is there."""

    tif_window_seconds: int = 300
    """How far `x-tif-timestamp` may be from our clock, either side."""
    csb_window_seconds: int = 1_800
    """How far `_api_timestamp` may be from our clock, either side (30 minutes in the interface)."""
    nonce_window_seconds: int = 600
    """How long a nonce is remembered at least: both sides of `tif_window_seconds`."""
    nonces_per_process_max: int = 65_536
    """Nonces a process itself remembers; Redis remembers all of them."""
    nonce_fold_max: int = 512
    """Nonces of one round trip to Redis."""
    nonce_gap_seconds: float = 0.0003
    """A fold leaves at the earliest so long after the previous one, for every request that is
    being answered: the more of them, the more share a fold, and all that follows it."""
    nonce_gap_seconds_max: float = 0.008
    """But never later than this."""
    nonce_wait_seconds_max: float = 0.1
    """How long a request waits for Redis before it goes on without. Longer than a process may be
    busy with one batch, for meanwhile nobody reads what Redis says."""
    nonce_pause_seconds: float = 1.0
    """How long Redis is left alone after it failed."""

    def lines_max(self, infno: str) -> int:
        """Rows of one list of a message of this transaction."""
        return self.lines_per_message_max if infno == "2204" else self.lines_per_claim_max

    def of_one(self, processes: int) -> Limits:
        """Those of one of so many processes: what a whole server is allowed is shared out."""
        per_second = self.requests_per_second_max
        if per_second is None:
            return self
        return replace(self, requests_per_second_max=max(per_second // processes, 1))

    def check(self) -> None:
        """Raises LimitsError unless the limits fit together."""
        for smaller, larger in _NOT_ABOVE:
            if getattr(self, smaller) > getattr(self, larger):
                raise LimitsError(
                    f"{smaller} is {getattr(self, smaller)}, which is more than {larger} "
                    f"({getattr(self, larger)}). Lower the first or raise the second."
                )
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise LimitsError(f"{name} is {value}. It must be above zero.")
        database = self.database_read_seconds_max + self.database_write_seconds_max
        if database >= self.request_seconds_max:
            raise LimitsError(
                f"database_read_seconds_max and database_write_seconds_max add up to {database}, "
                f"which leaves nothing of request_seconds_max ({self.request_seconds_max})."
            )
        if self.nonce_window_seconds < 2 * self.tif_window_seconds:
            raise LimitsError(
                f"nonce_window_seconds is {self.nonce_window_seconds}, less than both sides of "
                f"tif_window_seconds ({self.tif_window_seconds}): a captured header would work "
                "again before its timestamp is too old."
            )


_NOT_ABOVE = (
    ("head_bytes_max", "body_bytes_max"),
    ("body_bytes_max", "file_text_bytes_max"),
    ("file_text_bytes_max", "file_bytes_kept_max"),
    ("list_file_bytes_max", "file_bytes_kept_max"),
    ("list_file_days_max", "file_days_max"),
    ("body_bytes_max", "import_workbook_bytes_max"),
    ("import_workbook_bytes_max", "import_bytes_max"),
    ("arrival_seconds_max", "import_arrival_seconds_max"),
    ("imports_arriving_max", "imports_waiting_max"),
    ("lines_per_message_max", "lines_per_claim_max"),
    ("batch_size_max", "queue_length_max"),
    ("queue_length_max", "in_flight_max"),
    ("in_flight_max", "connections_max"),
    ("journal_wait_seconds_max", "request_seconds_max"),
    ("database_write_seconds_max", "drain_seconds_max"),
    ("request_seconds_max", "drain_seconds_max"),
    ("arrival_seconds_max", "idle_seconds_max"),
    ("nonce_fold_max", "nonces_per_process_max"),
    ("nonce_wait_seconds_max", "nonce_pause_seconds"),
    ("nonce_gap_seconds", "nonce_gap_seconds_max"),
    ("nonce_gap_seconds_max", "nonce_wait_seconds_max"),
)
"""The first must not be above the second: a wait must end before what waits for it gives up."""

DEFAULT_LIMITS = Limits()
"""What the city runs with."""
