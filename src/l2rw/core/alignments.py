r"""Alignments in plain autograd, of a network that runs as its author wrote it.

Nothing is substituted: modules are called with their own parameters, so that hooks, tied and
computed weights, wrappers and subclasses work as in any pass. With v the clean gradient and
:math:`g_i` the gradient of example i's loss, three ways yield :math:`u_i = \langle g_i, v \rangle`:

* :func:`in_forward_mode`: parameters carry v as their tangent in the pass of the batch;
* :func:`by_double_backward`: :math:`\langle \sum_i \epsilon_i g_i, v \rangle` is differentiated by
  :math:`\epsilon`, as in Algorithm 1, but without a look-ahead step;
* :func:`by_example`: one backward pass for each example, which asks for first derivatives alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from l2rw.core.batchnorm import FastTangents
from l2rw.core.distributed import trains_in_several_processes
from l2rw.core.plain import dual, load_forward_derivatives

Gradients = Sequence[Tensor | None]
"""By parameter; None where the loss does not depend on it."""


def in_forward_mode(
    run: Callable[[], Tensor], parameters: list[nn.Parameter], v: Gradients
) -> tuple[Tensor, Tensor]:
    """Return example losses with their graph, and alignments, shape (n,) both.

    Args:
        run: The pass of the batch; returns example losses, shape (n,).
        parameters: Of network and loss.
        v: The clean gradient.
    """
    load_forward_derivatives()
    with forward_ad.dual_level():
        # The values stay, tangents come: graphs of one's own that have saved values stay right.
        with torch.no_grad(), _unsafe_preserve_version_counter(tuple(parameters)):
            for parameter, tangent in zip(parameters, v, strict=True):
                if tangent is not None:
                    parameter.copy_(dual(parameter.detach(), _dense(tangent)))
        with FastTangents():
            outcome = run()
        losses, alignments = forward_ad.unpack_dual(outcome)  # type: ignore[no-untyped-call]
        # Beyond this level tangents are gone, also those of the parameters.
        return losses, torch.zeros_like(losses) if alignments is None else alignments.detach()


def by_double_backward(losses: Tensor, parameters: list[nn.Parameter], v: Gradients) -> Tensor:
    """Return alignments, shape (n,).

    Raises:
        RuntimeError: An operation's backward pass cannot be differentiated.
    """
    # They enter linearly: any value will do, and at this one hooks see the usual mean gradient.
    epsilon = torch.full_like(losses, 1 / len(losses)).requires_grad_()
    with hooks_muted(parameters):
        gradients = torch.autograd.grad(
            losses, parameters, epsilon, create_graph=True, allow_unused=True
        )
        pairs = [
            (g, _dense(d))
            for g, d in zip(gradients, v, strict=True)
            if g is not None and d is not None and g.requires_grad
        ]
        if not pairs:
            return torch.zeros_like(losses)
        (alignments,) = torch.autograd.grad(
            *([g for g, _ in pairs], epsilon, [d for _, d in pairs]),
            retain_graph=True,
            allow_unused=True,
        )
    return torch.zeros_like(losses) if alignments is None else alignments.detach()


def by_example(losses: Tensor, parameters: list[nn.Parameter], v: Gradients) -> Tensor:
    """Return alignments, shape (n,), exact for all that an ordinary backward pass is exact for."""
    rows = torch.eye(len(losses), dtype=losses.dtype, device=losses.device)
    return torch.stack([dot(gradient(losses, parameters, row), v, losses) for row in rows])


def gradient(losses: Tensor, parameters: list[nn.Parameter], cotangent: Tensor) -> Gradients:
    """Return the gradient of Σ cotangent · losses, and leave ``.grad`` and its hooks alone."""
    with hooks_muted(parameters):
        try:
            return torch.autograd.grad(
                losses, parameters, cotangent, retain_graph=True, allow_unused=True
            )
        except RuntimeError as error:
            if "use_reentrant" not in str(error) and "with .grad()" not in str(error):
                raise
            if trains_in_several_processes():
                raise ValueError(
                    "reentrant checkpointing leaves one process's backward passes no way to stay "
                    "apart from the others'; pass use_reentrant=False to checkpoint()"
                ) from error
        return _by_backward(losses, parameters, cotangent)


def _by_backward(losses: Tensor, parameters: list[nn.Parameter], cotangent: Tensor) -> Gradients:
    """Do it by ``backward``, which reentrant checkpointing insists on."""
    before = [p.grad for p in parameters]
    try:
        for p in parameters:
            p.grad = None
        losses.backward(cotangent, retain_graph=True)  # type: ignore[no-untyped-call]
        return [p.grad for p in parameters]
    finally:
        for p, old in zip(parameters, before, strict=True):
            p.grad = old


@contextmanager
def hooks_muted(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Do not call hooks of parameters: they are meant for the gradient that training follows."""
    hooks = [(p, p._backward_hooks) for p in parameters if p._backward_hooks]
    after = [h for p in parameters if (h := getattr(p, "_post_accumulate_grad_hooks", None))]
    kept = [dict(h) for h in after]
    try:
        for p, _ in hooks:
            p._backward_hooks = None
        for h in after:
            h.clear()
        yield
    finally:
        for p, its in hooks:
            p._backward_hooks = its
        for h, its in zip(after, kept, strict=True):
            h.update(its)


def dot(gradients: Gradients, v: Gradients, like: Tensor) -> Tensor:
    """Return ⟨gradients, v⟩, the real part if they are complex, a scalar of ``like``'s dtype."""
    total = torch.zeros((), dtype=like.dtype, device=like.device)
    for g, d in zip(gradients, v, strict=True):
        if g is not None and d is not None:
            other = _dense(d).conj()
            product = torch.sparse.sum(g * other) if g.is_sparse else (g * other).sum()
            total = total + product.real.to(total)
    return total


def is_right(
    alignments: Tensor, losses: Tensor, parameters: list[nn.Parameter], v: Gradients
) -> bool:
    """Whether alignments fit one more, ordinary backward pass: Σ cᵢuᵢ = ⟨Σ cᵢgᵢ, v⟩, with random c.

    Wrong alignments fit by chance alone.
    """
    n = len(losses)
    generator = torch.Generator().manual_seed(n)
    c = torch.rand(n, dtype=torch.float64, generator=generator, device="cpu") + 0.5
    c = c.to(losses)
    g = gradient(losses, parameters, c)
    found, size = dot(g, v, losses), (dot(g, g, losses) * dot(v, v, losses)).sqrt()
    scale = alignments.abs().sum() + 1e-4 * size  # the products may cancel
    return agree((c * alignments).sum()[None], found[None], scale)


def agree(one: Tensor, other: Tensor, scale: Tensor) -> bool:
    """Whether two results differ by rounding alone, which reduced precision makes large."""
    if not (one.isfinite().all() and other.isfinite().all()):
        return True  # an overflow, which GradScaler deals with, says nothing of the way
    tolerance = 1e-6 if one.dtype == torch.float64 else 1e-2
    if torch.is_autocast_enabled(one.device.type) or one.dtype.itemsize < 4:
        tolerance = 0.1
    return bool((one - other).abs().max() <= tolerance * scale.abs().max())


def _dense(tensor: Tensor) -> Tensor:
    return tensor.to_dense() if tensor.is_sparse else tensor
