"""Weights by example, in a loop of one's own."""

import pytest
import torch
from torch import nn

from l2rw import Reweighter, WeightTracker


def test_wrong_labels_are_the_first_suspects():
    torch.manual_seed(0)
    inputs = torch.randn(60, 4)
    labels = (inputs[:, 0] > 0).long()
    given = labels.clone()
    given[:15] = 1 - given[:15]
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    reweighter, tracker = (
        Reweighter(model, nn.CrossEntropyLoss(reduction="none")),
        WeightTracker.of(60),
    )
    for _ in range(60):
        ids = torch.randperm(59)[:20]  # the last is never seen
        optimizer.zero_grad()
        tracker.add(ids, reweighter.backward(inputs[ids], given[ids], inputs[40:], labels[40:]))
        optimizer.step()
    suspects = tracker.suspects(20)
    assert len(suspects) == 59
    (means,) = tracker.means(20)
    assert means[:15].mean() < 0.5 * means[15:59].mean()
    weights = [weight for _, weight in suspects]
    assert weights == sorted(weights)
    assert tracker.suspects(20, 3) == suspects[:3]
    assert means[59].isnan()


def test_weights_without_a_position_each_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) positions do not fit \(6,\) weights"):
        WeightTracker.of(5).add(torch.arange(2), torch.ones(6))
