"""From a configuration to cells, each with an identity that everything it depends on enters.

The identity is part of a result's path. A changed setting is therefore another path and must be
computed; changed back, the old path is there and nothing runs. File times play no part in it.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from l2rw.config import Config, Figure2, Training
from l2rw.data.catalog import CATALOG
from l2rw.data.corruptions import Corruption, Imbalance
from l2rw.methods import GUIDED_BY_CLEAN_SET
from l2rw.training import RESULTS_REVISION
from l2rw.training.provenance import source_hash
from l2rw.training.seeds import format_seeds
from l2rw.training.spec import RunSpec


@dataclass(frozen=True)
class SplitPlan:
    """A corruption of a data set; with a seed, a split."""

    dataset: str
    corruption: Corruption

    @cached_property
    def id(self) -> str:
        """Readable name and digest."""
        return f"{self.dataset}-{self.corruption.label}-{digest(self.identity)}"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the splits, but the seed."""
        return {
            "revision": RESULTS_REVISION,
            "dataset": self.dataset,
            "content": dict(CATALOG[self.dataset].sha256),
            "corruption": self.corruption.name,
            "parameters": asdict(self.corruption),
        }


@dataclass(frozen=True)
class Cell:
    """A method at a setting; with a seed, a run."""

    split: SplitPlan
    spec: RunSpec

    @cached_property
    def id(self) -> str:
        """Readable name and digest, in two path components: split, and method."""
        return f"{self.split.id}/{self.spec.method}-{digest(self.identity)}"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the results, but the seed."""
        return {
            "revision": RESULTS_REVISION,
            "split": self.split.identity,
            "training": asdict(self.spec),
        }


@dataclass(frozen=True)
class PlannedCell:
    """A cell in its place in an experiment."""

    cell: Cell
    setting: dict[str, Any]
    """Where the cell stands in the experiment's sweep, by column of the tidy table."""


@dataclass(frozen=True)
class Experiment:
    """One figure or table of the paper as cells."""

    name: str
    caption: str
    """What was done, in words, with the settings that matter."""
    cells: tuple[PlannedCell, ...]
    seeds: tuple[int, ...]

    @cached_property
    def digest(self) -> str:
        """Identity of what is made from the cells: tables and figures, drawn by today's code."""
        return digest(
            {
                "cells": [[planned.cell.id, planned.setting] for planned in self.cells],
                "seeds": self.seeds,
                "caption": self.caption,
                "analysis": source_hash(("analysis",)),
            }
        )


