"""`python -m settlement.cli` is the command `settlement`."""

from __future__ import annotations

import sys

from settlement.cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
