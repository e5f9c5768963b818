from dataclasses import replace

import numpy as np
import pytest
import torch

from l2rw.data.splits import Part
from l2rw.store.errors import UserError
from l2rw.theory.problems import features_of, linear_problem
from tests.theory import plain

MODELS = ["logistic", "softmax", "huber"]


def random_parameters(problem, scale=5.0):
    torch.manual_seed(0)
    return scale * torch.randn_like(plain.start_of(problem))


@pytest.mark.parametrize("model", MODELS)
def test_closed_forms_are_what_automatic_differentiation_says(problems, model):
    problem = problems[model]
    for theta in (plain.start_of(problem), random_parameters(problem)):
        scores = theta @ problem.features.T
        gradient = plain.clean_gradient(problem, theta)
        torch.testing.assert_close(problem.clean_loss(scores), plain.clean_loss(problem, theta))
        torch.testing.assert_close(problem.squared_gradient(scores), gradient.square().sum())
        products = plain.example_gradients(problem, theta) @ gradient
        torch.testing.assert_close(problem.products(scores), products)


@pytest.mark.parametrize("model", MODELS)
def test_many_points_are_looked_at_like_one(problems, model):
    problem = problems[model]
    scores = torch.randn(2, 3, *problem.targets.shape, dtype=torch.float64)
    for look in (problem.clean_loss, problem.squared_gradient, problem.products):
        seen = look(scores)
        assert seen.shape[:2] == (2, 3)
        torch.testing.assert_close(seen[1, 2], look(scores[1, 2]))


@pytest.mark.parametrize("model", MODELS)
def test_the_start_is_where_it_is_said_to_be(problems, model):
    problem = problems[model]
    assert torch.equal(problem.start, plain.start_of(problem) @ problem.features.T)


def test_features_have_unit_length_and_half_of_it_is_bias(digits):
    features = features_of(digits.train_images[:50])
    assert features.shape == (50, 65)
    assert features.dtype == torch.float64
    torch.testing.assert_close(features.norm(dim=1), torch.ones(50).double())
    torch.testing.assert_close(features[:, -1], torch.full((50,), 0.5**0.5).double())
    # The direction is that of the image's difference from the mean image.
    pixels = digits.train_images[:50].reshape(50, -1) / 255
    expected = pixels[7] - pixels.mean(0)
    cosine = expected @ features[7, :-1].numpy() / np.linalg.norm(expected)
    assert cosine == pytest.approx(0.5**0.5)


def test_the_clean_set_comes_first_and_is_training_data(digits, split, logistic):
    assert logistic.clean_size == len(split.clean) == 6
    assert logistic.training_size == 20
    assert logistic.targets[0, :6].tolist() == split.clean.labels.tolist()
    assert logistic.targets[0, 6:].tolist() == split.train.labels.tolist()
    images = digits.train_images[np.r_[split.clean.indices, split.train.indices]]
    assert torch.equal(logistic.features, features_of(images))

    apart = replace(logistic, contains_clean=False)
    assert (apart.first_training, apart.training_size) == (6, 14)


def test_classes_that_only_the_test_part_has_count(digits, noisy_split):
    few = noisy_split.clean.labels < 3
    clean = Part(*(array[few] for array in vars(noisy_split.clean).values()))
    problem = linear_problem("softmax", digits, replace(noisy_split, clean=clean, train=clean))
    assert problem.targets.shape == (10, 2 * few.sum())


def test_logistic_regression_is_for_two_classes(digits, noisy_split):
    with pytest.raises(UserError, match="softmax"):
        linear_problem("logistic", digits, noisy_split)
