"""Packed results and checkpoints taken in at home: verified, and nothing overwritten."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from l2rw.away.checkpoints import read_header
from l2rw.away.packing import RUN_FILES
from l2rw.away.staging import CHECKPOINT, RUN, Staging
from l2rw.errors import UserError
from l2rw.integrity import read_result, sha256, verify
from l2rw.training.seeds import parse_seeds

ADOPTED, SAME, KEPT = "adopted", "there already", "kept what is there, which differs"
NEEDLESS = "not needed, its run is done"


def adopt(archives: Sequence[Path], results: Path) -> None:
    """Take in what archives hold, and print what was taken.

    Args:
        archives: What ``l2rw run-for --pack`` wrote; the parts of a pack together.
        results: The folder ``results`` of the workflow; ``checkpoints`` is beside it.

    Raises:
        UserError: Something is damaged; what is whole is adopted all the same. Or an archive holds
            what no pack does; then nothing is adopted.
    """
    results.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=results, prefix=".adopt-") as folder:
        staging = Staging(Path(folder))
        for archive in archives:
            staging.unpack(archive)
        # Runs first: a checkpoint of a run that is done is of no use.
        for name, staged in sorted(staging.whole(), key=lambda bundle: bundle[1].is_file()):
            try:
                what = _take(name, staged, results)
            except (UserError, ValueError, KeyError, TypeError) as error:
                why = str(error).replace(f"{staged}", name)
                staging.problems.append(f"{name} is damaged ({why})")
                continue
            counts[what] += 1
            if what != SAME:
                print(f"{what}: {name}")
    print("; ".join(f"{count} {what}" for what, count in counts.items()) or "nothing adopted")
    if staging.problems:
        raise UserError(
            f"Not everything was adopted: {'; '.join(staging.problems)}.",
            "bring the files again, and adopt all parts of a pack in one call.",
        )


def _take(name: str, staged: Path, results: Path) -> str:
    """Install a run or a checkpoint, unless there is another; return which of these happened."""
    top, _, below = name.partition("/")
    if top == "results":
        return _take_run(name, staged, results / below)
    return _take_checkpoint(name, staged, results.parent / name, results / below.split("/")[0])


def _take_run(name: str, staged: Path, target: Path) -> str:
    path = RUN.fullmatch(f"{name}/{RUN_FILES[-1]}")
    assert path is not None
    result = read_result(staged / RUN_FILES[-1])
    for file in RUN_FILES[:-1]:
        verify(staged / file, staged / RUN_FILES[-1])
    seeds = [run["seed"] for run in result["runs"]]
    if result["cell"]["id"] != path["cell"] or seeds != list(parse_seeds(path["seeds"])):
        raise ValueError("its result is of another run")
    if (target / RUN_FILES[-1]).exists():
        same = all(_are_same(staged / file, target / file) for file in RUN_FILES)
        return SAME if same else KEPT
    for file in RUN_FILES:  # the result last: the run is done once that is there
        _install(staged / file, target / file)
    return ADOPTED


def _take_checkpoint(name: str, staged: Path, target: Path, configuration: Path) -> str:
    path = CHECKPOINT.fullmatch(name)
    assert path is not None
    header = read_header(staged)
    if not header.fingerprint.startswith(f"{path['cell']} seed-{path['seeds']} on "):
        raise ValueError("it is a checkpoint of another run")
    if _is_done(configuration / "runs" / path["cell"], set(parse_seeds(path["seeds"]))):
        return NEEDLESS
    if target.exists():
        if _are_same(staged, target):
            return SAME
        there = read_header(target)
        if there.fingerprint != header.fingerprint or there.step >= header.step:
            return KEPT
    _install(staged, target)
    return f"{ADOPTED} (after step {header.step}, {header.fingerprint.partition(' on ')[2]})"


def _is_done(runs: Path, seeds: set[int]) -> bool:
    """Whether a cell's runs hold a result of these seeds."""
    done = (path.parent.name[5:] for path in runs.glob(f"seed-*/{RUN_FILES[-1]}"))
    return any(seeds <= set(parse_seeds(text)) for text in done)


def _are_same(one: Path, other: Path) -> bool:
    return other.is_file() and sha256(one) == sha256(other)


def _install(source: Path, target: Path) -> None:
    """Copy a file to its place, atomically, on whatever disk that is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(source, partial)
    partial.replace(target)
