"""Packed results and checkpoints taken in at home: verified, and nothing overwritten."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from l2rw.away.checkpoints import Header, read_header
from l2rw.away.inputs import Inputs
from l2rw.away.jobs import JobFiles
from l2rw.away.staging import CHECKPOINT, RUN, Staging
from l2rw.store.checksums import read_result, sha256, verified
from l2rw.store.errors import UserError, parts
from l2rw.store.files import copy_file
from l2rw.store.paths import RESULT, RUN_FILES, Results, done_in, seeds_name
from l2rw.store.sealed_tensors import verify_sealed
from l2rw.store.seeds import parse_seeds
from l2rw.training.cell_entry import CellEntry

ADOPTED, SAME, KEPT = "adopted", "there already", "kept what is there, which differs"
NEEDLESS = "not needed, its run is done"


def adopt(archives: Sequence[Path], results: Path, root: Path | None) -> None:
    """Take in what archives hold, and print what was taken.

    The data set file and the splits that the runs were trained on are made where they are absent.

    Args:
        archives: What ``l2rw run-for --pack`` wrote; the parts of a pack together.
        results: The folder ``results`` of the workflow; ``checkpoints`` is beside it.
        root: Folder with the data sets' source files; see ``fetch``.

    Raises:
        UserError: Something is damaged or lacks; what is whole is adopted all the same. Or an
            archive holds what no pack does; then nothing is adopted.
    """
    results.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    runs: list[JobFiles] = []
    with tempfile.TemporaryDirectory(dir=results, prefix=".adopt-") as folder:
        staging = Staging(Path(folder))
        for archive in archives:
            staging.unpack(archive)
        # Runs first: a checkpoint of a run that is done is of no use.
        for name, staged in sorted(staging.whole(), key=lambda bundle: bundle[1].is_file()):
            try:
                if staged.is_dir():
                    runs.append(_read_run(name, staged, results))
                    what = _take_run(staged, runs[-1].out)
                else:
                    what = _take_checkpoint(name, staged, results)
            except (UserError, ValueError, KeyError, TypeError) as error:
                why = str(error).replace(f"{staged}", name)
                staging.problems.append(f"{name} is damaged ({why})")
                continue
            counts[what] += 1
            if what != SAME:
                print(f"{what}: {name}")
    print("; ".join(f"{count} {what}" for what, count in counts.items()) or "nothing adopted")
    problems = [f"{problem}, and was not adopted" for problem in staging.problems]
    problems += _complete(runs, Inputs(root))
    if problems:
        raise UserError(
            f"Not everything was adopted: {'; '.join(problems)}.",
            "call adopt again with all parts of the pack before you run Snakemake.",
        )


def _complete(runs: Sequence[JobFiles], inputs: Inputs) -> list[str]:
    """See to it that all is there that runs were made from; return what cannot be had."""
    lacks: dict[str, None] = {}  # in order, none twice
    for run in runs:
        parent = run.cell.parent
        if parent and not _are_done(Results(run.results), parent, run.seeds):
            lacks[f"{run.name} starts from {parent}, which is not here"] = None
        try:
            inputs.make(run)
        except UserError as error:
            why = parts(error)[0]
            lacks[f"the data of these runs cannot be made here without --root: {why}"] = None
    return list(lacks)


def _read_run(name: str, staged: Path, results: Path) -> JobFiles:
    """Verify a run; return it as the job that it was, at home."""
    path = RUN.fullmatch(f"{name}/{RESULT}")
    assert path is not None
    result = read_result(staged / RESULT)
    for file in RUN_FILES[:-1]:
        verified(staged / file)
    seeds = parse_seeds(path["seeds"])
    cell = CellEntry.from_json(result["cell"])
    if cell.id != path["cell"] or [r["seed"] for r in result["runs"]] != list(seeds):
        raise ValueError("its result is of another run")
    # What is made from these words later must lie in its place.
    if cell.split != path["cell"].partition("/")[0]:
        raise ValueError("its data is of another run")
    return JobFiles(results / path["configuration"], cell, seeds)


def _take_run(staged: Path, target: Path) -> str:
    """Install a run, unless there is one; return which of these happened."""
    if (target / RESULT).exists():
        same = all(_are_same(staged / file, target / file) for file in RUN_FILES)
        return SAME if same else KEPT
    for file in RUN_FILES:  # the result last: the run is done once that is there
        copy_file(staged / file, target / file)
    return ADOPTED


def _take_checkpoint(name: str, staged: Path, results: Path) -> str:
    """Verify and install a checkpoint, unless one that is not earlier is there."""
    target = results.parent / name
    path = CHECKPOINT.fullmatch(name)
    assert path is not None
    verify_sealed(staged)
    header = read_header(staged)
    if not header.fingerprint.startswith(f"{path['cell']} {seeds_name(path['seeds'])} on "):
        raise ValueError("it is a checkpoint of another run")
    planned = Results(results / path["configuration"])
    if _are_done(planned, path["cell"], parse_seeds(path["seeds"])):
        return NEEDLESS
    if target.exists():
        if _are_same(staged, target):
            return SAME
        there = _header_here(target)
        if there.fingerprint != header.fingerprint or there.step >= header.step:
            return KEPT
    copy_file(staged, target)
    return f"{ADOPTED} (after step {header.step}, {header.fingerprint.partition(' on ')[2]})"


def _header_here(path: Path) -> Header:
    """Return what a checkpoint says that is here already; raise ValueError if it is damaged."""
    try:
        verify_sealed(path)
        return read_header(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"the one that is here already: {error}; delete it") from None


def _are_done(results: Results, cell: str, seeds: range) -> bool:
    """Whether there are results of these seeds of a cell."""
    return set(seeds) <= {seed for job in done_in(results.runs, cell) for seed in job}


def _are_same(one: Path, other: Path) -> bool:
    return other.is_file() and sha256(one) == sha256(other)
