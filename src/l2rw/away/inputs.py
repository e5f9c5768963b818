"""What training needs and is absent: data set files and splits, as ``fetch`` and ``corrupt`` do."""

from pathlib import Path

from l2rw.away.jobs import JobFiles
from l2rw.data.datasets.dataset import Dataset, Labels
from l2rw.data.datasets.sources import fetch

CACHE = Path("data/raw")


class Inputs:
    """Makes the inputs of jobs, one after the other."""

    def __init__(self, root: Path | None) -> None:
        """Args: ``root`` is the folder with the data sets' source files; see ``fetch``."""
        self._root = root
        self._labels: dict[Path, tuple[Labels, Labels]] = {}

    def make(self, job: JobFiles) -> None:
        """Make what a job needs and is absent. Nothing is downloaded: that takes unknown time.

        Raises:
            UserError: The data set's files are absent or damaged.
        """
        if not job.data.exists():
            dataset = fetch(job.cell.dataset, self._root, download=False, cache=CACHE)
            dataset.save(job.data)
            self._keep(job.data, dataset)
        for seed, path in zip(job.seeds, job.splits, strict=True):
            if not path.exists():
                if job.data not in self._labels:
                    self._keep(job.data, Dataset.load(job.data))
                job.cell.corruption.split(*self._labels[job.data], seed).save(path)

    def _keep(self, path: Path, dataset: Dataset) -> None:
        # Labels are all that splits are drawn from; images would stay in memory for nothing.
        self._labels[path] = dataset.train_labels, dataset.test_labels
