r"""How many labels are wrong, estimated from what a network makes of examples that it has not seen.

An example counts as one of class j under label y if the network's p_j is the largest among those
that reach their class's threshold, the mean confidence in examples labelled so,

.. math:: t_j = \frac{1}{|X_j|} \sum_{x \in X_j} p_j(x) , \qquad X_j = \{x : y(x) = j\} .

Counts under a label are scaled to the number of examples that have it. The share of counts with
j ≠ y is the estimate (the confident joint of Northcutt et al., JAIR 2021). Thresholds make up for a
network that has learnt from noisy labels to be unsure; what it confuses counts as wrong labels, so
a poor network makes the estimate too high.
"""

import numpy as np
from numpy.typing import NDArray

SLACK = 1e-6
"""By how much a confidence may miss its threshold, as rounding may have it."""


def estimated_wrong_share(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> float | None:
    """Return the estimated share of wrong labels, in [0, 1]; None without examples.

    Args:
        probabilities: Of the classes, by a network that was not trained on these, (n, classes).
        labels: As given, (n,).
    """
    if not len(labels):
        return None
    classes = probabilities.shape[1]
    given = np.bincount(labels, minlength=classes)
    confidence = np.zeros(classes)
    np.add.at(confidence, labels, probabilities[np.arange(len(labels)), labels])
    # Where no example has a label, none is taken to be one of that class.
    threshold = np.divide(confidence, given, out=np.full(classes, np.inf), where=given > 0)
    reached = probabilities >= threshold - SLACK
    sure = reached.any(1)
    counts = np.zeros((classes, classes))
    classed = np.where(reached, probabilities, -1).argmax(1)
    np.add.at(counts, (labels[sure], classed[sure]), 1)
    under = counts.sum(1)
    shares = np.divide(np.diag(counts), under, out=np.ones(classes), where=under > 0)
    return float(1 - (shares * given).sum() / len(labels))
