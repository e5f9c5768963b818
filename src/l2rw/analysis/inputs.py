"""The inputs of every output: the files whose change makes it due.

An output records the checksums of these files, and its plan, whose digest contains the settings and
the code that makes outputs. Data, splits and runs need no such record: their paths contain a digest
of what determines them. The result of a run holds the checksums of the run's other files, so it
stands for all of them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from l2rw.store.paths import (
    CHECKS,
    DETECTORS_RECORD,
    PROBE_RECORD,
    RESULT,
    SUSPECTS,
    Results,
    ReviewFiles,
    seeds_name,
)
from l2rw.store.seeds import format_seeds
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import PlanFile

BENCH = "bench"
TABLE_FILES = ("csv", "md", "html", "tex")
FIGURE_FILES = ("csv", "pdf", "svg", "png")
"""What the record of a table and of a figure seals."""

BESIDE_RESULTS = {"weights": PROBE_RECORD, "detectors": DETECTORS_RECORD}
"""Records of what jobs leave beside a run's own files, by the kind that is made from it."""
Inputs = Mapping[str, Path]
"""Files by the names that outputs record."""


def inputs_of_table(plan: PlanFile, runs: Path) -> Inputs:
    """Return the results of all runs that an experiment shows."""
    found = {}
    for cell in plan.cells:
        file = CHECKS if cell.kind == "simulation" else RESULT
        for job in cell.jobs:
            if set(job).intersection(plan.seeds):
                place = Results(Path()).run(cell.id, format_seeds(job)) / file
                name = place.relative_to(Results(Path()).runs).as_posix()
                found[name] = runs / name
                if beside := BESIDE_RESULTS.get(str(plan.settings.get("kind"))):
                    name = Path(name).with_name(beside).as_posix()
                    found[name] = runs / name
    return found


def inputs_of_review(
    plan: PlanFile, cell: CellEntry, runs: Path, table: Path, review: ReviewFiles
) -> Inputs:
    """Return the results of the runs that are asked, the table, and what was kept of former labels.

    A review is of one cell of L2RW, among all that the table shows.
    """
    found = {"table": table}
    for job in cell.jobs:
        if set(job).intersection(plan.seeds):
            name = f"{cell.id}/{seeds_name(format_seeds(job))}/{RESULT}"
            found[name] = runs / name
    return found | {f"outcomes/{path.stem}": path for path in review.outcomes()}


def inputs_of_figure(table: Path) -> Inputs:
    """Return the table that a figure is drawn from."""
    return {"table": table}


def inputs_of_metrics(experiments: Iterable[str], there: Results) -> Inputs:
    """Return the records of all figures, which hold the checksums of their summaries."""
    return {name: there.figure(name, "json") for name in experiments}


def own_cells(plan: PlanFile) -> list[CellEntry]:
    """Return the cells of a table on a user's own data, under labels as they come."""
    if plan.settings["kind"] != "table":
        return []
    return [cell for cell in plan.cells if cell.data_file and cell.corruption.name == "given"]


class Pictured(NamedTuple):
    """A run whose suspects the page shows as pictures."""

    cell: CellEntry
    job: range
    seed: int

    def suspects(self, there: Results) -> Path:
        """Return the file that lists them."""
        return there.run(self.cell.id, format_seeds(self.job)) / SUSPECTS


def pictured(plan: PlanFile) -> Pictured | None:
    """Return the first split of the last row of an experiment on suspects; None of others."""
    if plan.settings["kind"] != "suspects":
        return None
    cell, seed = plan.cells[-1], min(plan.seeds)
    return Pictured(cell, next(job for job in cell.jobs if seed in job), seed)


def shown_by_page(plan: PlanFile, there: Results) -> list[Path]:
    """Return what the results page reads of an experiment beside its table and figure.

    It needs no record, but has to be there when the page is made.
    """
    cells, shown = own_cells(plan), pictured(plan)
    found = [there.data(cell.data_name) for cell in cells]
    for result in inputs_of_table(plan, there.runs).values() if cells else ():
        found += [result, result.with_name(SUSPECTS)]
    if shown:
        found += [shown.suspects(there), there.data(shown.cell.data_name)]
    return list(dict.fromkeys(found))


def inputs_of_ledger(plans: Iterable[PlanFile], bench: Path | None, there: Results) -> Inputs:
    """Return the records of all tables and figures, and timings."""
    found: dict[str, Path] = {}
    for plan in plans:
        name = plan.experiment
        found |= {f"tables/{name}": there.table(name, "json")}
        found |= {f"figures/{name}": there.figure(name, "json")}
    return found | ({BENCH: bench} if bench else {})
