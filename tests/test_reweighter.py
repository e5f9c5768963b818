"""How a training loop uses a Reweighter; that it computes the right thing: test_exactness.py."""

import pytest
import torch
from torch import nn

from l2rw.reweighter import MODES, Reweighter

LOSS = nn.CrossEntropyLoss(reduction="none")
modes = pytest.mark.parametrize("mode", MODES)


def problem(model):
    """A model, a training batch and a clean batch."""
    generator = torch.Generator().manual_seed(0)
    batches = [
        (torch.randn(n, 6, generator=generator), torch.randint(3, (n,), generator=generator))
        for n in (8, 4)
    ]
    return model, *batches


def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))


@modes
def test_gradients_add_up_until_they_are_zeroed(mode):
    model, batch, clean = problem(perceptron())
    reweighter = Reweighter(model, LOSS, mode)

    def gradient():
        weights = reweighter.backward(*batch, *clean)
        assert not weights.requires_grad
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    once = gradient()
    assert once.any()
    torch.testing.assert_close(gradient(), 2 * once)
    model.zero_grad()
    torch.testing.assert_close(gradient(), once)


@modes
def test_frozen_parameters_get_no_gradient(mode):
    model, batch, clean = problem(perceptron())
    model[0].requires_grad_(False)
    Reweighter(model, LOSS, mode).backward(*batch, *clean)
    assert {name for name, p in model.named_parameters() if p.grad is not None} == {
        "2.weight",
        "2.bias",
    }


@modes
def test_without_a_helpful_example_the_gradient_is_zero(mode):
    model, (inputs, _), _ = problem(nn.Linear(6, 2, bias=False))
    same, zeros = inputs[:1].expand(4, 6), torch.zeros(4, dtype=torch.int64)
    weights = Reweighter(model, LOSS, mode).backward(same, zeros, same, zeros + 1)
    assert not weights.any()
    assert not model.weight.grad.any()


def test_any_optimiser_learns_from_mostly_wrong_labels():
    torch.manual_seed(0)
    inputs = torch.randn(200, 6)
    truth = (inputs[:, 0] > 0).long()
    wrong = torch.where(torch.rand(200) < 0.6, 1 - truth, truth)
    model = nn.Linear(6, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    reweighter = Reweighter(model, LOSS)
    for _ in range(60):
        optimizer.zero_grad()
        reweighter.backward(inputs, wrong, inputs[:10], truth[:10])
        optimizer.step()
    assert (model(inputs).argmax(1) == truth).float().mean() > 0.8
