"""The links of the proof, each on its own: whether it holds, and what it gives away."""

from dataclasses import dataclass

import numpy as np

from l2rw.theory.constants import Constants
from l2rw.theory.record import Floats, Record, Slack


@dataclass(frozen=True)
class Ratio:
    """The two sides of an inequality, one over the other; at least 1 where it holds."""

    smallest: float
    mean: float
    """Geometric."""


@dataclass(frozen=True)
class Links:
    """The chain from a step's descent to the rate (see :mod:`l2rw.theory`).

    Link (a) as corrected holds for L2RW weights and any step size. The others are None where κ is
    not positive.
    """

    descent: Slack
    """(a), step by step."""
    descent_as_printed: Slack
    """(a) with κ as printed."""
    descent_share: float | None
    """(a): share of the whole descent of G that κ Σ 𝒯_t accounts for, <= 1 where it holds."""
    budget_share: float | None
    """(b): κ Σ 𝒯_t of a trajectory over G(θ_0) - G*, the largest, <= 1 where it holds."""
    least_alignment_share: float | None
    """(b): min_t E 𝒯_t over its bound (G(θ_0) - G*) / (κ (T + 1)), <= 1 where it holds."""
    gradient: Ratio
    """(c): E[𝒯_t | θ_t] / (p ‖∇G(θ_t)‖⁴), over the grid."""
    gradient_sharper: Ratio
    """(c) with all clean examples, ours: E[𝒯_t | θ_t] / (p M ‖∇G(θ_t)‖⁴)."""
    jensen: Ratio
    """(c): E ‖∇G(θ_t)‖⁴ / (E ‖∇G(θ_t)‖²)²."""


def check_links(record: Record, constants: Constants) -> Links:
    """Measure every link of the proof on what was seen."""
    descent_share = budget_share = least_share = None
    if constants.kappa > 0:
        # The last visit has a batch but no step after it.
        of_steps = (record.total_alignment - record.alignment[-1]).mean()
        fallen = (record.clean_loss[0] - record.clean_loss[-1]).mean()
        descent_share = float(constants.kappa * of_steps / fallen) if fallen > 0 else None
        budget = constants.gap / constants.kappa
        visits = len(record.mean_squared_gradient)
        budget_share = float(record.total_alignment.max() / budget)
        least_share = float(record.smallest_mean_alignment * visits / budget)
    squared = record.squared_gradient
    conditional = _ratio(record.expected_alignment, squared**2)
    return Links(
        descent=record.descent.corrected,
        descent_as_printed=record.descent.as_printed,
        descent_share=descent_share,
        budget_share=budget_share,
        least_alignment_share=least_share,
        gradient=_over(conditional, constants.containment),
        gradient_sharper=_over(conditional, constants.expected_copies * constants.clean_size),
        jensen=_ratio((squared**2).mean(1), squared.mean(1) ** 2),
    )


def _ratio(larger: Floats, smaller: Floats) -> Ratio:
    """Compare element by element, wherever the smaller side is not 0: at the start it is not."""
    ratios = larger[smaller > 0] / smaller[smaller > 0]
    with np.errstate(divide="ignore"):
        return Ratio(float(ratios.min()), float(np.exp(np.log(ratios).mean())))


def _over(ratio: Ratio, factor: float) -> Ratio:
    return Ratio(ratio.smallest / factor, ratio.mean / factor)
