"""A cheap look at a user's files for planning, and the thorough one that makes a data set of them.

Planning needs the classes, their sizes and a digest of the content, and needs them at every dry
run. So a survey lists files, takes their digests and decodes nothing. It is kept in a file, with
each file's size and time of change: a later survey reads again only what has changed since. Whoever
makes a data set reads everything again.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2rw.data.datasets.content import digests_of
from l2rw.data.datasets.dataset import Dataset, Inputs, Labels, OwnLabels
from l2rw.data.datasets.facts import Facts, facts_from_json, facts_to_json
from l2rw.data.kinds import DATASET_KINDS
from l2rw.data.kinds.base import (
    DatasetKind,
    Examples,
    Layout,
    located,
    require_file,
)
from l2rw.data.kinds.corrections import effect_of
from l2rw.data.kinds.layout import lay_out, picked
from l2rw.data.kinds.lists import NO_CLEAN_SET
from l2rw.data.kinds.problems import Problems, UnreadableError, counted
from l2rw.store.checksums import WRITTEN_AS, read_named, sha256, write_record
from l2rw.store.errors import UserError
from l2rw.store.identity import digest
from l2rw.store.provenance import source_hash

log = logging.getLogger(__name__)

SURVEYS = Path("data/surveys")
"""Where surveys and lists of what is wrong are kept, below where the workflow runs."""
IMAGE_RANGE = (-1.0, 1.0)
BAR_FROM = 1000
"""Files to digest from which on there is a progress bar."""

UNREADABLE = "unreadable:"
"""How begins what stands for the digest of a file that cannot be read."""
FACTS, FILES = "facts", "looked_at"
"""Keys of what is kept."""
Seen = dict[str, list[Any]]
"""Files by name: path, size, time of change in ns, SHA-256."""


@dataclass(frozen=True)
class Survey:
    """What was found: facts for planning, and which example plays which part."""

    facts: Facts
    layout: Layout
    found: Examples
    """All examples under the labels of the user's files, those that are left out, too."""


def look_at(name: str, kind: DatasetKind, folder: Path = SURVEYS) -> Survey:
    """Survey a configured data set; arguments and errors as for :func:`facts_of`."""
    _, before = _kept(_file(name, kind, folder))
    return _survey(name, kind, _look(kind, before), folder)


def facts_of(name: str, kind: DatasetKind, *, rescan: bool = True, folder: Path = SURVEYS) -> Facts:
    """Return the facts of a configured data set.

    Args:
        name: Of the data set.
        kind: How it is read.
        rescan: Whether to look for changes since the last survey; a job of a workflow takes what
            planning found.
        folder: Where surveys are kept.

    Raises:
        UserError: Something is absent or wrong.
    """
    path = _file(name, kind, folder)
    facts, before = _kept(path)
    if facts and not rescan:
        return facts
    seen = _look(kind, before)
    if facts and before == seen:
        return facts
    found = _survey(name, kind, seen, folder).facts
    for note in found.notes:
        log.warning("Data set %s: %s", name, note)
    # One file: a survey that is killed must not leave facts beside files that they are not of.
    write_record(path, {WRITTEN_AS: path.name, FACTS: facts_to_json(found), FILES: seen})
    return found


def read(name: str, kind: DatasetKind, content: str | None, folder: Path = SURVEYS) -> Dataset:
    """Read a configured data set.

    Args:
        name: Of the data set.
        kind: How it is read.
        content: Digest that the files had when they were planned with; None if nobody planned.
        folder: Where surveys and lists of what is wrong are kept.

    Raises:
        UserError: Something is absent or wrong, or has changed since.
    """
    # A file may have been changed, or damaged, without another size or time.
    found = _survey(name, kind, _look(kind, {}), folder)
    facts, layout = found.facts, found.layout
    try:
        require_content(facts, content)
    except UserError:
        _file(name, kind, folder).unlink(missing_ok=True)  # planning looks at all of it again
        raise
    train, test = _inputs(name, kind, layout, folder)
    if facts.has_images and kind.duplicates == "refuse":
        _require_different(name, layout, (train, test), folder)
    ids = layout.examples.ids
    own = OwnLabels(
        given=layout.labels[layout.train],
        truth_is_known=layout.truth_is_known,
        clean=layout.clean,
        groups=layout.groups,
        train_ids=np.array(picked(ids, layout.train), dtype=np.str_),
        test_ids=np.array(picked(ids, layout.test), dtype=np.str_),
    )
    labels = layout.true_labels, layout.labels[layout.test]
    return Dataset(name, train, labels[0], test, labels[1], measured=facts, own=own)


def require_content(facts: Facts, content: str | None) -> None:
    """Raise :class:`UserError` if files have another digest than they were planned with."""
    if content not in (None, facts.sha256["files"]):
        raise UserError(
            f"The files of data set {facts.name} have changed since the plan was made.",
            "run `snakemake` again: it makes a new plan.",
        )


