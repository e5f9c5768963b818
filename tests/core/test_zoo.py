"""Three steps with every network of the zoo are those of plain autograd, example by example."""

import pytest
import torch
from torch import nn

from l2rw.core.reweighter import Reweighter
from tests.core import reference
from tests.core.zoo import CASES


def made(case, by_reference=False):
    torch.manual_seed(0)
    model, loss = case.model(), case.loss()
    if by_reference and hasattr(model, "reentrant"):
        model.reentrant = False  # which torch.autograd.grad insists on
    return model.double(), loss.double() if isinstance(loss, nn.Module) else loss


def batch(case, n, seed):
    torch.manual_seed(seed)
    return case.inputs(n), case.targets(n)


def state(module):
    return {
        f"{name}.{key}": value
        for name, m in module.named_modules()
        for key, value in {**m._buffers, **vars(m)}.items()
        if isinstance(value, torch.Tensor) or key in ("log", "calls")
    }


def gradients(*modules):
    return [
        None if p.grad is None else reference.dense(p.grad)
        for p in reference.parameters_of(*modules)
    ]


def steps(case, backward, by_reference=False):
    """Weights, gradients, the model's state and random numbers of three steps."""
    model, loss = made(case, by_reference)
    found = []
    for step in range(3):
        for p in reference.parameters_of(model, loss):
            p.grad = None
        ours, clean = batch(case, 9, 2 * step), batch(case, 4, 2 * step + 1)
        torch.manual_seed(step)
        weights = backward(model, loss, ours, clean)
        random = torch.rand(2)
        found.append((weights, gradients(model, loss), state(model), random))
        with torch.no_grad():
            for p in reference.parameters_of(model, loss):
                if p.grad is not None:
                    p.sub_(0.1 * reference.dense(p.grad))
    return found


def expected(case):
    def backward(model, loss, ours, clean):
        with torch.random.fork_rng():
            ahead, loss_ahead = made(case, True)
        ahead.load_state_dict(model.state_dict())
        for mine, its in zip(ahead.modules(), model.modules(), strict=True):
            if hasattr(its, "attribute"):
                mine.attribute = its.attribute
            mine.training = its.training
        if isinstance(loss, nn.Module):
            loss_ahead.load_state_dict(loss.state_dict())
        return reference.backward(model, loss, ours, ahead, loss_ahead, clean)

    return steps(case, backward, True)


@pytest.mark.filterwarnings("ignore:.*(deprecated|non-full backward|torch.jit):")
@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_plain_autograd(name):
    case = CASES[name]
    reweighters = []

    def backward(model, loss, ours, clean):
        if not reweighters:
            reweighters.append(Reweighter(model, loss))
        return reweighters[0].backward(*ours, *clean)

    ours, theirs = steps(case, backward), expected(case)
    for mine, its in zip(ours, theirs, strict=True):
        assert [g is None for g in mine[1]] == [g is None for g in its[1]]
        torch.testing.assert_close(mine, its, rtol=1e-9, atol=1e-12)
    assert name == "subclass that gives nothing" or any(weights.any() for weights, *_ in ours)
