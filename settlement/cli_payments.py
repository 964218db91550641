"""The arguments of `settlement payments`. Everything heavy is imported when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]


def add_payments(parser: argparse.ArgumentParser, tell: Tell, data_dir: Path) -> None:
    """Fill in the command `payments`."""
    parser.description = (
        "List payments over channels that are not at their end: in doubt, waiting for the payer, "
        "being undone, being refunded, or refused by the channel and to be given back by people."
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir,
        help="where the embedded services keep their data (%(default)s)",
    )  # fmt: skip

    def run(parsed: argparse.Namespace) -> int:
        from settlement.serve.worklist import payments

        return tell(payments(parsed.data_dir, as_json=parsed.json))

    parser.set_defaults(command=run)
