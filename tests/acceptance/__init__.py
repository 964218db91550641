"""Tests of the settle path; see tests/kit."""
