"""The area under the ROC curve, without a library: importing one takes longer than a short job."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def area_under_roc(higher: NDArray[Any], lower: NDArray[Any]) -> float:
    """Return the probability that a higher value exceeds a lower one, a tie counting half.

    Args:
        higher: Values that should be higher, shape (n,), n > 0.
        lower: Values that should be lower, shape (m,), m > 0.
    """
    ordered = np.sort(lower)
    below, not_above = (np.searchsorted(ordered, higher, side=side) for side in ("left", "right"))
    return float((below + not_above).mean() / (2 * len(ordered)))
