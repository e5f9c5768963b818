"""Where everything is: the only module that spells the paths of results.

The workflow's rules declare the same paths, with Snakemake's wildcards.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from l2rw.store.seeds import parse_seeds

RESULT, METRICS, SUSPECTS = "result.json", "metrics.csv", "suspects.csv"
NETWORK = "network.safetensors"
"""Files of a trained run, in its folder."""
RUN_FILES = (METRICS, NETWORK, SUSPECTS, RESULT)
"""All of them; the one that makes the run done comes last."""
PROBE, PROBE_RECORD = "probe.csv", "probe.json"
"""What Figure 3 adds, and what holds its checksum."""
DETECTORS, DETECTORS_RECORD = "detectors.csv", "detectors.json"
"""What detectors of wrong labels make of the examples, and what holds its checksum."""
DETECTOR_COLUMNS = ("seed", "part", "image", "given_label", "clean")
"""Of that file, before a column for each detector: the higher, the more a label seems wrong."""
UNSEEN, TRAINED_ON = "validation", "train"
"""Its parts: examples that the network was not trained on, and training examples."""
CHECKS, BOUND, TRAJECTORY = "checks.json", "bound.csv", "trajectory.csv"
"""Files of a simulation."""
PAGE, HTML = "REPRODUCTION.md", "REPRODUCTION.html"
CLAIMS, CLAIMS_RECORD = "claims.csv", "claims.json"
"""The ledger, in the folder of the results."""
INDEX = "index.html"
"""The results page, there, too."""
METRICS_OF_ALL = "metrics.json"
"""The numbers of all figures and tables, there, too."""

TIMINGS = Path("bench.json")
"""The file that ``l2rw bench`` writes and planning reads by default, where the workflow runs."""
DOWNLOADS = Path("data/raw")
"""The folder of downloads, where the workflow runs."""

TABLES, FIGURES = "tables", "figures"
"""Folders of what is made of experiments."""

SEALED_BY = {
    **dict.fromkeys((METRICS, NETWORK, SUSPECTS), RESULT),
    **dict.fromkeys((BOUND, TRAJECTORY), CHECKS),
    **dict.fromkeys((PAGE, HTML, CLAIMS, INDEX), CLAIMS_RECORD),
}
"""Which file beside it holds the checksum of another; see :func:`record_of` for all others."""

ALL_RESULTS = Path("results")
"""Folder of the results of all configurations, where the workflow runs."""


def record_of(path: Path) -> Path:
    """Return the record that holds the checksum of a file: a record holds its own."""
    own = f"{path.stem}.json"
    # Tables and figures are called as their experiments are, perhaps as a file of a run is.
    by_experiment = path.parent.name in (TABLES, FIGURES)
    return path.with_name(own if by_experiment else SEALED_BY.get(path.name, own))


def seeds_name(seeds: str | int) -> str:
    """Return how files and folders of consecutive seeds are called, such as ``seed-0-4``."""
    return f"seed-{seeds}"


def seeds_of(name: str) -> range:
    """Return the seeds in such a name; raise :class:`ValueError` if it is another."""
    return parse_seeds(name.removeprefix("seed-"))


def split_name(split: str, seed: str | int) -> str:
    """Return how the split of a seed is called, given the id of its plan; files are, too."""
    return f"{split}/{seeds_name(seed)}"


def run_folder(runs: Path, cell: str, seeds: str) -> Path:
    """Return the folder of a job's results, given that of all runs, and a cell's id."""
    return runs / cell / seeds_name(seeds)


def done_in(runs: Path, cell: str, result: str = RESULT) -> Iterator[range]:
    """Yield the seeds of every job of a cell whose result is there."""
    for path in (runs / cell).glob(f"{seeds_name('*')}/{result}"):
        with suppress(ValueError):  # a folder that no job made
            yield seeds_of(path.parent.name)


@dataclass(frozen=True)
class ReviewFiles:
    """The review of a data set's labels."""

    folder: Path

    @property
    def page(self) -> Path:
        """The page on which people decide."""
        return self.folder / INDEX

    @property
    def suspects(self) -> Path:
        """The training examples, most suspicious first."""
        return self.folder / SUSPECTS

    @property
    def labels(self) -> Path:
        """Given and corrected labels of all examples."""
        return self.folder / "labels.csv"

    @property
    def record(self) -> Path:
        """What they were made from, with checksums."""
        return self.folder / "review.json"

    def outcome(self, identity: str) -> Path:
        """How methods did on the data set as it was under an identity."""
        return self.folder / "outcomes" / f"{identity}.json"

    def outcomes(self) -> list[Path]:
        """All of these."""
        return sorted(self.outcome("").parent.glob("*.json"))


@dataclass(frozen=True)
class Results:
    """The results of one configuration, and its logs and checkpoints."""

    folder: Path

    @classmethod
    def of(cls, configuration: str, root: Path = Path()) -> "Results":
        """Return those of a configuration, given its name and the folder of the workflow."""
        return cls(root / ALL_RESULTS / configuration)

    def data(self, file: str) -> Path:
        """File of a data set, whose name contains a digest of its content."""
        return self.folder / "data" / file

    def split(self, split: str, seed: str | int) -> Path:
        """File of the split of a seed."""
        return self.folder / "splits" / f"{split_name(split, seed)}.npz"

    @property
    def runs(self) -> Path:
        """Folder of all runs, training and simulations."""
        return self.folder / "runs"

    def run(self, cell: str, seeds: str) -> Path:
        """Folder of a job's results."""
        return run_folder(self.runs, cell, seeds)

    def plan(self, file: str) -> Path:
        """Plan file of an experiment."""
        return self.folder / "plan" / file

    def table(self, experiment: str, suffix: str = "csv") -> Path:
        """Table of an experiment: runs (csv), for people (md, html, tex), or its record (json)."""
        return self.folder / TABLES / f"{experiment}.{suffix}"

    def figure(self, experiment: str, suffix: str) -> Path:
        """Figure of an experiment, what it shows (csv), or its record (json)."""
        return self.folder / FIGURES / f"{experiment}.{suffix}"

    def bench(self, file: str) -> Path:
        """Timings of steps."""
        return self.folder / "bench" / file

    def pick(self, dataset: str) -> Path:
        """Page on which people choose clean examples of a data set of their own."""
        return self.folder / "pick" / f"{dataset}.html"

    def review(self, dataset: str) -> ReviewFiles:
        """Files of the review of a data set of the user's own."""
        return ReviewFiles(self.folder / "review" / dataset)

    @property
    def places(self) -> list[Path]:
        """All folders with files of a configuration."""
        kinds = ("data", "plan", "splits", "runs", "tables", "figures", "bench")
        return [*(self.folder / kind for kind in kinds), self._beside("checkpoints")]

    def checkpoints(self, cell: str) -> Path:
        """Folder of a cell's checkpoints."""
        return self._beside("checkpoints") / cell

    def log(self, cell: str, seeds: str) -> Path:
        """What a training job says."""
        return self._beside("logs") / "train" / cell / f"{seeds_name(seeds)}.log"

    @property
    def logs(self) -> Path:
        """Folder of what jobs say."""
        return self._beside("logs")

    @property
    def page(self) -> Path:
        """The page for a browser."""
        return self.folder / INDEX

    def _beside(self, kind: str) -> Path:
        return self.folder.parents[1] / kind / self.folder.name
