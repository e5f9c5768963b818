"""A copy of what a reader wants of finished results: small enough for git, and judged anew."""

from collections.abc import Iterator
from pathlib import Path

from l2rw.claims.evidence import read_evidence
from l2rw.claims.files import write_ledger
from l2rw.claims.paper import paper
from l2rw.config.load import Config
from l2rw.planning.plan import Plan
from l2rw.store.checksums import read_run, verified
from l2rw.store.errors import UserError
from l2rw.store.files import copy_file
from l2rw.store.paths import BOUND, Results
from l2rw.store.seeds import parse_seeds


def publish(config: Config, out: Path) -> None:
    """Copy tables, figures, timings and the figures of every run, and write their ledger.

    Networks, data and curves of training stay behind. Runs of Figures 2, 4 and 5, of Tables 1 and 2
    and of the theory can be copied back: they count as made.

    Args:
        config: Of the results, all of them made.
        out: Folder to write to.

    Raises:
        UserError: A result is missing or stale. Nothing has been written then.
    """
    plan, results = Plan(config, config.results), config.results
    if out.resolve().is_relative_to(results.resolve()) or Results(out).plan("").is_dir():
        raise UserError(f"{out} belongs to results themselves.", "name another folder.")
    files = list(_published(plan))
    timings = Results(Path()).bench(plan.bench_file) if plan.bench_file else None
    for path in files:
        if not (results / path).is_file():
            # Timings by other code or settings keep these from being due.
            target = f" {results / path}" if path == timings else ""
            raise UserError(
                f"{results / path} is missing: these results are not complete.",
                f"run `snakemake{target} --cores 1` with the same configuration first.",
            )
    plans = [plan.describe(name) for name in plan.experiments]
    # Refuses what is stale before anything in `out` is overwritten.
    read_evidence(plans, timings and results / timings, results)
    for path in files:
        verified(results / path)
    for key, cell in plan.cells.items():
        for job in plan.jobs(cell):
            read_run(Results(results).run(key, job) / cell.result, key, parse_seeds(job))
    for path in files:
        copy_file(results / path, out / path)
    write_ledger(plans, timings and out / timings, out, paper(), out)


def _published(plan: Plan) -> Iterator[Path]:
    """Yield the paths, below the results, of what is published."""
    results = Results(Path())
    for name in plan.experiments:
        yield from (results.table(name, suffix) for suffix in ("csv", "md", "json"))
        yield from (results.figure(name, suffix) for suffix in ("csv", "json", "svg", "png"))
    for key, cell in plan.cells.items():
        # What the tables are made from; a simulation's table needs the bound at every T, too.
        files = [cell.result, *([BOUND] if cell.kind == "simulation" else [])]
        for job in plan.jobs(cell):
            yield from (results.run(key, job) / file for file in files)
    if plan.bench_file:
        yield results.bench(plan.bench_file)
