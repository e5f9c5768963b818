"""The training jobs that plan files ask for, and the order in which they are trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from l2rw.store.errors import UserError, closest
from l2rw.store.paths import RESULT, Results, seeds_name, seeds_of
from l2rw.store.seeds import format_seeds
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import Compute, PlanFile

ORDERS = ("seeds", "cells")


@dataclass(frozen=True, eq=False)
class JobFiles:
    """Some seeds of a cell, with the paths that the workflow's rules give their files."""

    results: Path
    """Folder of the configuration's results, in a folder of the results of all of them."""
    cell: CellEntry
    seeds: range

    @property
    def id(self) -> str:
        """Identity of the cell."""
        return self.cell.id

    @property
    def name(self) -> str:
        """What people read, the same as in the logs of training."""
        return f"{self.id} seed {format_seeds(self.seeds)}"

    @property
    def data(self) -> Path:
        """Data set file."""
        return self._there.data(self.cell.data_name)

    @property
    def splits(self) -> list[Path]:
        """Split files of the seeds, in the same order."""
        return [self._there.split(self.cell.split, seed) for seed in self.seeds]

    @property
    def out(self) -> Path:
        """Folder of the results of this job."""
        return self._there.run(self.id, format_seeds(self.seeds))

    @property
    def checkpoints(self) -> Path:
        """Folder of the cell's checkpoints."""
        return self._there.checkpoints(self.id)

    @property
    def log(self) -> Path:
        """File for what training says."""
        return self._there.log(self.id, format_seeds(self.seeds))

    @property
    def status(self) -> Path:
        """File that tells how far training is."""
        return self.log.with_name(f"{self.log.name}.status.json")

    @property
    def _there(self) -> Results:
        return Results(self.results)

    @property
    def is_done(self) -> bool:
        """Whether its result, which is written last, is there."""
        return (self.out / RESULT).exists()

    def kept_checkpoints(self) -> list[Path]:
        """Return the checkpoints of this job's seeds that are there, stack by stack."""
        found = sorted(self.checkpoints.glob(f"{seeds_name('*')}.safetensors"))
        return [path for path in found if set(seeds_of(path.stem)) <= set(self.seeds)]


@dataclass(frozen=True, eq=False)
class PlannedJob(JobFiles):
    """A job that is to be trained."""

    compute: Compute
    parents: "tuple[PlannedJob, ...]"
    """The jobs whose trained networks this one needs."""

    @property
    def networks(self) -> list[Path]:
        """Files of the trained networks that this job needs."""
        return [parent.out / "network.safetensors" for parent in self.parents]


def read_jobs(plans: Sequence[PlanFile], changes: Mapping[str, Any]) -> list[PlannedJob]:
    """Return the training jobs of plans: parents first, otherwise as the plans list them.

    A job that several plans share comes once. Simulations are left out.

    Args:
        plans: Of experiments.
        changes: What to compute otherwise than the plans say, such as ``{"device": "cpu"}``.
    """
    jobs: dict[tuple[str, str, range], PlannedJob] = {}
    for plan in plans:
        compute = replace(plan.compute, **changes)
        for cell, _ in plan.training():
            _add(cell, plan, compute, jobs)
    return list(jobs.values())


def _add(
    cell: CellEntry,
    plan: PlanFile,
    compute: Compute,
    jobs: dict[tuple[str, str, range], PlannedJob],
) -> list[PlannedJob]:
    """Add the jobs of a cell after those of its parent, and return them."""
    above = _add(plan.cell(cell.parent), plan, compute, jobs) if cell.parent else []
    added = []
    for seeds in cell.jobs:
        parents = tuple(job for job in above if set(job.seeds) & set(seeds))
        key = plan.configuration, cell.id, seeds
        if key not in jobs:
            results = Results.of(plan.configuration).folder
            jobs[key] = PlannedJob(results, cell, seeds, compute, parents)
        added.append(jobs[key])
    return added


def select(
    jobs: Sequence[PlannedJob],
    *,
    only: Sequence[str] = (),
    seeds: range | None = None,
    order: str = "seeds",
) -> list[PlannedJob]:
    """Return the jobs that are asked for, and those they wait for, in the order to train them.

    Args:
        jobs: What :func:`read_jobs` returned.
        only: Parts of cells' ids: only cells with one of them, those of the first part first. All
            cells if there is none.
        seeds: Only jobs that train one of these; all if None.
        order: One of :data:`ORDERS`: seed by seed, or cell by cell.

    Raises:
        UserError: A part is in no cell's id, or no job has one of the seeds.
    """
    parts = list(only) or [""]
    for part in parts:
        if jobs and not any(part in job.id for job in jobs):
            names = sorted({job.id.rpartition("/")[2] for job in jobs})
            raise UserError(
                f"No cell of the plans contains {part!r} in its id.", closest(part, names)
            )
    rank: dict[PlannedJob, int] = {}
    # Children come after their parents in `jobs`: from the end, each hands its rank up.
    for job in reversed(jobs):
        places = [place for place, part in enumerate(parts) if part in job.id]
        if places and (seeds is None or set(job.seeds) & set(seeds)):
            rank[job] = min(places[0], rank.get(job, places[0]))
        if job in rank and not job.is_done:
            for parent in job.parents:
                rank[parent] = min(rank[job], rank.get(parent, rank[job]))
    if not rank:
        raise UserError(
            "The plans contain no training jobs with these seeds.",
            "look at `jobs` in the plan files.",
        )
    place = {job: number for number, job in enumerate(jobs)}

    def key(job: PlannedJob) -> tuple[int, ...]:
        by_seed = (job.seeds.start,) if order == "seeds" else ()
        return *by_seed, rank[job], place[job]

    return sorted(rank, key=key)


class Queue:
    """Jobs in order, each given out once its parents are done."""

    def __init__(self, jobs: Sequence[PlannedJob]) -> None:
        """Args: ``jobs`` are what :func:`select` returned."""
        self.done = [job for job in jobs if job.is_done]
        self.waiting = [job for job in jobs if not job.is_done]
        self.failures: dict[PlannedJob, str] = {}
        """Why jobs failed, in a sentence."""

    def next(self) -> PlannedJob | None:
        """Take out the first job that can start now; None if there is none."""
        for job in self.waiting:
            if all(parent.is_done for parent in job.parents):
                self.waiting.remove(job)
                return job
        return None

    def fail(self, job: PlannedJob, why: str) -> list[PlannedJob]:
        """Note that a job failed; return the jobs that are skipped for that."""
        self.failures[job] = why
        skipped = []
        # Parents come before their children in no order but that of the plans: look repeatedly.
        while lost := [j for j in self.waiting if any(p in self.failures for p in j.parents)]:
            for child in lost:
                self.waiting.remove(child)
                parent = next(p for p in child.parents if p in self.failures)
                self.failures[child] = f"skipped, because {parent.name} failed."
            skipped += lost
        return skipped
