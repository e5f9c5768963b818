r"""Detectors of wrong labels.

Every detector gives an example a score that is higher the more its given label y seems wrong. With
the predicted probabilities p, and h the input of the network's last layer (and a one):

* ``loss``: -log p_y.
* ``margin``: how much more probable the best other class is, max_k log p_k - log p_y.
* ``confident_learning`` (Northcutt et al., 2021), by the library cleanlab if it is installed: one
  less the label's quality, the normalised margin, and higher for all labels that it finds wrong.
* ``influence`` (Koh and Liang, 2017), of an example on itself, in the last layer alone: with its
  gradient g = (p - e_y) h^T and the Gauss-Newton matrix H of the training loss, g^T (H + δI)^-1 g.
* ``weight``: minus the weight by L2RW. Before it is rectified this is the influence of an example
  on the clean loss in all layers, with H = I.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2rw.store.errors import UserError

Scores = NDArray[np.float64]

NAMES = ("loss", "margin", "influence", "confident_learning", "weight")
"""In the order in which tables have them."""
DAMPING = 0.1
"""δ, in units of the mean eigenvalue of H, as is usual for influence in deep networks."""
CHUNK = 500
"""Examples whose gradients are in memory at once."""


class Predictions(NamedTuple):
    """A trained network's predictions for some examples."""

    labels: NDArray[np.int64]
    """As given, (n,)."""
    log_p: NDArray[np.float64]
    """(n, classes)."""
    features: NDArray[np.float64]
    """h without its one, (n, inputs)."""

    @property
    def of_label(self) -> Scores:
        """The logarithm of the given label's probability, (n,)."""
        return self.log_p[np.arange(len(self.labels)), self.labels]


def loss(seen: Predictions) -> Scores:
    """Return the examples' losses, (n,)."""
    return -seen.of_label


def margin(seen: Predictions) -> Scores:
    """Return by how much another class is preferred, (n,)."""
    others = seen.log_p.copy()
    others[np.arange(len(seen.labels)), seen.labels] = -np.inf
    best: Scores = others.max(1)
    return best - seen.of_label


def confident_learning(seen: Predictions) -> Scores:
    """Return scores in [0, 1] of labels that seem right and [1, 2] of those found wrong, (n,).

    Raises:
        UserError: cleanlab is not installed.
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise UserError(
            "Confident learning needs the library cleanlab.",
            "install it with `pip install cleanlab`.",
        ) from None
    p = np.exp(seen.log_p)
    found = find_label_issues(seen.labels, p, n_jobs=1)
    quality = get_label_quality_scores(seen.labels, p, method="normalized_margin")
    scores: Scores = 1 - np.asarray(quality, float) + np.asarray(found, float)
    return scores


def self_influence(seen: Predictions, trained_on: Predictions) -> Scores:
    """Return g^T (H + δI)^-1 g, (n,); H is that of the training examples."""
    matrix = _gauss_newton(trained_on)
    matrix[np.diag_indices(len(matrix))] += DAMPING * np.trace(matrix) / len(matrix)
    inverse = np.linalg.inv(matrix)
    p, h = np.exp(seen.log_p), _with_one(seen.features)
    p[np.arange(len(p)), seen.labels] -= 1
    scores = np.empty(len(p))
    for first in range(0, len(p), CHUNK):
        chunk = slice(first, first + CHUNK)
        gradients = np.einsum("nk,nd->nkd", p[chunk], h[chunk]).reshape(len(p[chunk]), -1)
        scores[chunk] = np.einsum("nd,nd->n", gradients @ inverse, gradients)
    return scores


def _gauss_newton(seen: Predictions) -> NDArray[np.float64]:
    """Return the mean of (diag p - p p^T) ⊗ h h^T, classes · inputs square."""
    p, h = np.exp(seen.log_p), _with_one(seen.features)
    classes, inputs = p.shape[1], h.shape[1]
    result = np.empty((classes, inputs, classes, inputs))
    for k in range(classes):
        for other in range(k, classes):
            curvature = p[:, k] * ((k == other) - p[:, other])
            result[k, :, other] = (h * curvature[:, None]).T @ h / len(h)
            result[other, :, k] = result[k, :, other]
    return result.reshape(classes * inputs, -1)


def _with_one(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([features, np.ones((len(features), 1))])
