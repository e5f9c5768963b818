"""Trained networks as files: what fine-tuning, noise layers and probes start from."""

from collections.abc import Sequence
from pathlib import Path

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.methods.base import METHOD_PREFIX, is_own
from l2rw.store.checksums import again
from l2rw.store.errors import UserError
from l2rw.store.files import write_tensors
from l2rw.store.text import one_line
from l2rw.training.engine.network import Network


def save_trained(path: Path, networks: dict[int, Tensors]) -> None:
    """Write parameters and buffers by seed, atomically."""
    named = {
        f"{seed}/{name}": t for seed, tensors in networks.items() for name, t in tensors.items()
    }
    write_tensors(path, named)


def load_trained(paths: Sequence[Path], network: Network, seed: int) -> tuple[Parameters, Tensors]:
    """Read the parameters and buffers of one seed's network, on the CPU.

    Args:
        paths: What :func:`save_trained` wrote; one of the files holds the seed.
        network: Of the same architecture. What belonged to the method alone is left out.
        seed: Of the run.

    Raises:
        UserError: A file is damaged or of another network, or none holds the seed's.
    """
    from safetensors import SafetensorError, safe_open

    values = network.initial_values(seed)
    for path in paths:
        try:
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                if not any(name.startswith(f"{seed}/") for name in names):
                    continue
                for tensors in values:
                    for name, tensor in tensors.items():
                        found = file.get_tensor(f"{seed}/{name}")
                        # In place: the memory format of convolutions is kept. It would broadcast.
                        tensor.copy_(found.view(tensor.shape))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise UserError(
                f"The trained network {path} cannot be read ({one_line(error)}).",
                again(path),
            ) from None
        return values
    raise _absent(paths, seed)


def load_own(paths: Sequence[Path], seed: int) -> Tensors:
    """Read what a method trained beside the network of a seed, by its names, on the CPU.

    Args:
        paths: What :func:`save_trained` wrote; one of the files holds the seed.
        seed: Of the run.

    Raises:
        UserError: None holds the seed's.
    """
    from safetensors import safe_open

    for path in paths:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(f"{seed}/")]  # noqa: SIM118
            own = [name for name in names if is_own(name.removeprefix(f"{seed}/"))]
            if names:
                prefix = f"{seed}/{METHOD_PREFIX}"
                return {name.removeprefix(prefix): file.get_tensor(name) for name in own}
    raise _absent(paths, seed)


def _absent(paths: Sequence[Path], seed: int) -> UserError:
    return UserError(
        f"None of {', '.join(map(str, paths))} holds the network of seed {seed}.",
        "delete the folder and run again.",
    )
