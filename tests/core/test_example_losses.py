"""What networks and losses are given, and what they may do with it."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from l2rw.core.example_losses import copied
from l2rw.core.reweighter import Reweighter
from tests.core import reference
from tests.core.test_ordinary_pass import BATCH, CLEAN
from tests.core.zoo import CLASSES, CROSS_ENTROPY, FEATURES, perceptron

Named = namedtuple("Named", ["features"])


@dataclass(frozen=True)
class Record:
    features: Tensor


class Batch(OrderedDict):
    """A mapping with more than items, as tokenisers return."""

    @property
    def features(self):
        return self["features"]


class ChangesInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(FEATURES, CLASSES).double()

    def forward(self, batch):
        return self.linear(batch.features.mul_(2))


def smoothed(outputs, targets):
    """Changes its targets in place, as losses with label smoothing of their own do."""
    return -(outputs.log_softmax(1) * targets.mul_(0.9).add_(0.1 / CLASSES)).sum(1)


def one_hot(labels):
    return nn.functional.one_hot(labels, CLASSES).double()


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("kind", [Named, Record, lambda x: (Batch(features=x),)])
def test_what_a_pass_changes_in_place_is_a_copy_whatever_holds_it(kind, step):
    torch.manual_seed(0)
    model = ChangesInputs()
    ours, clean = (kind(x.clone()) for x, _ in (BATCH, CLEAN))
    labels, clean_labels = one_hot(BATCH[1]), one_hot(CLEAN[1])
    reweighter = Reweighter(model, smoothed)
    for _ in range(step):
        model.zero_grad()
        weights = reweighter.backward(ours, labels, clean, clean_labels)
    assert reweighter.mode == "forward"
    again = ChangesInputs()
    again.load_state_dict(model.state_dict())
    expected = reference.backward(
        *(again, smoothed, (copied(ours), labels.clone())),
        *(again, smoothed, (copied(clean), clean_labels.clone())),
    )
    torch.testing.assert_close(weights, expected)
    torch.testing.assert_close(model.linear.weight.grad, again.linear.weight.grad)
    assert torch.equal(labels, one_hot(BATCH[1]))
    assert torch.equal(clean_labels, one_hot(CLEAN[1]))


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
def test_gradients_flow_on_to_targets_that_are_learned(middle):
    torch.manual_seed(0)
    model = perceptron(middle()).double()
    labels = one_hot(BATCH[1]).requires_grad_()
    weights = Reweighter(model, CROSS_ENTROPY).backward(BATCH[0], labels, *CLEAN)
    expected = -weights[:, None] * model(BATCH[0]).log_softmax(1)
    torch.testing.assert_close(labels.grad, expected.detach())


def test_a_tuple_of_one_input_is_as_good_as_the_input():
    model = perceptron().double()
    reweighter = Reweighter(model, CROSS_ENTROPY)
    weights = reweighter.backward(*BATCH, *CLEAN)
    by_tuple = reweighter.backward((BATCH[0],), BATCH[1], (CLEAN[0],), CLEAN[1])
    by_name = reweighter.backward({"input": BATCH[0]}, BATCH[1], {"input": CLEAN[0]}, CLEAN[1])
    torch.testing.assert_close(by_tuple, weights)
    torch.testing.assert_close(by_name, weights)


def test_a_mean_in_a_vector_is_refused_as_any_mean():
    def mean(outputs, targets):
        return CROSS_ENTROPY(outputs, targets).mean(0, keepdim=True)

    with pytest.raises(ValueError, match="one value for 4 targets; let it return one value for"):
        Reweighter(perceptron().double(), mean).backward(*BATCH, *CLEAN)
