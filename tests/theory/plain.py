"""The update as it is defined, on parameters, with gradients by automatic differentiation."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.theory.losses import Huber, Softmax
from l2rw.theory.problems import Problem

Function = Callable[[Tensor], Tensor]


def example_losses(problem: Problem, theta: Tensor) -> Tensor:
    """Losses (examples,) at parameters (outputs, features)."""
    scores = (theta @ problem.features.T).T
    if isinstance(problem.loss, Softmax):
        return F.cross_entropy(scores, problem.targets.argmax(0), reduction="none")
    if isinstance(problem.loss, Huber):
        return F.huber_loss(scores[:, 0], torch.zeros(len(scores)).double(), reduction="none")
    return F.binary_cross_entropy_with_logits(scores[:, 0], problem.targets[0], reduction="none")


def clean_loss(problem: Problem, theta: Tensor) -> Tensor:
    return example_losses(problem, theta)[: problem.clean_size].mean()


def example_gradients(problem: Problem, theta: Tensor) -> Tensor:
    """Shape (examples, outputs * features)."""
    jacobian = torch.autograd.functional.jacobian(lambda at: example_losses(problem, at), theta)
    return jacobian.flatten(1)


def clean_gradient(problem: Problem, theta: Tensor) -> Tensor:
    """Shape (outputs * features,)."""
    at = theta.clone().requires_grad_()
    return torch.autograd.grad(clean_loss(problem, at), at)[0].flatten()


def clean_hessian(problem: Problem, theta: Tensor) -> Tensor:
    """Shape (outputs * features, outputs * features)."""
    hessian = torch.autograd.functional.hessian(lambda at: clean_loss(problem, at), theta)
    return hessian.reshape(theta.numel(), theta.numel())


def start_of(problem: Problem) -> Tensor:
    """Parameters θ_0: 1 for the Huber loss, else 0."""
    shape = len(problem.targets), problem.features.shape[1]
    return torch.full(shape, float(isinstance(problem.loss, Huber))).double()


def step(
    problem: Problem, theta: Tensor, batch: Tensor, step_size: float, weigh: Function
) -> tuple[Tensor, Tensor]:
    """Return the next parameters and 𝒯_t; ``batch`` are positions among all examples."""
    gradients = example_gradients(problem, theta)[batch]
    products = gradients @ clean_gradient(problem, theta)
    update = (weigh(products)[:, None] * gradients).sum(0) / len(batch)
    aligned = sum(max(product, 0) ** 2 for product in products.tolist())
    return theta - step_size * update.view_as(theta), torch.tensor(aligned, dtype=theta.dtype)
