import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from l2rw.theory.infimum import infimum
from l2rw.theory.losses import Logistic, Softmax
from l2rw.theory.problems import Problem, linear_problem


def problem_of(features, labels, outputs):
    """All examples are clean."""
    features, labels = torch.tensor(features).double(), torch.tensor(labels)
    targets = F.one_hot(labels, outputs).T.double() if outputs > 1 else labels[None].double()
    loss = Softmax() if outputs > 1 else Logistic()
    return Problem(loss, features, targets, len(labels), torch.zeros_like(targets))


@pytest.mark.parametrize("outputs", [1, 3])
def test_of_equal_examples_it_is_the_entropy_of_their_labels(outputs):
    problem = problem_of([[1.0]] * 7, [0, 0, 1, 1, 1, 1, 0], outputs)
    entropy = -(3 * math.log(3 / 7) + 4 * math.log(4 / 7)) / 7
    assert infimum(problem) <= entropy
    # Of three classes one is never seen: its probability goes to 0, and only a bound is left.
    assert infimum(problem) == pytest.approx(entropy if outputs == 1 else 0, abs=1e-8)


def test_it_is_reached_from_above_by_a_long_descent():
    torch.manual_seed(0)
    features = torch.randn(60, 3).tolist()
    problem = problem_of(features, torch.randint(4, (60,)).tolist(), 4)
    theta = torch.zeros(4, 3, dtype=torch.float64)
    for _ in range(3000):
        theta -= 0.5 * problem.clean_slopes(theta @ problem.features.T) @ problem.features / 60
    reached = float(problem.clean_loss(theta @ problem.features.T))
    assert reached - 1e-8 < infimum(problem) <= reached


def test_it_is_zero_where_the_clean_set_can_be_separated(logistic, softmax, huber):
    assert infimum(logistic) == infimum(softmax) == infimum(huber) == 0
    # More examples than features.
    apart = problem_of([[x, 1.0] for x in (-3.0, -2.0, -1.0, 1.0, 2.0)], [0, 0, 0, 1, 1], 1)
    assert infimum(apart) == pytest.approx(0, abs=1e-6)


def test_contradictions_among_dependent_examples_are_not_fitted(digits, contradicted_split):
    """There are fewer examples than features, and yet G cannot go to 0."""
    together = replace(
        contradicted_split, clean=contradicted_split.clean + contradicted_split.train
    )
    problem = linear_problem("logistic", digits, together)
    entropy = -(1 / 6 * math.log(1 / 6) + 5 / 6 * math.log(5 / 6))
    assert entropy - 1e-8 < infimum(problem) <= entropy
