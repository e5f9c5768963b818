"""A trained network in one file: what it is, what it tells apart, how examples become its inputs.

The file is in the format of safetensors: parameters and buffers by the network's own names, and
texts by name. ``about`` among these is JSON: the keys of :class:`About`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.datasets.dataset import Inputs
from l2rw.data.splits import make_part
from l2rw.export.reading import Reader
from l2rw.models import MODELS
from l2rw.store.errors import UserError, closest
from l2rw.store.identity import plain, restored
from l2rw.store.sealed_tensors import verify_sealed, write_sealed
from l2rw.store.text import one_line
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network, build_network, moved
from l2rw.training.evaluation import CHUNKS, probabilities
from l2rw.training.spec import RunSpec

FORMAT, UNSEALED = "l2rw network 2", "l2rw network 1"
"""Of today, with a checksum of the whole file, and of earlier versions, without one."""


@dataclass(frozen=True)
class About:
    """What a file says of its network, beside the tensors."""

    classes: tuple[str, ...]
    """Names, by label."""
    shape: tuple[int, ...]
    """Of an example: (channels, height, width), or (features,)."""
    pixel_range: tuple[float, float]
    """What uint8 0 and 255 become for the network; features stay as they are."""
    preprocessing: Mapping[str, Any]
    """How a file or a row becomes such an example; see :mod:`l2rw.export.reading`."""
    spec: RunSpec
    """How it was trained."""
    provenance: Mapping[str, Any]
    """Which run it is of, and by which code it was trained."""

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps({**vars(self), "format": FORMAT, "spec": plain(self.spec)})

    @classmethod
    def from_text(cls, text: str) -> "About":
        """Return what :meth:`to_text` wrote; raise :class:`ValueError` if it is none."""
        content = json.loads(text)
        if content.pop("format", None) not in (FORMAT, UNSEALED):
            raise ValueError(f"its format is not {FORMAT!r}")
        if missing := cls.__dataclass_fields__.keys() - content.keys():
            raise ValueError(f"it does not say {', '.join(sorted(missing))}")
        for name in ("classes", "shape", "pixel_range"):
            content[name] = tuple(content[name])
        content["spec"] = restored(RunSpec, content["spec"])
        try:
            return cls(**content)
        except TypeError as error:
            raise ValueError(str(error)) from None


def write_network(path: Path, about: About, tensors: Tensors) -> None:
    """Write a network's parameters and buffers, by name, and what there is to say of it."""
    write_sealed(path, tensors, {"format": "pt", "about": about.to_text()})


class TrainedNetwork:
    """A network as a function of its user's examples.

    >>> network = load_network("network.safetensors")  # doctest: +SKIP
    >>> network.probabilities(network.read(["a.jpg"]))  # doctest: +SKIP
    """

    def __init__(self, about: About, network: Network, values: tuple[Parameters, Tensors]) -> None:
        """Args: ``values`` are parameters and buffers, on the device to compute on."""
        self.about = about
        self._network, self._values = network, values
        self._device = next(iter(values[0].values())).device
        self._reader = Reader(about.preprocessing)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return self.about.classes

    @property
    def chunk(self) -> int:
        """How many examples are computed at once."""
        return CHUNKS[self._device.type]

    @property
    def reader(self) -> Reader:
        """What makes inputs of files and rows."""
        return self._reader

    def read(self, files: Sequence[str | Path]) -> Inputs:
        """Read image files, or the rows of a table, as in training.

        Returns:
            Uint8 (n, channels, height, width), or float32 (n, features).

        Raises:
            UserError: Some cannot be read.
        """
        return self._reader.read([Path(file) for file in files])

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probability of each class for each example, shape (n, classes)."""
        if inputs.shape[1:] != self.about.shape:
            raise ValueError(f"examples have shape {inputs.shape[1:]}, not {self.about.shape}")
        part = make_part(np.arange(len(inputs)), np.zeros(len(inputs), dtype=np.int64))
        images = ImageStore(inputs, self.about.pixel_range, self._device)
        return probabilities(self._predict, images, part)

    def _predict(self, images: Tensor) -> Tensor:
        return self._network.predict(*self._values, images)


def load_network(path: str | Path, device: str | torch.device = "cpu") -> TrainedNetwork:
    """Load an exported network.

    Args:
        path: What :func:`write_network` wrote.
        device: To compute on.

    Raises:
        UserError: It cannot be read, or is no exported network.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("about", "null")
            if UNSEALED not in text:
                verify_sealed(Path(path))
            about = About.from_text(text)
            if about.spec.model not in MODELS:
                raise UserError(
                    f"{path} contains an unknown network, {about.spec.model!r}.",
                    closest(about.spec.model, MODELS),
                )
            network = build_network(about.spec, about.shape, len(about.classes))
            values = network.initial_values(seed=0)
            for tensors in values:
                for name, tensor in tensors.items():
                    # In place: the memory format of convolutions is kept.
                    tensor.copy_(file.get_tensor(name).view(tensor.shape))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.", "`l2rw export` writes networks.") from None
    except (OSError, SafetensorError, RuntimeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read as a network ({one_line(error)}).",
            "name a file network.safetensors that `l2rw export` wrote.",
        ) from None
    parameters, buffers = (moved(tensors, device) for tensors in values)
    return TrainedNetwork(about, network, (parameters, buffers))
