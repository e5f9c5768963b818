"""One simulation, from files to files."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.store.checksums import write_record
from l2rw.store.files import write_csv
from l2rw.store.identity import plain
from l2rw.store.paths import BOUND, CHECKS, TRAJECTORY
from l2rw.store.provenance import PACKAGES_THAT_COMPUTE, provenance, source_hash
from l2rw.theory.checks import bootstrap_limits, check_lemma, check_theorem
from l2rw.theory.constants import Constants, constants_of
from l2rw.theory.counterexample import Counterexample, counterexamples, search_printed_failure
from l2rw.theory.links import check_links
from l2rw.theory.problems import Problem, huber_problem, linear_problem
from l2rw.theory.record import Record
from l2rw.theory.simulate import simulate
from l2rw.theory.spec import SimulationSpec

COUNTEREXAMPLE = "counterexample.csv"


class JobNames(NamedTuple):
    """What the results of a simulation are called, and what it has to read."""

    cell: str | None = None
    """Id of the cell, which the results record."""
    data: str | None = None
    split: str | None = None
    """See :meth:`Dataset.load` and :meth:`Split.load`."""


ANY = JobNames()


def run_simulation(
    spec: SimulationSpec,
    data: Path | None,
    split: Path | None,
    seed: int,
    out: Path,
    names: JobNames = ANY,
) -> None:
    """Simulate, check, and write :data:`CHECKS`, :data:`TRAJECTORY` and :data:`BOUND`.

    Args:
        spec: Settings of the simulation.
        data: Data set file; None for the Huber loss, which needs none.
        split: Split file of the seed; None likewise.
        seed: Of the run.
        out: Folder for the results, created if absent.
        names: Of the workflow.
    """
    started = time.perf_counter()
    made = provenance() | {"source": source_hash((*PACKAGES_THAT_COMPUTE, "theory"))}
    problem = _problem_of(spec, data, split, names)
    constants = constants_of(problem, spec)
    record = simulate(problem, spec, constants, seed)
    _write_trajectory(out / TRAJECTORY, record)
    _write_bound(out / BOUND, record, constants, seed)
    checks = {
        **({"cell": names.cell} if names.cell else {}),
        "spec": plain(spec),
        "seed": seed,
        "constants": constants.as_dict(),
        "start_squared_gradient": float(record.mean_squared_gradient[0]),
        "end_squared_gradient": float(record.mean_squared_gradient[-1]),
        "theorem2": asdict(check_theorem(record, constants, spec, seed)),
        "lemma1": asdict(check_lemma(record.descent, constants, spec)),
        "links": asdict(check_links(record, constants)),
        "search": asdict(search_printed_failure(problem, record.points, constants)),
        "made": made | {"seconds": round(time.perf_counter() - started, 1)},
    }
    write_record(out / CHECKS, checks, [out / TRAJECTORY, out / BOUND])


def write_counterexample(out: Path) -> None:
    """Write :data:`COUNTEREXAMPLE`, a line for each batch size, into a folder."""
    write_csv(out / COUNTEREXAMPLE, Counterexample._fields, counterexamples())


def _problem_of(
    spec: SimulationSpec, data: Path | None, split: Path | None, names: JobNames
) -> Problem:
    if spec.model == "huber":
        return huber_problem()
    if data is None or split is None:
        raise ValueError(f"the model {spec.model} needs a data set and a split")
    dataset, drawn = Dataset.load(data, names.data), Split.load(split, names.split)
    return linear_problem(spec.model, dataset, drawn)


def _write_trajectory(path: Path, record: Record) -> None:
    """Write G, ‖∇G‖² and 𝒯_t of every trajectory on the grid."""
    columns = ("step", "trajectory", "clean_loss", "squared_gradient", "alignment")
    seen = np.stack([record.clean_loss, record.squared_gradient, record.alignment], axis=-1)
    lines = (
        (step, trajectory, *figures)
        for step, of_step in zip(record.grid.tolist(), seen.tolist(), strict=True)
        for trajectory, figures in enumerate(of_step)
    )
    write_csv(path, columns, lines)


def _write_bound(path: Path, record: Record, constants: Constants, seed: int) -> None:
    """Write the mean of ‖∇G‖² beside its bounds, on the grid.

    ``running_min`` is over all steps so far; ``lower`` and ``upper`` are the limits of its 95 %
    bootstrap interval. There is no bound at step 0, nor where its conditions fail.
    """
    columns = ("step", "mean", "lower", "upper", "running_min")
    bounds = {
        "bound": constants.bound,
        "bound_sharper": constants.bound and constants.bound / constants.sharpening,
        "bound_printed": constants.bound_as_printed,
        "bound_best": constants.best_bound,
    }
    mean = record.mean_squared_gradient
    running = np.minimum.accumulate(mean)[record.grid]
    seen = np.stack([mean[record.grid], *bootstrap_limits(record, seed), running], axis=1)
    lines = (
        (step, *figures, *(c / step**0.5 if c and step else "" for c in bounds.values()))
        for step, figures in zip(record.grid.tolist(), seen.tolist(), strict=True)
    )
    write_csv(path, (*columns, *bounds), lines)
