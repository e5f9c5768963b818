"""Results that a configuration no longer uses: of other settings, or older revisions."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError
from l2rw.store.paths import Results

MADE = {
    "data": r".+-[0-9a-f]{8}\.npz",
    "plan": r".+-[0-9a-f]{8}\.json",
    "splits": r"seed-\d+\.npz",
    "runs": r"(result|probe|checks|detectors)\.json|network\.safetensors|"
    r"(metrics|suspects|probe|bound|trajectory|detectors)\.csv",
    "tables": r"[a-z0-9_]+\.(csv|md|html|tex|json)",
    "figures": r"[a-z0-9_]+\.(csv|pdf|svg|png|json)",
    "bench": r"[a-z0-9_-]+\.json",
    "checkpoints": r"seed-[\d-]+\.safetensors",
}
"""Patterns of the names of the workflow's files, by their folder."""
LEFTOVER = r"\..+\.partial(\.\w+)?"
"""What killed processes left of a file that they were writing."""


def unused(plan: Plan, root: Path) -> list[Path]:
    """Return files and folders of a configuration that its plan does not use.

    Tables and figures have plain names and are remade when their plan changes: those of experiments
    that are no longer targets are unused. What people made or decide by is kept: exported files,
    pages to pick and to review by, and the accuracies before corrections, which a review keeps in
    ``outcomes`` and nothing else has once the runs under former labels are removed.

    Args:
        plan: Of the configuration as it is now.
        root: Where the workflow runs, the folder with ``results`` and ``checkpoints``.
    """
    results = Results.of(plan.config.name, root)
    kept = {results.data(plan.data_file(dataset)) for dataset in plan.datasets}
    kept |= {results.plan(plan.file(name)) for name in plan.experiments}
    for split in plan.splits.values():
        kept |= {results.split(split.id, seed) for seed in plan.seeds_of_split(split)}
    for cell in plan.cells.values():
        kept |= {results.run(cell.id, job) for job in plan.jobs(cell)}
        kept.add(results.checkpoints(cell.id))
    for name in plan.experiments:
        for made in (results.table(name), results.figure(name, "csv")):
            kept |= set(made.parent.glob(f"{name}.*"))
    if plan.bench_file:
        kept.add(results.bench(plan.bench_file))
    return [
        path for place in results.places for path in _others(place, kept, _kind(place, results))
    ]


def _kind(place: Path, results: Results) -> str:
    return place.name if place.parent == results.folder else "checkpoints"


def _others(place: Path, kept: set[Path], kind: str) -> Iterator[Path]:
    """Yield what was made in a place and is neither kept nor on the way to what is."""
    if not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if path in kept:
            continue
        on_the_way = any(path in other.parents for other in kept)
        if on_the_way or (path.is_dir() and not _was_made(path, kind)):
            yield from _others(path, kept, kind)
        elif size(path) and _was_made(path, kind):
            yield path


def _was_made(path: Path, kind: str) -> bool:
    """Whether the workflow made all of it: notes that a user left beside results are theirs."""
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    named = all(re.fullmatch(f"{MADE[kind]}|{LEFTOVER}", one.name) for one in files)
    if kind in ("tables", "figures"):
        return named and all(one.with_suffix(".json").exists() for one in files)
    return named


def size(path: Path) -> int:
    """Return the bytes that a file or folder takes."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def print_unused(plan: Plan, root: Path, *, remove: bool) -> None:
    """Print what a plan does not use, with sizes, and remove it if asked to.

    Raises:
        UserError: It is to be removed while Snakemake runs.
    """
    if remove and any(root.glob(".snakemake/locks/*")):
        raise UserError(
            "Snakemake runs in this folder, or was killed here: it may need what is not used.",
            "wait until it is done, or run `snakemake --unlock` if it is not running.",
        )
    sizes = {path: size(path) for path in unused(plan, root)}
    for path, taken in sizes.items():
        print(f"{taken / 1e6:9.1f} MB  {path.relative_to(root)}")
    for path in sizes if remove else ():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    done = "removed" if remove else "not used by this configuration"
    print(f"{len(sizes)} paths, {sum(sizes.values()) / 1e6:.1f} MB {done}.")
    if sizes and not remove:
        print("Remove them with --remove; Snakemake makes them again if they are needed again.")
