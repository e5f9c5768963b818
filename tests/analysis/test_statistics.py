import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from l2rw.analysis.statistics import mean_with_interval, plus_minus, summarise


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
