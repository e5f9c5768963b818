"""What training needs and is absent: data set files and splits, as ``fetch`` and ``corrupt`` do."""

from pathlib import Path

from l2rw.away.jobs import JobFiles
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.sources import fetch
from l2rw.data.splits import DatasetLabels
from l2rw.store.errors import UserError
from l2rw.store.paths import DOWNLOADS, split_name


class Inputs:
    """Makes the inputs of jobs, one after the other."""

    def __init__(self, root: Path | None) -> None:
        """Args: ``root`` is the folder with the data sets' source files; see ``fetch``."""
        self._root = root
        self._labels: dict[Path, DatasetLabels] = {}

    def make(self, job: JobFiles) -> None:
        """Make what a job needs and is absent. Nothing is downloaded: that takes unknown time.

        Raises:
            UserError: The data set's files are absent or damaged.
        """
        if not job.data.exists():
            if job.cell.data_file:
                raise UserError(
                    f"Data set {job.cell.dataset} belongs to your configuration, and {job.data} "
                    "is missing.",
                    "make it with `snakemake` on the machine with the data, and copy it with the "
                    "plan files.",
                )
            dataset = fetch(job.cell.dataset, self._root, download=False, cache=DOWNLOADS)
            dataset.save(job.data)
            self._keep(job.data, dataset)
        for seed, path in zip(job.seeds, job.splits, strict=True):
            if not path.exists():
                if job.data not in self._labels:
                    self._keep(job.data, Dataset.load(job.data, job.cell.data_name))
                split = job.cell.corruption.draw(self._labels[job.data], seed)
                split.save(path, split_name(job.cell.split, seed))

    def _keep(self, path: Path, dataset: Dataset) -> None:
        # Labels are all that splits are drawn from; images would stay in memory for nothing.
        self._labels[path] = dataset.labels
