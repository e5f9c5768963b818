"""Examples on the device: all images once, as uint8, and what each seed makes of them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from l2rw.data.sources import Dataset, Images
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.methods.contract import Batch, Method
from l2rw.training.spec import RunSpec


class ImageStore:
    """One half of a data set on the device, from which batches are gathered."""

    def __init__(self, images: Images, pixel_range: tuple[float, float], device: torch.device):
        """Args: ``images`` are uint8, (n, channels, height, width)."""
        self.device = device
        self._images = torch.tensor(images, device=device)
        low, high = pixel_range
        self._scale, self._shift = (high - low) / 255, low

    def __getitem__(self, indices: Tensor) -> Tensor:
        """Return float32 images (…, channels, height, width) for int64 indices of any shape."""
        return self._images[indices].float().mul_(self._scale).add_(self._shift)


class SeedBatches:
    """Draws the batches of one seed; what step t sees is a function of the seed and t."""

    def __init__(self, spec: RunSpec, method: Method, split: Split, classes: int, seed: int):
        """Args: ``classes`` is the number of logits."""
        self._spec, self._method, self._seed = spec, method, seed
        self.train = split.train + split.clean if spec.trains_on_clean else split.train
        self.clean = split.clean
        self.constants = method.constants(self.train.labels, classes)
        self._order = method.order(self.train.labels, seed)
        self._places = spec.batch_size * method.candidates
        if spec.clean_batch_size:
            self._clean_order = Stream(np.arange(len(self.clean)), "clean batch", seed)
            self._clean_places = min(spec.clean_batch_size, len(self.clean))

    def positions(self, step: int) -> Indices:
        """Return positions in :attr:`train`, shape (n,)."""
        return self._order.take(step * self._places, self._places)

    def clean_positions(self, step: int) -> Indices:
        """Return positions in :attr:`clean`, shape (m,)."""
        return self._clean_order.take(step * self._clean_places, self._clean_places)


class StackedBatches:
    """Batches for a stack of seeds, on the device, every tensor with a leading seed dimension."""

    def __init__(
        self,
        spec: RunSpec,
        method: Method,
        dataset: Dataset,
        splits: Sequence[Split],
        classes: int,
        seeds: Sequence[int],
        device: torch.device,
    ) -> None:
        """Args: ``splits`` are those of ``seeds``, in the same order."""
        self._spec, self._method, self._seeds, self._device = spec, method, seeds, device
        self._images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
        self._of_seed = [
            SeedBatches(spec, method, split, classes, seed)
            for split, seed in zip(splits, seeds, strict=True)
        ]
        constants = [batches.constants for batches in self._of_seed]
        self._constants = {name: self._stack([c[name] for c in constants]) for name in constants[0]}

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of a step."""
        train = [seed.train for seed in self._of_seed]
        images, labels = self._gather(train, [seed.positions(step) for seed in self._of_seed])
        extra = dict(self._constants)
        noise = [self._method.noise(self._spec.batch_size, seed, step) for seed in self._seeds]
        extra |= {name: self._stack([n[name] for n in noise]) for name in noise[0]}
        if self._spec.clean_batch_size:
            clean = [seed.clean for seed in self._of_seed]
            extra["clean_images"], extra["clean_labels"] = self._gather(
                clean, [seed.clean_positions(step) for seed in self._of_seed]
            )
        return Batch(images, labels, extra)

    def _gather(self, parts: list[Part], positions: list[Indices]) -> tuple[Tensor, Tensor]:
        pairs = list(zip(parts, positions, strict=True))
        indices = self._stack([part.indices[at] for part, at in pairs])
        return self._images[indices], self._stack([part.labels[at] for part, at in pairs])

    def _stack(self, arrays: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._device, non_blocking=True)
