import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.methods.known import Passes, batch, context, no_own_optimizer, part, prepared
from torch.utils._pytree import tree_map

from l2rw.methods import METHODS
from l2rw.methods.base import METHOD_PREFIX, Method, StepResult, own_of
from l2rw.methods.mentor import initial_mentor
from l2rw.training.engine.network import ForwardOutput

W = np.array([[0.5, -0.2], [0.1, 0.3], [-0.4, 0.8]])
TRANSITION = np.array([[0.7, 0.3], [0.1, 0.9]])


def losses_of(method):
    """A linear model of three features and two classes, and what the method trains beside it."""

    def losses(parameters, images, labels):
        logits = images @ parameters["w"]
        return method.losses(logits, labels, own_of(parameters)), ForwardOutput(
            logits, statistics={}
        )

    return Passes(losses)


def by_hand(images, labels):
    """Losses (n,) and their gradients (n, 3, 2) of the linear model, without PyTorch."""
    logits = images @ W
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    values = -np.log(shares[np.arange(len(labels)), labels])
    return values, images[:, :, None] * (shares - np.eye(2)[labels])[:, None, :]


def examples(labels, seed=0):
    return np.random.default_rng(seed).normal(size=(len(labels), 3)), np.asarray(labels)


def step(name, seen, state=None):
    method, at = METHODS.load(name)(), {"w": torch.from_numpy(W)}
    return method.gradient(losses_of(method), at, seen, state or {}, no_own_optimizer)


def assert_follows(step, images, labels, weights):
    """The step has these weights, and its gradient is what they give by hand."""
    np.testing.assert_allclose(step.weights, weights, rtol=1e-6)
    gradient = np.einsum("n,nij->ij", weights, by_hand(images, labels)[1])
    np.testing.assert_allclose(step.gradient["w"], gradient, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(step.losses, by_hand(images, labels)[0])
    np.testing.assert_allclose(step.aux.logits, images @ W)


@pytest.mark.parametrize("name", METHODS)
def test_every_name_loads_a_method(name):
    method = METHODS.load(name)()
    assert isinstance(method, Method)
    assert method.Settings is METHODS[name].settings


@pytest.mark.parametrize("name", ["baseline", "resample", "clean_only"])
def test_methods_of_uniform_weights_follow_the_mean_gradient(name):
    images, labels = examples([0, 1, 1, 0, 1])
    assert_follows(step(name, batch(images, labels)), images, labels, np.full(5, 0.2))


def test_proportion_weighs_by_inverse_class_frequency():
    of_training_set = prepared(METHODS.load("proportion")(), context([0, 1, 1, 1]))
    np.testing.assert_allclose(of_training_set["class_weights"], [4 / (2 * 1), 4 / (2 * 3)])
    images, labels = examples([0, 1, 1])
    weights = np.array([2, 2 / 3, 2 / 3]) / 3
    followed = step("proportion", batch(images, labels), of_training_set)
    assert_follows(followed, images, labels, weights)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_proportion_weighs_one_on_average_and_every_class_alike(labels):
    labels = np.array(labels)
    (weights,) = METHODS.load("proportion")().prepare(context(labels, classes=4)).values()
    present, counts = np.unique(labels, return_counts=True)
    # Each class that is present has a quarter of the weight.
    np.testing.assert_allclose(weights[present] * counts, len(labels) / 4, rtol=1e-6)
    assert not np.delete(weights, present).any()
    assert weights[labels].mean() == pytest.approx(len(present) / 4)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=30), st.integers(0, 20))
def test_resample_draws_balanced_batches(labels, number):
    labels = np.array([0, 1, *labels])
    order = METHODS.load("resample")().order(part(labels), seed=5)
    drawn = order.take(number * 10, 10)
    assert np.bincount(labels[drawn]).tolist() == [5, 5]


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"resample", "smote"}))
def test_the_other_methods_draw_every_example_once_a_pass(name):
    train = part([0, 1, 1, 1, 1, 1])
    drawn = METHODS.load(name)().order(train, seed=5).take(0, 12)
    assert sorted(drawn[:6]) == sorted(drawn[6:]) == list(range(6))


def test_methods_of_a_seed_draw_the_same_examples():
    train = part(np.repeat([0, 1], 10))
    baseline, l2rw = (METHODS.load(name)().order(train, seed=1) for name in ("baseline", "l2rw"))
    assert np.array_equal(baseline.take(0, 40), l2rw.take(0, 40))


def test_weighted_weighs_by_the_share_of_right_labels_in_a_class():
    # Of label 0 one in two is right, of label 1 three in four; label 2 is never given.
    training_set = context([0, 1, 1, 0, 1, 1], [1, 1, 0, 0, 1, 1], classes=3)
    of_training_set = prepared(METHODS.load("weighted")(), training_set)
    assert of_training_set["class_weights"].tolist() == [0.5, 0.75, 0]
    images, labels = examples([0, 1, 1, 0])
    weights = np.array([0.5, 0.75, 0.75, 0.5]) / 4
    followed = step("weighted", batch(images, labels), of_training_set)
    assert_follows(followed, images, labels, weights)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_weighted_weighs_on_average_as_many_labels_as_are_right(pairs):
    labels, truth = map(np.array, zip(*pairs, strict=True))
    (weights,) = METHODS.load("weighted")().prepare(context(labels, truth, 4)).values()
    assert weights[labels].mean() == pytest.approx(truth.mean(), abs=1e-6)


