"""How effects, verdicts and scales are written for people, on pages and terminals."""

import math
from collections.abc import Sequence

from l2rw.analysis.statistics import NOTHING
from l2rw.claims.verdicts import Finding, Judged, Outcome, Scale, Verdict

SIGNS: dict[Verdict, str] = {
    "reproduced": "✓",
    "partly": "◐",
    "undecided": "?",
    "not reproduced": "✗",
    "not tested": "·",
}
COUNTED: tuple[Scale, ...] = ("the paper's", "no data")
"""Scales at which a verdict is evidence about the paper."""
OUTCOMES: dict[Outcome, str] = {"holds": "hold", "undecided": "undecided", "fails": "fail"}


def verdict_in_words(verdict: Verdict, scale: Scale | None) -> str:
    """Write a verdict: one that is no evidence about the paper says so first."""
    where = ""
    if scale == "another":
        where = "at another scale: "
    elif scale == "part of the paper's":
        where = "in part: "
    return f"{where}{SIGNS[verdict]} {verdict}"


def scale_in_words(data: Sequence[str], scale: Scale | None, *, theorem: bool = False) -> str:
    """Write the data and whose settings they were used with; of a theorem the paper has none."""
    if scale is None:
        return NOTHING
    if scale == "no data":
        return "none needed"
    if theorem and scale == "the paper's":
        return ", ".join([*data, "our problem"])
    return ", ".join([*data, f"{scale} scale"])


def effect_in_words(finding: Finding) -> str:
    """Write an effect with its interval and unit."""
    unit = finding.part.unit
    if unit == "growths":
        return f"{finding.effect:,.0f} growths"
    form = "+.2f" if unit == "points" else ".3g"
    text = "∞" if math.isinf(finding.effect) else f"{finding.effect:{form}}"
    if finding.low < finding.high:
        text += f" [{finding.low:{form}}, {finding.high:{form}}]"
    return text if unit == "points" else f"{text} ×"


def found_in_words(judged: Judged) -> str:
    """Write what was found: the effect, or counts and the finding that supports the claim least."""
    if judged.missing is not None:
        return f"no results: {judged.missing}"
    weakest = judged.weakest
    effect = f"{effect_in_words(weakest)}, claimed {weakest.part.region}: {weakest.outcome}"
    if len(judged.findings) == 1:
        return effect
    counts = ", ".join(f"{judged.counts[outcome]} {word}" for outcome, word in OUTCOMES.items())
    return f"{len(judged.findings)} parts: {counts}. Weakest: {weakest.comparison.name}: {effect}"


def seeds_in_words(judged: Judged) -> str:
    """Write how many seeds, or rounds of a timing, are behind the findings."""
    counted = sorted({one.seeds for one in judged.findings if not math.isnan(one.seeds)})
    if not counted:
        return NOTHING
    few = f"{counted[0]}" if len(counted) == 1 else f"{counted[0]}–{counted[-1]}"
    timed = all(one.part.needs == "bench" for one in judged.findings)
    return f"{few} rounds" if timed else few


def hours_in_words(hours: float) -> str:
    """Write estimated hours of one GPU."""
    if hours == 0:
        return "minutes of a CPU"
    return f"about {hours:.0f} GPU hours" if hours >= 10 else f"about {hours:.1f} GPU hours"
