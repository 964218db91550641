"""What behaviour tests share: a small town on a real database, and counters that speak for it."""

import pytest

pytest.register_assert_rewrite("tests.kit.reply", "tests.kit.townhall")
