"""What people decided about labels: read, checked, applied to a data set.

A decision says of an example that its given label is ``right``, ``wrong`` (with the right one),
that it is to be left out (``remove``), or that nobody can tell (``unsure``). The given label is
that of the user's files, however often people decide: a file of decisions replaces the one before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from l2rw.data.kinds.base import DatasetKind, Examples
from l2rw.data.kinds.lists import (
    DECISIONS,
    REMOVE,
    RIGHT,
    UNSURE,
    WRONG,
    Decision,
    Listed,
    hint_on,
    read_decisions,
)
from l2rw.data.kinds.problems import Problems, counted
from l2rw.store.identity import digest

CHANGES = "corrections changes"
"""How the note begins on what decisions change."""


@dataclass(frozen=True)
class Corrected:
    """Examples after decisions."""

    examples: Examples
    """Under the labels that were decided, without those to remove."""
    known: frozenset[str]
    """Ids whose labels are known to be right by decisions."""
    clean: tuple[Listed, ...]
    """Those that join the clean set."""


def effect_of(kind: DatasetKind) -> str:
    """Return a digest of what decisions change in a data set; empty if they change nothing.

    So results stay what they are where somebody was unsure, or confirmed what is there.
    """
    told = read_decisions(kind.corrections) if kind.corrections else []
    changing = sorted(one for one in told if one.decision in _changing(kind))
    return digest([list(one) for one in changing]) if changing else ""


def review_digest(plan: str, kind: DatasetKind) -> str:
    """Return a digest of what a review is made from: a plan, given its digest, and decisions."""
    told = read_decisions(kind.corrections) if kind.corrections else []
    return digest([plan, sorted(list(one) for one in told)])


def correct(
    kind: DatasetKind,
    examples: Examples,
    left_out: Collection[str],
    listed: Sequence[Listed],
    problems: Problems,
) -> Corrected:
    """Apply a data set's decisions.

    Args:
        kind: Names the file of decisions, if there is one.
        examples: Under given labels.
        left_out: Ids of more examples, of which decisions do not count.
        listed: The clean set as the user lists it, which must not contradict decisions.
        problems: Gets a sentence for each kind of mistake.
    """
    if kind.corrections is None:
        return Corrected(examples, frozenset(), ())
    told = [one for one in read_decisions(kind.corrections) if one.id not in left_out]
    given = dict(zip(examples.ids, examples.labels, strict=True))
    _check(told, given, problems)
    problems.raise_if_any()
    decided = {one.id: one for one in told}
    final = {key: _label(one, given) for key, one in decided.items() if one.decision != UNSURE}
    contradicted = [
        one.id
        for one in listed
        if one.id in final and (one.label or given[one.id]) != final[one.id]
    ]
    if contradicted:
        problems.add(
            f"clean and corrections contradict each other on "
            f"{counted(contradicted, 'example', 'examples')}.",
            "correct one of the two.",
        )
        problems.raise_if_any()
    changing = {key for key in final if decided[key].decision in _changing(kind)}
    labels = [final.get(key) or label if key in changing else label for key, label in given.items()]
    kept = np.array([final.get(key, "kept") is not None for key in given], dtype=bool)
    corrected = sum(a != b for a, b in zip(labels, examples.labels, strict=True))
    note = f"{CHANGES} {corrected:,} labels and leaves out {(~kept).sum():,} examples."
    noted = replace(examples, labels=labels, notes=(*examples.notes, note))
    return Corrected(
        examples=noted.only(kept),
        known=frozenset(key for key in changing if final[key] is not None),
        clean=tuple(
            Listed(key, label)
            for key, label in final.items()
            if kind.decided_are_clean and label is not None
        ),
    )


def _changing(kind: DatasetKind) -> tuple[str, ...]:
    """Return the decisions that change something."""
    return (WRONG, REMOVE, RIGHT) if kind.decided_are_clean else (WRONG, REMOVE)


def _label(one: Decision, given: dict[str, str]) -> str | None:
    """Return the label of a decided example, None if it is to be removed."""
    if one.decision == REMOVE:
        return None
    return one.label if one.decision == WRONG else given[one.id]


def _check(told: Iterable[Decision], given: dict[str, str], problems: Problems) -> None:
    """Look for all that can be wrong with decisions, given the labels by id."""
    told, classes = list(told), set(given.values())
    by_id = defaultdict(set)
    for one in told:
        by_id[one.id].add(one)
    unknown = [key for key in by_id if key not in given]
    if unknown:
        problems.add(
            f"corrections decides {counted(unknown, 'unknown id', 'unknown ids')}.",
            hint_on(unknown, given),
        )
    if twice := [key for key, lines in by_id.items() if len(lines) > 1]:
        problems.add(
            f"corrections decides {counted(twice, 'example', 'examples')} in two different ways.",
            "keep one line for each.",
        )
    if strange := sorted({one.decision for one in told} - set(DECISIONS)):
        problems.add(
            f"corrections says {counted(strange, 'thing', 'things')} beside its decisions.",
            f"decide {', '.join(DECISIONS[:-1])} or {UNSURE}.",
        )
    wrong = [one for one in told if one.decision == WRONG]
    if unsaid := [one.id for one in wrong if not one.label]:
        problems.add(
            f"corrections calls {counted(unsaid, 'label', 'labels')} wrong and says no right one.",
            "write the right class into the column label, or decide unsure or remove.",
        )
    if others := sorted({one.label for one in wrong if one.label} - classes):
        problems.add(
            f"corrections names {counted(others, 'unknown class', 'unknown classes')}.",
            f"the classes are {', '.join(sorted(classes)[:20])}.",
        )
    changed = [
        one.id
        for one in told
        if one.decision == RIGHT and one.id in given and one.label not in ("", given[one.id])
    ]
    if changed:
        problems.add(
            f"corrections calls "
            f"{counted(changed, 'label {} right that is', 'labels {} right that are')} not given "
            "any more.",
            "call them wrong, with their right label, or leave their label empty.",
        )
