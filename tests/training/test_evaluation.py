import numpy as np
import pytest
import torch
from torch import nn

from l2rw.data.splits import make_part
from l2rw.training import evaluation
from l2rw.training.evaluation import Evaluation, evaluate
from l2rw.training.examples import ImageStore
from l2rw.training.network import Network


class FirstPixels(nn.Module):
    """Three logits that are the first three pixels, scaled."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, images):
        return images.flatten(1)[:, :3] * self.scale


@pytest.mark.parametrize("chunk", [250, 4, 3])
def test_confusion_error_and_loss_are_those_counted_by_hand(monkeypatch, chunk):
    monkeypatch.setattr(evaluation, "CHUNK", chunk)
    images = np.zeros((9, 1, 2, 2), np.uint8)
    predicted = [0, 1, 2, 2, 1, 1, 0, 0, 2]
    images.reshape(9, 4)[range(9), predicted] = 255
    store = ImageStore(images, (0.0, 1.0), torch.device("cpu"))
    part = make_part(np.array([0, 1, 2, 3, 4, 5, 8]), np.array([0, 0, 2, 1, 1, 1, 0]))
    values = ({"scale": torch.tensor(2.0)}, {})
    result = evaluate(Network(FirstPixels()), values, store, part)
    assert result.confusion == [[1, 1, 1], [0, 2, 1], [0, 0, 1]]
    assert result.error == pytest.approx(3 / 7)
    right, wrong = (-np.log(np.exp(z) / (np.exp(2) + 2)) for z in (2, 0))
    assert result.loss == pytest.approx((4 * right + 3 * wrong) / 7, rel=1e-6)


def test_without_a_mistake_the_error_is_zero():
    assert Evaluation(0.0, [[3, 0], [0, 2]]).error == 0
