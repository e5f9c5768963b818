"""Lemma 1: steps by which the clean loss grew, and the counterexample to it as printed."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis.drawing import add_legend
from l2rw.analysis.simulations import name_of_simulation, number, simulations, thousands
from l2rw.analysis.style import RC

SIMULATION, COUNTEREXAMPLE = "simulation", "counterexample"
LEMMA = ("verdict", "verdict_as_printed", "steps", "growths", "largest_growth")


def collect(plan: dict[str, Any], runs: Path) -> pd.DataFrame:
    """Read the checks of all planned simulations, and compute the counterexample.

    Returns:
        ``kind`` tells lines apart. Of a ``simulation``: its setting, ``steps`` compared,
        ``growths`` of G among them, the ``largest_growth``, the verdicts, and how often steps on
        copies of one example made G grow at the largest step size as printed (``tried`` and
        ``failed``). Of the ``counterexample``: ``batch_size`` n, and G after a step
        ``loss_as_printed`` and ``loss`` (corrected).
    """
    # Only here: everything else in this package does without PyTorch.
    from l2rw.theory.counterexample import counterexamples

    lines = [
        {
            "kind": SIMULATION,
            **simulation.setting,
            **{name: simulation.checks["lemma1"][name] for name in LEMMA},
            "tried": simulation.checks["search"]["steps"],
            "failed": simulation.checks["search"]["failures"],
            **simulation.made,
        }
        for simulation in simulations(plan, runs)
    ]
    made = {name: lines[0][name] for name in ("cell", "seed", "commit", "source", "device")}
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
    return runs.drop(columns=["cell", "seed", "commit", "source", "device"])


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a line for each simulation."""
    lines: list[Any] = list(table[table["kind"] == SIMULATION].itertuples())
    columns = {
        "verdict": [line.verdict for line in lines],
        "steps": [thousands(line.steps) for line in lines],
        "G grew": [thousands(line.growths) for line in lines],
        "by at most": [number(line.largest_growth) for line in lines],
        "as printed, on copies: tried": [thousands(line.tried) for line in lines],
        "G grew ": [thousands(line.failed) for line in lines],
    }
    names = [name_of_simulation(line) for line in lines]
    return pd.DataFrame(columns, index=pd.Index(names, name="Simulation"))


def draw(table: pd.DataFrame, settings: dict[str, Any]) -> Figure:
    """Draw G after one step of the counterexample against the batch size."""
    rows = table[table["kind"] == COUNTEREXAMPLE]
    with mpl.rc_context(RC):
        figure, axes = plt.subplots(figsize=(4.8, 3.4))
        printed: dict[str, Any] = {
            "color": "#D55E00",
            "label": "after a step of 2n/(Lσ²), as printed",
        }
        corrected: dict[str, Any] = {
            "color": "#0072B2",
            "label": "after a step of 2/(Lσ²), corrected",
        }
        axes.plot(rows["batch_size"], rows["loss_as_printed"], "o", ms=3, **printed)
        axes.plot(rows["batch_size"], rows["loss"], "s", ms=3, **corrected)
        start = rows["start_loss"].iloc[0]
        before = axes.axhline(start, color="#000000", lw=0.9, label="before the step")
        axes.set(yscale="log", xlabel="Copies in the batch, n", ylabel="Clean loss G")
        add_legend(figure, [*axes.get_legend_handles_labels()[0][:2], before])
    return figure
