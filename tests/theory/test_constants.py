import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from l2rw.theory.batches import Batches
from l2rw.theory.constants import Constants, constants_of, gradient_bound, smoothness
from l2rw.theory.problems import linear_problem
from l2rw.theory.simulate import Walk
from tests.theory import plain

MODELS = ["logistic", "softmax"]


def some_parameters(problem, scale):
    torch.manual_seed(1)
    return [scale * torch.randn_like(plain.start_of(problem)) for _ in range(4)]


@pytest.fixture(scope="module")
def small(digits, split, noisy_split):
    """Problems whose Hessians are quick to compute: four classes for softmax."""
    few = noisy_split.clean.labels < 4
    part = type(noisy_split.clean)(*(array[few] for array in vars(noisy_split.clean).values()))
    test = replace(noisy_split.test, labels=noisy_split.test.labels % 4)
    four = replace(noisy_split, clean=part, train=part, test=test)
    return {
        "logistic": linear_problem("logistic", digits, split),
        "softmax": linear_problem("softmax", digits, four),
    }


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scale", [0.0, 0.3, 3.0])
def test_no_hessian_of_the_clean_loss_exceeds_l(small, model, scale):
    problem = small[model]
    for theta in some_parameters(problem, scale):
        norm = torch.linalg.matrix_norm(plain.clean_hessian(problem, theta), 2)
        assert norm <= smoothness(problem) * (1 + 1e-12)


def test_logistic_regression_attains_l_at_zero(small):
    problem = small["logistic"]
    hessian = plain.clean_hessian(problem, plain.start_of(problem))
    assert torch.linalg.matrix_norm(hessian, 2) == pytest.approx(smoothness(problem))


def test_softmax_attains_l_where_two_classes_are_left(small):
    problem = small["softmax"]
    theta = plain.start_of(problem)
    theta[2:, -1] = -60  # by the bias feature
    norm = torch.linalg.matrix_norm(plain.clean_hessian(problem, theta), 2)
    assert norm == pytest.approx(smoothness(problem))


@pytest.mark.parametrize("model", MODELS)
def test_no_gradient_of_an_example_exceeds_sigma_and_large_ones_reach_it(problems, model):
    problem = problems[model]
    largest = 0.0
    for scale in (0.0, 1.0, 300.0):
        for theta in some_parameters(problem, scale):
            norms = plain.example_gradients(problem, theta).norm(dim=1)
            largest = max(largest, float(norms.max()))
    assert largest <= gradient_bound(problem) * (1 + 1e-12)
    assert largest > 0.99 * gradient_bound(problem)


@pytest.mark.parametrize("aligned", [False, True])
def test_p_is_how_often_a_batch_has_an_example(logistic, simulation, aligned):
    spec = simulation(batch_size=5, aligned=aligned, trajectories=8)
    constants = constants_of(logistic, spec)
    drawn = Batches(spec, logistic.training_size, seed=0).take(0, 5000)
    has = np.stack([(drawn == example).any(-1).mean() for example in range(20)])
    copies = np.stack([(drawn == example).sum(-1).mean() for example in range(20)])
    np.testing.assert_allclose(has, constants.containment, rtol=0.1)
    np.testing.assert_allclose(copies, constants.expected_copies, rtol=0.1)
    assert constants.containment == (1 / 20 if aligned else 5 / 20)
    assert constants.expected_copies == 5 / 20


