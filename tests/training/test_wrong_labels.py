import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.training.wrong_labels import estimated_wrong_share

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(pairs)
def test_a_network_that_knows_the_truth_counts_exactly(examples):
    """Wherever each class has a rightly labelled example: else nobody can tell what it is."""
    true, labels = np.array(examples + [(k, k) for k in range(4)]).T
    probabilities = 0.96 * np.eye(4)[true] + 0.01
    assert estimated_wrong_share(probabilities, labels) == pytest.approx((true != labels).mean())


def test_a_network_that_learnt_from_noisy_labels_to_be_unsure_still_counts():
    """It gives the true class 0.6, as 40 % noise teaches: what it predicts is right, not sure."""
    random = np.random.default_rng(0)
    true = random.integers(10, size=5000)
    flipped = (true + random.integers(1, 10, size=5000)) % 10
    labels = np.where(random.random(5000) < 0.4, flipped, true)
    logits = random.normal(0, 0.1, (5000, 10)) + np.log(0.6 * np.eye(10) + 0.4 / 9)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    estimate = estimated_wrong_share(probabilities, labels)
    assert estimate == pytest.approx((true != labels).mean(), abs=0.01)
    # The mean doubt in the labels does not: it takes being unsure for wrong labels.
    assert 1 - probabilities[np.arange(5000), labels].mean() > 0.55


def test_without_examples_there_is_no_estimate():
    assert estimated_wrong_share(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) is None


def test_the_count_is_that_of_cleanlab():
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is an extra")
    random = np.random.default_rng(1)
    for sure in (1.0, 3.0):
        true = random.integers(5, size=1000)
        labels = np.where(random.random(1000) < 0.2, random.integers(5, size=1000), true)
        logits = random.normal(size=(1000, 5)) + sure * np.eye(5)[true]
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        expected = 1 - np.trace(count.estimate_joint(labels, probabilities))
        # The library rounds counts to whole numbers.
        assert estimated_wrong_share(probabilities, labels) == pytest.approx(expected, abs=0.01)
