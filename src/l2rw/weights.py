r"""The paper's idea: a small clean set decides how much each training example counts.

Ren et al. (ICML 2018) perturb the weight :math:`\epsilon_i` of every example in a look-ahead SGD
step and ask how the loss :math:`G` on clean data responds (equations 6 to 9, Algorithm 1). At
:math:`\epsilon = 0` the chain rule gives, up to a positive factor that normalisation cancels,

.. math:: u_i = -\partial G / \partial \epsilon_i
        \propto \langle \nabla f_i(\theta), \nabla G(\theta) \rangle ,

so an example counts as much as its gradient points along the clean gradient, and not at all if it
points away. Two exact ways to compute it:

* :func:`reweighted_gradient`, forward mode: the inner product *is* the directional derivative of
  the example's loss along :math:`\nabla G`. One forward pass of the batch that carries this tangent
  gives every :math:`u_i`, and the same pass then serves the weighted backward pass.
* :func:`alignments_by_double_backward`, Algorithm 1 as printed: the reference.

Losses are functions of a dictionary of parameters, as :func:`torch.func.functional_call` takes it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import grad, jvp, vjp

Parameters = dict[str, Tensor]
ExampleLosses = Callable[[Parameters], tuple[Tensor, Any]]
CleanLoss = Callable[[Parameters], Tensor]


class WeightedGradient(NamedTuple):
    """Gradient of a weighted batch loss, and what was seen on the way."""

    gradient: Parameters
    """Gradient of :math:`\\sum_i w_i f_i` by parameter name."""
    weights: Tensor
    """Example weights, shape (n,)."""
    losses: Tensor
    """Unweighted example losses, shape (n,)."""
    aux: Any
    """Whatever else the loss function returned."""


def normalise(alignments: Tensor) -> Tensor:
    """Turn alignments into example weights: rectify, then divide by the sum (equations 8 and 9).

    Args:
        alignments: Inner products of example gradients with the clean gradient, shape (n,).

    Returns:
        Weights >= 0 that sum to 1, shape (n,); all zeros if no alignment is positive.
    """
    rectified = alignments.clamp(min=0)
    total = rectified.sum()
    return rectified / (total + (total == 0))


def weighted_gradient(
    losses: ExampleLosses, parameters: Parameters, weights: Tensor
) -> WeightedGradient:
    """Differentiate the weighted sum of example losses, for weights known beforehand.

    Args:
        losses: Maps parameters to example losses of shape (n,) and anything else worth keeping.
        parameters: Where to differentiate.
        weights: Example weights, shape (n,).
    """
    values, pull_back, aux = vjp(losses, parameters, has_aux=True)  # type: ignore[misc]
    (gradient,) = pull_back(weights)
    return WeightedGradient(gradient, weights, values, aux)


def reweighted_gradient(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters
) -> WeightedGradient:
    """Weight the examples by L2RW in forward mode and differentiate their weighted loss.

    Args:
        losses: Maps parameters to example losses of shape (n,) and anything else worth keeping.
        clean_loss: Maps parameters to the mean loss of the clean batch, a scalar.
        parameters: Where to differentiate.
    """
    clean_gradient = grad(clean_loss)(parameters)

    def losses_and_alignments(at: Parameters) -> tuple[Tensor, tuple[Tensor, Any]]:
        values, alignments, aux = jvp(  # type: ignore[misc]
            losses, (at,), (clean_gradient,), has_aux=True
        )
        return values, (alignments, aux)

    # The pull-back runs through the primal pass alone: alignments leave as auxiliary output.
    values, pull_back, (alignments, aux) = vjp(  # type: ignore[misc]
        losses_and_alignments, parameters, has_aux=True
    )
    weights = normalise(alignments)
    (gradient,) = pull_back(weights)
    return WeightedGradient(gradient, weights, values, aux)


def alignments_by_double_backward(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters, step_size: float = 1.0
) -> Tensor:
    """Compute the alignments as Algorithm 1 prints it, backward on backward: the slow reference.

    Args:
        losses: Maps parameters to example losses of shape (n,) and anything else worth keeping.
        clean_loss: Maps parameters to the mean loss of the clean batch, a scalar.
        parameters: Where to differentiate.
        step_size: The look-ahead's step size; scales the result.

    Returns:
        ``step_size`` times the inner products of example gradients with the clean gradient, (n,).
    """
    example_losses, _ = losses(parameters)

    def clean_loss_after_step(epsilon: Tensor) -> Tensor:
        step = grad(lambda at: (epsilon * losses(at)[0]).sum())(parameters)
        return clean_loss({k: p - step_size * step[k] for k, p in parameters.items()})

    sensitivity: Tensor = grad(clean_loss_after_step)(torch.zeros_like(example_losses))
    return -sensitivity
