import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from l2rw.methods import METHODS
from l2rw.methods.contract import Batch, Method
from l2rw.registry import load
from l2rw.training.network import Seen

W = np.array([[0.5, -0.2], [0.1, 0.3], [-0.4, 0.8]])
PARAMETERS = {"w": torch.from_numpy(W)}


def losses(parameters, images, labels):
    """A linear model of three features and two classes."""
    logits = images @ parameters["w"]
    return F.cross_entropy(logits, labels, reduction="none"), Seen(logits, statistics={})


def by_hand(images, labels):
    """Losses (n,) and their gradients (n, 3, 2) of the linear model, without PyTorch."""
    logits = images @ W
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    values = -np.log(shares[np.arange(len(labels)), labels])
    return values, images[:, :, None] * (shares - np.eye(2)[labels])[:, None, :]


def examples(labels, seed=0):
    return np.random.default_rng(seed).normal(size=(len(labels), 3)), np.asarray(labels)


def batch(images, labels, **extra):
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in extra.items()}
    return Batch(torch.from_numpy(images), torch.from_numpy(labels), tensors)


def step(name, batch):
    return load(METHODS, name)().gradient(losses, PARAMETERS, batch)


def assert_follows(step, images, labels, weights):
    """The step has these weights, and its gradient is what they give by hand."""
    np.testing.assert_allclose(step.weights, weights, rtol=1e-6)
    gradient = np.einsum("n,nij->ij", weights, by_hand(images, labels)[1])
    np.testing.assert_allclose(step.gradient["w"], gradient, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(step.losses, by_hand(images, labels)[0])
    np.testing.assert_allclose(step.aux.logits, images @ W)


@pytest.mark.parametrize("name", METHODS)
def test_every_name_loads_a_method(name):
    assert isinstance(load(METHODS, name)(), Method)


@pytest.mark.parametrize("name", ["baseline", "resample"])
def test_baseline_and_resample_follow_the_mean_gradient(name):
    images, labels = examples([0, 1, 1, 0, 1])
    assert_follows(step(name, batch(images, labels)), images, labels, np.full(5, 0.2))


def test_proportion_weighs_by_inverse_class_frequency():
    of_training_set = load(METHODS, "proportion")().constants(np.array([0, 1, 1, 1]), classes=2)
    np.testing.assert_allclose(of_training_set["class_weights"], [4 / (2 * 1), 4 / (2 * 3)])
    images, labels = examples([0, 1, 1])
    weights = np.array([2, 2 / 3, 2 / 3]) / 3
    assert_follows(
        step("proportion", batch(images, labels, **of_training_set)), images, labels, weights
    )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_proportion_weighs_one_on_average_and_every_class_alike(labels):
    labels = np.array(labels)
    (weights,) = load(METHODS, "proportion")().constants(labels, classes=4).values()
    present, counts = np.unique(labels, return_counts=True)
    # Each class that is present has a quarter of the weight.
    np.testing.assert_allclose(weights[present] * counts, len(labels) / 4, rtol=1e-6)
    assert not np.delete(weights, present).any()
    assert weights[labels].mean() == pytest.approx(len(present) / 4)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=30), st.integers(0, 20))
def test_resample_draws_balanced_batches(labels, number):
    labels = np.array([0, 1, *labels])
    drawn = load(METHODS, "resample")().order(labels, seed=5).take(number * 10, 10)
    assert np.bincount(labels[drawn]).tolist() == [5, 5]


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"resample"}))
def test_the_other_methods_draw_every_example_once_a_pass(name):
    labels = np.array([0, 1, 1, 1, 1, 1])
    drawn = load(METHODS, name)().order(labels, seed=5).take(0, 12)
    assert sorted(drawn[:6]) == sorted(drawn[6:]) == list(range(6))


def test_methods_of_a_seed_draw_the_same_examples():
    labels = np.repeat([0, 1], 10)
    baseline, l2rw = (load(METHODS, name)().order(labels, seed=1) for name in ("baseline", "l2rw"))
    assert np.array_equal(baseline.take(0, 40), l2rw.take(0, 40))


