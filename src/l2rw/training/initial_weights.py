"""Networks that begin from a file of trained weights which the user names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.store.checksums import sha256
from l2rw.store.errors import UserError
from l2rw.store.text import one_line
from l2rw.training.engine.network import Network

WRAPPERS = ("state_dict", "model")
"""Keys under which checkpoints keep the tensors."""
PREFIX = "module."
"""What data-parallel training puts before names."""
COUNTER = "num_batches_tracked"


class Initial(NamedTuple):
    """What a run begins with."""

    values: tuple[Parameters, Tensors]
    drawn: list[str]
    """Names of the parameters that are drawn as without the file: the classifier's, if the file
    is for another number of classes."""


def load_initial(path: Path, digest: str, network: Network, seed: int) -> Initial:
    """Read initial parameters and buffers from a file, on the CPU.

    Args:
        path: In the format of safetensors, or what ``torch.save`` wrote of a ``state_dict``.
        digest: Its SHA-256 as it was when the run was planned.
        network: Of the run.
        seed: Of the run: the classifier is drawn by it if the file has one of another width.

    Raises:
        UserError: The file is absent, cannot be read, was changed, or is of another network.
    """
    if not path.is_file():
        raise UserError(
            f"The initial weights {path} do not exist.",
            "copy the file here, or correct initial_weights.",
        )
    if sha256(path) != digest:
        raise UserError(
            f"The initial weights {path} have changed since the plan was made.",
            "run again: it makes a new plan.",
        )
    found = _read(path)
    values = network.initial_values(seed)
    wanted = values[0] | values[1]
    drawn = [
        name
        for name in network.classifier
        if name in found
        and found[name].shape[1:] == wanted[name].shape[1:]
        and found[name].shape != wanted[name].shape
    ]
    _require_fit(path, found, wanted, drawn)
    for name, tensor in wanted.items():
        if name in found and name not in drawn:
            tensor.copy_(found[name])  # in place: the memory format of convolutions is kept
    return Initial(values, drawn)


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        content: Any
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise _unreadable(path, one_line(error)[:200]) from None
    except Exception as error:  # pickle's, if it holds more than tensors
        raise _unreadable(path, f"{type(error).__name__}: it holds more than tensors") from None
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = isinstance(content, Mapping) and all(isinstance(t, Tensor) for t in content.values())
    if not tensors:
        raise _unreadable(path, "it holds no tensors by name")
    return {str(name).removeprefix(PREFIX): tensor for name, tensor in content.items()}


def _require_fit(
    path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], drawn: list[str]
) -> None:
    """Raise :class:`UserError` unless a file has all tensors of a network, and no others."""
    missing = [name for name in wanted if name not in found and not name.endswith(COUNTER)]
    unknown = [name for name in found if name not in wanted]
    other = [
        f"{name} is {_size(found[name])}, not {_size(tensor)}"
        for name, tensor in wanted.items()
        if name in found and name not in drawn and found[name].shape != tensor.shape
    ]
    problems = [
        *(other[:1]),
        *([f"it lacks {missing[0]}"] if missing else []),
        *([f"it has {unknown[0]} more"] if unknown else []),
    ]
    if problems:
        count = len(other) + len(missing) + len(unknown)
        more = f" ({count} differences in all)" if count > 1 else ""
        raise UserError(
            f"The initial weights {path} belong to another network: {'; '.join(problems)}{more}.",
            "name their network in training.model; its first layer also depends on "
            "the size and the colours of images.",
        )


def _size(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(
        f"The initial weights {path} cannot be read: {why}.",
        "name a safetensors file, or a state_dict that torch.save wrote.",
    )