def _survey(name: str, kind: DatasetKind, seen: Seen, folder: Path) -> Survey:
    digests = {file: one[3] for file, one in seen.items() if not file.startswith(LIST)}
    examples = kind.examples(digests)
    layout = lay_out(name, kind, examples, folder)
    classes = len(layout.class_names)

    def sizes(labels: Labels) -> tuple[int, ...]:
        return tuple(np.bincount(labels, minlength=classes).tolist())

    facts = Facts(
        name=name,
        image_shape=kind.shape(layout),
        # By true labels as far as they are known: of these clean sets are drawn.
        train_class_sizes=sizes(layout.true_labels),
        test_size=len(layout.test),
        pixel_range=IMAGE_RANGE,
        sha256={
            "files": _digest_of_all(seen),
            "settings": digest({"kind": kind.kind, **kind.settings()}),
        },
        revision=DATASET_KINDS[kind.kind].revision,
        class_names=layout.class_names,
        truth_is_known=bool(layout.truth_is_known.all()),
        clean_class_sizes=sizes(layout.true_labels[layout.clean]) if len(layout.clean) else (),
        test_is_trusted=kind.test_is_trusted or kind.labels_are_right,
        notes=layout.notes,
    )
    return Survey(facts, layout, examples)


LIST = "list:"


def _look(kind: DatasetKind, before: Seen) -> Seen:
    """List a data set's files with their digests; read only those that are not as they were."""
    lists = [require_file(path) for path in kind.leave_out]
    lists += [require_file(kind.clean, NO_CLEAN_SET)] if kind.clean else []
    files = dict(kind.files())
    files |= {f"{LIST}{number}": path for number, path in enumerate(lists)}
    seen: Seen = {}
    changed = []
    for name, path in files.items():
        there = _state_of(path)
        seen[name] = there
        if before.get(name, [])[:3] == there and not before[name][3].startswith(UNREADABLE):
            there.append(before[name][3])
        else:
            changed.append(name)
    for name in _with_progress(changed):
        try:
            seen[name].append(sha256(files[name]))
        except OSError:
            # Whoever reads it says why, and of all others that cannot be read, too.
            seen[name].append(f"{UNREADABLE}{name}")
    if kind.corrections:
        effect, path = effect_of(kind), located(kind.corrections)
        stat = path.stat()
        seen[f"{LIST}corrections"] = [str(path), stat.st_size, stat.st_mtime_ns, effect]
    return seen


def _state_of(path: Path) -> list[Any]:
    """Return what tells whether a file has changed; a link may lead nowhere."""
    try:
        stat = path.stat()
    except OSError:
        return [str(path), 0, 0]
    return [str(path), stat.st_size, stat.st_mtime_ns]


def _with_progress(names: list[str]) -> Iterable[str]:
    if len(names) < BAR_FROM:
        return names
    from tqdm import tqdm

    bar: Iterable[str] = tqdm(names, desc="looking at files", unit="file", mininterval=1)
    return bar


def _digest_of_all(seen: Seen) -> str:
    """Return the digest of all files: their names and contents, not where they are.

    Corrections that change nothing have no digest, and do not count.
    """
    lines = "".join(f"{name}\0{one[3]}\n" for name, one in sorted(seen.items()) if one[3])
    return hashlib.sha256(lines.encode()).hexdigest()


def _file(name: str, kind: DatasetKind, folder: Path) -> Path:
    # Another version of this code may find other facts in the same files.
    identity = {"kind": kind.kind, "options": kind.options(), "code": source_hash(("data",))}
    return folder / f"{name}-{digest(identity)}.json"


def _kept(path: Path) -> tuple[Facts | None, Seen]:
    """Return what a survey found, and in which files.

    Nothing if there was none, or what it kept is damaged or another's: it is found again.
    """
    try:
        kept = read_named(path)
    except UserError:
        return None, {}
    return facts_from_json(kept[FACTS]), kept[FILES]


def _inputs(name: str, kind: DatasetKind, layout: Layout, folder: Path) -> tuple[Inputs, Inputs]:
    """Return the inputs of both halves; name what cannot be read of both."""
    found: list[Inputs] = []
    reasons: dict[int, str] = {}
    for title, places in (("training", layout.train), ("test", layout.test)):
        try:
            found.append(kind.inputs(layout, places, title))
        except UnreadableError as error:
            reasons |= {int(places[at]): reason for at, reason in error.reasons.items()}
    if reasons:
        ids = [layout.examples.ids[place] for place in sorted(reasons)]
        first = reasons[min(reasons)]
        problems = Problems(name, folder)
        path = problems.listed("unreadable", ids)
        problems.add(
            f"{counted(ids, 'file', 'files')} cannot be read (first error: {first}); "
            f"all are listed in {path}.",
            f"replace them, or {problems.without}.",
        )
        problems.raise_if_any()
    return found[0], found[1]


def _require_different(
    name: str, layout: Layout, halves: tuple[Inputs, Inputs], folder: Path
) -> None:
    """Raise :class:`UserError` if an image that is for training is for testing, too.

    Files may differ, and what is seen of them be the same.
    """
    train, test = (digests_of(half) for half in halves)
    copies = np.flatnonzero(np.isin(train, test))
    if not len(copies):
        return
    ids = layout.examples.ids
    tested = dict(zip(test.tolist(), layout.test.tolist(), strict=True))
    places = layout.train[copies].tolist()
    pairs = [
        f"{ids[place]} = {ids[tested[key]]}"
        for place, key in zip(places, train[copies].tolist(), strict=True)
    ]
    problems = Problems(name, folder)
    path = problems.listed("same-pixels", (ids[place] for place in places))
    problems.add(
        f"Pixel by pixel, {counted(pairs, 'training image {} is', 'training images {} are')} for "
        f"testing, too; all are listed in {path}.",
        f"{problems.without}, to go on without them, or set duplicates to keep.",
    )
    problems.raise_if_any()
