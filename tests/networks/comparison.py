"""How far a Reweighter is from per-example autograd in float64, and what its steps cost."""

import copy
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from l2rw.core.reweighter import Reweighter
from tests.core import reference
from tests.networks.catalogue import Network, drawn, loss_of, made


class Comparison(NamedTuple):
    """Of two steps: the first tries ways, the second takes the one that was found."""

    mode: str
    why: str
    weights: float
    """Largest difference."""
    gradients: float
    """Largest difference, relative to the largest entry of a parameter's gradient."""
    buffers: float
    """Likewise, of all buffers after the step."""
    positive: int
    """Weights above zero, of all steps."""


def compare(network: Network, examples: int = 4, clean: int = 3) -> Comparison:
    """Take two steps beside the reference."""
    model, loss = made(network), loss_of(network)
    reweighter, differences, positive = Reweighter(model, loss), [], 0
    for step in (0, 1):
        batch, clean_batch = drawn(network, examples, 2 * step), drawn(network, clean, 2 * step + 1)
        plain, ahead = copy.deepcopy(model), copy.deepcopy(model)
        plain.zero_grad()
        model.zero_grad()
        expected = reference.backward(plain, loss, batch, ahead, loss, clean_batch)
        found = reweighter.backward(*batch, *clean_batch)
        positive += int((found > 0).sum())
        pairs = list(zip(model.parameters(), plain.parameters(), strict=True))
        assert all((p.grad is None) == (q.grad is None) for p, q in pairs)
        gradients = [(p.grad, q.grad) for p, q in pairs if p.grad is not None]
        buffers = zip(model.buffers(), plain.buffers(), strict=True)
        largest = max(g.abs().max().item() for _, g in gradients)
        differences.append(
            (
                (found - expected).abs().max().item(),
                max((p - q).abs().max().item() for p, q in gradients) / max(largest, 1e-30),
                max((relative(b, c) for b, c in buffers if b.is_floating_point()), default=0.0),
            )
        )
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(0.01 * p.grad)
    return Comparison(
        str(reweighter.mode),
        reweighter.mode.why,
        *(max(column) for column in zip(*differences, strict=True)),
        positive,
    )


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference relative to the largest entry."""
    if one.numel() == 0:
        return 0.0
    return ((one - other).abs().max() / other.abs().max().clamp(min=1e-30)).nan_to_num().item()


def cost(network: Network, examples: int = 16, clean: int = 16, rounds: int = 2) -> float:
    """Return CPU time of a step over that of plain SGD, float32, the least of some rounds each."""
    model, loss = made(network, torch.float32), loss_of(network)
    batch, clean_batch = (
        drawn(network, n, seed, torch.float32) for n, seed in ((examples, 0), (clean, 1))
    )
    reweighter = Reweighter(model, loss)

    def plain() -> None:
        loss(reference.call(model, batch[0]), batch[1]).mean().backward()

    def ours() -> None:
        reweighter.backward(*batch, *clean_batch)

    def least(step: Callable[[], None]) -> float:
        taken = []
        for _ in range(1 + rounds):  # the first tries ways, and fills caches
            model.zero_grad()
            start = time.process_time()
            step()
            taken.append(time.process_time() - start)
        return min(taken[1:])

    theirs = least(plain)
    return least(ours) / theirs
