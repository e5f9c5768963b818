"""Estimated hours of whole experiments, from the measured time of a step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.facts import Facts
from l2rw.methods import METHODS
from l2rw.models import MODELS
from l2rw.training.plan_file import PlanFile
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE, RunSpec

Row = dict[str, Any]
"""What was measured of a model and a way of computing the gradient."""

PLAIN_SGD, SGD = "SGD, plain PyTorch", "SGD"
MEASURED_BATCH = 100
"""Training examples in the steps that were measured."""
START_SECONDS = 3.0
"""What a training job takes besides steps and evaluations, to load data and to write results: 120
jobs of one step on MNIST took 3.1 s each on a CPU core."""
DOUBLE_BACKWARD, THREE_PASSES = "double backward", "three passes"


class Times(NamedTuple):
    """Milliseconds for each step of one model and seed, with :data:`MEASURED_BATCH` examples."""

    sgd: float
    l2rw: float


class Hours(NamedTuple):
    """What a set of plans would take, one job after the other."""

    by_experiment: dict[str, float]
    total: float
    """A cell that several experiments share counts once."""
    not_measured: list[str]
    """Models of the plans that are left out of the hours."""


def times_of(rows: Sequence[Row], batch_size: int = MEASURED_BATCH) -> dict[str, Times]:
    """Return the measured times by model; L2RW's are those of the algorithm that training uses.

    Args:
        rows: What was measured.
        batch_size: Training examples in a measured step.
    """
    scale = MEASURED_BATCH / batch_size
    ms = {(row["model"], row["way"]): scale * row["ms_per_seed"] for row in rows}
    models = {row["model"] for row in rows}
    return {
        model: Times(ms[model, SGD], ms.get((model, LAYER_WISE), ms[model, FORWARD_MODE]))
        for model in models
    }


def estimate(
    plans: Sequence[PlanFile], times: Mapping[str, Times], facts: Mapping[str, Facts] = CATALOG
) -> Hours:
    """Multiply the steps and evaluations of plans by measured times, in hours.

    Cells that are trained only because others wait for them count like those that are shown;
    simulations, which take minutes on a CPU, do not count.

    Args:
        plans: Of the experiments.
        times: By model.
        facts: Of the data sets, by name.
    """
    by_experiment: dict[str, float] = {}
    cells: dict[str, float] = {}
    models = set()
    for plan in plans:
        hours = {}
        for cell, spec in plan.training():
            models.add(spec.model)
            if spec.model in times:
                data = facts[cell.dataset]
                each = seconds_of_run(spec, data, cell.corruption, times[spec.model])
                hours[cell.id] = len(plan.seeds) * each / 3600
        by_experiment[plan.experiment] = sum(hours.values())
        cells |= {key: max(value, cells.get(key, 0)) for key, value in hours.items()}
    return Hours(by_experiment, sum(cells.values()), sorted(models - set(times)))


def seconds_of_run(spec: RunSpec, data: Facts, corruption: Corruption, times: Times) -> float:
    """Return about how many seconds a run takes, including evaluations and its start.

    A method that the clean set guides takes L2RW's time and all others that of SGD. A pass forward
    takes a third of SGD's.

    Args:
        spec: Settings of the run.
        data: What it trains on.
        corruption: Of the data.
        times: Of its model.
    """
    record, forward = METHODS[spec.method], times.sgd / 3
    step = times.l2rw if record.guided_by_clean_set else times.sgd
    step += record.extra_passes * forward
    steps = spec.steps * spec.batch_size / MEASURED_BATCH * step
    evaluation = evaluated_examples(data, corruption) / MEASURED_BATCH * forward
    size = relative_size(data, spec.model)
    return START_SECONDS + size * (steps + spec.evaluations * evaluation) / 1000


def evaluated_examples(data: Facts, corruption: Corruption) -> int:
    """Return about how many examples an evaluation passes: of the test and validation parts."""
    test = data.test_size * corruption.classes / data.classes
    return round(test) + getattr(corruption, "validation_size", 0)


def relative_size(data: Facts, model: str) -> float:
    """Return how many times larger examples are than those for which a network's cost holds.

    The cost of convolutions is proportional to the area of images; the result is at least 1.
    """
    timed, sides = CATALOG[MODELS[model].timed_on], data.image_shape[1:]
    shrinks = [by for side, by in MODELS[model].shrinks_from if sides and min(sides) >= side]
    area = math.prod(sides) / (shrinks[-1] ** 2 if shrinks else 1)
    return max(1.0, area / math.prod(timed.image_shape[1:]))
