"""Examples on the device: all images once, as uint8, and what each seed makes of them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.data.sources import Images
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.methods.contract import Batch, ExampleOrder, Given, Method
from l2rw.randomness import generator
from l2rw.training.spec import RunSpec

PartName = Literal["train", "clean"]


class Augmentation(NamedTuple):
    """Random crop and mirroring of some images, drawn; tensors have the shape of the indices."""

    padding: int
    """Pixels of padding on each side."""
    down: Tensor
    """First row of the crop in the padded image, 0 to 2 · padding, int64."""
    right: Tensor
    """First column, likewise."""
    mirrored: Tensor
    """Bool."""


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
        return self._scaled(self._images[indices])

    def augmented(self, indices: Tensor, draw: Augmentation) -> Tensor:
        """Return images of the same shape, shifted and mirrored as drawn, padded with black."""
        height, width = self._images.shape[-2:]
        padding = draw.padding
        padded = F.pad(self._images[indices], (padding,) * 4)
        rows = torch.arange(height, device=self.device) + draw.down.unsqueeze(-1)
        columns = torch.arange(width, device=self.device).expand(*indices.shape, width)
        columns = torch.where(draw.mirrored.unsqueeze(-1), columns.flip(-1), columns)
        columns = columns + draw.right.unsqueeze(-1)
        # One gather each for rows and columns; uint8 moves a quarter of the bytes of float32.
        shape = (*indices.shape, padded.shape[-3], height, padded.shape[-1])
        moved = padded.gather(-2, rows[..., None, :, None].expand(shape))
        moved = moved.gather(-1, columns[..., None, None, :].expand(*shape[:-1], width))
        return self._scaled(moved)

    def _scaled(self, images: Tensor) -> Tensor:
        return images.float().mul_(self._scale).add_(self._shift)


class SeedBatches:
    """Draws the batches of one seed; what step t sees is a function of the seed and t."""

    def __init__(self, spec: RunSpec, method: Method, clean: Part, given: Given, seed: int):
        """Args: ``clean`` is the clean set, ``given`` holds the training examples."""
        self._spec, self._method, self._seed = spec, method, seed
        self.train, self.clean = given.train, clean
        self.constants = method.constants(given)
        places = spec.batch_size * method.candidates
        self._orders: dict[PartName, tuple[ExampleOrder, int]] = {
            "train": (method.order(self.train, seed), places)
        }
        if spec.clean_batch_size:
            clean_order = Stream(clean.indices, "clean batch", seed)
            self._orders["clean"] = (clean_order, min(spec.clean_batch_size, len(clean)))

    def positions(self, step: int, part: PartName) -> Indices:
        """Return which examples of a part the step sees, shape (n,)."""
        order, places = self._orders[part]
        return order.take(step * places, places)

    def augmentation(self, step: int, part: PartName) -> dict[str, np.ndarray]:
        """Return the random numbers of :class:`Augmentation` for the step's images of a part."""
        _, n = self._orders[part]
        random = generator("augmentation", self._seed, 2 * step + (part == "clean"))
        down, right = random.integers(2 * self._spec.crop_padding + 1, size=(2, n))
        mirrored = random.random(n) < (0.5 if self._spec.flip else 0.0)
        return {"down": down, "right": right, "mirrored": mirrored}


class StackedBatches:
    """Batches for a stack of seeds, on the device, every tensor with a leading seed dimension."""

    def __init__(
        self,
        spec: RunSpec,
        method: Method,
        images: ImageStore,
        of_seed: Sequence[tuple[int, Part, Given]],
    ) -> None:
        """Args: ``of_seed`` holds seeds, their clean sets, and what is given of their runs."""
        self._spec, self._method, self._images = spec, method, images
        self._seeds = [seed for seed, _, _ in of_seed]
        self._of_seed = [
            SeedBatches(spec, method, clean, given, seed) for seed, clean, given in of_seed
        ]
        constants = [batches.constants for batches in self._of_seed]
        self._constants = {name: self._stack([c[name] for c in constants]) for name in constants[0]}

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of a step."""
        positions, images, labels = self._gather(step, "train")
        extra = {**self._constants, "positions": positions}
        noise = [self._method.noise(self._spec.batch_size, seed, step) for seed in self._seeds]
        extra |= {name: self._stack([n[name] for n in noise]) for name in noise[0]}
        if self._spec.clean_batch_size:
            _, extra["clean_images"], extra["clean_labels"] = self._gather(step, "clean")
        return Batch(images, labels, extra)

    def _gather(self, step: int, part: PartName) -> tuple[Tensor, Tensor, Tensor]:
        parts = [getattr(batches, part) for batches in self._of_seed]
        positions = [batches.positions(step, part) for batches in self._of_seed]
        pairs = list(zip(parts, positions, strict=True))
        indices = self._stack([part.indices[at] for part, at in pairs])
        labels = self._stack([part.labels[at] for part, at in pairs])
        if not (self._spec.crop_padding or self._spec.flip):
            return self._stack(positions), self._images[indices], labels
        drawn = [batches.augmentation(step, part) for batches in self._of_seed]
        stacked = {name: self._stack([d[name] for d in drawn]) for name in drawn[0]}
        draw = Augmentation(self._spec.crop_padding, **stacked)
        return self._stack(positions), self._images.augmented(indices, draw), labels

    def _stack(self, arrays: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._images.device, non_blocking=True)


def training_part(spec: RunSpec, split: Split) -> Part:
    """Return the training examples of a run."""
    if spec.trains_on == "clean":
        return split.clean
    return split.train + split.clean if spec.trains_on == "noisy and clean" else split.train
