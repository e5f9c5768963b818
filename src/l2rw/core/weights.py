r"""The paper's idea: a small clean set decides how much each training example counts.

Ren et al. (ICML 2018) perturb the weight :math:`\epsilon_i` of every example in a look-ahead SGD
step and ask how the loss :math:`G` on clean data responds (equations 6 to 9, Algorithm 1). At
:math:`\epsilon = 0` the chain rule gives, up to a positive factor that normalisation cancels,

.. math:: u_i = -\partial G / \partial \epsilon_i
        \propto \langle \nabla f_i(\theta), \nabla G(\theta) \rangle ,

so an example counts as much as its gradient points along the clean gradient, and not at all if it
points away. Two exact ways to train with these weights:

* :func:`reweighted_gradient`, forward mode: the inner product *is* the directional derivative of
  the example's loss along :math:`\nabla G`. One forward pass of the batch that carries this tangent
  gives every :math:`u_i`, and the same pass then serves the weighted backward pass.
* :func:`reweighted_gradient_by_double_backward`, Algorithm 1 as printed: slower, the reference.

For multi-layer perceptrons :func:`alignments_in_closed_form` is the layer-wise sum of section 3.2.

Losses are functions of a dictionary of parameters, as :func:`torch.func.functional_call` takes it.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vjp

# Forward-mode differentiation makes PyTorch load decompositions that use its own deprecated code.
warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is deprecated")

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
    losses: ExampleLosses, parameters: Parameters, weights: Tensor | Callable[[Tensor], Tensor]
) -> WeightedGradient:
    """Differentiate the weighted sum of example losses, the weights being constants.

    Args:
        losses: Maps parameters to example losses of shape (n,) and tensors worth keeping.
        parameters: Where to differentiate.
        weights: Example weights, shape (n,), or a function of the example losses that returns them.
    """
    values, pull_back, aux = vjp(losses, parameters, has_aux=True)  # type: ignore[misc]
    if not isinstance(weights, Tensor):
        weights = weights(values)
    (gradient,) = pull_back(weights)
    return WeightedGradient(gradient, weights, values, aux)


def reweighted_gradient(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters
) -> WeightedGradient:
    """Weight the examples by L2RW in forward mode and differentiate their weighted loss.

    Args:
        losses: Maps parameters to example losses of shape (n,) and tensors worth keeping.
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


def reweighted_gradient_by_double_backward(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters, step_size: float = 1.0
) -> WeightedGradient:
    """Do the same as :func:`reweighted_gradient` as Algorithm 1 prints it, backward on backward.

    Args:
        losses: Maps parameters to example losses of shape (n,) and tensors worth keeping.
        clean_loss: Maps parameters to the mean loss of the clean batch, a scalar.
        parameters: Where to differentiate.
        step_size: Of the look-ahead step; normalisation cancels it.
    """
    values, pull_back, aux = vjp(losses, parameters, has_aux=True)  # type: ignore[misc]

    def clean_loss_after_step(epsilon: Tensor) -> Tensor:
        (step,) = pull_back(epsilon)
        return clean_loss({name: p - step_size * step[name] for name, p in parameters.items()})

    weights = normalise(-grad(clean_loss_after_step)(torch.zeros_like(values)))
    (gradient,) = pull_back(weights)
    return WeightedGradient(gradient, weights, values, aux)


def alignments_in_closed_form(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch: tuple[Tensor, Tensor],
    clean_batch: tuple[Tensor, Tensor],
) -> Tensor:
    """Compute the alignments of a multi-layer perceptron as section 3.2 and appendix A derive them.

    By layer, an example's gradient is the outer product of the layer's input and the gradient at
    its output, so the inner product of two examples is similarity of inputs times similarity of
    gradients, summed over layers and averaged over the clean examples.

    Args:
        model: A network all of whose parameters lie in linear layers, each used once.
        loss: Maps outputs and targets to example losses, shape (n,).
        batch: Training inputs and targets.
        clean_batch: Clean inputs and targets.

    Returns:
        Inner products of example gradients with the clean gradient, shape (n,).
    """
    ours, clean = (_layer_factors(model, loss, *examples) for examples in (batch, clean_batch))
    products = [
        (clean_input @ our_input.T) * (clean_gradient @ our_gradient.T)
        for (our_input, our_gradient), (clean_input, clean_gradient) in zip(
            ours, clean, strict=True
        )
    ]
    return torch.stack(products).sum(0).mean(0)


def _layer_factors(
    model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], inputs: Tensor, targets: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Return each linear layer's inputs (with the bias's one) and loss gradients, by example."""
    seen: list[tuple[Tensor, Tensor]] = []

    def remember(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        one = [] if layer.bias is None else [torch.ones_like(inputs[0][:, :1])]
        seen.append((torch.cat([inputs[0].detach(), *one], dim=1), output))

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_hook(remember) for layer in layers]
    try:
        total = loss(model(inputs), targets).sum()
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.autograd.grad(total, [output for _, output in seen])
    return [(z, gradient) for (z, _), gradient in zip(seen, gradients, strict=True)]
