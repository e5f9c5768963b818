"""Stochastic gradient descent with momentum and weight decay on dictionaries of tensors."""

import torch

from l2rw.core.weights import Parameters
from l2rw.training.engine.network import is_own
from l2rw.training.spec import RunSpec


def update(
    parameters: Parameters,
    velocity: Parameters,
    gradient: Parameters,
    spec: RunSpec,
    learning_rate: float,
) -> None:
    """Step in place, as :class:`torch.optim.SGD` does: v ← μv + g + λθ, θ ← θ - lr·v.

    Weight decay spares the method's own parameters: zero is no neutral place for them.
    """
    names = list(parameters)
    at, v, g = ([tensors[name] for name in names] for tensors in (parameters, velocity, gradient))
    torch._foreach_mul_(v, spec.momentum)
    torch._foreach_add_(v, g)
    if spec.weight_decay:
        decayed = [place for place, name in enumerate(names) if not is_own(name)]
        ours, theirs = [v[place] for place in decayed], [at[place] for place in decayed]
        torch._foreach_add_(ours, theirs, alpha=spec.weight_decay)
    torch._foreach_add_(at, v, alpha=-learning_rate)
