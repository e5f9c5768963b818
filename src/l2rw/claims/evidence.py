"""What a ledger is judged on: tables of runs, timings, and which runs made them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from l2rw.analysis.collect import MADE, read_table, unreadable
from l2rw.analysis.inputs import BENCH
from l2rw.claims.measures import Tables
from l2rw.store.checksums import read_named, require_plan
from l2rw.store.paths import CHECKS, RESULT, Results
from l2rw.store.seeds import format_seeds
from l2rw.training.plan_file import PlanFile


class Evidence(NamedTuple):
    """Everything behind a ledger."""

    plans: Mapping[str, PlanFile]
    """By experiment."""
    tables: Tables
    """By experiment; ``bench`` among them if there are timings."""
    folder: Path
    """Of the results: ``tables``, ``figures`` and ``runs`` lie in it."""

    @property
    def configuration(self) -> str:
        """Name of the configuration."""
        return next(iter(self.plans.values())).configuration

    def made(self, cells: Sequence[str], needs: Sequence[str]) -> pd.DataFrame:
        """Return what made some cells of some experiments: a line for each run, ``cell``, MADE."""
        lines = [
            table[table["cell"].isin(cells)][["cell", *MADE]].drop_duplicates()
            for name, table in self.tables.items()
            if name in needs
        ]
        return pd.concat(lines) if lines else pd.DataFrame(columns=["cell", *MADE])


def read_evidence(plans: Sequence[PlanFile], bench: Path | None, results: Path) -> Evidence:
    """Read the tables of planned experiments, and timings.

    Figures are looked at, too: a ledger shows them as evidence.

    Args:
        plans: Plan files of the experiments.
        bench: What ``l2rw bench`` wrote, or None.
        results: Folder of the results.

    Raises:
        UserError: A table or figure is missing, changed, or was made from another plan.
    """
    tables, there = {}, Results(results)
    for plan in plans:
        name = plan.experiment
        for record in (there.table(name, "json"), there.figure(name, "json")):
            require_plan(record, plan.digest)
        tables[name] = with_rows(read_table(there.table(name)))
    if bench is not None:
        tables[BENCH] = _read_bench(bench)
    return Evidence({plan.experiment: plan for plan in plans}, tables, results)


def planned(plans: Sequence[PlanFile], networks: Sequence[str]) -> Tables:
    """Return the tables that plans would fill, a line for each cell: settings and ids.

    Args:
        plans: Plan files.
        networks: Those whose steps are timed.
    """
    tables = {
        plan.experiment: with_rows(
            pd.DataFrame([{**cell.setting, "cell": cell.id} for cell in plan.cells])
        )
        for plan in plans
    }
    lines = [{"model": network, "cell": _timed(network)} for network in networks]
    return {**tables, BENCH: pd.DataFrame(lines)}


def with_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its rows in ``row``; Figure 2 calls them methods."""
    return table.rename(columns={"method": "row"})


def runs_of(plan: PlanFile) -> Iterator[tuple[str, list[int], Path]]:
    """Yield (cell id, seeds shown, file of their result below the results) of every job."""
    for cell in plan.cells:
        file = CHECKS if cell.kind == "simulation" else RESULT
        for job in cell.jobs:
            seeds = [seed for seed in job if seed in plan.seeds]
            if seeds:
                yield cell.id, seeds, Results(Path()).run(cell.id, format_seeds(job)) / file


def _read_bench(path: Path) -> pd.DataFrame:
    """Return the timings of every round; a cell is a network, with batches as in the paper."""
    try:
        report = read_named(path)
        made = {name: report["provenance"][name] for name in ("commit", "source")}
        made |= {name: report["device"][name] for name in ("device", "precision")}
        lines = [
            {
                "model": row["model"],
                "cell": _timed(row["model"]),
                "way": row["way"],
                "round": number,
                "ms": ms,
                **made,
            }
            for row in report["rows"]
            for number, ms in enumerate(row["samples_ms"])
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable(path, "timings", error) from None
    return pd.DataFrame(lines)


def _timed(network: str) -> str:
    return f"{BENCH}/{network}"
