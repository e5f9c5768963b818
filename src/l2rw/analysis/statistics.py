"""Means over seeds and how far to trust them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

NOTHING = "–"
"""What a table for people shows where there is no number."""


class Estimate(NamedTuple):
    """A mean with its confidence interval."""

    mean: float
    half_width: float
    """Half the width of the interval; NaN if a single value leaves it unknown."""


def mean_with_interval(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Estimate a mean over seeds with Student's t interval.

    Args:
        values: One value for each seed, shape (n,), n >= 1.
        confidence: Coverage of the interval.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2:
        return Estimate(float(x.mean()), float("nan"))
    quantile = stdtrit(len(x) - 1, (1 + confidence) / 2)
    return Estimate(float(x.mean()), float(quantile * x.std(ddof=1) / np.sqrt(len(x))))


def median_interval(values: ArrayLike, confidence: float) -> tuple[float, float]:
    """Return a confidence interval of a median that assumes nothing of the distribution.

    Its ends are among the values, counted by the binomial distribution; what disturbs a few of
    them does not move it. NaN where the values are too few.

    Args:
        values: Shape (n,), n >= 1.
        confidence: Coverage of the interval, at least.
    """
    # It takes a second to import, and only timings need it.
    from scipy.stats import quantile_test

    found = quantile_test(np.asarray(values, dtype=float), p=0.5)
    ends: Any = found.confidence_interval(confidence)
    low, high = float(ends.low), float(ends.high)
    # An end that the values are too few for is NaN: then nothing is known.
    return (low, high) if low <= high else (np.nan, np.nan)


def difference(ours: Estimate, our_seeds: int, theirs: Estimate, their_seeds: int) -> Estimate:
    """Estimate the difference of two independent means from their 95 % intervals.

    Both intervals are taken to be Student's t, which gives the standard errors back; theirs may be
    unknown, and what it belongs to is then taken to be exact. The difference has Welch's interval.

    Args:
        ours: A mean and its interval, NaN where there is none.
        our_seeds: Number of values behind it.
        theirs: What to subtract, likewise.
        their_seeds: Number of values behind it.
    """
    gap = ours.mean - theirs.mean
    if np.isnan(theirs.half_width):
        return Estimate(gap, ours.half_width)
    freedom = np.array([our_seeds - 1, their_seeds - 1])
    quantiles = stdtrit(freedom, 0.975)
    squared = (np.array([ours.half_width, theirs.half_width]) / quantiles) ** 2
    if not squared.any():
        return Estimate(gap, 0.0)
    together = squared.sum() ** 2 / (squared**2 / freedom).sum()
    return Estimate(gap, float(stdtrit(together, 0.975) * np.sqrt(squared.sum())))


def summarise(runs: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Summarise runs over their seeds.

    Args:
        runs: A line for each run.
        by: Columns that distinguish cells; their order of appearance is kept.
        value: Column to summarise.

    Returns:
        A line for each cell: ``by``, ``mean``, ``half_width`` (95 %), ``seeds``.
    """
    lines = [
        {
            **dict(zip(by, key, strict=True)),
            **mean_with_interval(group[value])._asdict(),
            "seeds": len(group),
        }
        for key, group in runs.groupby(by, sort=False, dropna=False)
    ]
    return pd.DataFrame(lines)


def summarise_percent(runs: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Summarise a share in [0, 1] over seeds, in percent.

    Returns:
        As :func:`summarise`, the columns named after the value, such as ``accuracy_percent``, and
        ``ci95_half_width``.
    """
    table = summarise(runs, by, value)
    table[["mean", "half_width"]] *= 100
    return table.rename(columns={"mean": f"{value}_percent", "half_width": "ci95_half_width"})


def plus_minus(mean: float, half_width: float) -> str:
    """Write a mean with its interval for people: a dash where there is none."""
    if np.isnan(mean):
        return NOTHING
    return f"{mean:.2f}" if np.isnan(half_width) else f"{mean:.2f} ± {half_width:.2f}"


def column_of_text(mean: pd.Series, half_width: pd.Series) -> list[str]:
    """Write means with their intervals for people, shapes (n,)."""
    return [plus_minus(*estimate) for estimate in zip(mean, half_width, strict=True)]
