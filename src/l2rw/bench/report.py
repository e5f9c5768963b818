"""Rows of measurements as aligned tables."""

from collections.abc import Sequence

from l2rw.planning.hours import Hours, Row
from l2rw.store.text import align


def table(rows: Sequence[Row], *, stack: int, cuda: bool) -> str:
    """Return a line for each model and way."""
    columns = {
        "model": "{model}",
        "way": "{way}",
        "ms/step": "{ms:.2f}",
        "IQR": "{iqr_ms:.2f}",
        "ratio to SGD": "{ratio:.2f}",
        "floor by operations": "{floor:.2f}",
    }
    if stack > 1:
        columns["ms/step and seed"] = "{ms_per_seed:.2f}"
    if cuda:
        columns |= {"peak MiB": "{peak_mib:.0f}", "share of peak": "{share_of_peak:.1%}"}
    cells = [[template.format(**row) for template in columns.values()] for row in rows]
    return align([list(columns), *cells], left=2)


def table_of_hours(hours: Hours) -> str:
    """Return a line for each experiment, one for their total, and one for what was left out."""
    lines = [[name, f"{value:.2f}"] for name, value in hours.by_experiment.items()]
    text = align([["experiment", "hours"], *lines, ["total", f"{hours.total:.2f}"]], left=1)
    if hours.not_measured:
        text += f"\nNot measured, and left out of the hours: {', '.join(hours.not_measured)}."
    return text
