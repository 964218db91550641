"""The histogram against exact percentiles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.generator.histogram import VALUE_US_MAX, Histogram, bucket_of, upper_bound_of

VALUES = st.integers(min_value=0, max_value=VALUE_US_MAX)


@given(VALUES)
def test_a_value_falls_in_a_bucket_that_ends_less_than_one_percent_above(value: int) -> None:
    bound = upper_bound_of(bucket_of(value))
    assert value <= bound <= value * 1.01


@given(VALUES)
def test_buckets_follow_each_other_without_gap(value: int) -> None:
    assert bucket_of(upper_bound_of(bucket_of(value)) + 1) == bucket_of(value) + 1


@given(st.lists(VALUES, min_size=1), st.sampled_from([1.0, 50.0, 99.0, 99.9, 100.0]))
def test_percentiles_are_those_of_the_sorted_values(values: list[int], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    exact = sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]
    assert bucket_of(histogram.percentile_us(percent)) == bucket_of(exact)


def test_an_empty_histogram_answers_zero() -> None:
    assert Histogram().percentile_us(99) == 0


def test_adding_another_histogram_adds_its_counts() -> None:
    one, other = Histogram(), Histogram()
    one.record(10)
    other.record(20_000)
    one.add(other)
    assert (one.total, one.percentile_us(50)) == (2, 10)
    assert one.percentile_ms(100) == pytest.approx(20.0, rel=0.01)
