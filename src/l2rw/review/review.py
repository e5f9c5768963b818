"""The review: suspicious labels on a page, to be decided; and what was decided, as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2rw.analysis.collect import read_table
from l2rw.analysis.inputs import inputs_of_review
from l2rw.data.datasets.dataset import Dataset, Labels
from l2rw.data.kinds.base import DatasetKind
from l2rw.data.kinds.corrections import review_digest
from l2rw.data.kinds.label_file import write_labels
from l2rw.data.kinds.layout import picked
from l2rw.data.kinds.lists import RIGHT, WRONG, Decision, read_decisions
from l2rw.data.kinds.problems import UnreadableError
from l2rw.data.kinds.showing import Shown, as_seen_by_networks
from l2rw.data.kinds.survey import Survey
from l2rw.review.before import Outcome, compared
from l2rw.review.deck import Deck, side_of, write_deck
from l2rw.review.opinions import Opinions
from l2rw.review.pick import file_of, identity_of, move_to
from l2rw.store.checksums import digests_of, write_record
from l2rw.store.files import write_csv
from l2rw.store.paths import ReviewFiles
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import PlanFile

MOST = 5000
"""Examples of the page, the most suspicious ones; suspects.csv lists all."""
CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class Reviewed:
    """A data set of the user's own, and what its runs say of it."""

    name: str
    kind: DatasetKind
    found: Survey
    dataset: Dataset
    opinions: Opinions

    @property
    def ids(self) -> list[str]:
        """Of the training examples."""
        return picked(self.found.layout.examples.ids, self.found.layout.train)

    @property
    def given(self) -> dict[str, str]:
        """Labels of the user's files by id."""
        return dict(zip(self.found.found.ids, self.found.found.labels, strict=True))

    @property
    def decisions(self) -> list[Decision]:
        """What was decided so far."""
        return read_decisions(self.kind.corrections) if self.kind.corrections else []


def write_review(
    one: Reviewed, plan: PlanFile, cell: CellEntry, runs: Path, table: Path, out: ReviewFiles
) -> None:
    """Write the page, its tables and their record.

    Args:
        one: Data set and opinions.
        plan: Of the experiment whose runs these are.
        cell: Of L2RW, whose networks were asked.
        runs: Folder of all runs.
        table: Its table of runs.
        out: Where to.
    """
    outcome = Outcome.of(one.found, one.decisions, read_table(table), one.name)
    lines = compared(outcome, one.found.facts, out)
    order = np.argsort(-one.opinions.suspicion, kind="stable")
    order = order[~np.isin(order, one.found.layout.clean)]
    write_csv(out.suspects, SUSPECT_COLUMNS, _suspects(one, order))
    write_labels(out.labels, one.found)
    write_deck(_deck(one, plan, order[:MOST], lines), out.page)
    record = {
        "plan": review_digest(plan.digest, one.kind),
        "data_set": one.name,
        "inputs": digests_of(inputs_of_review(plan, cell, runs, table, out)),
    }
    write_record(out.record, record, [out.page, out.suspects, out.labels])


SUSPECT_COLUMNS = (
    *(
        "id",
        "given_label",
        "network_label",
        "network_probability",
        "label_probability",
        "mean_weight",
    ),
    *("suspicion", "suspected_by"),
)


def _suspects(one: Reviewed, order: Labels) -> list[list[Any]]:
    """Return all training examples but the clean ones, most suspicious first."""
    said, names, ids, given = one.opinions, one.found.layout.class_names, one.ids, one.given
    by = said.suspected_by
    return [
        [
            *(ids[at], given[ids[at]], names[said.network[at]]),
            f"{said.probabilities[at].max():.4f}",
            f"{said.of_label[at]:.4f}",
            f"{said.weights[at]:.4f}" if np.isfinite(said.weights[at]) else "",
            f"{said.suspicion[at]:.4f}",
            " + ".join(name for name, flags in by.items() if flags[at]),
        ]
        for at in order.tolist()
    ]


def _deck(one: Reviewed, plan: PlanFile, order: Labels, lines: Sequence[Sequence[str]]) -> Deck:
    layout, said, ids = one.found.layout, one.opinions, one.ids
    numbers = {label: number for number, label in enumerate(layout.class_names)}
    chosen, given = [ids[at] for at in order.tolist()], one.given
    decided = {d.id: (d.decision, _label(d, given)) for d in one.decisions}
    elsewhere = [d for d in one.decisions if d.id not in set(chosen)]
    detectors = list(said.suspected_by.items())
    rest = len(layout.train) - len(layout.clean)
    shown = f"{len(chosen):,} training examples" + f" of {rest:,}" * (len(chosen) < rest)
    suspected = int((said.suspicion[order] > 0).sum())
    return Deck(
        task="review",
        title=f"{one.name}: which labels are wrong?",
        lead=[
            f"{shown} that are not in the clean set, most suspicious first. For {suspected:,} of "
            "them, the networks of L2RW predict another class than the label. There is a network "
            f"for each of {len(plan.seeds)} seeds; their probabilities are averaged. Examples are "
            "ranked by how much more probable another class is than the label. The weight of an "
            "example is the mean over training, and over the seeds that trained on it."
        ],
        steps=_steps(one),
        key=f"l2rw:review:{one.name}:{identity_of(one.found)}",
        file=file_of(one.kind.corrections, CORRECTIONS),
        columns=Decision._fields,
        classes=layout.class_names,
        ids=chosen,
        given=[numbers[given[key]] for key in chosen],
        shown=_shown(one, order),
        decided=[decided.get(key) for key in chosen],
        more={
            "listed": [[d.id, d.decision, _label(d, given)] for d in elsewhere],
            "network": said.network[order].tolist(),
            "certainty": said.probabilities[order].max(1).round(4).tolist(),
            "probability": said.of_label[order].round(4).tolist(),
            "weight": [round(w, 4) if np.isfinite(w) else None for w in said.weights[order]],
            "detectors": [name for name, _ in detectors],
            "agreement": sum(
                flags[order].astype(int) << bit for bit, (_, flags) in enumerate(detectors)
            ).tolist(),  # type: ignore[union-attr]
        },
        table=lines,
    )


def _label(decision: Decision, given: Mapping[str, str]) -> str:
    if decision.decision == RIGHT:
        return given.get(decision.id, "")
    return decision.label if decision.decision == WRONG else ""


def _shown(one: Reviewed, order: Labels) -> list[Shown]:
    """Return what people see: the user's files if they are at hand, else what networks see."""
    try:
        return one.kind.shown(one.found.layout, one.found.layout.train[order], side_of(len(order)))
    except UnreadableError:
        return as_seen_by_networks(one.dataset.train_images[order])


def _steps(one: Reviewed) -> list[str]:
    again = (
        "Type `l2rw run` with your configuration again: what depends on the labels is trained "
        "again, and this page then compares accuracies before and after."
    )
    clean = (
        f"To let decided examples join the clean set, write `decided_are_clean: true` below "
        f"`{one.name}:` in the section `data_sets`, too."
    )
    if one.kind.corrections:
        return [move_to(one.kind.corrections, replacing=True), again]
    return [
        move_to(CORRECTIONS),
        f"Write `corrections: {CORRECTIONS}` below `{one.name}:` in the section `data_sets` of "
        "your configuration.",
        clean,
        again,
    ]