@pytest.mark.parametrize("step_size", [0.1, 0.5, 1.0, 1.7, 2.0])
@pytest.mark.parametrize("n", [1, 7])
def test_where_g_is_quadratic_and_gradients_agree_it_falls_by_exactly_kappa_t(
    huber, simulation, step_size, n
):
    """No larger κ, no smaller L or σ and no larger limit could be right."""
    spec = simulation(model="huber", limit_fraction=step_size / 2, batch_size=n, trajectories=1)
    constants = constants_of(huber, spec)
    walk = Walk(huber, spec, constants)
    visits = walk.take(np.zeros((1, 1, n), dtype=np.int64))
    fallen = constants.start_loss - float(huber.clean_loss(walk.scores)[0])
    alignment = float(visits.products.square().sum())
    assert alignment == pytest.approx(n)
    assert fallen == pytest.approx(constants.kappa * alignment, abs=1e-15)
    # As printed it would have to fall further, unless the batch has one example.
    as_printed = constants.kappa_as_printed * alignment
    assert fallen == pytest.approx(as_printed) if n == 1 else fallen < as_printed


def constants(**changes):
    """Constants of n = 4, N = 40, M = 9, with L = 1/2, σ = 2: the limit is 1."""
    chosen = {
        "smoothness": 0.5,
        "gradient_bound": 2.0,
        "training_size": 40,
        "clean_size": 9,
        "batch_size": 4,
        "contained": True,
        "containment": 0.1,
        "expected_copies": 0.1,
        "step_size": 0.5,
        "start_loss": 0.7,
        "infimum": 0.2,
    }
    return Constants(**chosen | changes)


def test_the_limits_are_the_theorems():
    assert constants().limit == 1
    assert constants().limit_as_printed == 4
    assert constants().best_step_size == 0.5


def test_c_is_the_theorems_at_the_best_step_size():
    c = constants()
    sigma, gap = 2, 0.5
    assert c.gap == pytest.approx(gap)
    assert c.kappa == pytest.approx(1 / (2 * c.batch_size * c.smoothness * sigma**2))
    expected = sigma * math.sqrt(2 * c.smoothness * c.training_size * gap)
    assert c.bound == pytest.approx(expected)
    assert c.best_bound == pytest.approx(expected)
    assert c.sharpening == pytest.approx(3)


@pytest.mark.parametrize(
    ("step_size", "kappa", "kappa_as_printed"),
    [(0.2, 0.04, 0.0475), (1.0, 0.0, 0.1875), (2.0, -0.5, 0.25), (4.0, -3.0, 0.0)],
)
def test_kappa_and_c_follow_the_step_size(step_size, kappa, kappa_as_printed):
    c = constants(step_size=step_size)
    assert c.kappa == pytest.approx(kappa)
    assert c.kappa_as_printed == pytest.approx(kappa_as_printed)
    for bound, factor in ((c.bound, kappa), (c.bound_as_printed, kappa_as_printed)):
        if factor > 0:
            assert bound == pytest.approx(math.sqrt(0.5 / (0.1 * factor)))
        else:
            assert bound is None
    assert c.best_bound == constants().bound


@pytest.mark.parametrize("n", [3, 7, 10, 49])
def test_at_the_printed_limit_the_printed_kappa_is_exactly_zero(logistic, simulation, n):
    c = constants_of(logistic, simulation(limit_fraction=float(n), batch_size=n))
    assert c.step_size == c.limit_as_printed
    assert (c.kappa_as_printed, c.bound_as_printed) == (0, None)


def test_without_containment_there_is_no_bound_but_something_to_measure_by():
    c = constants(contained=False)
    assert c.bound is None
    assert c.bound_as_printed is None
    assert c.best_bound == constants().best_bound


def test_copies_of_one_example_make_c_larger_but_not_the_sharper_one():
    c = constants(containment=0.025)
    assert c.bound == pytest.approx(2 * constants().bound)
    assert c.bound / c.sharpening == pytest.approx(constants().bound / 3)


def test_all_constants_are_told(logistic, simulation):
    told = constants_of(logistic, simulation(limit_fraction=1.0, batch_size=5)).as_dict()
    assert told["start_loss"] == pytest.approx(math.log(2))
    assert told["step_size"] == told["limit"] == told["limit_as_printed"] / 5
    assert told["infimum"] == 0
    assert told["bound"] is None
    assert {"smoothness", "gradient_bound", "kappa", "best_bound", "infimum"} <= set(told)
