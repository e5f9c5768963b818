from dataclasses import replace

import pytest
import torch

from l2rw.theory.constants import constants_of
from l2rw.theory.counterexample import counterexamples, search_printed_failure
from l2rw.theory.simulate import simulate
from tests.theory import plain


def test_lemma_1_as_printed_fails_for_every_batch_size():
    rows = counterexamples()
    assert [row.batch_size for row in rows] == list(range(2, 65))
    for row in rows:
        n = row.batch_size
        assert row.start_loss == 0.5
        assert row.step_size_as_printed == 2 * n
        assert row.loss_as_printed == pytest.approx(2 * n - 1.5, rel=1e-14)
        assert row.loss_as_printed > row.start_loss
        assert row.step_size == 2
        assert row.loss == pytest.approx(row.start_loss, rel=1e-14)
        assert (row.predicted_as_printed, row.predicted) == (2 * n - 1.5, 0.5)


def test_one_example_is_none():
    (row,) = counterexamples([1])
    assert row.loss_as_printed == row.loss == row.start_loss


def searched(problem, spec, **changes):
    constants = constants_of(problem, spec)
    points = simulate(problem, spec, constants, seed=0).points
    return search_printed_failure(problem, points, replace(constants, **changes)), points


def test_it_fails_on_real_digits_too_but_not_as_corrected(logistic, simulation):
    spec = simulation(steps=1000)
    found, points = searched(logistic, spec, batch_size=20)
    assert found.points == len(points)
    assert found.steps == len(points) * 20
    assert 0 < found.failures < found.moving < found.steps
    assert found.largest_growth > 0.01
    assert found.largest_relative_growth > found.largest_growth

    corrected, _ = searched(logistic, spec, batch_size=1)
    assert corrected.moving == found.moving
    assert (corrected.failures, corrected.largest_growth) == (0, 0)


@pytest.mark.parametrize("model", ["logistic", "softmax"])
def test_the_steps_tried_are_those_of_the_update(problems, simulation, model):
    problem = problems[model]
    constants = constants_of(problem, simulation(model=model, batch_size=30))
    theta = plain.start_of(problem)
    before = plain.clean_loss(problem, theta)
    growths, moving = [], 0
    for example in range(problem.training_size):
        batch = torch.full((30,), example)
        after, alignment = plain.step(
            problem, theta, batch, constants.limit_as_printed, lambda u: u.clamp(min=0)
        )
        growths.append(float(plain.clean_loss(problem, after) - before))
        moving += bool(alignment > 0)
    found = search_printed_failure(problem, problem.start[None], constants)
    assert found.moving == moving
    assert found.failures == sum(growth > 1e-12 for growth in growths)
    assert found.largest_growth == pytest.approx(max(0, *growths))
    assert found.largest_relative_growth == pytest.approx(max(0, *growths) / float(before))