def test_random_rectifies_and_normalises_its_normals():
    images, labels = examples([0, 1, 1, 0])
    normals = np.array([1.0, -2.0, 3.0, -0.5])
    assert_follows(
        step("random", batch(images, labels, normals=normals)), images, labels, [0.25, 0, 0.75, 0]
    )


def test_the_normals_depend_on_seed_and_step_alone():
    def normals(seed, step):
        return load(METHODS, "random")().noise(1000, seed, step)["normals"]

    assert np.array_equal(normals(0, 3), normals(0, 3))
    assert not np.array_equal(normals(0, 3), normals(0, 4))
    assert not np.array_equal(normals(0, 3), normals(1, 3))
    assert abs(normals(0, 3).mean()) < 0.1
    assert abs(normals(0, 3).std() - 1) < 0.1


def hard_mining_by_hand(images, labels, half):
    """Weights: the k hardest of class 1 and k of class 0, k as large as both classes allow."""
    values, _ = by_hand(images, labels)
    majority = np.flatnonzero(labels == 1)
    k = min(len(labels) - len(majority), len(majority), half)
    hardest = majority[np.argsort(-values[majority])][:k]
    return k, hardest


def check_hard_mining(labels, batch_size):
    images, labels = examples(labels, seed=3)
    mined = step("hard_mining", batch(images, labels))
    k, hardest = hard_mining_by_hand(images, labels, batch_size // 2)
    chosen = np.flatnonzero(mined.weights)
    assert sorted(chosen[labels[chosen] == 1]) == sorted(hardest)
    assert (labels[chosen] == 0).sum() == k
    weights = np.zeros(len(labels))
    weights[chosen] = 1 / (2 * k) if k else 0
    assert_follows(mined, images, labels, weights)


@pytest.mark.parametrize("minority", [0, 1, 2, 3, 17])
def test_hard_mining_keeps_the_hardest_of_the_majority_and_as_many_of_the_minority(minority):
    # 20 candidates for a batch of 4: at most 2 of each class.
    check_hard_mining(np.random.default_rng(0).permutation(np.arange(20) >= minority) * 1, 4)


@pytest.mark.parametrize("majority", [1, 2, 3, 4])
def test_hard_mining_records_its_weights_even_where_the_majority_is_rare(majority):
    # 50 candidates for a batch of 10: fewer than the 5 of the majority that may be kept.
    check_hard_mining(np.random.default_rng(0).permutation(np.arange(50) < majority) * 1, 10)


@given(st.integers(0, 10_000), st.data())
def test_hard_mining_weighs_both_classes_alike_at_any_imbalance(seed, data):
    batch_size = data.draw(st.sampled_from([2, 4, 10]))
    minority = data.draw(st.integers(0, 4 * batch_size))
    labels = np.arange(5 * batch_size) >= minority
    check_hard_mining(np.random.default_rng(seed).permutation(labels) * 1, batch_size)


def test_hard_mining_stands_still_without_a_minority_example():
    images, labels = examples([1] * 20)
    mined = step("hard_mining", batch(images, labels))
    assert not mined.weights.any()
    assert not mined.gradient["w"].any()


def test_hard_mining_draws_five_candidates_for_each_place():
    assert {name: load(METHODS, name).candidates for name in METHODS} == {
        **dict.fromkeys(METHODS, 1),
        "hard_mining": 5,
    }


def test_l2rw_weighs_by_the_inner_product_with_the_clean_gradient():
    images, labels = examples([0, 1, 1, 1, 0, 1])
    clean_images, clean_labels = examples([0, 1], seed=1)
    _, gradients = by_hand(images, labels)
    clean = by_hand(clean_images, clean_labels)[1].mean(0)
    alignments = np.einsum("nij,ij->n", gradients, clean)
    assert 0 < (alignments > 0).sum() < len(labels)
    weights = alignments.clip(0) / alignments.clip(0).sum()
    seen = batch(images, labels, clean_images=clean_images, clean_labels=clean_labels)
    assert_follows(step("l2rw", seen), images, labels, weights)
