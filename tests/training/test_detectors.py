import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2rw.analysis.quality import quality
from l2rw.store.errors import UserError
from l2rw.training import detectors
from l2rw.training.detectors import Predictions

N, INPUTS, CLASSES = 200, 5, 3


@pytest.fixture(scope="module")
def problem():
    """A softmax regression fitted to labels of which a fifth is wrong; which ones those are."""
    random = np.random.default_rng(0)
    true = random.integers(CLASSES, size=N)
    features = 2 * np.eye(CLASSES, INPUTS)[true] + random.normal(size=(N, INPUTS))
    wrong = random.random(N) < 0.2
    labels = np.where(wrong, (true + 1) % CLASSES, true)
    h = torch.tensor(np.hstack([features, np.ones((N, 1))]))
    w = torch.zeros(CLASSES, INPUTS + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([w], max_iter=50)

    def closure():
        optimiser.zero_grad()
        value = F.cross_entropy(h @ w.T, torch.tensor(labels)) + 0.01 * w.square().sum()
        value.backward()
        return value

    optimiser.step(closure)
    log_p = F.log_softmax(h @ w.T, dim=1).detach().numpy()
    return Predictions(labels, log_p, features), wrong, w.detach()


def test_loss_and_margin_are_those_by_hand(problem):
    seen, _, _ = problem
    for i, y in enumerate(seen.labels):
        others = [value for k, value in enumerate(seen.log_p[i]) if k != y]
        assert detectors.loss(seen)[i] == -seen.log_p[i, y]
        assert detectors.margin(seen)[i] == max(others) - seen.log_p[i, y]


def test_self_influence_is_that_of_the_hessian(problem):
    """For softmax regression the Gauss-Newton matrix is the Hessian of the loss."""
    seen, _, w = problem
    h = torch.tensor(np.hstack([seen.features, np.ones((N, 1))]))
    labels = torch.tensor(seen.labels)

    def loss(flat, rows=slice(None)):
        return F.cross_entropy(h[rows] @ flat.view(CLASSES, -1).T, labels[rows])

    flat = w.flatten()
    hessian = torch.func.hessian(loss)(flat)
    hessian += 0.1 * hessian.trace() / len(hessian) * torch.eye(len(hessian))
    expected = []
    for i in range(N):
        g = torch.func.grad(loss)(flat, slice(i, i + 1))
        expected.append((g @ torch.linalg.solve(hessian, g)).item())
    np.testing.assert_allclose(detectors.self_influence(seen, seen), expected, rtol=1e-8)


def test_detectors_find_wrong_labels(problem):
    seen, wrong, _ = problem
    for scores in (
        detectors.loss(seen),
        detectors.margin(seen),
        detectors.self_influence(seen, seen),
    ):
        found = quality(scores, wrong)
        assert found.auc > 0.8
        assert found.recall > 0.5


def test_confident_learning_needs_its_library(problem, monkeypatch):
    seen, _, _ = problem
    monkeypatch.setitem(__import__("sys").modules, "cleanlab.filter", None)
    with pytest.raises(UserError, match=r"cleanlab\. Hint: install it with `pip install cleanlab`"):
        detectors.confident_learning(seen)


def test_confident_learning_puts_those_found_before_the_others(problem):
    filtering = pytest.importorskip("cleanlab.filter", reason="cleanlab is an extra")
    seen, wrong, _ = problem
    scores = detectors.confident_learning(seen)
    found = filtering.find_label_issues(seen.labels, np.exp(seen.log_p), n_jobs=1)
    assert scores[found].min() >= 1 >= scores[~found].max()
    assert quality(scores, wrong).auc > 0.8
