"""What the page says about a user's own data: numbers with intervals, and whether L2RW helped.

Intervals include the variation between seeds and that of the test part, a sample of m examples that
all seeds share. A mean over seeds has the 95 % interval ±√(h² + 1.96² v): h is Student's, v the
binomial variance of the mean, p (1 - p) / m. Two methods see the same test examples, but which of
them both get right is not kept: of the difference d between their errors e and f, v is taken to be
the largest that is possible, (min(1, e + f) - d²) / m.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from l2rw.analysis.collect import collect_csv, jobs
from l2rw.analysis.inputs import own_cells
from l2rw.analysis.statistics import NOTHING, Estimate, mean_with_interval, plus_minus
from l2rw.analysis.style import look
from l2rw.data.datasets.dataset import read_facts
from l2rw.data.datasets.facts import Facts, score_in_words
from l2rw.methods.rows import told
from l2rw.page.headline import OURS, PLAIN
from l2rw.store.paths import SUSPECTS, Results
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import PlanFile

UNBALANCED = 1.5
"""How much larger the largest class of the test part must be than its smallest."""
BINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Least weights of the bars of their distribution; the last one has no end."""
NORMAL = 1.96

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A row of methods on one data set."""

    name: str
    confusions: Numbers
    """Test examples by seed, label and prediction, shape (seeds, classes, classes)."""

    @property
    def sizes(self) -> Numbers:
        """Test examples by class, shape (classes,)."""
        found: Numbers = self.confusions[0].sum(1)
        return found

    @property
    def recalls(self) -> Numbers:
        """Shape (seeds, classes); NaN of classes without test examples."""
        right = np.diagonal(self.confusions, axis1=1, axis2=2)
        found: Numbers = np.divide(
            right, self.sizes, out=np.full(right.shape, np.nan), where=self.sizes > 0
        )
        return found

    def scores(self, *, balanced: bool) -> Numbers:
        """Return accuracies, or means of recalls, seed by seed, shape (seeds,)."""
        if balanced:
            means: Numbers = np.nanmean(self.recalls, axis=1)
            return means
        right: Numbers = np.trace(self.confusions, axis1=1, axis2=2) / self.sizes.sum()
        return right

    def estimate(self, *, balanced: bool) -> Estimate:
        """Return the accuracy, or the mean of recalls, with its interval, in percent."""
        scores = self.scores(balanced=balanced)
        seen = self.sizes > 0
        p = self.recalls.mean(0)[seen] if balanced else np.array([scores.mean()])
        m = self.sizes[seen] if balanced else np.array([self.sizes.sum()])
        return widened(scores, float((p * (1 - p) / m).sum() / len(p) ** 2))


@dataclass(frozen=True)
class OwnData:
    """What the page shows of a data set of the user's own."""

    name: str
    verdict: str
    """A sentence or two."""
    heads: list[str]
    lines: list[list[str]]
    by_class: list[list[str]]
    """A head, and a line for each class with every row's recall."""
    unbalanced: bool
    weights: list[tuple[str, float]]
    """Shares of training examples by weight, in percent, each with what it is."""
    review: str
    """Link to the review; empty if there is none."""


def widened(scores: Numbers, variance: float) -> Estimate:
    """Return the mean of scores over seeds, in percent, with an interval for test part and seeds.

    Args:
        scores: Seed by seed, in [0, 1]; of a single one, the interval is that of the test part.
        variance: Of the mean, by the test part's size.
    """
    mean, half_width = mean_with_interval(scores)
    by_seed = 0.0 if np.isnan(half_width) else half_width
    return Estimate(100 * mean, 100 * float(np.sqrt(by_seed**2 + NORMAL**2 * variance)))


def gain(ours: Row, plain: Row, *, balanced: bool) -> Estimate:
    """Return by how many points one row is better than another, paired by seed."""
    differences = ours.scores(balanced=balanced) - plain.scores(balanced=balanced)
    errors, others = (1 - row.recalls.mean(0) for row in (ours, plain))
    m, seen = ours.sizes, ours.sizes > 0
    if not balanced:
        errors, others = (np.array([1 - r.scores(balanced=False).mean()]) for r in (ours, plain))
        m, seen = np.array([m.sum()]), np.array([True])
    e, f = errors[seen], others[seen]
    variances = (np.minimum(1, e + f) - (e - f) ** 2) / m[seen]
    return widened(differences, float(variances.sum() / len(e) ** 2))


def own_data(plan: PlanFile, there: Results) -> list[OwnData]:
    """Return what the page shows of each of a user's own data sets in a table."""
    cells = own_cells(plan)
    return [
        _of_data_set(plan, name, [c for c in cells if c.dataset == name], there)
        for name in dict.fromkeys(cell.dataset for cell in cells)
    ]


