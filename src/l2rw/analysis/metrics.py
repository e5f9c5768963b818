"""The numbers of all figures and tables but Figure 6, as DVC compares them between commits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from l2rw.analysis.collect import read_table
from l2rw.analysis.outputs import drawing_of
from l2rw.store.checksums import digests_of, read_result, write_record
from l2rw.store.errors import UserError


def write_metrics(summaries: Sequence[Path], out: Path) -> None:
    """Write ``{experiment: {name: ... number}}``, and the plans behind them.

    Args:
        summaries: What figures were drawn from, ``NAME.csv``.
        out: File to write. Its plans distinguish stale metrics from current ones.

    Raises:
        UserError: One of them is damaged, or is something else.
    """
    records = {path.stem: _record_of(path) for path in summaries}
    metrics: dict[str, Any] = {"plan": {name: record["plan"] for name, record in records.items()}}
    metrics["inputs"] = digests_of({path.stem: path.with_suffix(".json") for path in summaries})
    for path in summaries:
        drawing = drawing_of(path.stem, records[path.stem]["settings"])
        summary = read_table(path)
        if drawing.value is not None:
            if not {drawing.value, *drawing.named_by} <= set(summary):
                raise _no_summary(path)
            metrics[path.stem] = _numbers(summary, drawing.value, drawing.named_by)
    write_record(out, metrics)


def _record_of(summary: Path) -> dict[str, Any]:
    record = read_result(summary.with_suffix(".json"))
    if not {"plan", "settings"} <= record.keys():
        raise _no_summary(summary)
    return record


def _no_summary(path: Path) -> UserError:
    return UserError(
        f"{path} holds no numbers of a figure.", "name CSV files in results/<name>/figures."
    )


def _numbers(summary: pd.DataFrame, value: str, named_by: Sequence[str]) -> dict[str, float]:
    known = summary.dropna(subset=[value])
    if "bin_start" in known:  # the bins of a histogram are no metrics
        known = known[known["bin_start"].isna()]
    if known.empty:  # pandas joins no lines to a table, not to a column
        return {}
    names = known[list(named_by)].astype(str).agg(", ".join, axis="columns")
    return {name: round(float(value), 6) for name, value in zip(names, known[value], strict=True)}
