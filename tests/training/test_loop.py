from dataclasses import asdict

import numpy as np
import pytest
import torch

from l2rw.errors import UserError
from l2rw.methods import METHODS
from l2rw.training.loop import train

CPU = torch.device("cpu")


@pytest.fixture
def run(digits, make_split):
    """Train a stack of seeds."""

    def run(spec, *seeds, report=lambda step, tally: None):
        splits = [make_split(seed) for seed in seeds]
        return train(spec, digits, splits, 2, seeds, CPU, report)

    return run


def assert_same(one, other):
    """Two runs agree bit for bit."""
    assert [asdict(line) for line in one.history] == [asdict(line) for line in other.history]
    assert one.test == other.test
    torch.testing.assert_close(one.parameters, other.parameters, rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_trains_to_the_same_bits_again(make_spec, run, method):
    spec = make_spec(method=method)
    assert_same(*run(spec, 3), *run(spec, 3))


def test_seeds_differ(make_spec, run):
    spec = make_spec()
    one, other = run(spec, 0), run(spec, 1)
    assert not torch.equal(one[0].parameters["hidden.weight"], other[0].parameters["hidden.weight"])


@pytest.mark.parametrize("method", METHODS)
def test_a_stack_of_seeds_trains_as_each_seed_alone(make_spec, run, method):
    spec = make_spec(method=method)
    for stacked, seed in zip(run(spec, 0, 1), (0, 1), strict=True):
        (alone,) = run(spec, seed)
        assert stacked.seed == seed
        torch.testing.assert_close(stacked.parameters, alone.parameters, rtol=1e-4, atol=1e-5)
        for one, other in zip(stacked.history, alone.history, strict=True):
            assert asdict(one) == pytest.approx(asdict(other), rel=1e-3, abs=1e-5)


def test_all_methods_of_a_seed_start_at_the_same_values(make_spec, run):
    def start(method, seed=2):
        (made,) = run(make_spec(method=method, learning_rate=0.0, steps=1, evaluations=1), seed)
        return made.parameters

    reference = start("baseline")
    for method in METHODS:
        torch.testing.assert_close(start(method), reference, rtol=0, atol=0)
    assert not torch.equal(start("baseline", 1)["hidden.weight"], reference["hidden.weight"])


def test_training_lowers_the_loss(make_spec, run):
    (made,) = run(make_spec(method="resample", steps=150, batch_size=20, evaluations=5), 0)
    assert made.history[-1].train_loss < 0.5 * made.history[0].train_loss
    assert made.test.error < 0.2


def test_history_has_a_line_at_each_evaluation_and_ends_with_the_result(make_spec, run):
    (made,) = run(make_spec(steps=7, evaluations=3, decay_at=(5,)), 4)
    assert [line.step for line in made.history] == [3, 5, 7]
    assert {line.seed for line in made.history} == {4}
    assert [line.learning_rate for line in made.history] == pytest.approx([0.05, 0.05, 0.005])
    last = made.history[-1]
    assert (last.test_error, last.test_loss) == (made.test.error, made.test.loss)


def test_the_result_is_that_of_the_last_parameters_on_the_whole_test_part(
    make_spec, run, digits, make_split
):
    from l2rw.models.lenet import lenet_8x8

    (made,) = run(make_spec(), 0)
    model = lenet_8x8((1, 8, 8), 2)
    model.load_state_dict(made.parameters)
    test = make_split(0).test
    images = torch.from_numpy(digits.test_images[test.indices]).float() / 255
    predicted = model(images).argmax(1).numpy()
    assert np.sum(made.test.confusion) == len(test)
    assert made.test.error == pytest.approx((predicted != test.labels).mean())


def test_every_step_is_reported(make_spec, run):
    steps = []
    run(make_spec(steps=5), 0, report=lambda step, tally: steps.append(step))
    assert steps == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("method", ["baseline", "l2rw"])
def test_a_diverging_run_stops_and_names_method_and_seed(make_spec, run, method):
    spec = make_spec(method=method, learning_rate=1e30, steps=20)
    with pytest.raises(UserError, match=rf"{method}, seed 7, .* Hint: .*learning_rate"):
        run(spec, 7)
