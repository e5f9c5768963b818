"""Class balance by mining the majority class (section 4.1)."""

import torch

from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods.base import AdvanceOwn, Batch, Losses, Method, MethodState


class HardMining(Method):
    """Of the majority class only the examples with the highest loss count.

    A step draws five times the batch size, as the authors' code does. Its k minority examples and
    the k hardest majority examples weigh 1 / 2k each, k at most half the batch size. Without a
    minority example all weights are zero. Label 0 is the minority class.

    Where there are more minority candidates than places, which of them count is undefined: they
    tie, and :func:`torch.topk` promises no order among ties, so that another version of PyTorch or
    another device may choose others. None of them is better than another.
    """

    candidates = 5

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Mine among the candidates; weights, losses and logits are those of all candidates."""
        all_losses, all_seen = losses(parameters, batch.images, batch.labels)
        n = len(batch.labels)
        half = n // self.candidates // 2
        minority = (batch.labels == 0).to(all_losses.dtype)
        # Shapes must not depend on values: always take 2 * half places, and weigh k of each kind.
        # Where a kind has fewer, the other fills up its places, at weight zero.
        ours = minority.topk(half).indices
        hardest = all_losses.masked_fill(minority == 1, -torch.inf).topk(half).indices
        k = torch.minimum(minority.sum(), (1 - minority).sum()).clamp(max=half)
        counts = (torch.arange(half, device=minority.device) < k).to(all_losses.dtype)
        chosen = torch.cat([ours, hardest])
        weights = torch.cat([counts, counts]) / (2 * k).clamp(min=1)
        images, labels = batch.images[chosen], batch.labels[chosen]
        step = losses.weighted_gradient(parameters, (images, labels), weights)
        return WeightedGradient(
            step.gradient,
            torch.zeros_like(all_losses).scatter_add(0, chosen, weights),
            all_losses,
            step.aux._replace(logits=all_seen.logits),
        )
