"""Examples on the device: all images once, as uint8, and the batches of each seed."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_map

from l2rw.data.datasets.dataset import Inputs
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.methods.base import Batch, ExampleOrder, Method, TrainingContext
from l2rw.store.randomness import generator
from l2rw.training.spec import RunSpec

BLOCK = 100
"""Number of steps whose draws are copied to the device together."""

PartName = Literal["train", "clean"]
Drawn = dict[str, np.ndarray]
"""Arrays by name."""


class Augmentation(NamedTuple):
    """A draw of crops and mirroring for some images; tensors have the shape of the indices."""

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

    def __init__(self, images: Inputs, pixel_range: tuple[float, float], device: torch.device):
        """Args: ``images`` are uint8, (n, channels, height, width), or features (n, features)."""
        self.device = device
        self._images = torch.tensor(images, device=device)
        low, high = (0, 255) if self._images.is_floating_point() else pixel_range
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

    def __init__(self, spec: RunSpec, method: Method, context: TrainingContext):
        """Args: ``context`` holds the seed, the training examples and the clean set."""
        self._spec, self._method, self._seed = spec, method, context.seed
        self.train, self.clean = context.train, context.clean
        places = spec.batch_size * method.candidates
        self._orders: dict[PartName, tuple[ExampleOrder, int]] = {
            "train": (method.order(self.train, context.seed), places)
        }
        self._partners = method.partners(context)
        if spec.clean_batch_size:
            clean_order = Stream(self.clean.indices, "clean batch", context.seed)
            self._orders["clean"] = (clean_order, min(spec.clean_batch_size, len(self.clean)))

    def positions(self, step: int, part: PartName) -> Indices:
        """Return which examples of a part the step sees, shape (n,)."""
        order, places = self._orders[part]
        return order.take(step * places, places)

    def augmentation(self, step: int, part: PartName) -> Drawn:
        """Return the random numbers of :class:`Augmentation` for the step's images of a part."""
        _, n = self._orders[part]
        random = generator("augmentation", self._seed, 2 * step + (part == "clean"))
        down, right = random.integers(2 * self._spec.crop_padding + 1, size=(2, n))
        mirrored = random.random(n) < (0.5 if self._spec.mirror else 0.0)
        return {"down": down, "right": right, "mirrored": mirrored}

    def drawn(self, step: int) -> dict[str, Drawn]:
        """Return a step's arrays on the host: of each part, the method's draws, step and rate."""
        result: dict[str, Drawn] = {part: self._drawn(step, part) for part in self._orders}
        result["draws"] = self._method.random_draws(self._spec.batch_size, self._seed, step)
        rate = np.float64(self._spec.learning_rate_at(step))
        result["time"] = {"step": np.asarray(step), "learning_rate": np.asarray(rate)}
        return result

    def _drawn(self, step: int, name: PartName) -> Drawn:
        part, positions = getattr(self, name), self.positions(step, name)
        taken = {
            "positions": positions,
            "indices": part.indices[positions],
            "labels": part.labels[positions],
        }
        if name == "train" and self._partners is not None:
            random = generator("partners", self._seed, step)
            chosen = random.integers(self._partners.shape[1], size=len(positions))
            taken["partner_indices"] = part.indices[self._partners[positions, chosen]]
        return taken | self.augmentation(step, name) if self._spec.augments else taken


class StackedBatches:
    """Batches for a stack of seeds, on the device, every tensor with a leading seed dimension.

    What the host draws goes to the device in blocks of steps, always to the same places, so that
    no step waits for a copy, and a step that was captured finds its draws where it looks for them.
    """

    def __init__(
        self,
        spec: RunSpec,
        method: Method,
        images: ImageStore,
        contexts: Sequence[TrainingContext],
    ) -> None:
        """Args: ``contexts`` are those of the seeds."""
        self._spec, self._images = spec, images
        self._of_seed = [SeedBatches(spec, method, context) for context in contexts]
        self._number: int | None = None
        self._block: dict[str, dict[str, Tensor]] = {}

    def load(self, step: int) -> None:
        """Bring the draws of a step, and of its block, to the device, if they are not there."""
        number = step // BLOCK
        if number == self._number:
            return
        drawn = self._drawn_block(number)
        if self._number is None:
            device = self._images.device
            self._block = tree_map(lambda tensor: tensor.to(device), drawn)
        else:
            tree_map(lambda there, new: there.copy_(new, non_blocking=True), self._block, drawn)
        self._number = number

    def at(self, step: Tensor) -> Batch:
        """Return the batch of a step (scalar int64, on the device) whose block is loaded."""
        place = (step % BLOCK).view(1)
        drawn = {
            part: {name: tensor.index_select(0, place)[0] for name, tensor in tensors.items()}
            for part, tensors in self._block.items()
        }
        train, extra = drawn["train"], drawn["draws"]
        if "clean" in drawn:
            extra["clean_images"] = self._gather(drawn["clean"])
            extra["clean_labels"] = drawn["clean"]["labels"]
        if "partner_indices" in train:
            extra["partner_images"] = self._gather({**train, "indices": train["partner_indices"]})
        images = self._gather(train)
        return Batch(images, train["labels"], train["positions"], **drawn["time"], extra=extra)

    def _drawn_block(self, number: int) -> dict[str, dict[str, Tensor]]:
        """Return what a block of steps draws, on the host: tensors of shape (steps, seeds, …)."""
        steps = range(number * BLOCK, (number + 1) * BLOCK)
        drawn = [[batches.drawn(step) for batches in self._of_seed] for step in steps]
        return {
            part: {
                name: self._tensor([[of_seed[part][name] for of_seed in step] for step in drawn])
                for name in first
            }
            for part, first in drawn[0][0].items()
        }

    def _tensor(self, arrays: Sequence[Sequence[np.ndarray]]) -> Tensor:
        tensor = torch.from_numpy(np.array(arrays))
        # Only copies from pinned memory are asynchronous.
        return tensor.pin_memory() if self._images.device.type == "cuda" else tensor

    def _gather(self, drawn: dict[str, Tensor]) -> Tensor:
        if not self._spec.augments:
            return self._images[drawn["indices"]]
        moves = {name: drawn[name] for name in ("down", "right", "mirrored")}
        draw = Augmentation(self._spec.crop_padding, **moves)
        return self._images.augmented(drawn["indices"], draw)


def training_part(spec: RunSpec, split: Split) -> Part:
    """Return the training examples of a run."""
    if spec.trains_on == "clean":
        return split.clean
    if spec.trains_on == "noisy, clean and validation":
        return split.train + split.clean + split.validation
    return split.train + split.clean if spec.trains_on == "noisy and clean" else split.train
