"""Lemma 1: steps by which the clean loss grew, and the counterexample to it as printed."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2rw.analysis.drawing import add_legend, name_lines
from l2rw.analysis.simulations import ON, WHO, name_of_simulation, number, simulations, thousands
from l2rw.analysis.style import RC
from l2rw.store.provenance import PACKAGES_THAT_COMPUTE, git_commit, source_hash
from l2rw.training.plan_file import PlanFile

value = "growths"
named_by = ("model", "weighting", "batches", "limit_fraction")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

SIMULATION, COUNTEREXAMPLE = "simulation", "counterexample"
LEMMA = ("verdict", "verdict_as_printed", "steps", "growths", "largest_growth")
ON_COPIES = "step as printed, on copies"
PRINTED: dict[str, Any] = {"color": "#D55E00", "marker": "o"}


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the checks of all planned simulations, and compute the counterexample.

    Returns:
        Lines of two kinds (``kind``). Of a ``simulation``: its setting, ``steps`` compared,
        ``growths`` of G among them, the ``largest_growth``, the verdicts, and how often steps on
        copies of one example made G grow at the largest step size as printed (``tried`` and
        ``failed``). Of the ``counterexample``, which today's code makes and no cell: ``batch_size``
        n, and G after a step ``loss_as_printed`` and ``loss`` (corrected).
    """
    # Only here: everything else in this package does without PyTorch.
    from l2rw.theory.counterexample import counterexamples

    lines = [
        {
            "kind": SIMULATION,
            **simulation.setting,
            **{name: simulation.check("lemma1", name) for name in LEMMA},
            "tried": simulation.check("search", "steps"),
            "failed": simulation.check("search", "failures"),
            **simulation.made,
        }
        for simulation in simulations(plan, runs)
    ]
    source = source_hash((*PACKAGES_THAT_COMPUTE, "theory"))
    made = {"cell": None, "seed": 0, "commit": git_commit(), "source": source, **ON}
    lines += [
        {
            "kind": COUNTEREXAMPLE,
            "batch_size": row.batch_size,
            "start_loss": row.start_loss,
            "loss_as_printed": row.loss_as_printed,
            "loss": row.loss,
            **made,
        }
        for row in counterexamples()
    ]
    return pd.DataFrame(lines)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the same without what made it."""
    return runs.drop(columns=WHO)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a line for each simulation."""
    lines: list[Any] = list(table[table["kind"] == SIMULATION].itertuples())
    columns = {
        ("lemma", "corrected"): [line.verdict for line in lines],
        ("lemma", "as printed"): [line.verdict_as_printed for line in lines],
        ("simulation", "steps"): [thousands(line.steps) for line in lines],
        ("simulation", "G grew"): [thousands(line.growths) for line in lines],
        ("simulation", "by at most"): [number(line.largest_growth) for line in lines],
        (ON_COPIES, "tried"): [thousands(line.tried) for line in lines],
        (ON_COPIES, "G grew"): [thousands(line.failed) for line in lines],
    }
    names = [name_of_simulation(line) for line in lines]
    return pd.DataFrame(columns, index=pd.Index(names, name="Simulation"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw the counterexample (left), and how often G grew in simulations (right)."""
    with mpl.rc_context(RC):
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4), width_ratios=(1.3, 1))
        _draw_counterexample(left, table[table["kind"] == COUNTEREXAMPLE])
        _draw_growths(right, table[table["kind"] == SIMULATION])
        add_legend(figure, [h for a in (left, right) for h in a.get_legend_handles_labels()[0]])
    return figure


def _draw_counterexample(axes: Axes, rows: pd.DataFrame) -> None:
    n = rows["batch_size"]
    printed = PRINTED | {"ms": 2.5, "label": "after a step of 2n/(Lσ²), as printed"}
    axes.plot(n, rows["start_loss"], color="#bbbbbb", lw=5, label="before the step")
    axes.plot(n, rows["loss_as_printed"], **printed)
    axes.plot(n, rows["loss"], color="#0072B2", label="after a step of 2/(Lσ²), corrected")
    ticks = [2**k for k in range(1, 20) if n.min() <= 2**k <= n.max()]
    axes.set(xscale="log", yscale="log", xlabel="Copies in the batch, n", ylabel="Clean loss G")
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_xticks([], minor=True)
    axes.set_title("Counterexample: Huber loss")


def _draw_growths(axes: Axes, rows: pd.DataFrame) -> None:
    at = range(len(rows))
    printed = PRINTED | {"ls": "none", "mfc": "white", "ms": 4.5}
    printed["label"] = "steps as printed, on copies"
    axes.plot(100 * rows["growths"] / rows["steps"], at, "kd", ms=5, label="steps as simulated")
    axes.plot(100 * rows["failed"] / rows["tried"], at, **printed)
    name_lines(axes, [fill(name_of_simulation(row), 22) for row in rows.itertuples()])
    axes.set(xlim=(-5, 105), xlabel="Steps by which G grew (%)", title="Simulations")
