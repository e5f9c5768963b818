"""Estimated hours of whole experiments, from the measured time of a step."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from l2rw.store.errors import UserError

Plan = dict[str, Any]
Row = dict[str, Any]
"""What was measured of a model and a way of computing the gradient."""

PLAIN_SGD, SGD = "SGD, plain PyTorch", "SGD"
LAYER_WISE, FORWARD_MODE = "layer-wise", "forward mode"
DOUBLE_BACKWARD, THREE_PASSES = "double backward", "three passes"


class Times(NamedTuple):
    """Milliseconds for each step and seed of one model."""

    sgd: float
    l2rw: float


class Hours(NamedTuple):
    """What a set of plans would take, one job after the other."""

    by_experiment: dict[str, float]
    total: float
    """A cell that several experiments share counts once."""
    not_measured: list[str]
    """Models of the plans that are left out of the hours."""


def times_of(rows: Sequence[Row]) -> dict[str, Times]:
    """Return the measured times by model."""
    ms = {(row["model"], row["way"]): row["ms_per_seed"] for row in rows}
    models = {row["model"] for row in rows}
    return {model: Times(ms[model, SGD], ms[model, FORWARD_MODE]) for model in models}


def estimate(plans: Sequence[Plan], times: Mapping[str, Times]) -> Hours:
    """Multiply the steps of plan files by measured times, in hours.

    Cells that are trained only because others wait for them count like those that are shown;
    simulations, which take minutes on a CPU, do not count. Cells of ``l2rw`` take the time of
    forward mode and all others that of SGD: hard mining, which also passes its candidates forward,
    takes longer than that. Evaluations are left out, and batch sizes are taken to be those
    measured.

    Args:
        plans: Contents of plan files.
        times: By model.
    """
    by_experiment: dict[str, float] = {}
    cells: dict[str, float] = {}
    models = set()
    for plan in plans:
        hours = {}
        for cell in _trained(plan):
            training = cell["training"]
            models.add(training["model"])
            if training["model"] in times:
                each = times[training["model"]]
                hours[cell["id"]] = hours_of_runs(training, len(plan["seeds"]), each)
        by_experiment[plan["experiment"]] = sum(hours.values())
        cells |= {key: max(value, cells.get(key, 0)) for key, value in hours.items()}
    return Hours(by_experiment, sum(cells.values()), sorted(models - set(times)))


def _trained(plan: Plan) -> list[dict[str, Any]]:
    return [cell for cell in plan["cells"] + plan["parents"] if "simulation" not in cell]


def hours_of_runs(training: Mapping[str, Any], seeds: int, times: Times) -> float:
    """Return the hours of a cell's runs, given its settings as a plan file says them."""
    each = times.l2rw if training["method"] == "l2rw" else times.sgd
    return float(training["steps"] * seeds * each / 3.6e6)


def read_plan(path: Path) -> Plan:
    """Read a plan file; raise :class:`UserError` if it is none."""
    try:
        plan: Plan = json.loads(path.read_text())
        for cell in _trained(plan):
            _ = cell["id"], cell["training"]["model"], cell["training"]["method"]
            _ = cell["training"]["steps"], plan["experiment"], plan["seeds"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a plan file that can be read ({type(error).__name__}: {error}).",
            "name files that the workflow wrote, such as results/paper/plan/*.json.",
        ) from None
    return plan
