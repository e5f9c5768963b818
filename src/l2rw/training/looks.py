"""The base of jobs that evaluate examples with the trained networks of a cell."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, reweighted_gradient
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Indices, Part, Split
from l2rw.store.checksums import verified_of_run, write_record
from l2rw.store.errors import UserError
from l2rw.store.files import write_csv
from l2rw.store.paths import split_name
from l2rw.training.cell_entry import CellEntry
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network, build_network
from l2rw.training.plan_file import Compute
from l2rw.training.trained import load_trained

Values = tuple[Parameters, Tensors]


class Opened(NamedTuple):
    """The data and the network of a job."""

    dataset: Dataset
    network: Network
    device: torch.device


@dataclass(frozen=True)
class LookJob:
    """The instructions for a job."""

    cell: CellEntry
    """The cell of the networks."""
    compute: Compute
    seeds: range
    """Of the runs."""
    data: Path
    """Data set file."""
    splits: Sequence[Path]
    """Split files of the seeds, in the same order."""
    network: Path
    """Trained networks of the seeds, beside the other results of their job."""
    out: Path
    """File to write (.csv)."""

    def open(self) -> Opened:
        """Set up PyTorch, and load what all seeds share.

        Raises:
            UserError: A file is missing or damaged, or ``out`` may have the name of its record.
        """
        if self.out.suffix != ".csv":
            raise UserError(
                f"{self.out} does not end in .csv, but its record would end in .json.",
                "name a CSV file with --out.",
            )
        spec = self.cell.run_spec
        device = choose_device(self.compute.device)
        set_up_torch(spec.precision, self.compute.threads, deterministic=self.compute.deterministic)
        dataset = Dataset.load(self.data, self.cell.data_name)
        verified_of_run(self.network, self.cell.id)
        shape = dataset.info.image_shape
        return Opened(dataset, build_network(spec, shape, self.cell.corruption.classes), device)

    def each(self, network: Network) -> Iterator[tuple[int, Split, Values]]:
        """Yield every seed with its split and its trained parameters and buffers, on the CPU."""
        for seed, path in zip(self.seeds, self.splits, strict=True):
            split = Split.load(path, split_name(self.cell.split, seed))
            yield seed, split, load_trained([self.network], network, seed)

    def write(self, columns: Sequence[str], lines: Iterable[Iterable[Any]], **record: Any) -> None:
        """Write the file, and beside it the ``.json`` file with its checksum and the record."""
        write_csv(self.out, columns, lines)
        sealed = self.out.with_suffix(".json")
        write_record(sealed, {"cell": self.cell.id, **record}, [self.out])


class Weigher:
    """Computes the weights of batches by L2RW as a training step would."""

    def __init__(
        self, network: Network, images: ImageStore, batch_size: int, clean_batch_size: int
    ) -> None:
        """Args: batch sizes are those of training; smaller where a part has fewer images."""
        self.network, self.images = network, images
        self.batch_size, self.clean_batch_size = batch_size, clean_batch_size

    def weights(
        self, parameters: Parameters, noisy: tuple[Tensor, Tensor], clean: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return the weights (n,) of noisy images and labels, guided by clean ones."""
        return reweighted_gradient(
            lambda at: self.network.losses(at, *noisy),
            lambda at: self.network.losses(at, *clean)[0].mean(),
            parameters,
        ).weights

    def examples(self, part: Part, places: Indices) -> tuple[Tensor, Tensor]:
        """Return images and given labels of some places in a part."""
        indices, labels = (torch.from_numpy(a[places]) for a in (part.indices, part.labels))
        device = self.images.device
        return self.images[indices.to(device)], labels.to(device)
