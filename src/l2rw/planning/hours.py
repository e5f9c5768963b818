"""Estimated hours of whole experiments, from the measured time of a step."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from l2rw.methods import METHODS
from l2rw.training.plan_file import PlanFile
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE, RunSpec

Row = dict[str, Any]
"""What was measured of a model and a way of computing the gradient."""

PLAIN_SGD, SGD = "SGD, plain PyTorch", "SGD"
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
    """Return the measured times by model; L2RW's are those of the algorithm that training uses."""
    ms = {(row["model"], row["way"]): row["ms_per_seed"] for row in rows}
    models = {row["model"] for row in rows}
    return {
        model: Times(ms[model, SGD], ms.get((model, LAYER_WISE), ms[model, FORWARD_MODE]))
        for model in models
    }


def estimate(plans: Sequence[PlanFile], times: Mapping[str, Times]) -> Hours:
    """Multiply the steps of plans by measured times, in hours.

    Cells that are trained only because others wait for them count like those that are shown;
    simulations, which take minutes on a CPU, do not count. Cells that the clean set guides take
    L2RW's time and all others that of SGD; a pass forward beside the step's own is a third of it.
    Evaluations are left out, and batch sizes are taken to be those measured.

    Args:
        plans: Of the experiments.
        times: By model.
    """
    by_experiment: dict[str, float] = {}
    cells: dict[str, float] = {}
    models = set()
    for plan in plans:
        hours = {}
        for cell, spec in plan.training():
            models.add(spec.model)
            if spec.model in times:
                hours[cell.id] = hours_of_runs(spec, len(plan.seeds), times[spec.model])
        by_experiment[plan.experiment] = sum(hours.values())
        cells |= {key: max(value, cells.get(key, 0)) for key, value in hours.items()}
    return Hours(by_experiment, sum(cells.values()), sorted(models - set(times)))


def hours_of_runs(spec: RunSpec, seeds: int, times: Times) -> float:
    """Return the hours of a cell's runs, given their settings."""
    record = METHODS[spec.method]
    each = times.l2rw if record.guided_by_clean_set else times.sgd
    each += record.extra_passes * times.sgd / 3
    return spec.steps * seeds * each / 3.6e6
