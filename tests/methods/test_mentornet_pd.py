import numpy as np
import pytest
from tests.methods.known import context
from tests.methods.linear import LinearTraining, by_hand, draw

from l2rw.methods.mentornet_pd import MentorNetPD
from l2rw.methods.weight_settings import MentorNetPDSettings

STEPS, N = 100, 20


def curriculum(losses, threshold, step, gamma):
    """The source's weights before dropout, of losses (n,)."""
    if step < 18:
        return np.ones(len(losses))
    if step < 90:
        return (losses <= threshold).astype(float)
    return np.clip(1 - (losses - threshold) / gamma, 0, 1)


def test_a_whole_run_is_the_one_by_hand():
    random = np.random.default_rng(1)
    method = MentorNetPD(MentorNetPDSettings(gamma=0.7))
    training = LinearTraining(method, context([0], steps=STEPS), rate=0.05)
    w, threshold, dropped, partial = training.w.numpy(), 0.0, [], 0
    for step in range(STEPS):
        images, labels = draw(random, N)
        losses, gradients = by_hand(w, images, labels)
        threshold = 0.5 * threshold + 0.5 * np.percentile(losses, 75, method="nearest")
        v = curriculum(losses, threshold, step, gamma=0.7)
        rate = 0.5 if step < 17 else 0.05 if step < 83 else 0.0
        stays = method.random_draws(N, 0, step)["places"] < N * (1 - rate)
        dropped.append(N - stays.sum())
        found = training.step(images, labels, step)
        np.testing.assert_allclose(found.weights, v * stays / N, atol=1e-12)
        w = w - 0.05 * np.einsum("n,nij->ij", v * stays / N, gradients)
        np.testing.assert_allclose(training.w, w)
        partial += ((v > 0) & (v < 1)).sum()
    assert dropped == [10] * 17 + [1] * 66 + [0] * 17
    assert partial > 0


def test_dropout_is_a_function_of_seed_and_step():
    def places(*address):
        return MentorNetPD().random_draws(50, *address)["places"]

    assert np.array_equal(places(0, 3), places(0, 3))
    assert not np.array_equal(places(0, 3), places(0, 4))
    assert not np.array_equal(places(0, 3), places(1, 3))
    assert sorted(places(0, 3)) == list(range(50))


@pytest.mark.parametrize(
    "wrong", [{"percentile": 1.0}, {"decay": -0.1}, {"burn_in": 1.5}, {"gamma": 0.0}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        MentorNetPDSettings(**wrong)
