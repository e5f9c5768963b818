"""From a configuration to experiments, jobs and plan files."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from l2rw.config.kinds import KINDS
from l2rw.config.load import Config
from l2rw.config.schema import Training
from l2rw.config.sections import Sweep
from l2rw.data.datasets.facts import Facts, data_file
from l2rw.experiments.cells import Cell, Experiment, SplitPlan, analysis_hash
from l2rw.store.identity import digest
from l2rw.store.paths import Results, done_in
from l2rw.store.provenance import source_hash
from l2rw.store.seeds import format_seeds, parse_seeds
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import Compute, PlanFile
from l2rw.training.spec import RunSpec

OURS, GIVEN = "l2rw", "given"
"""The method whose suspects people review, and the corruption: labels as given."""

TIMED_PACKAGES = ("core", "models", "methods", "training", "bench")
"""The packages that timings depend on."""


class Plan:
    """All experiments that a configuration targets."""

    def __init__(self, config: Config, results: Path | None = None) -> None:
        """Expand the configuration.

        Args:
            config: What is wanted.
            results: Folder of the configuration's results: seeds trained already are not trained
                again, however many a job has now. None to plan as if there were no results.

        Raises:
            UserError: An experiment asks for what its data set does not have.
        """
        self.config = config
        self._results = Results(results) if results is not None else None
        self.experiments: dict[str, Experiment] = {
            name: KINDS.load(config.experiments[name].kind)(config, name) for name in config.targets
        }
        self._jobs: dict[str, list[range]] = {}

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """All cells by id, those that several experiments share once, after their parents."""
        return {key: cell for e in self.experiments.values() for key, cell in e.all_cells.items()}

    @cached_property
    def splits(self) -> dict[str, SplitPlan]:
        """All split plans by id."""
        return {cell.split.id: cell.split for cell in self.cells.values()}

    @cached_property
    def datasets(self) -> dict[str, Facts]:
        """Facts of all data sets needed, by name."""
        return {split.dataset: split.data for split in self.splits.values()}

    @cached_property
    def _seeds(self) -> dict[str, int]:
        seeds: dict[str, int] = {}
        for experiment in self.experiments.values():
            for key in experiment.all_cells:
                seeds[key] = max(seeds.get(key, 0), len(experiment.seeds))
        return seeds

    def seeds_of(self, cell: str) -> int:
        """Return the number of seeds that a cell is trained with, given its id."""
        return self._seeds[cell]

    def seeds_of_split(self, split: SplitPlan) -> range:
        """Return the seeds that a split is drawn for."""
        users = (key for key, cell in self.cells.items() if cell.split == split)
        return range(max(self._seeds[key] for key in users))

    def jobs(self, cell: Cell, seeds: Iterable[int] | None = None) -> list[str]:
        """Return the training jobs of a cell as ranges of seeds, such as ``0`` or ``0-4``.

        Those that were done come as they were, the remaining seeds as jobs of the configured size.

        Args:
            cell: One of :attr:`cells`.
            seeds: Only the jobs that train one of these; all jobs if None.
        """
        wanted = set(range(self._seeds[cell.id]) if seeds is None else seeds)
        return [format_seeds(job) for job in self._split_jobs(cell) if wanted.intersection(job)]

    def done(self, cell: Cell) -> list[range]:
        """Return the seeds of a cell whose results are there, job by job, none twice."""
        kept: list[range] = []
        if self._results is not None:
            found = done_in(self._results.runs, cell.id, cell.result)
            # Of jobs that share seeds, as jobs of other sizes may, the first and longest counts.
            for job in sorted(found, key=lambda job: (job.start, -len(job))):
                if job.start < self._seeds[cell.id] and (not kept or job.start >= kept[-1].stop):
                    kept.append(job)
        return kept

    def _split_jobs(self, cell: Cell) -> list[range]:
        """Divide a cell's seeds into jobs; the division stays the same while jobs finish."""
        if cell.id not in self._jobs:
            size, end = self.config.compute.seeds_per_job, self._seeds[cell.id]
            done = self.done(cell)
            starts = [0, *(job.stop for job in done)]
            stops = [*(job.start for job in done), end]
            new = [
                range(first, min(first + size, stop))
                for start, stop in zip(starts, stops, strict=True)
                for first in range(start, stop, size)
            ]
            self._jobs[cell.id] = sorted([*done, *new], key=lambda job: job.start)
        return self._jobs[cell.id]

    def runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return (cell id, job) of every training job that an experiment shows."""
        plan = self.experiments[experiment]
        cells = {planned.cell.id: planned.cell for planned in plan.cells}
        return [(key, job) for key, cell in cells.items() for job in self.jobs(cell, plan.seeds)]

    def parents(self, cell: str, seeds: Iterable[int]) -> list[tuple[str, str]]:
        """Return (cell id, job) of every training job that a cell's job waits for."""
        parent = self.cells[cell].parent
        return [(parent.id, job) for job in self.jobs(parent, seeds)] if parent else []

    def owner(self, split_or_cell: str) -> str:
        """Return the first experiment that contains a split or a cell, given its id."""
        return next(
            name
            for name, experiment in self.experiments.items()
            for key, cell in experiment.all_cells.items()
            if split_or_cell in (key, cell.split.id)
        )

    def describe(self, experiment: str) -> PlanFile:
        """Return an experiment's plan file: all that jobs need to know."""
        plan = self.experiments[experiment]
        shown = {planned.cell.id for planned in plan.cells}
        return PlanFile(
            configuration=self.config.name,
            experiment=experiment,
            digest=plan.digest,
            analysis=analysis_hash(),
            caption=plan.caption,
            compute=Compute(**self.config.compute.model_dump()),
            settings=plan.settings,
            seeds=plan.seeds,
            cells=tuple(
                self._describe(planned.cell, plan.seeds, planned.setting) for planned in plan.cells
            ),
            parents=tuple(
                self._describe(cell, plan.seeds, setting={})
                for key, cell in plan.all_cells.items()
                if key not in shown
            ),
        )

    def _describe(self, cell: Cell, seeds: Iterable[int], setting: Mapping[str, Any]) -> CellEntry:
        return CellEntry(
            id=cell.id,
            jobs=tuple(map(parse_seeds, self.jobs(cell, seeds))),
            split=cell.split.id,
            dataset=cell.split.dataset,
            data_file=self.data_file(cell.split.dataset)
            if cell.split.dataset in self.config.data_sets
            else None,
            initial_weights=cell.initial_weights,
            corruption=cell.split.corruption,
            spec=cell.spec,
            parent=cell.parent.id if cell.parent else None,
            setting=setting,
        )

    @cached_property
    def reviews(self) -> dict[str, tuple[str, Cell]]:
        """Data sets of the user's own whose labels people can review, by name.

        With each the first experiment in which L2RW trains on its given labels, and that cell.
        """
        found: dict[str, tuple[str, Cell]] = {}
        for name, experiment in self.experiments.items():
            for cell in (planned.cell for planned in experiment.cells):
                own = cell.split.dataset in self.config.data_sets
                given = cell.split.corruption.name == GIVEN
                if own and given and isinstance(cell.spec, RunSpec) and cell.spec.method == OURS:
                    found.setdefault(cell.split.dataset, (name, cell))
        return found

    def file(self, experiment: str) -> str:
        """Return the name of an experiment's plan file, which contains a digest of its content."""
        return self._files[experiment]

    @cached_property
    def _files(self) -> dict[str, str]:
        # Every job's inputs ask for the name: the description is digested once.
        return {name: self.describe(name).file_name for name in self.experiments}

    def data_file(self, dataset: str) -> str:
        """Return the name of a data set's file, with a digest of its content and options."""
        return data_file(self.datasets[dataset])

    @property
    def timed_networks(self) -> list[str]:
        """Networks whose steps are timed: those of Figure 2 and BackgroundFlip that are trained.

        A claim of the paper is judged by their times, so data of the user's own do not count.
        """
        figure2, noisy = self.config.experiments["figure2"], self.config.noisy_labels
        assert isinstance(figure2, Sweep)
        given = (figure2.training or Training(), noisy.background_flip.training)
        trained = {
            cell.spec.model
            for cell in self.cells.values()
            if cell.kind == "training" and cell.split.dataset not in self.config.data_sets
        }
        return [n for n in dict.fromkeys(one.model for one in given) if n in trained]

    @property
    def bench_file(self) -> str | None:
        """Name of the file of their timings; None without networks.

        It ends in a digest of how, and of the code: a step that has changed is timed again.
        """
        if not self.timed_networks:
            return None
        compute = self.config.compute
        how = [compute.device, compute.threads, source_hash(TIMED_PACKAGES)]
        return f"{'-'.join(self.timed_networks)}-{digest(how)}.json"

    def create(self, results: Path) -> None:
        """Write the plan files that are missing or damaged.

        Every job on a cluster asks for those of the code that it meets there: analysis may have
        been edited while it waited.
        """
        for name in self.experiments:
            self.describe(name).write(Results(results).plan(self.file(name)).parent)
