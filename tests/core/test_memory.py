"""The pass of the clean batch leaves no trace, wherever a network keeps what it remembers."""

import copy
import random
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from l2rw.core.reweighter import Reweighter
from tests.core import reference
from tests.core.test_ordinary_pass import BATCH, CLEAN
from tests.core.zoo import CLASSES, CROSS_ENTROPY, FEATURES


class Remembers(nn.Module):
    """A linear layer with something else, that a function uses in each pass."""

    def __init__(self, thing, use):
        super().__init__()
        self.linear, self.thing, self.use = nn.Linear(FEATURES, CLASSES).double(), thing, use

    def forward(self, inputs):
        factor = torch.as_tensor(self.use(self.thing, inputs), dtype=torch.float64)
        return self.linear(inputs) * (1 + factor * torch.arange(CLASSES))


class Slotted:
    __slots__ = ("count", "late")

    def __init__(self):
        self.count = 0


def count_in_slots(thing, inputs):
    thing.count += len(inputs)
    thing.late = getattr(thing, "late", 0) + 1
    return thing.count + thing.late


class Frozen(OrderedDict):
    """Refuses to be changed, as the configurations of diffusers do."""

    def update(self, *_, **__):
        raise RuntimeError("frozen")


def frozen():
    made = Frozen()
    OrderedDict.__setitem__(made, "factor", 2)
    return made


def vector():
    return nn.Parameter(torch.ones(CLASSES).double(), requires_grad=False)


def power_iteration(thing, inputs):
    with torch.no_grad():
        thing.mul_(inputs.mean()).add_(1)
    return thing.sum()


def pointed_elsewhere(thing, inputs):
    thing.data = thing.data * inputs.mean() + 1
    return thing.sum()


THINGS = {
    "NumPy's generator": (lambda: np.random.default_rng(0), lambda it, _: it.random()),
    "NumPy's old generator": (lambda: np.random.RandomState(0), lambda it, _: it.rand()),
    "Python's generator": (lambda: random.Random(0), lambda it, _: it.random()),
    "slots": (Slotted, count_in_slots),
    "a counter": (lambda: Counter(seen=2), lambda it, _: it.update(["seen"]) or it.total()),
    "a frozen parameter in place": (vector, power_iteration),
    "a frozen parameter elsewhere": (vector, pointed_elsewhere),
    "an expanded tensor": (
        lambda: torch.ones(1, 1).expand(4, CLASSES),
        lambda it, _: it.sum(),
    ),
    "an array for reading": (
        lambda: np.broadcast_to(np.ones(1), (3,)),
        lambda it, _: it.sum(),
    ),
    "a frozen dictionary": (frozen, lambda it, _: it["factor"]),
}


@pytest.mark.parametrize("case", THINGS)
def test_steps_are_those_of_plain_autograd_whatever_a_network_remembers(case):
    make, use = THINGS[case]
    torch.manual_seed(0)
    ours = Remembers(make(), use)
    theirs = copy.deepcopy(ours)
    reweighter = Reweighter(ours, CROSS_ENTROPY)
    for _ in range(3):
        weights = reweighter.backward(*BATCH, *CLEAN)
        ahead = copy.deepcopy(theirs)
        expected = reference.backward(theirs, CROSS_ENTROPY, BATCH, ahead, CROSS_ENTROPY, CLEAN)
        torch.testing.assert_close(weights, expected)
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    torch.testing.assert_close(ours.linear.weight.grad, theirs.linear.weight.grad)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_graph_in_compressed_rows_is_as_good_as_a_dense_one():
    found = []
    for graph in (torch.eye(3), torch.eye(3).to_sparse_csr()):
        torch.manual_seed(0)
        model = Remembers(graph, lambda it, _: it.to_dense().sum())
        found.append(Reweighter(model, CROSS_ENTROPY).backward(*BATCH, *CLEAN))
    torch.testing.assert_close(*found)


def test_embeddings_that_a_pass_renormalises_are_those_of_the_training_batch():
    torch.manual_seed(0)
    layer = nn.Embedding(9, FEATURES, max_norm=1.0).double()
    model = nn.Sequential(layer, nn.Linear(FEATURES, CLASSES).double())
    before = layer.weight.detach().clone()
    tokens, clean_tokens = torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])
    Reweighter(model, CROSS_ENTROPY).backward(tokens, BATCH[1][:3], clean_tokens, CLEAN[1][:3])
    assert torch.equal(layer.weight[3:], before[3:])
    assert (layer.weight[:3].norm(dim=1) < 1 + 1e-6).all()


GENERATOR = random.Random(0)


class Shared(nn.Module):
    """Remembers in its class, and draws from a global generator."""

    calls, sizes = 0, []

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(FEATURES, CLASSES).double()

    def forward(self, inputs):
        type(self).calls += 1
        self.sizes.append(len(inputs))
        return self.linear(inputs) * GENERATOR.random()


def test_what_a_class_and_a_global_generator_remember_is_of_one_pass():
    Shared.calls, expected = 0, random.Random(0)
    Shared.sizes.clear()
    Reweighter(Shared(), CROSS_ENTROPY).backward(*BATCH, *CLEAN)
    assert (Shared.calls, Shared.sizes) == (1, [9])
    expected.random()
    assert GENERATOR.getstate() == expected.getstate()


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
def test_graphs_of_one_s_own_can_still_be_differentiated(middle):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(FEATURES, 5), middle(), nn.Linear(5, CLASSES)).double()
    reweighter = Reweighter(model, CROSS_ENTROPY)
    for _ in range(3):
        own = model(BATCH[0]).square().sum()
        reweighter.backward(*BATCH, *CLEAN)
        own.backward()


def test_generators_of_other_devices_are_left_alone(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    model = nn.Sequential(nn.Linear(FEATURES, CLASSES), nn.Dropout()).double()
    Reweighter(model, CROSS_ENTROPY).backward(*BATCH, *CLEAN)
    assert seeded == []
