"""From measured effects to verdicts on claims; docs/verdicts.md gives the reasons."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from l2rw.analysis.statistics import mean_with_interval, median_interval
from l2rw.claims.claims import Claim, Part
from l2rw.claims.measures import Comparison, Measured, Missing, Tables

FALSE_ALARMS = 0.05
"""Chance, at most, that a ledger calls any claim reproduced that is false."""
SAME = 1e-9
"""Effects of seeds that differ by less, in any unit, are equal but for rounding."""

Outcome = Literal["holds", "fails", "undecided"]
Verdict = Literal["reproduced", "partly", "undecided", "not reproduced", "not tested"]
Scale = Literal["the paper's", "part of the paper's", "another", "no data"]


class Finding(NamedTuple):
    """One effect of a claim, and how far to trust it."""

    part: Part
    comparison: Comparison
    effect: float
    """Mean over seeds or median over rounds, in the part's unit."""
    low: float
    """Lower end of its interval; the effect itself where it is exact, NaN where nothing tells how
    seeds differ."""
    high: float
    seeds: int
    """Or rounds of a timing."""

    @property
    def outcome(self) -> Outcome:
        """Whether the interval lies within the claim's region, entirely outside, or neither."""
        if self.part.contains(self.low, self.high):
            return "holds"
        return "fails" if self.part.excludes(self.low, self.high) else "undecided"

    @property
    def depth(self) -> float:
        """How far within the region the effect lies; negative outside."""
        return self.part.depth(self.effect)


class Judged(NamedTuple):
    """A claim with its verdict and what it rests on."""

    claim: Claim
    verdict: Verdict
    findings: Sequence[Finding]
    """Empty if the claim is not tested."""
    missing: str | None
    """Which result is missing, if the claim is not tested."""
    scale: Scale | None
    """Whose settings its results have, see :func:`scale_of`; None if it is not tested."""

    @property
    def counts(self) -> Counter[Outcome]:
        """How many findings hold, fail and are undecided."""
        return Counter(finding.outcome for finding in self.findings)

    @property
    def weakest(self) -> Finding:
        """The finding that supports the claim least: any that fails, then the least deep."""
        order = {"fails": 0, "undecided": 1, "holds": 2}
        return min(self.findings, key=lambda one: (order[one.outcome], one.depth))


def judge(claims: Sequence[Claim], tables: Tables, paper: Tables) -> list[Judged]:
    """Judge claims on what is there.

    The intervals of all claims have the level 1 - 0.05/K, K the number of claims tested here.

    Args:
        claims: What to judge.
        tables: Of runs.
        paper: The same of the paper's configuration, without results: settings and cells.
    """
    measured = [_measure_all(claim, tables) for claim in claims]
    level = confidence(sum(not isinstance(effects, str) for effects in measured))
    judged = []
    for claim, effects in zip(claims, measured, strict=True):
        if isinstance(effects, str):
            judged.append(Judged(claim, "not tested", (), effects, None))
            continue
        findings = [_find(*effect, level) for effect in effects]
        scale = scale_of(claim, tables, paper)
        judged.append(Judged(claim, verdict_on(claim, findings), findings, None, scale))
    return judged


def confidence(tested: int) -> float:
    """Return the level of all intervals of a ledger that tests so many claims (Bonferroni)."""
    return 1 - FALSE_ALARMS / max(1, tested)


def verdict_on(claim: Claim, findings: Sequence[Finding]) -> Verdict:
    """Return what findings make of a claim."""
    outcomes = {finding.outcome for finding in findings}
    if outcomes == {"holds"}:
        return "reproduced"
    if claim.theorem and "fails" in outcomes:
        return "not reproduced"
    if "holds" in outcomes:
        return "partly"
    return "not reproduced" if "fails" in outcomes else "undecided"


def scale_of(claim: Claim, tables: Tables, paper: Tables) -> Scale:
    """Tell whose settings a claim was judged on.

    A cell's id digests everything that determines its results. ``the paper's``: the comparisons
    are those of the paper's configuration, all of them; ``part of the paper's``: some of them;
    ``no data``: the claim needs none; else ``another``.
    """
    ours, theirs = (
        {(part, one.cells) for part, one in claim.comparisons(of)} for of in (tables, paper)
    )
    if not any(cells for _, cells in ours):
        return "no data"
    if ours == theirs:
        return "the paper's"
    return "part of the paper's" if ours < theirs else "another"


def _measure_all(claim: Claim, tables: Tables) -> list[tuple[Part, Comparison, Measured]] | str:
    """Return all effects of a claim, or which result is missing."""
    try:
        found = claim.comparisons(tables)
        measured = [(part, one, part.measure(one, tables)) for part, one in found]
    except Missing as missing:
        return str(missing)
    for part, _, effect in measured:
        # Of one seed nobody knows how far to trust it: whatever it says is no test.
        if effect.uncertainty == "mean" and len(effect.values) < 2:
            return f"{part.needs} with a second seed"
    return measured


def _find(part: Part, comparison: Comparison, measured: Measured, level: float) -> Finding:
    values = measured.values
    effect, half_width = mean_with_interval(values, level)
    low, high = effect - half_width, effect + half_width
    if measured.uncertainty == "median":
        effect, (low, high) = float(np.median(values)), median_interval(values, level)
    elif measured.uncertainty == "nothing":
        low, high = effect, effect
    elif np.ptp(values) < SAME:
        # Shares of so many test images agree now and then: that is not to be sure of the mean.
        low, high = np.nan, np.nan
    return Finding(part, comparison, effect, low, high, len(values))
