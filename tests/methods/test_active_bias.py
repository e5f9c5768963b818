import numpy as np
import pytest
from tests.methods.known import context
from tests.methods.linear import LinearTraining, by_hand, draw

from l2rw.methods.active_bias import ActiveBias
from l2rw.methods.weight_settings import ActiveBiasSettings

STEPS, TRAIN = 24, 12


def weights_by_hand(histories):
    """Weights of a batch from all probabilities remembered of each of its examples."""
    values = []
    for history in histories:
        variance = np.var(history, ddof=1) if len(history) > 1 else 0.0
        other = variance**2 / (len(history) - 1) if len(history) > 1 else 0.0
        values.append(np.sqrt(variance + other) + 0.2)
    return np.array(values) / sum(values)


def test_a_whole_run_is_the_one_by_hand():
    random = np.random.default_rng(1)
    training = LinearTraining(ActiveBias(), context([0] * TRAIN, steps=STEPS))
    w, histories, spread = training.w.numpy(), [[] for _ in range(TRAIN)], 0.0
    for step in range(STEPS):
        images, labels = draw(random)
        positions = random.permutation(TRAIN)[:8]
        losses, gradients = by_hand(w, images, labels)
        uniform = step < STEPS // 4
        weights = weights_by_hand([histories[i] for i in positions])
        weights = np.full(8, 1 / 8) if uniform else weights
        found = training.step(images, labels, step, positions=positions)
        np.testing.assert_allclose(found.weights, weights, rtol=1e-6)
        w = w - 0.3 * np.einsum("n,nij->ij", weights, gradients)
        np.testing.assert_allclose(training.w, w, rtol=1e-6)
        for position, loss in zip(positions, losses, strict=True):
            histories[position].append(np.exp(-loss))
        spread = max(spread, weights.max() / weights.min())
    assert spread > 1.5
    assert training.state["count"].tolist() == list(map(len, histories))


@pytest.mark.parametrize("wrong", [{"smoothness": 0.0}, {"warm_up": 1.5}, {"warm_up": -0.1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        ActiveBiasSettings(**wrong)
