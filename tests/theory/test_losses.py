import pytest
import torch
import torch.nn.functional as F
from torch.autograd.functional import hessian

from l2rw.theory.losses import Huber, Logistic, Softmax

LOSSES = [Logistic(), Softmax(), Huber()]


def examples(loss, count=40, scale=3.0, seed=0):
    """Random scores and targets, shape (outputs, examples)."""
    random = torch.Generator().manual_seed(seed)
    outputs = 4 if isinstance(loss, Softmax) else 1
    scores = scale * torch.randn(outputs, count, generator=random, dtype=torch.float64)
    labels = torch.randint(max(outputs, 2), (count,), generator=random)
    one_hot = F.one_hot(labels, outputs).T if outputs > 1 else labels[None]
    return scores, one_hot.double()


def spectral_norms(loss, scores, targets):
    """Norms of the second derivatives, shape (examples,)."""
    norms = []
    for z, y in zip(scores.T, targets.T, strict=True):
        curvature = hessian(lambda z, y=y: loss.values(z[:, None], y[:, None])[0], z)
        norms.append(torch.linalg.matrix_norm(curvature, 2))
    return torch.stack(norms)


def test_values_are_those_of_torch():
    scores, targets = examples(Logistic())
    expected = F.binary_cross_entropy_with_logits(scores, targets, reduction="none")[0]
    torch.testing.assert_close(Logistic().values(scores, targets), expected)
    scores, targets = examples(Softmax())
    expected = F.cross_entropy(scores.T, targets.argmax(0), reduction="none")
    torch.testing.assert_close(Softmax().values(scores, targets), expected)
    scores = torch.tensor([[0.0, 0.5, 1.0, -1.0, 3.0, -4.0]])
    expected = torch.tensor([0.0, 0.125, 0.5, 0.5, 2.5, 3.5])
    torch.testing.assert_close(Huber().values(scores, scores), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_are_derivatives(loss):
    scores, targets = examples(loss)
    at = scores.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss.values(at, targets).sum(), at)
    torch.testing.assert_close(loss.slopes(scores, targets), expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_no_slope_and_no_curvature_exceeds_its_bound(loss, scale):
    scores, targets = examples(loss, scale=scale)
    assert loss.slopes(scores, targets).norm(dim=0).max() <= loss.slope_bound + 1e-12
    assert spectral_norms(loss, scores, targets).max() <= loss.curvature_bound + 1e-12


@pytest.mark.parametrize(
    ("loss", "steepest", "most_curved"),
    [
        (Logistic(), [-40.0], [0.0]),
        (Softmax(), [-40.0, 40.0, 0.0, 0.0], [0.0, 0.0, -40.0, -40.0]),
        (Huber(), [-2.0], [0.5]),
    ],
)
def test_the_bounds_are_attained(loss, steepest, most_curved):
    steepest, most_curved = (torch.tensor(z).double()[:, None] for z in (steepest, most_curved))
    first = torch.zeros_like(steepest)
    first[0] = 1
    slope = loss.slopes(steepest, first).norm(dim=0)
    torch.testing.assert_close(slope, torch.full_like(slope, loss.slope_bound))
    norm = spectral_norms(loss, most_curved, first)
    torch.testing.assert_close(norm, torch.full_like(norm, loss.curvature_bound))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_never_below_what_its_conjugate_says(loss):
    scores, targets = examples(loss, seed=0)
    others, _ = examples(loss, seed=1)
    slopes = loss.slopes(others, targets)
    below = (slopes * scores).sum(0) - loss.conjugates(slopes, targets)
    assert (below <= loss.values(scores, targets) + 1e-12).all()
    touching = (slopes * others).sum(0) - loss.conjugates(slopes, targets)
    torch.testing.assert_close(touching, loss.values(others, targets))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_conjugate_of_an_impossible_slope_is_infinite(loss):
    _, targets = examples(loss)
    outputs = len(targets)
    slopes = torch.full_like(targets, -1.1)
    slopes[0] = 1.1 * max(outputs - 1, 1)
    assert loss.conjugates(slopes, targets).isinf().all()
    assert not loss.conjugates(torch.zeros_like(targets), targets).any()
