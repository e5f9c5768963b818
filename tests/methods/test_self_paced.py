import numpy as np
import pytest
from tests.methods.known import context
from tests.methods.linear import LinearTraining, by_hand, draw

from l2rw.methods.self_paced import SelfPaced
from l2rw.methods.weight_settings import SelfPacedSettings


def test_several_steps_are_those_by_hand():
    random = np.random.default_rng(1)
    settings = SelfPacedSettings(percentile=0.7, decay=0.6, burn_in=0.25)
    training = LinearTraining(SelfPaced(settings), context([0], steps=8))
    w, threshold, kept = training.w.numpy(), 0.0, []
    for step in range(8):
        images, labels = draw(random)
        losses, gradients = by_hand(w, images, labels)
        threshold = 0.6 * threshold + 0.4 * np.percentile(losses, 70, method="nearest")
        weights = (losses <= threshold) / 8 if step >= 2 else np.full(8, 1 / 8)
        found = training.step(images, labels, step)
        np.testing.assert_allclose(found.weights, weights)
        assert training.state["threshold"].item() == pytest.approx(threshold)
        w = w - 0.3 * np.einsum("n,nij->ij", weights, gradients)
        np.testing.assert_allclose(training.w, w)
        kept.append((weights > 0).sum())
    assert kept[:2] == [8, 8]
    assert 0 < min(kept) < 8


def test_defaults_are_those_of_mentornets_code():
    assert SelfPaced().settings == SelfPacedSettings(percentile=0.75, decay=0.5, burn_in=0.18)


@pytest.mark.parametrize("wrong", [{"percentile": 0.0}, {"percentile": 1.0}, {"decay": 1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        SelfPacedSettings(**wrong)
