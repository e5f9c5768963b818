import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from l2rw.core.weight_tracker import WeightTracker
from l2rw.methods import METHODS

CPU = torch.device("cpu")


def means(batch_size, *steps, examples=4, stack=1):
    """Means by seed after steps of (positions, weights), each a list by seed."""
    received = WeightTracker(stack, examples, CPU)
    for positions, weights in steps:
        received.add(torch.tensor(positions), torch.tensor(weights))
    return received.means(batch_size).tolist()


def test_means_count_an_example_as_often_as_it_was_seen():
    # Example 1 is seen twice in the first batch and once in the second, example 3 never.
    steps = ([[1, 0, 1]], [[0.5, 0.25, 0.0]]), ([[2, 1, 2]], [[0.0, 0.25, 0.0]])
    ((a, b, c, d),) = means(3, *steps)
    assert (a, b, c) == (0.75, 0.75, 0.0)
    assert np.isnan(d)


def test_seeds_are_counted_apart():
    steps = ([[0, 1], [1, 1]], [[0.5, 1.0], [0.25, 0.75]]), ([[0, 0], [0, 0]], [[0.0, 0.0]] * 2)
    one, other = means(2, *steps, examples=2, stack=2)
    assert one == pytest.approx([1 / 3, 2])
    assert other == [0, 1]


@given(st.integers(0, 10_000))
def test_means_are_those_counted_one_by_one(seed):
    random = np.random.default_rng(seed)
    stack, examples, steps, n = random.integers(1, 6, size=4)
    positions = random.integers(examples, size=(steps, stack, n))
    weights = random.random((steps, stack, n), dtype=np.float32)
    received = WeightTracker(stack, examples, CPU)
    for at, weight in zip(positions, weights, strict=True):
        received.add(torch.from_numpy(at), torch.from_numpy(weight))
    for place, of_seed in enumerate(received.means(7)):
        for example, mean in enumerate(of_seed):
            seen = weights[:, place][positions[:, place] == example]
            expected = 7 * seen.mean(dtype=np.float64) if len(seen) else np.nan
            assert mean.item() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("batch_size", [3, 7, 49, 100])
def test_equal_weights_have_equal_means_however_often_they_were_received(batch_size):
    received, weight = WeightTracker(1, 300, CPU), torch.tensor(1 / batch_size)
    for times in range(300):
        positions = torch.arange(times, 300).unsqueeze(0)
        received.add(positions, weight.expand(positions.shape))
    assert received.means(batch_size).unique().tolist() == pytest.approx([1], rel=1e-7)


def drawn(method, run, count):
    """The first training examples that a run draws, as positions."""
    return METHODS.load(method)().order(run.train, run.seed).take(0, count)


@pytest.mark.parametrize("method", ["baseline", "reed_soft", "s_model"])
def test_where_examples_count_the_same_they_weigh_exactly_one(make_spec, prepare, method):
    often = make_spec(method=method, batch_size=100, steps=20)
    (run,) = prepare(often, 0, corruption="uniform_flip").run(lambda state: None)
    assert set(run.mean_weights) == {1}
    (run,) = prepare(make_spec(method=method), 0, corruption="uniform_flip").run(lambda state: None)
    seen = np.unique(drawn(method, run, 6 * 8))
    assert set(run.mean_weights[seen]) == {1}
    assert np.isnan(np.delete(run.mean_weights, seen)).all()


def test_examples_of_a_class_weigh_what_the_class_does(make_spec, prepare):
    training = prepare(make_spec(method="weighted"), 0, corruption="background_flip")
    (run,) = training.run(lambda state: None)
    seen = np.isfinite(run.mean_weights)
    for label in np.unique(run.train.labels[seen]):
        share = run.train.label_is_correct[run.train.labels == label].mean()
        weights = run.mean_weights[seen & (run.train.labels == label)]
        assert set(weights) == {np.float32(share)}


def test_random_weights_are_averaged_over_the_steps_that_saw_an_example(make_spec, prepare):
    spec = make_spec(method="random", steps=20)
    (run,) = prepare(spec, 3).run(lambda state: None)
    sums, times = np.zeros((2, len(run.train)))
    for step, at in enumerate(drawn("random", run, 20 * 8).reshape(20, 8)):
        normals = METHODS.load("random")().random_draws(8, 3, step)["normals"].clip(0)
        np.add.at(sums, at, normals / normals.sum())
        np.add.at(times, at, 1)
    assert set(times) == {2, 3}
    np.testing.assert_allclose(run.mean_weights, 8 * sums / times, rtol=1e-5)


def test_duplicates_in_a_batch_are_counted_each(make_spec, prepare):
    training = prepare(make_spec(method="clean_only", steps=2), 0)
    (run,) = training.run(lambda state: None)
    times = np.bincount(drawn("clean_only", run, 16))
    assert len(run.train) == len(times) == 6
    assert training.state.weight_tracker.times[0].tolist() == times.tolist()
    assert run.mean_weights.tolist() == [1] * 6


def test_candidates_that_are_not_mined_weigh_nothing(make_spec, prepare):
    training = prepare(make_spec(method="hard_mining", steps=3), 0)
    received = training.state.weight_tracker
    (run,) = training.run(lambda state: None)
    assert received.times.sum() == 3 * 5 * 8
    assert (run.mean_weights == 0).any()
    total = np.nansum(run.mean_weights * received.times[0].numpy())
    assert total == pytest.approx(3 * 8)
