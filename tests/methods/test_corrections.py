"""Forward correction and GLC, by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.methods.known import context, part
from tests.methods.linear import LinearTraining, by_hand

from l2rw.methods.forward_correction import ForwardCorrection
from l2rw.methods.glc import GLC
from l2rw.methods.loss_settings import ForwardSettings
from l2rw.methods.settings import as_pairs

VALIDATION, CLEAN = part([0, 1, 2, 1], first=50), part([0, 0, 1, 2], first=102)
PREDICTED = {
    len(VALIDATION): np.array(
        [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.35, 0.25, 0.4]]
    ),
}
OF_CLEAN = np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.3, 0.5, 0.2], [0.0, 0.3, 0.7]])
ANCHORS = np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.35, 0.25, 0.4]])
MEANS = np.array([[0.7, 0.15, 0.15], [0.3, 0.5, 0.2], [0.0, 0.3, 0.7]])


def known(labels):
    """A run on these labels; images 102 to 105 are of the clean set."""

    def predict(asked):
        return OF_CLEAN if asked is CLEAN else PREDICTED[len(asked)]

    return context(
        labels, classes=3, clean=CLEAN, validation=VALIDATION, parent_probabilities=predict
    )


def test_forward_takes_anchors_and_glc_means_over_the_clean_images():
    of_run = known([0, 1, 2, 0, 1, 2])
    np.testing.assert_allclose(ForwardCorrection().transition(of_run), ANCHORS)
    np.testing.assert_allclose(GLC().transition(of_run), MEANS)
    assert not ForwardCorrection().trusted(of_run).any()
    assert GLC().trusted(of_run).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize(("passed_over", "rank"), [(0.0, 0), (0.3, 3), (0.29, 2), (0.99, 9)])
def test_the_surest_images_are_passed_over(passed_over, rank):
    predicted = np.random.default_rng(0).dirichlet([1, 1, 1], size=30)
    of_run = context(
        [0], classes=3, validation=part([0] * 30), parent_probabilities=lambda asked: predicted
    )
    t = ForwardCorrection(ForwardSettings(passed_over)).transition(of_run)
    for k in range(3):
        surer = (predicted[:, k] > t[k, k]).sum()
        assert surer == rank
        assert t[k] in predicted


def test_the_anchor_of_before_is_that_of_the_former_identity():
    assert as_pairs(ForwardSettings()) == (("passed_over", 0.3),)
    assert as_pairs(ForwardSettings(0.0)) == ()


@pytest.mark.parametrize(("method", "t"), [(ForwardCorrection, ANCHORS), (GLC, MEANS)])
def test_several_steps_are_those_of_plain_pytorch(method, t):
    random = np.random.default_rng(1)
    training = LinearTraining(method(), known([0, 1, 2, 0, 1, 2]))
    w = training.w.clone().requires_grad_()
    t = torch.tensor(np.maximum(t, 1e-8))
    for step in range(5):
        positions = random.permutation(6)[:5]
        images, labels = random.normal(size=(5, 4)), random.integers(3, size=5)
        p = (torch.tensor(images) @ w).softmax(1)
        values = F.nll_loss((p @ t).log(), torch.tensor(labels), reduction="none")
        if method is GLC:
            plain = F.nll_loss(p.log(), torch.tensor(labels), reduction="none")
            values = torch.where(torch.tensor(positions >= 2), plain, values)
        (slope,) = torch.autograd.grad(values.mean(), w)
        w = (w - 0.3 * slope).detach().requires_grad_()
        found = training.step(images, labels, step, positions=positions)
        torch.testing.assert_close(found.losses, values.detach(), rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(training.w, w.detach(), rtol=1e-6, atol=1e-7)


def test_without_noise_it_is_cross_entropy():
    def predict(asked):
        return np.eye(3)[asked.labels]

    of_run = context([0] * 4, classes=3, validation=VALIDATION, parent_probabilities=predict)
    training = LinearTraining(ForwardCorrection(), of_run)
    images, labels = np.random.default_rng(0).normal(size=(4, 4)), np.array([0, 1, 2, 2])
    losses, _ = by_hand(training.w, images, labels)
    np.testing.assert_allclose(training.step(images, labels, 0).losses, losses, rtol=1e-6)


@pytest.mark.parametrize("method", [ForwardCorrection, GLC])
def test_a_first_network_is_needed(method):
    with pytest.raises(ValueError, match="a first network"):
        method().prepare(context([0, 1]))