def test_random_rectifies_and_normalises_its_normals():
    images, labels = examples([0, 1, 1, 0])
    normals = np.array([1.0, -2.0, 3.0, -0.5])
    assert_follows(
        step("random", batch(images, labels, normals=normals)), images, labels, [0.25, 0, 0.75, 0]
    )


def test_the_normals_depend_on_seed_and_step_alone():
    def normals(seed, step):
        return METHODS.load("random")().random_draws(1000, seed, step)["normals"]

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
    assert {name: METHODS.load(name).candidates for name in METHODS} == {
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


def predicted(asked):
    """What some network predicts for a part of two classes."""
    first = np.random.default_rng(len(asked)).uniform(0.1, 0.9, size=(len(asked), 1))
    return np.hstack([first, 1 - first])


def start(method, seed):
    """Initial parameters, a batch of ten of a method, and its state: those of no other seed."""
    random = np.random.default_rng(seed)
    labels, truth = random.permutation(np.arange(30) % 2), random.random(30) < 0.7
    more = {"validation": part([0, 1, 1], first=100), "parent_probabilities": predicted}
    more["parent_own"] = initial_mentor(seed, 2)
    known = context(labels, truth, transition=TRANSITION, seed=seed, **more)
    # Moved away from where they begin, which may be the same for all seeds.
    own = {
        METHOD_PREFIX + name: value + random.normal(size=value.shape)
        for name, value in method.parameters(known).items()
    }
    images, labels = examples(random.permutation(np.arange(10) % 2), seed)
    clean_images, clean_labels = examples([0, 1], seed + 10)
    parameters = {"w": W * (seed + 1), **own}
    draws = method.random_draws(10, seed, step=3)
    draws |= {"clean_images": clean_images, "clean_labels": clean_labels}
    seen = batch(images, labels, partner_images=random.normal(size=images.shape), **draws)
    state = prepared(method, known)
    return tree_map(
        in_float64, ({n: torch.as_tensor(p) for n, p in parameters.items()}, seen, state)
    )


def in_float64(tensor):
    return tensor.double() if tensor.is_floating_point() else tensor


def follow(method, at, seen, state):
    """The gradient of a method whose own optimiser takes a step of plain descent."""

    def advance_own(gradient):
        return {name: at[name] - 0.1 * value for name, value in gradient.items()}

    return method.gradient(losses_of(method), at, seen, state, advance_own)


def after(method, at, seen, state):
    """The state after a step."""
    step = follow(method, at, seen, state)
    state = {name: value.clone() for name, value in state.items()}
    result = StepResult(seen, step.losses, step.weights, step.aux.logits, at, {}, {})
    method.update(state, result)
    return state


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("function", [follow, after])
def test_a_stack_of_seeds_follows_what_each_follows_alone(name, function):
    method = METHODS.load(name)()
    starts = [start(method, seed) for seed in (0, 1)]
    stacked = tree_map(lambda *leaves: torch.stack(leaves), *starts)
    both = torch.vmap(lambda *of_seed: function(method, *of_seed))(*stacked)
    for i in (0, 1):
        alone = function(method, *starts[i])
        of_seed = tree_map(lambda leaf, i=i: leaf[i], both)
        torch.testing.assert_close(of_seed, alone)
        if function is follow:
            assert all(gradient.any() for gradient in alone.gradient.values())


CONSTANT_TARGETS = {"elr"}
"""Methods whose targets follow the prediction and count as constants: see their own tests."""
OWN_LOSSES = {"mentor"}
"""Methods whose own parameters follow a loss of their own, likewise."""
BY_THEIR_LOSSES = [
    name
    for name, record in METHODS.items()
    if not (record.guided_by_clean_set or name in CONSTANT_TARGETS | OWN_LOSSES)
]


@pytest.mark.parametrize("name", BY_THEIR_LOSSES)
def test_the_gradient_is_that_of_the_weighted_losses_by_finite_differences(name):
    method = METHODS.load(name)()
    parameters, seen, state = start(method, seed=0)
    step = follow(method, parameters, seen, state)
    images, targets = method.examples(seen, state)

    def objective(at):
        return (step.weights * losses_of(method)(at, images, targets)[0]).sum()

    assert set(step.gradient) == set(parameters)
    for key, value in parameters.items():
        slopes = torch.empty_like(value)
        for place in np.ndindex(*value.shape):
            nudge = torch.zeros_like(value)
            nudge[place] = 1e-6
            ahead, behind = ({**parameters, key: value + s * nudge} for s in (1, -1))
            slopes[place] = (objective(ahead) - objective(behind)) / 2e-6
        torch.testing.assert_close(step.gradient[key], slopes, rtol=1e-6, atol=1e-8)


def test_trusted_are_the_training_examples_of_the_clean_set():
    known = context([0, 1, 1, 0], clean=part([1, 0, 1], first=102))
    assert known.trusted.tolist() == [False, False, True, True]
    assert not context([0, 1]).trusted.any()
