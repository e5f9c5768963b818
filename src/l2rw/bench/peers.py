"""L2RW as one writes it with libraries for differentiating through optimisers, to be timed beside.

They are not needed for anything else: ``pip install higher torchopt`` brings them.
"""

from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.bench.gradient_algorithms import Examples
from l2rw.bench.plain import PlainTraining
from l2rw.core.weights import normalise


class Peer(PlainTraining):
    """Steps of L2RW whose weights a library's look-ahead yields."""

    def step(self, seen: Examples) -> None:
        """Take one step on the examples of a single seed, in a stack of one."""
        weights = self.weights(*(tensor[0] for tensor in seen))
        self._optimiser.zero_grad()
        with self._autocast:
            losses = F.cross_entropy(self._model(seen.images[0]), seen.labels[0], reduction="none")
        (weights * losses).sum().backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()

    def weights(
        self, images: Tensor, labels: Tensor, clean_images: Tensor, clean_labels: Tensor
    ) -> Tensor:
        """Return the example weights, shape (n,)."""
        raise NotImplementedError


class Higher(Peer):
    """By :mod:`higher`, as most public implementations of L2RW have it."""

    def weights(
        self, images: Tensor, labels: Tensor, clean_images: Tensor, clean_labels: Tensor
    ) -> Tensor:
        """Step a functional copy of the module, differentiably."""
        import higher

        look_ahead = torch.optim.SGD(self._model.parameters(), lr=1.0)
        with higher.innerloop_ctx(self._model, look_ahead) as (model, optimiser), self._autocast:
            losses = F.cross_entropy(model(images), labels, reduction="none")
            epsilon = torch.zeros_like(losses, requires_grad=True)
            optimiser.step((epsilon * losses).sum())
            clean_loss = F.cross_entropy(model(clean_images), clean_labels)
            (slope,) = torch.autograd.grad(clean_loss, epsilon)
        return normalise(-slope)


class TorchOpt(Peer):
    """By :mod:`torchopt`."""

    def weights(
        self, images: Tensor, labels: Tensor, clean_images: Tensor, clean_labels: Tensor
    ) -> Tensor:
        """Step the module itself, differentiably, and put its state back."""
        import torchopt

        before = torchopt.extract_state_dict(self._model, by="reference", detach_buffers=True)
        look_ahead = torchopt.MetaSGD(self._model, lr=1.0)
        with self._autocast:
            losses = F.cross_entropy(self._model(images), labels, reduction="none")
            epsilon = torch.zeros_like(losses, requires_grad=True)
            look_ahead.step((epsilon * losses).sum())
            clean_loss = F.cross_entropy(self._model(clean_images), clean_labels)
            (slope,) = torch.autograd.grad(clean_loss, epsilon)
        torchopt.recover_state_dict(self._model, before)
        return normalise(-slope)


PEERS: dict[str, type[Peer]] = {"higher": Higher, "TorchOpt": TorchOpt}


def installed() -> dict[str, type[Peer]]:
    """Return the peers whose libraries are here, by name."""
    return {name: peer for name, peer in PEERS.items() if find_spec(name.lower())}
