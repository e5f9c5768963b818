"""The algorithms of :mod:`torch.optim` on dictionaries of tensors; the rate is a tensor, too.

A stack of seeds moves at once: every operation is element by element, so leading dimensions do not
matter. The host never reads a tensor's value, and parameters and moments change in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Optimizer, is_own
from l2rw.training.spec import RunSpec

ALGORITHMS = ("sgd", "adam", "adamw")
SECOND_BETA, EPSILON = 0.999, 1e-8  # of Adam, as in torch.optim and its source


class Variables(NamedTuple):
    """What an optimiser changes, by name of the parameter."""

    parameters: Parameters
    velocity: Parameters
    """First moments."""
    squares: Parameters
    """Second moments, of those parameters that Adam trains."""


@dataclass(frozen=True)
class Group:
    """Parameters that move by the same rule."""

    optimizer: Optimizer
    names: tuple[str, ...]
    decayed: frozenset[str]
    """Names of those that weight decay acts on."""
    scheduled: bool
    """Whether the learning rate is the step's, not the optimiser's own constant."""


def group(spec: RunSpec, parameters: Parameters, own: Optimizer | None = None) -> list[Group]:
    """Return the groups in which the parameters of a run are updated.

    Weight decay of the network spares the method's own parameters: zero is no neutral place for
    them. An optimiser of their own decays them as it says.

    Args:
        spec: Settings of the run.
        parameters: The network's and the method's own.
        own: The optimiser of the method's own, Adam or AdamW; they move with the network if None.
    """
    network = Optimizer(
        spec.optimizer, spec.learning_rate, spec.momentum, spec.nesterov, spec.weight_decay
    )
    apart = tuple(name for name in parameters if own and is_own(name))
    together = tuple(name for name in parameters if name not in apart)
    decayed = frozenset(name for name in together if not is_own(name))
    groups = [Group(network, together, decayed, scheduled=True)]
    if own and apart:
        if own.algorithm == "sgd":
            raise ValueError("a method's own optimiser is Adam or AdamW")
        groups.append(Group(own, apart, frozenset(apart), scheduled=False))
    return groups


def squared(groups: Sequence[Group]) -> list[str]:
    """Return the names of the parameters that have second moments."""
    return [name for group in groups if group.optimizer.algorithm != "sgd" for name in group.names]


def update(
    groups: Sequence[Group],
    variables: Variables,
    gradient: Parameters,
    learning_rate: Tensor,
    step: Tensor,
) -> None:
    """Step in place.

    Args:
        groups: Which parameters are updated by which rule.
        variables: To be changed.
        gradient: By name of the parameter.
        learning_rate: Of this step, scalar.
        step: Counted from 0, scalar.
    """
    for group in groups:
        constant = torch.full_like(learning_rate, group.optimizer.learning_rate)
        rate = learning_rate if group.scheduled else constant
        if group.optimizer.algorithm == "sgd":
            _sgd(group, variables, gradient, rate)
        else:
            _adam(group, variables, gradient, rate, step + 1)


def advanced(group: Group, variables: Variables, gradient: Parameters, step: Tensor) -> Parameters:
    """Return what :func:`update` would make of a group that Adam trains, and change nothing."""
    copies = Variables(*({n: tensors[n].clone() for n in group.names} for tensors in variables))
    rate = torch.full_like(step, group.optimizer.learning_rate, dtype=torch.float64)
    _adam(group, copies, gradient, rate, step + 1)
    return copies.parameters


def _sgd(group: Group, variables: Variables, gradient: Parameters, rate: Tensor) -> None:
    """V ← μv + g + λθ, θ ← θ - lr·v; by Nesterov θ ← θ - lr·(g + λθ + μv)."""
    optimizer, names = group.optimizer, group.names
    at, v, g = ([t[n] for n in names] for t in (variables.parameters, variables.velocity, gradient))
    torch._foreach_mul_(v, optimizer.momentum)
    torch._foreach_add_(v, g)
    decayed = [place for place, name in enumerate(names) if name in group.decayed]
    if optimizer.weight_decay and decayed:
        there = [at[place] for place in decayed]
        torch._foreach_add_([v[p] for p in decayed], there, alpha=optimizer.weight_decay)
    if optimizer.nesterov:
        ahead = list(torch._foreach_add(g, v, alpha=optimizer.momentum))
        if optimizer.weight_decay and decayed:
            torch._foreach_add_([ahead[p] for p in decayed], there, alpha=optimizer.weight_decay)
        v = ahead
    if rate.is_cuda:
        # A rate of another type would be multiplied tensor by tensor.
        torch._foreach_sub_(at, torch._foreach_mul(v, rate.to(v[0].dtype)))
    else:
        for parameter, direction in zip(at, v, strict=True):
            # One rounding for product and sum: the published numbers bit for bit.
            parameter.addcmul_(direction, rate.to(parameter.dtype), value=-1)


def _adam(
    group: Group, variables: Variables, gradient: Parameters, rate: Tensor, steps: Tensor
) -> None:
    """Adam with weight decay in the gradient, or AdamW with decay of the parameter itself."""
    optimizer = group.optimizer
    first = 1 - optimizer.momentum ** steps.double()
    second = 1 - SECOND_BETA ** steps.double()
    for name in group.names:
        parameter, v, s = (tensors[name] for tensors in variables)
        g = gradient[name]
        if optimizer.weight_decay and name in group.decayed:
            if optimizer.algorithm == "adamw":
                parameter.mul_(1 - rate * optimizer.weight_decay)
            else:
                g = g + optimizer.weight_decay * parameter
        v.mul_(optimizer.momentum).add_(g, alpha=1 - optimizer.momentum)
        s.mul_(SECOND_BETA).add_(g * g, alpha=1 - SECOND_BETA)
        size = (s / second).sqrt_().add_(EPSILON)
        parameter.sub_(rate / first * v / size)
