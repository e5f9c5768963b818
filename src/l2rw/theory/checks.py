"""Verdicts on Theorem 2 and Lemma 1 from what was seen of a simulation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from l2rw.store.randomness import generator
from l2rw.theory.constants import Constants
from l2rw.theory.record import Descent, Floats, Record
from l2rw.theory.spec import SimulationSpec

NOT_APPLICABLE = "not applicable"
BELOW = "below the bound"
RESAMPLES = 1000


@dataclass(frozen=True)
class Comparison:
    """The running minimum of the mean of ‖∇G‖² against c / √T, at every T >= 1."""

    constant: float
    """c."""
    observed: str
    """:data:`BELOW`, ``violated at T = …`` (the first such T), ``uninformative up to T = …``, or
    ``undecided``: the mean is below the bound, the upper limit of its interval is not."""
    informative_from: int | None
    """First T whose bound is below ‖∇G(θ_0)‖², which t = 0 keeps trivially."""
    smallest_ratio: float | None
    """Smallest bound / observed; below 1 the bound is violated. None if nothing is observed."""
    smallest_ratio_at: int
    """The T of it."""
    smallest_ratio_counted: float | None
    """The same for c / √(T + 1), as the sum in the proof has T + 1 terms."""
    smallest_ratio_of_upper_limit: float | None
    """Smallest bound / upper limit, on the grid."""


@dataclass(frozen=True)
class Theorem2:
    """What a simulation says of Theorem 2."""

    verdict: str
    """``holds``, another observation of ``corrected``, or ``not applicable``."""
    failed_conditions: list[str]
    """Why it is not applicable."""
    corrected: Comparison
    """With C of the corrected proof. Where the theorem does not apply, as if it did: with the C
    that L2RW has at the best step size."""
    sharper: Comparison
    """With our smaller constant: see :attr:`~l2rw.theory.constants.Constants.sharpening`."""
    printed: Comparison | None
    """With κ as printed, where the printed theorem applies."""


@dataclass(frozen=True)
class Lemma1:
    """What a simulation says of Lemma 1: G never grows."""

    verdict: str
    """``holds``, ``violated`` or ``not applicable``."""
    failed_conditions: list[str]
    """Why it is not applicable."""
    verdict_as_printed: str
    """The same under the printed condition on the step size."""
    steps: int
    """Steps compared, those of all trajectories together."""
    growths: int
    """Steps by which G grew, beyond rounding."""
    largest_growth: float
    """Of G in a step; 0 if it never grew."""
    largest_growth_at: int | None
    """The t of it."""


def check_theorem(
    record: Record, constants: Constants, spec: SimulationSpec, seed: int
) -> Theorem2:
    """Compare what was seen with Theorem 2, whether it applies or not."""
    limits = bootstrap_limits(record, seed)
    bound = constants.bound
    failed = failed_conditions(constants, spec, limit=constants.limit, for_rate=True)
    printed = constants.bound_as_printed if spec.weighting == "l2rw" else None
    as_if = constants.best_bound if failed or bound is None else bound
    corrected = compare(record, as_if, limits[1])
    verdict = "holds" if corrected.observed == BELOW else corrected.observed
    if failed:
        verdict = NOT_APPLICABLE
    return Theorem2(
        verdict=verdict,
        failed_conditions=failed,
        corrected=corrected,
        sharper=compare(record, as_if / constants.sharpening, limits[1]),
        printed=compare(record, printed, limits[1]) if printed is not None else None,
    )


def check_lemma(descent: Descent, constants: Constants, spec: SimulationSpec) -> Lemma1:
    """Compare what was seen with Lemma 1, under both conditions on the step size."""

    def failed(limit: float) -> list[str]:
        return failed_conditions(constants, spec, limit=limit, for_rate=False)

    seen = "violated" if descent.growths else "holds"
    return Lemma1(
        verdict=NOT_APPLICABLE if failed(constants.limit) else seen,
        failed_conditions=failed(constants.limit),
        verdict_as_printed=NOT_APPLICABLE if failed(constants.limit_as_printed) else seen,
        steps=descent.steps,
        growths=descent.growths,
        largest_growth=descent.largest_growth,
        largest_growth_at=descent.largest_growth_at,
    )


def failed_conditions(
    constants: Constants, spec: SimulationSpec, *, limit: float, for_rate: bool
) -> list[str]:
    """Name the conditions that a simulation breaks.

    Args:
        constants: Of the simulation.
        spec: Its settings.
        limit: Largest step size.
        for_rate: Whether they are those of Theorem 2, which excludes the limit itself (where κ is
            0) and wants the clean set within the training set, or those of Lemma 1.
    """
    failed = []
    if spec.weighting != "l2rw":
        failed.append(f"the weights are not those of L2RW but {spec.weighting}")
    if constants.step_size > limit or (for_rate and constants.step_size == limit):
        where = "above" if constants.step_size > limit else "at"
        failed.append(f"the step size {constants.step_size:.4g} is {where} the limit {limit:.4g}")
    if for_rate and not constants.contained:
        failed.append("the clean set is not contained in the training set")
    return failed


def compare(record: Record, constant: float, upper_limit: Floats) -> Comparison:
    """Compare with c / √T.

    Args:
        record: What was seen.
        constant: c.
        upper_limit: Of the running minimum, on the grid, shape (g,).
    """
    running = np.minimum.accumulate(record.mean_squared_gradient)
    T = np.arange(1, len(running))  # noqa: N806
    bound = constant / np.sqrt(T)
    # Shares of the bound rather than ratios to what is observed, which may be 0.
    share = running[1:] / bound
    late = record.grid >= 1
    upper = upper_limit[late] / bound[record.grid[late] - 1]
    informative = np.flatnonzero(bound < running[0])
    violated = np.flatnonzero(share > 1)
    if len(violated):
        observed = f"violated at T = {T[violated[0]]}"
    elif not len(informative):
        observed = f"uninformative up to T = {T[-1]}"
    else:
        observed = "undecided" if (upper > 1).any() else BELOW
    return Comparison(
        constant=constant,
        observed=observed,
        informative_from=int(T[informative[0]]) if len(informative) else None,
        smallest_ratio=_inverse(share.max()),
        smallest_ratio_at=int(T[share.argmax()]),
        smallest_ratio_counted=_inverse((share * np.sqrt((T + 1) / T)).max()),
        smallest_ratio_of_upper_limit=_inverse(upper.max()),
    )


def bootstrap_limits(record: Record, seed: int) -> tuple[Floats, Floats]:
    """Estimate how far the running minimum on the grid may be trusted.

    Trajectories are drawn with replacement; the limits are percentiles of the running minimum of
    their mean.

    Returns:
        Lower and upper limit of the central 95 % interval, each of shape (g,).
    """
    random = generator("theory bootstrap", seed)
    lanes = record.squared_gradient.shape[1]
    shares = random.multinomial(lanes, [1 / lanes] * lanes, size=RESAMPLES) / lanes
    running = np.minimum.accumulate(shares @ record.squared_gradient.T, axis=1)
    lower, upper = np.quantile(running, [0.025, 0.975], axis=0)
    return lower, upper


def _inverse(share: Any) -> float | None:
    return float(1 / share) if share > 0 else None
