"""The file that has each example's label as it was given, and as it is now."""

from pathlib import Path

import numpy as np

from l2rw.data.kinds.lists import (
    CHANGED,
    GIVEN,
    GIVEN_LABEL,
    KNOWN,
    LABEL_COLUMN,
    LEFT_OUT,
    PART_COLUMN,
    STATUS_COLUMN,
)
from l2rw.data.kinds.survey import Survey
from l2rw.data.kinds.tables import TEST, TRAIN
from l2rw.store.files import write_csv

COLUMNS = ("id", PART_COLUMN, GIVEN_LABEL, LABEL_COLUMN, STATUS_COLUMN)


def write_labels(path: Path, found: Survey) -> Path:
    """Write a line for each example of a user's files, those that are left out, too.

    Status: ``changed`` where the label is another one, ``known`` where the list of clean examples,
    decisions or true labels confirm it, ``given`` where nobody does, ``left out`` if it is removed.
    A configuration may name the file where it names lists: :mod:`l2rw.data.kinds.lists`.
    """
    layout, names = found.layout, found.facts.class_names
    trusted = np.full(len(layout.test), found.facts.test_is_trusted)
    now = {}
    for part, places, labels, known in (
        (TRAIN, layout.train, layout.true_labels, layout.truth_is_known),
        (TEST, layout.test, layout.labels[layout.test], trusted),
    ):
        for place, label, is_known in zip(places, labels, known, strict=True):
            now[layout.examples.ids[place]] = part, names[label], KNOWN if is_known else GIVEN
    lines = []
    for one, given in zip(found.found.ids, found.found.labels, strict=True):
        part, label, status = now.get(one, ("", "", LEFT_OUT))
        changed = bool(label) and label != given
        lines.append((one, part, given, label, CHANGED if changed else status))
    write_csv(path, COLUMNS, lines)
    return path