def _of_data_set(plan: PlanFile, name: str, cells: Sequence[CellEntry], there: Results) -> OwnData:
    facts = read_facts(there.data(cells[0].data_name))
    rows = _rows(plan, name, there)
    sizes = rows[0].sizes
    unbalanced = bool(sizes.max() > UNBALANCED * max(1, sizes.min()))
    scale = [False, True] if unbalanced else [False]
    what = score_in_words([facts.test_is_trusted])
    heads = ["", "told", f"{what} (%)", *(["Mean of recalls (%)"] if unbalanced else []), "seeds"]
    lines = [
        [
            look(row.name).label,
            told(row.name) if facts.has_images else told(row.name).replace("images", "rows"),
            *(plus_minus(*row.estimate(balanced=balanced)) for balanced in scale),
            str(len(row.confusions)),
        ]
        for row in rows
    ]
    page = there.review(name).page
    return OwnData(
        name=name,
        verdict=verdict(rows, facts, balanced=unbalanced),
        heads=heads,
        lines=lines,
        by_class=list(_by_class(rows, facts)),
        unbalanced=unbalanced,
        weights=_weights(plan, name, there.runs),
        review=page.relative_to(there.folder).as_posix()
        if any(cell.run_spec.method == OURS for cell in cells)
        else "",
    )


def _rows(plan: PlanFile, name: str, there: Results) -> list[Row]:
    found: dict[str, list[list[list[int]]]] = {}
    for job in jobs(plan, there.runs):
        if job.setting["dataset"] == name:
            confusions = found.setdefault(str(job.setting["row"]), [])
            confusions += [
                run["confusion"] for run in sorted(job.runs, key=lambda run: run["seed"])
            ]
    return [Row(row, np.array(confusions, dtype=float)) for row, confusions in found.items()]


def verdict(rows: Sequence[Row], facts: Facts, *, balanced: bool) -> str:
    """Say whether reweighting helped, if the test labels are trusted."""
    by_name = {row.name: row for row in rows}
    if not {OURS, PLAIN} <= by_name.keys():
        return "The rows baseline and l2rw are both needed to say whether reweighting helped."
    ours, plain = by_name[OURS], by_name[PLAIN]
    score = "the mean of recalls" if balanced else "accuracy"
    both = (
        f"L2RW has {plus_minus(*ours.estimate(balanced=balanced))} %, the Baseline "
        f"{plus_minus(*plain.estimate(balanced=balanced))} %"
    )
    if not facts.test_is_trusted:
        by = f", by {score}" if balanced else ""
        return (
            f"Against given test labels, some of which may be wrong, {both}{by}. Even a network "
            "without mistakes agrees with no more of them than are right, so this is no verdict: "
            "whether reweighting helped is known only once somebody has checked the test labels "
            f"and set data_sets.{facts.name}.test_is_trusted to true."
        )
    difference = gain(ours, plain, balanced=balanced)
    points = f"by {abs(difference.mean):.2f} ± {difference.half_width:.2f} points"
    if abs(difference.mean) <= difference.half_width:
        helped = f"Whether reweighting helped is undecided: {both}, which differ {points}"
    elif difference.mean > 0:
        helped = f"Reweighting helped: {both}, better {points}"
    else:
        helped = f"Reweighting did harm: {both}, worse {points}"
    return f"{helped}, by {score}{_best_other(rows, balanced=balanced)}."


def _best_other(rows: Sequence[Row], *, balanced: bool) -> str:
    others = [row for row in rows if row.name not in (OURS, PLAIN)]
    if not others:
        return ""
    best = max(others, key=lambda row: row.estimate(balanced=balanced).mean)
    estimate = plus_minus(*best.estimate(balanced=balanced))
    return f"; the best other method, {look(best.name).label}, has {estimate} %"


def _by_class(rows: Sequence[Row], facts: Facts) -> Iterator[list[str]]:
    yield ["Recall (%)", "test examples", *(look(row.name).label for row in rows)]
    for label, size in enumerate(rows[0].sizes):
        texts = []
        for row in rows:
            p = row.recalls[:, label]
            estimate = widened(p, float(p.mean() * (1 - p.mean()) / size)) if size else None
            texts.append(plus_minus(*estimate) if estimate else NOTHING)
        yield [facts.class_name(label), f"{size:,.0f}", *texts]


def _weights(plan: PlanFile, name: str, runs: Path) -> list[tuple[str, float]]:
    """Return how the mean weights of L2RW's training examples are distributed, all seeds."""
    lines = collect_csv(plan, runs, SUSPECTS, {"mean_weight": float})
    mine = lines[(lines["row"] == OURS) & (lines["dataset"] == name)]["mean_weight"].dropna()
    if mine.empty:
        return []
    edges = [*BINS, np.inf]
    counts = pd.cut(mine, edges, right=False, include_lowest=True).value_counts(sort=False)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    names[-1] = f"{BINS[-1]:g} and more"
    shares = (100 * counts / len(mine)).tolist()
    return list(zip(names, shares, strict=True))