class Plan:
    """All experiments that a configuration targets."""

    def __init__(self, config: Config) -> None:
        """Expand the configuration.

        Raises:
            UserError: An experiment needs more images than its data set has.
        """
        self.config = config
        self.experiments = {
            name: EXPANSIONS[name](getattr(config.experiments, name)) for name in config.targets
        }

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """All cells by id, those that several experiments share once."""
        return {p.cell.id: p.cell for e in self.experiments.values() for p in e.cells}

    @cached_property
    def splits(self) -> dict[str, SplitPlan]:
        """All split plans by id."""
        return {cell.split.id: cell.split for cell in self.cells.values()}

    @property
    def datasets(self) -> set[str]:
        """Names of all data sets needed."""
        return {split.dataset for split in self.splits.values()}

    @cached_property
    def _seeds(self) -> dict[str, int]:
        seeds: dict[str, int] = {}
        for experiment in self.experiments.values():
            for planned in experiment.cells:
                key = planned.cell.id
                seeds[key] = max(seeds.get(key, 0), len(experiment.seeds))
        return seeds

    def jobs(self, cell: Cell, seeds: Iterable[int] | None = None) -> list[str]:
        """Return the training jobs of a cell as ranges of seeds, such as ``0`` or ``0-4``.

        Args:
            cell: One of :attr:`cells`.
            seeds: Only the jobs that train one of these; all jobs if None.
        """
        size, count = self.config.compute.seeds_per_job, self._seeds[cell.id]
        chunks = [range(first, min(first + size, count)) for first in range(0, count, size)]
        wanted = set(range(count) if seeds is None else seeds)
        return [format_seeds(chunk) for chunk in chunks if wanted.intersection(chunk)]

    def runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return (cell id, job) of every training job of an experiment."""
        plan = self.experiments[experiment]
        cells = {planned.cell.id: planned.cell for planned in plan.cells}
        return [(key, job) for key, cell in cells.items() for job in self.jobs(cell, plan.seeds)]

    def home(self, split_or_cell: str) -> str:
        """Return the first experiment that contains a split or a cell, given its id."""
        return next(
            name
            for name, experiment in self.experiments.items()
            for planned in experiment.cells
            if split_or_cell in (planned.cell.id, planned.cell.split.id)
        )

    def describe(self, experiment: str) -> dict[str, Any]:
        """Return an experiment's plan file: all that jobs need to know, as plain data."""
        plan = self.experiments[experiment]
        return {
            "configuration": self.config.name,
            "experiment": experiment,
            "digest": plan.digest,
            "caption": plan.caption,
            "compute": self.config.compute.model_dump(),
            "settings": getattr(self.config.experiments, experiment).model_dump(mode="json"),
            "seeds": plan.seeds,
            "cells": [
                {
                    "id": planned.cell.id,
                    "setting": planned.setting,
                    "jobs": self.jobs(planned.cell, plan.seeds),
                    "split": planned.cell.split.id,
                    "dataset": planned.cell.split.dataset,
                    "corruption": planned.cell.split.corruption.name,
                    "parameters": asdict(planned.cell.split.corruption),
                    "training": asdict(planned.cell.spec),
                }
                for planned in plan.cells
            ],
        }

    def file(self, experiment: str) -> str:
        """Return the name of an experiment's plan file, which tells its content."""
        return self._files[experiment]

    @cached_property
    def _files(self) -> dict[str, str]:
        # Every job's inputs ask for the name: the description is digested once.
        return {name: f"{name}-{digest(self.describe(name))}.json" for name in self.experiments}

    def data_file(self, dataset: str) -> str:
        """Return the name of a data set's file, which tells what it was read from and how."""
        identity = {"revision": RESULTS_REVISION, "content": dict(CATALOG[dataset].sha256)}
        return f"{dataset}-{digest(identity)}.npz"

    def write(self, results: Path) -> None:
        """Write every experiment's plan file, dated so that what is out of date is remade.

        An experiment's table and figure record the digest of the plan they were made from. Where
        both are this plan's, the plan file and the table are dated at the beginning of time, so
        that nothing made from them seems old; otherwise the plan file is new. So neither the
        arbitrary file times of a fresh clone nor an interrupted run can make a stale figure pass
        for a current one, or a current one for stale. A plan of other settings is another file: a
        dry run does not disturb jobs that run.
        """
        for name, experiment in self.experiments.items():
            path = results / "plan" / self.file(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                partial = path.with_suffix(f".{os.getpid()}.partial")
                partial.write_text(json.dumps(self.describe(name), indent=1) + "\n")
                partial.replace(path)
            table = results / "tables" / f"{name}.csv"
            records = (results / kind / f"{name}.json" for kind in ("tables", "figures"))
            if table.exists() and all(_recorded_plan(r) == experiment.digest for r in records):
                os.utime(path, (1, 1))
                os.utime(table, (1, 1))
            else:
                os.utime(path)


def _recorded_plan(record: Path) -> str | None:
    try:
        plan: str | None = json.loads(record.read_text())["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return plan


def digest(identity: Any) -> str:
    """Digest plain data into eight hexadecimal digits."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _figure2(section: Figure2) -> Experiment:
    cells = []
    for share in section.majority_shares:
        corruption = Imbalance(
            minority=section.minority,
            majority=section.majority,
            majority_share=share,
            train_size=section.train_size,
            clean_size=section.clean_size,
        )
        corruption.check(CATALOG[section.dataset])
        split = SplitPlan(section.dataset, corruption)
        for method in section.methods:
            spec = run_spec(
                method, section.training, baselines_see_clean=section.baselines_see_clean
            )
            setting = {"majority_share": share, "method": method}
            cells.append(PlannedCell(Cell(split, spec), setting))
    training = section.training
    caption = (
        f"Test error on {section.dataset}, class {section.minority} (minority) against class "
        f"{section.majority} (majority), as the share of the majority class grows: mean and 95 % "
        f"confidence interval over {section.seeds} random splits. {section.train_size} training "
        f"images, {section.clean_size} of them the balanced clean set; test part balanced. "
        f"{training.model}, {training.steps} steps of SGD, learning rate "
        f"{training.learning_rate}, momentum {training.momentum}, batch {training.batch_size}."
    )
    return Experiment("figure2", caption, tuple(cells), tuple(range(section.seeds)))


def run_spec(method: str, training: Training, *, baselines_see_clean: bool) -> RunSpec:
    """Return what a method's runs depend on, and nothing else: the rest shall not rerun them."""
    guided = method in GUIDED_BY_CLEAN_SET
    given = training.model_dump()
    if not guided:
        given["clean_batch_size"] = None
    return RunSpec(method=method, trains_on_clean=baselines_see_clean and not guided, **given)


EXPANSIONS = {"figure2": _figure2}
