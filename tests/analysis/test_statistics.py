import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from l2rw.analysis.statistics import (
    Estimate,
    column_of_text,
    difference,
    mean_with_interval,
    median_interval,
    plus_minus,
    summarise,
    summarise_percent,
)


def test_the_interval_is_the_textbooks():
    # t(0.975, 9 degrees of freedom) = 2.262, mean 5.5, s = 3.0277
    estimate = mean_with_interval(range(1, 11))
    assert estimate.mean == 5.5
    assert estimate.half_width == pytest.approx(2.262 * 3.0277 / math.sqrt(10), rel=1e-4)


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=12, unique=True).filter(
        lambda values: np.std(values) > 1e-3
    ),
    st.floats(0.5, 0.99),
)
def test_the_interval_is_scipys(values, confidence):
    estimate = mean_with_interval(values, confidence)
    low, high = stats.t.interval(
        confidence, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    assert estimate.mean - estimate.half_width == pytest.approx(low, abs=1e-9)
    assert estimate.mean + estimate.half_width == pytest.approx(high, abs=1e-9)


def test_a_single_value_has_no_interval():
    estimate = mean_with_interval([0.3])
    assert estimate.mean == 0.3
    assert math.isnan(estimate.half_width)


def test_runs_are_summarised_by_cell_in_order_of_appearance():
    runs = pd.DataFrame(
        {
            "share": [0.9, 0.9, 0.8, 0.8, 0.9],
            "method": ["z", "z", "a", "a", "a"],
            "seed": [0, 1, 0, 1, 0],
            "error": [1.0, 3.0, 5.0, 5.0, 7.0],
        }
    )
    table = summarise(runs, ["share", "method"], "error")
    assert list(table["share"]) == [0.9, 0.8, 0.9]
    assert list(table["method"]) == ["z", "a", "a"]
    assert list(table["mean"]) == [2, 5, 7]
    assert list(table["seeds"]) == [2, 2, 1]
    assert table["half_width"][0] == pytest.approx(12.706, rel=1e-4)
    assert table["half_width"][1] == 0
    assert math.isnan(table["half_width"][2])


def test_means_are_written_with_their_interval_if_they_have_one():
    assert plus_minus(1.005, 0.128) == "1.00 ± 0.13"
    assert plus_minus(12.346, float("nan")) == "12.35"
    assert plus_minus(float("nan"), float("nan")) == "–"
    assert column_of_text(pd.Series([1.0, 2.0]), pd.Series([math.nan, 0.5])) == [
        "1.00",
        "2.00 ± 0.50",
    ]


def test_shares_are_summarised_in_percent():
    runs = pd.DataFrame({"row": ["a", "a"], "accuracy": [0.5, 0.75]})
    table = summarise_percent(runs, ["row"], "accuracy")
    assert list(table) == ["row", "accuracy_percent", "ci95_half_width", "seeds"]
    assert table["accuracy_percent"][0] == 62.5
    assert table["ci95_half_width"][0] == pytest.approx(12.706 * 12.5, rel=1e-4)


def test_cells_without_a_value_for_a_column_count_as_one():
    runs = pd.DataFrame({"bin": [None, None, 1.0], "x": [1.0, 3.0, 5.0]})
    table = summarise(runs, ["bin"], "x")
    assert list(table["mean"]) == [2, 5]


@pytest.mark.parametrize("sizes", [(3, 5), (10, 5), (2, 2)])
def test_the_interval_of_a_difference_is_that_of_welchs_test(sizes):
    random = np.random.default_rng(0)
    ours, theirs = (random.normal(i, 1 + i, n) for i, n in enumerate(sizes))
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    sides = [(mean_with_interval(values), len(values)) for values in (ours, theirs)]
    mean, half_width = difference(*sides[0], *sides[1])
    assert (mean - half_width, mean + half_width) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("n", "low", "high"), [(6, 0, 5), (12, 2, 9), (20, 5, 14)])
def test_the_interval_of_a_median_is_the_textbooks(n, low, high):
    """Places (from 0) of the ends at 95 %, of sorted values."""
    values = np.arange(n, dtype=float)
    assert median_interval(values[::-1], 0.95) == (low, high)
    disturbed = values.copy()
    disturbed[-1] = 1e6
    assert median_interval(disturbed, 0.95)[0] == low
    binomial = stats.binom(n, 0.5)
    assert (
        binomial.cdf(high) - binomial.cdf(low)
        >= 0.95
        > binomial.cdf(high - 1) - binomial.cdf(low + 1)
    )


def test_few_values_do_not_bound_a_median():
    assert np.isnan(median_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)).all()
    assert np.isnan(median_interval([1.0], 0.95)).all()


def test_a_difference_from_a_number_without_interval_has_our_interval():
    assert difference(Estimate(3.0, 0.5), 5, Estimate(1.0, np.nan), 5) == (2.0, 0.5)


def test_a_difference_of_a_single_value_has_no_interval():
    mean, half_width = difference(Estimate(3.0, np.nan), 1, Estimate(1.0, 0.5), 5)
    assert mean == 2
    assert np.isnan(half_width)


def test_a_difference_of_constants_is_exact():
    assert difference(Estimate(3.0, 0.0), 3, Estimate(1.0, 0.0), 5) == (2.0, 0.0)
