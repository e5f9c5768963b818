"""The numbers of all figures and tables but Figure 6, as DVC compares them between commits."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from l2rw.store.checksums import recorded_plan


class Numbers(NamedTuple):
    """What of an experiment's summary is a metric."""

    value: str
    """Column of the numbers."""
    by: Sequence[str]
    """Columns that name them; of lines with equal names the last one counts."""


METRICS = {
    "figure2": Numbers("error_percent", ["majority_share", "method"]),
    "table1": Numbers("accuracy_percent", ["dataset", "row"]),
    "table2": Numbers("accuracy_percent", ["dataset", "row"]),
    "sanity": Numbers("accuracy_percent", ["dataset", "model"]),
    "figure3": Numbers("mean", ["panel", "label", "quantity"]),
    "figure4": Numbers("accuracy_percent", ["clean_size", "row"]),
    "figure5": Numbers("accuracy_percent", ["noise", "row"]),
    "figure7": Numbers("accuracy_percent", ["row", "quantity"]),
    "theorem2": Numbers("smallest_ratio", ["model", "weighting", "limit_fraction"]),
    "lemma1": Numbers("growths", ["model", "weighting", "batches", "limit_fraction"]),
    "decay": Numbers("exponent", ["corruption", "network", "row"]),
}


def write_metrics(summaries: Sequence[Path], out: Path) -> None:
    """Write ``{experiment: {name: ... number}}``, and the plans behind them.

    Args:
        summaries: What figures were drawn from, ``NAME.csv``.
        out: File to write. Its plans tell stale metrics from current ones.
    """
    plans = {path.stem: recorded_plan(path.with_suffix(".json")) for path in summaries}
    metrics: dict[str, Any] = {"plan": plans}
    for path in summaries:
        numbers = METRICS.get(path.stem)
        if numbers is not None:
            metrics[path.stem] = _numbers(pd.read_csv(path), numbers)
    out.write_text(json.dumps(metrics, indent=1) + "\n")


def _numbers(summary: pd.DataFrame, numbers: Numbers) -> dict[str, float]:
    known = summary.dropna(subset=[numbers.value])
    if "bin_start" in known:  # the bins of a histogram are no metrics
        known = known[known["bin_start"].isna()]
    names = known[list(numbers.by)].astype(str).agg(", ".join, axis="columns")
    return {
        name: round(float(value), 6)
        for name, value in zip(names, known[numbers.value], strict=True)
    }
