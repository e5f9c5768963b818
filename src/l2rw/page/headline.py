"""The question and the main findings, in a few lines."""

from collections.abc import Iterator, Sequence

import pandas as pd

from l2rw.analysis.collect import read_table
from l2rw.analysis.outputs import drawing_of
from l2rw.analysis.statistics import plus_minus
from l2rw.analysis.style import look, name_of
from l2rw.experiments.captions import splits
from l2rw.store.paths import Results
from l2rw.training.plan_file import PlanFile

OURS, PLAIN = "l2rw", "baseline"
FINDINGS = 3
"""How many experiments the headline quotes."""


def headline(plans: Sequence[PlanFile], there: Results) -> list[str]:
    """Return the lines: first the question, then the findings of the first experiments."""
    # A user's own data need more words; see :mod:`l2rw.page.own`.
    published = [plan for plan in plans if not any(cell.data_file for cell in plan.cells)]
    found = (line for plan in published for line in _found(plan, there))
    return [_asked(plans), *(line for line, _ in zip(found, range(FINDINGS), strict=False))]


def _asked(plans: Sequence[PlanFile]) -> str:
    datasets = dict.fromkeys(name_of(cell.dataset) for plan in plans for cell in plan.cells)
    methods = {cell.run_spec.method for plan in plans for cell in plan.cells if _trains(cell)}
    seeds = max(len(plan.seeds) for plan in plans)
    told = f"{_count(len(methods), 'method')}, " if methods else ""
    counted = _count(len(plans), "experiment")
    return (
        "Question: if a few labels are known to be right, does weighting the training examples "
        f"with their help (L2RW) beat plain training? {counted}, {told}{splits(seeds)}, on "
        f"{', '.join(datasets)}."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _trains(cell: object) -> bool:
    return getattr(cell, "kind", "") == "training"


def _found(plan: PlanFile, there: Results) -> Iterator[str]:
    """Yield what a table or a sweep says of L2RW, the Baseline, and the best of the others."""
    kind, settings = plan.settings["kind"], plan.settings
    if kind not in ("table", "sweep"):
        return
    drawing = drawing_of(plan.experiment, settings)
    summary = drawing.summary(read_table(there.table(plan.experiment)))
    if kind == "sweep":
        (swept,) = settings["sweep"]
        last = summary[swept].iloc[-1]
        at, summary = f"{swept.replace('_', ' ')} {last}", summary[summary[swept] == last]
        error = settings["quantity"] == "error"
    else:
        dataset = summary["dataset"].iloc[0]
        at, summary = name_of(str(dataset)), summary[summary["dataset"] == dataset]
        summary, error = summary[summary["seeds"] > 0].drop_duplicates("row"), False
    value = str(drawing.value)
    lines = summary.set_index("row")[[value, "ci95_half_width"]]
    if OURS not in lines.index or len(lines) < 2:
        return
    others = lines.drop(index=[OURS, PLAIN], errors="ignore").sort_values(value, ascending=error)
    title = settings.get("title") or plan.experiment.replace("_", " ").capitalize()
    verb = "errs on" if error else "is right on"
    told = f"{title}, {at}: {look(OURS).label} {verb} {_number(lines.loc[OURS])} % of the test part"
    if PLAIN in lines.index:
        told += f", plain training on {_number(lines.loc[PLAIN])} %"
    for row in others.index[:1]:
        told += f", the best other method, {look(row).label}, on {_number(lines.loc[row])} %"
    yield f"{told}."


def _number(line: pd.Series) -> str:
    mean, half_width = (float(number) for number in line)
    return plus_minus(mean, half_width)
