"""For whoever sizes machines: what goes through, what it costs, what is nearly used up."""

from __future__ import annotations

from tools.panels import Dashboard, Panel, Query, Section, Unit, quantile, rate

_WRITTEN = rate("settlement_batch_items_count_sum")
_BATCHES = rate("settlement_batch_items_count_count")

_THROUGH = Section(
    "What goes through",
    (
        Panel(
            "Items written and batches", "An item is a message with an effect. Batches grow under "
            "load: items rise faster than batches.",
            (Query(_WRITTEN, "items"), Query(_BATCHES, "batches")), Unit.PER_SECOND,
        ),
        Panel(
            "Items of a batch", "128 at most; near it, another journal helps more than another "
            "process.",
            (Query(f"{_WRITTEN} / {_BATCHES}", "mean"),
             Query(quantile(0.95, "settlement_batch_items_count"), "p95")),
            Unit.NUMBER, limits=(120,),
        ),
        Panel(
            "Waiting for a journal", "How long an item waits for its batch.",
            tuple(Query(quantile(q, "settlement_journal_wait_seconds"), name)
                  for q, name in ((0.5, "p50"), (0.99, "p99"))),
            Unit.SECONDS,
        ),
    ),
)  # fmt: skip

_COST = Section(
    "What it costs",
    (
        Panel(
            "Parts of a batch", "p50 of reading, deciding and writing.",
            tuple(Query(quantile(0.5, f"settlement_batch_{part}_seconds"), part)
                  for part in ("read", "decide", "write")),
            Unit.SECONDS,
        ),
        Panel(
            "Journals busy with the database", "How many, on average, have a batch out. Near the "
            "number of journals times gateway processes, the database is what limits.",
            (Query(rate("settlement_batch_read_seconds_sum"), "reading"),
             Query(rate("settlement_batch_write_seconds_sum"), "writing")),
            Unit.NUMBER, stacked=True, decimals=2,
        ),
        Panel(
            "Database time of an item", "Of reading and writing, by the items that were written. "
            "Grows with the tables only where something is wrong.",
            (Query(f"{rate('settlement_batch_read_seconds_sum')} / {_WRITTEN}", "read"),
             Query(f"{rate('settlement_batch_write_seconds_sum')} / {_WRITTEN}", "write")),
            Unit.SECONDS, stacked=True,
        ),
        Panel(
            "Decided again", "Items whose person changed while they were decided. Few, unless one "
            "person is settled for very often.",
            (Query(rate("settlement_batch_recomputed_total"), "again"),), Unit.PER_SECOND,
            width=12,
        ),
        Panel(
            "Blocks folded", "By the background, into balances; as many as batches, in steps.",
            (Query(rate("settlement_ledger_folded_blocks_total"), "folded"),), Unit.PER_SECOND,
            width=12,
        ),
        Panel(
            "Round trips to Redis", "For nonces; under load many share one.",
            (Query(rate("settlement_nonce_folds_total"), "round trips"),), Unit.PER_SECOND,
            width=12,
        ),
        Panel(
            "Lag of the event loop", "How late a gateway comes to what it should do. Above a tenth "
            "of a second it has more to do than a processor can.",
            tuple(Query(quantile(q, "settlement_loop_lag_seconds"), name)
                  for q, name in ((0.5, "p50"), (0.99, "p99"))),
            Unit.SECONDS, width=12, limits=(0.1,),
        ),
    ),
)  # fmt: skip

_PROCESSES = Section(
    "Processes",
    (
        Panel(
            "Processors used", "A gateway uses one at most: near 1, start more of them.",
            (Query("sum by (instance, process) (rate(settlement_process_cpu_seconds_total"
                   "[$__rate_interval]))", "{{instance}} {{process}}"),),
            Unit.NUMBER, limits=(0.9,), decimals=2,
        ),
        Panel(
            "Memory", "Flat after the first minutes; more where a catalogue is loaded.",
            (Query("settlement_process_resident_bytes", "{{instance}} {{process}}"),), Unit.BYTES,
        ),
        Panel(
            "Open files, of what is allowed", "Each connection is one.",
            (Query("settlement_process_open_files / settlement_process_open_files_max",
                   "{{instance}} {{process}}"),),
            Unit.SHARE, limits=(0.8,),
        ),
        Panel(
            "Connections in use beside the settle path", "By what they are for.",
            (Query("sum by (pool) (settlement_pool_busy_connections) / "
                   "sum by (pool) (settlement_pool_connections)", "{{pool}}"),),
            Unit.SHARE, width=12, limits=(0.9,),
        ),
        Panel(
            "Waiting for one of them", "On average, for each use.",
            (Query(f"{rate('settlement_pool_waited_seconds_total', by='pool')} / "
                   f"({rate('settlement_pool_uses_total', by='pool')} > 0)", "{{pool}}"),),
            Unit.SECONDS, width=12,
        ),
    ),
)  # fmt: skip

_STORED = Section(
    "What is stored",
    (
        Panel(
            "Size of the database", "As PostgreSQL counts it.",
            (Query("max(settlement_database_bytes)", "size"),), Unit.BYTES, width=6,
        ),
        Panel(
            "Growth a day", "By the last six hours.",
            (Query("86400 * max(deriv(settlement_database_bytes[6h]))", "growth"),),
            Unit.BYTES, width=6, least=None,
        ),
        Panel(
            "Free disk of DATA_DIR", "A start needs 256 MB; the embedded PostgreSQL stops where "
            "nothing is left.",
            (Query("settlement_disk_free_bytes", "{{instance}}"),), Unit.BYTES, width=6,
        ),
        Panel(
            "Connections of the database server", "Of what it allows.",
            (Query("max(settlement_database_connections)", "open"),
             Query("max(settlement_database_connections_max)", "allowed")),
            Unit.NUMBER, width=6, decimals=0,
        ),
    ),
)  # fmt: skip

CAPACITY = Dashboard(
    uid="settlement-capacity", title="Settlement · capacity",
    about="How much goes through, what it costs, and what is nearly used up. For sizing machines.",
    sections=(_THROUGH, _COST, _PROCESSES, _STORED), hours=24, refresh="1m",
)  # fmt: skip
