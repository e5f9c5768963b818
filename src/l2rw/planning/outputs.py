"""Which outputs there are, what each is made from, and which are due.

This is the table of outputs and inputs. Everything else (data, splits, runs, plan files, timings)
is found by its path, which contains a digest of everything that determines it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2rw.analysis.inputs import (
    FIGURE_FILES,
    TABLE_FILES,
    Inputs,
    inputs_of_figure,
    inputs_of_ledger,
    inputs_of_metrics,
    inputs_of_review,
    inputs_of_table,
)
from l2rw.data.kinds.corrections import review_digest
from l2rw.planning.plan import Plan
from l2rw.store.checksums import is_current
from l2rw.store.files import set_time
from l2rw.store.paths import (
    CLAIMS,
    CLAIMS_RECORD,
    HTML,
    INDEX,
    METRICS_OF_ALL,
    PAGE,
    Results,
)


@dataclass(frozen=True)
class Output:
    """Files that are made together, and their inputs."""

    record: Path
    """Says what they were made from, and holds their checksums."""
    files: tuple[str, ...]
    """Names of the files beside it."""
    plan: Any
    """Digest of the plan, which holds settings and code; of several by experiment."""
    inputs: Inputs
    may_lack: bool
    """Whether inputs may be absent, as where results were copied without any runs."""

    @property
    def is_current(self) -> bool:
        """Whether it is whole and what would be made today."""
        lacks = not all(path.is_file() for path in self.inputs.values())
        if lacks and not self.may_lack:
            return False
        return is_current(self.record, self.plan, self.inputs, self.files)


def outputs(plan: Plan, results: Path) -> Iterator[Output]:
    """Yield all outputs of a configuration, each after those that it is made from."""
    there = Results(results)
    plans = [plan.describe(name) for name in plan.experiments]
    digests = {one.experiment: one.digest for one in plans}
    partial = not any(there.runs.glob("*/*/*/*"))
    for one in plans:
        name = one.experiment
        table, figure = there.table(name, "json"), there.figure(name, "json")
        runs = inputs_of_table(one, there.runs)
        yield Output(table, _names(name, TABLE_FILES), one.digest, runs, partial)
        made_from = inputs_of_figure(there.table(name))
        yield Output(figure, _names(name, FIGURE_FILES), one.digest, made_from, partial)
    yield Output(results / METRICS_OF_ALL, (), digests, inputs_of_metrics(digests, there), partial)
    for dataset, (name, cell) in plan.reviews.items():
        one, review = plan.describe(name), there.review(dataset)
        digest = review_digest(one.digest, plan.config.data_sets[dataset])
        made_from = inputs_of_review(one, one.cell(cell.id), there.runs, there.table(name), review)
        names = (review.page.name, review.suspects.name, review.labels.name)
        yield Output(review.record, names, digest, made_from, partial)
    bench = there.bench(plan.bench_file) if plan.bench_file else None
    yield Output(
        results / CLAIMS_RECORD,
        (PAGE, HTML, CLAIMS, INDEX),
        digests,
        inputs_of_ledger(plans, bench, there),
        # Timings of other code, or by other threads, are no reason to time again.
        partial or any(there.bench("").glob("*.json")),
    )


def write_plan(plan: Plan, results: Path) -> None:
    """Write every experiment's plan file, dated so that what is out of date is remade."""
    plan.create(results)
    _date(plan, results)


def _date(plan: Plan, results: Path) -> None:
    """Date files so that Snakemake, which goes by times, makes exactly the outputs that are due.

    Where an experiment's table and figure are current, its plan file and the table are dated at the
    beginning of time, so that nothing made from them seems old; otherwise the plan file is new. The
    summaries and records of figures, which metrics and ledger are made from, are dated likewise. So
    neither the arbitrary file times of a fresh clone nor an interrupted run can make a stale figure
    pass for a current one, or a current one for stale. A plan of other settings is another file: a
    dry run does not disturb jobs that run.
    """
    there = Results(results)
    current = {output.record: output.is_current for output in outputs(plan, results)}
    for name in plan.experiments:
        path, table = there.plan(plan.file(name)), there.table(name)
        both = current[there.table(name, "json")] and current[there.figure(name, "json")]
        reviewed = [there.review(one).record for one, (of, _) in plan.reviews.items() if of == name]
        if both and all(current[record] for record in reviewed):
            set_time(path, 1)
            set_time(table, 1)
        else:
            set_time(path)
    for made, suffix in ((METRICS_OF_ALL, "csv"), (CLAIMS_RECORD, "json")):
        seconds = 1 if current[results / made] else None
        for name in plan.experiments:
            path = there.figure(name, suffix)
            if path.exists():
                set_time(path, seconds)


def _names(experiment: str, suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{experiment}.{suffix}" for suffix in suffixes)
