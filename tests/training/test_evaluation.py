from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from l2rw.data.splits import make_part
from l2rw.training import evaluation
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network
from l2rw.training.evaluation import (
    Evaluation,
    estimate_transition,
    evaluate,
    predicted_labels,
    squared_gradient,
)


class FirstPixels(nn.Module):
    """Three logits that are the first three pixels, scaled."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, images):
        return images.flatten(1)[:, :3] * self.scale


PREDICTED = [0, 1, 2, 2, 1, 1, 0, 0, 2]
PART = make_part(np.array([0, 1, 2, 3, 4, 5, 8]), np.array([0, 0, 2, 1, 1, 1, 0]))
LIKELY, UNLIKELY = np.exp([2, 0]) / (np.exp(2) + 2)


def first_pixels(scale):
    return partial(Network(FirstPixels()).predict, {"scale": torch.tensor(scale)}, {})


@pytest.fixture
def part():
    """Arguments of functions: predictions of the first pixels, images, part of them."""
    images = np.zeros((9, 1, 2, 2), np.uint8)
    images.reshape(9, 4)[range(9), PREDICTED] = 255
    store = ImageStore(images, (0.0, 1.0), torch.device("cpu"))
    return first_pixels(2.0), store, PART


@pytest.fixture(params=[250, 4, 3])
def _chunks(monkeypatch, request):
    monkeypatch.setitem(evaluation.CHUNKS, "cpu", request.param)


@pytest.mark.usefixtures("_chunks")
def test_confusion_error_and_loss_are_those_counted_by_hand(part):
    result = evaluate(*part)
    assert result.confusion == [[1, 1, 1], [0, 2, 1], [0, 0, 1]]
    assert result.error == pytest.approx(3 / 7)
    loss = (4 * -np.log(LIKELY) + 3 * -np.log(UNLIKELY)) / 7
    assert result.loss == pytest.approx(loss, rel=1e-6)


def test_without_a_mistake_the_error_is_zero():
    assert Evaluation(0.0, [[3, 0], [0, 2]]).error == 0


@pytest.mark.usefixtures("_chunks")
def test_predicted_labels_are_those_of_the_largest_logits(part):
    assert predicted_labels(*part).tolist() == [PREDICTED[index] for index in PART.indices]


@pytest.mark.usefixtures("_chunks")
def test_the_transition_is_the_share_of_labels_by_what_the_network_believes(part):
    # Predicted 0, 1, 2, 2, 1, 1, 2 under labels 0, 0, 2, 1, 1, 1, 0: once 0, three times 1 and 2.
    a, b = LIKELY, UNLIKELY
    counts = np.array(
        [
            [a + b + b, b + b + b, b],  # class 0: under label 0, 1, 2
            [b + a + b, b + a + a, b],
            [b + b + a, a + b + b, a],
        ]
    )
    expected = counts / np.array([[a + 6 * b], [3 * a + 4 * b], [3 * a + 4 * b]])
    np.testing.assert_allclose(estimate_transition(*part), expected, rtol=1e-6)


def test_the_transition_of_a_sure_network_counts_labels_by_prediction(part):
    _, images, _ = part
    transition = estimate_transition(first_pixels(1000.0), images, PART)
    np.testing.assert_allclose(transition, [[1, 0, 0], [1 / 3, 2 / 3, 0], [1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("chunk", [100, 3, 1])
def test_the_clean_gradient_is_that_of_the_mean_loss(part, monkeypatch, chunk):
    monkeypatch.setattr(evaluation, "CLEAN_CHUNK", chunk)
    _, store, these = part
    scale = torch.tensor(2.0, requires_grad=True)
    logits = store[torch.from_numpy(these.indices)].flatten(1)[:, :3] * scale
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(these.labels))
    (gradient,) = torch.autograd.grad(loss, scale)
    found = squared_gradient(Network(FirstPixels()), {"scale": scale.detach()}, store, these)
    assert found == pytest.approx(float(gradient) ** 2)


def test_the_clean_gradient_is_no_random_variable_and_leaves_dropout_on():
    class Dropping(FirstPixels):
        def __init__(self):
            super().__init__()
            self.dropout = nn.Dropout(0.5)

        def forward(self, images):
            return super().forward(self.dropout(images))

    model = Dropping()
    images = np.random.default_rng(0).integers(256, size=(9, 1, 2, 2)).astype(np.uint8)
    store = ImageStore(images, (0.0, 1.0), torch.device("cpu"))
    network = Network(model)
    found = {squared_gradient(network, {"scale": torch.tensor(2.0)}, store, PART) for _ in "abc"}
    assert len(found) == 1
    assert model.dropout.training
