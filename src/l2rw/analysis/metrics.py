"""The numbers of all figures and tables but Figure 6, as DVC compares them between commits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from l2rw.analysis.collect import read_table
from l2rw.analysis.outputs import drawing_of
from l2rw.store.checksums import digests_of, read_result, write_record


def write_metrics(summaries: Sequence[Path], out: Path) -> None:
    """Write ``{experiment: {name: ... number}}``, and the plans behind them.

    Args:
        summaries: What figures were drawn from, ``NAME.csv``.
        out: File to write. Its plans distinguish stale metrics from current ones.
    """
    records = {path.stem: read_result(path.with_suffix(".json")) for path in summaries}
    metrics: dict[str, Any] = {"plan": {name: record["plan"] for name, record in records.items()}}
    metrics["inputs"] = digests_of({path.stem: path.with_suffix(".json") for path in summaries})
    for path in summaries:
        drawing = drawing_of(path.stem, records[path.stem]["settings"])
        summary = read_table(path)
        if drawing.value is not None:
            metrics[path.stem] = _numbers(summary, drawing.value, drawing.named_by)
    write_record(out, metrics)


def _numbers(summary: pd.DataFrame, value: str, named_by: Sequence[str]) -> dict[str, float]:
    known = summary.dropna(subset=[value])
    if "bin_start" in known:  # the bins of a histogram are no metrics
        known = known[known["bin_start"].isna()]
    if known.empty:  # pandas joins no lines to a table, not to a column
        return {}
    names = known[list(named_by)].astype(str).agg(", ".join, axis="columns")
    return {name: round(float(value), 6) for name, value in zip(names, known[value], strict=True)}
