import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from tests.methods.known import context, part
from tests.methods.linear import LinearTraining, by_hand

from l2rw.methods.smote import SMOTE
from l2rw.methods.weight_settings import SMOTESettings

COUNTS = [40, 12, 4, 1]
LABELS = np.repeat([0, 1, 2, 3], COUNTS)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(200, 1, 8, 8), dtype=np.uint8)


def test_partners_are_the_nearest_neighbours_of_the_class(images):
    known = context(LABELS, classes=4, images=images)
    partners = SMOTE().partners(known)
    assert partners.shape == (len(LABELS), 5)
    pixels = images[known.train.indices].reshape(len(LABELS), -1).astype(float)
    members = np.flatnonzero(LABELS == 1)
    _, nearest = NearestNeighbors(n_neighbors=6).fit(pixels[members]).kneighbors()
    assert np.array_equal(partners[members], members[nearest[:, :5]])
    # Three neighbours take turns; who is alone, or of the largest class, has no other.
    few = np.flatnonzero(LABELS == 2)
    assert all(set(partners[i]) == set(few) - {i} for i in few)
    alone = LABELS % 3 == 0
    assert (partners[alone] == np.flatnonzero(alone)[:, None]).all()


def test_batches_are_balanced():
    drawn = SMOTE().order(part(LABELS), seed=5).take(40, 20)
    assert np.bincount(LABELS[drawn]).tolist() == [5] * 4


def test_several_steps_are_those_by_hand(images):
    random = np.random.default_rng(1)
    training = LinearTraining(SMOTE(), context([0] * 8 + [1] * 2 + [2] * 4, classes=3))
    method, w, synthetic = training.method, training.w.numpy(), 0
    for step in range(6):
        labels = np.array([0, 1, 2, 0, 1, 2, 1])
        real, partner = random.normal(size=(2, 7, 4))
        draws = method.random_draws(7, 0, step)
        made = draws["chance"] < np.array([0, 6 / 8, 4 / 8])[labels]
        mixed = real + (made * draws["between"].astype(float))[:, None] * (partner - real)
        _, gradients = by_hand(w, mixed, labels)
        found = training.step(real, labels, step, partner_images=partner)
        w = w - 0.3 * gradients.mean(0)
        np.testing.assert_allclose(found.weights, 1 / 7)
        np.testing.assert_allclose(training.w, w, rtol=1e-6)
        assert not made[labels == 0].any()
        synthetic += made.sum()
    assert 0 < synthetic < 6 * 5


def test_no_neighbours_are_refused():
    with pytest.raises(ValueError, match=r"neighbours is 0. Hint: choose 1 or more"):
        SMOTESettings(neighbours=0)
