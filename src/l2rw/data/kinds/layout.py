"""Which example of a user's data plays which part, after all that can be wrong was looked for."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.dataset import Labels
from l2rw.data.kinds.base import DatasetKind, Examples, Layout
from l2rw.data.kinds.corrections import correct
from l2rw.data.kinds.halves import draw_test
from l2rw.data.kinds.lists import NO_CLEAN_SET, Listed, hint_on, read_left_out, read_list
from l2rw.data.kinds.problems import Problems, counted

TEST_SHARE = 0.2
Item = TypeVar("Item")


def lay_out(name: str, kind: DatasetKind, found: Examples, lists: Path) -> Layout:
    """Decide which example plays which part, under which label.

    Args:
        name: Of the data set.
        kind: Says what is for testing, what is clean, what is left out.
        found: All examples.
        lists: Folder for lists of what is wrong.

    Raises:
        UserError: Names everything that is wrong.
    """
    problems = Problems(name, lists)
    examples = _without_left_out(kind, found, problems)
    _check_classes(examples, problems)
    problems.raise_if_any()
    names = sorted(set(examples.labels), key=_natural)
    numbers = {one: number for number, one in enumerate(names)}
    in_test = examples.in_test
    if in_test is None:
        # By given labels: who corrects some moves no example from training to testing.
        labels = _numbered(examples.labels, numbers)
        share = kind.test_share or TEST_SHARE
        in_test = draw_test(examples.ids, labels, examples.groups, share, kind.split_seed)
        examples = replace(examples, in_test=in_test)
    elif examples.groups is not None:
        _check_groups(examples.groups, in_test, problems)
    listed = read_list(kind.clean, NO_CLEAN_SET) if kind.clean else []
    left_out = set(found.ids).difference(examples.ids)
    corrected = correct(kind, examples, left_out, listed, problems)
    examples = corrected.examples
    assert examples.in_test is not None
    labels, in_test = _numbered(examples.labels, numbers), examples.in_test
    left = Counter(examples.labels)
    if gone := [one for one in names if not left[one]]:
        problems.add(
            f"corrections leaves {counted(gone, 'class {}', 'classes {}')} without examples.",
            "keep some, or merge the class with another in your files.",
        )
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    _check_halves(examples, train, test, problems)
    true, known = labels[train].copy(), np.full(len(train), kind.labels_are_right)
    if examples.true_labels is not None:
        true, known = _true_labels(examples, train, numbers, problems), np.ones_like(known)
    known |= np.array([one in corrected.known for one in picked(examples.ids, train)], dtype=bool)
    clean = np.array([], dtype=np.int64)
    if kind.clean is not None or corrected.clean:
        # Decided examples for testing stay there.
        at = {examples.ids[place] for place in train.tolist()} - {one.id for one in listed}
        listed += [one for one in corrected.clean if one.id in at]
        clean = _mark_clean(listed, examples, train, numbers, (true, known), problems)
    if kind.duplicates == "refuse":
        _check_duplicates(examples, train, test, clean, problems)
    problems.raise_if_any()
    groups = np.array([], dtype=np.int64)
    if examples.groups is not None:
        groups = np.unique(np.asarray(examples.groups), return_inverse=True)[1][train]
    notes = tuple(examples.notes)
    return Layout(examples, tuple(names), labels, train, test, true, known, clean, groups, notes)


def picked(items: Sequence[Item], places: Labels) -> list[Item]:
    """Return items at some places."""
    return [items[place] for place in places.tolist()]


def _numbered(labels: Sequence[str], numbers: dict[str, int]) -> Labels:
    return np.array([numbers[one] for one in labels], dtype=np.int64)


def _without_left_out(kind: DatasetKind, found: Examples, problems: Problems) -> Examples:
    left_out = {one for file in kind.leave_out for one in read_left_out(file)}
    if unknown := sorted(left_out - set(found.ids)):
        problems.add(
            f"leave_out lists {counted(unknown, 'unknown id', 'unknown ids')}.",
            hint_on(unknown, found.ids),
        )
    kept = np.array([one not in left_out for one in found.ids], dtype=bool)
    if kept.all():
        return found
    note = f"{(~kept).sum():,} examples are left out, as leave_out says."
    return replace(found.only(kept), notes=(*found.notes, note))


def _check_classes(examples: Examples, problems: Problems) -> None:
    if not len(examples):
        problems.add("It has no examples.", "correct the path.")
        return
    if examples.empty_classes:
        problems.add(
            f"{counted(examples.empty_classes, 'class {} has', 'classes {} have')} no examples.",
            "add some, or remove the empty folder.",
        )
    counts = Counter(examples.labels)
    if len(counts) < 2:
        problems.add(
            f"All examples are of the class {examples.labels[0]!r}.",
            "at least two classes are needed.",
        )
    if single := [one for one in sorted(counts, key=_natural) if counts[one] == 1]:
        problems.add(
            f"{counted(single, 'class {} has', 'classes {} have')} only one example, which cannot "
            "be in both training and test part.",
            "add more, merge the class with another, or leave it out.",
        )


def _check_halves(examples: Examples, train: Labels, test: Labels, problems: Problems) -> None:
    trained, tested = (Counter(picked(examples.labels, half)) for half in (train, test))
    if not len(train) or not len(test):
        which = "testing" if len(train) else "training"
        problems.add(f"No example is for {which}.", "see test_path, test_share or split_column.")
        return
    if unknown := sorted(tested.keys() - trained.keys(), key=_natural):
        ids = [examples.ids[at] for at in test.tolist() if examples.labels[at] in unknown]
        path = problems.listed("classes-of-test-alone", ids)
        problems.add(
            f"The test part has {counted(unknown, 'class', 'classes')} that the training part "
            f"lacks, with {counted(ids, 'example', 'examples')}; all are listed in {path}.",
            f"correct the names of classes, or {problems.without}, to go on without them.",
        )
    if single := [one for one in sorted(trained, key=_natural) if trained[one] == 1]:
        problems.add(
            f"In the training part, {counted(single, 'class {} has', 'classes {} have')} only "
            "one example.",
            "add more, merge the class with another, or leave it out.",
        )


def _check_groups(groups: Sequence[str], in_test: NDArray[np.bool_], problems: Problems) -> None:
    halves = defaultdict(set)
    for group, half in zip(groups, in_test.tolist(), strict=True):
        halves[group].add(half)
    if torn := sorted(group for group, where in halves.items() if len(where) > 1):
        problems.add(
            f"{counted(torn, 'group {} is', 'groups {} are')} in both training and test part.",
            "correct the options for the test part, or leave out the option for groups.",
        )


def _true_labels(
    examples: Examples, train: Labels, numbers: dict[str, int], problems: Problems
) -> Labels:
    assert examples.true_labels is not None
    true = picked(examples.true_labels, train)
    if unknown := sorted(set(true) - set(numbers), key=_natural):
        problems.add(
            f"The true labels name {counted(unknown, 'class', 'classes')} that no given label "
            "names.",
            "correct the names of classes.",
        )
    return np.array([numbers.get(one, 0) for one in true], dtype=np.int64)


def _mark_clean(
    listed: Sequence[Listed],
    examples: Examples,
    train: Labels,
    numbers: dict[str, int],
    truth: tuple[Labels, NDArray[np.bool_]],
    problems: Problems,
) -> Labels:
    """Return positions of clean examples among the training ones; write what is known into truth.

    What they must fulfil: known ids of the training part, known labels, some of each class.
    """
    places = {examples.ids[place]: at for at, place in enumerate(train.tolist())}
    unknown = [one.id for one in listed if one.id not in places]
    if tested := [one for one in unknown if one in set(examples.ids)]:
        problems.add(
            f"clean lists {counted(tested, 'example', 'examples')} for testing.",
            "remove them from the list: test examples must not guide training.",
        )
    if unknown := [one for one in unknown if one not in set(tested)]:
        problems.add(
            f"clean lists {counted(unknown, 'unknown id', 'unknown ids')}.",
            hint_on(unknown, examples.ids),
        )
    if twice := [one for one, count in Counter(e.id for e in listed).items() if count > 1]:
        problems.add(f"clean lists {counted(twice, 'example', 'examples')} twice.", "list it once.")
    named = {one.label for one in listed if one.label is not None}
    if strange := sorted(named - set(numbers), key=_natural):
        problems.add(
            f"clean names {counted(strange, 'unknown class', 'unknown classes')}.",
            f"the classes are {', '.join(list(numbers)[:20])}.",
        )
    true, known = truth
    kept = [
        one for one in listed if one.id in places and (one.label is None or one.label in numbers)
    ]
    for one in kept:
        if one.label is not None:
            true[places[one.id]] = numbers[one.label]
        known[places[one.id]] = True
    clean = np.array(sorted({places[one.id] for one in kept}), dtype=np.int64)
    missing = [one for one, number in numbers.items() if not (true[clean] == number).any()]
    if missing:
        problems.add(
            f"clean has no example of {counted(missing, 'class', 'classes')}.",
            "list at least one of each class; ten of each are a good start, and `l2rw pick` helps.",
        )
    return clean


def _check_duplicates(
    examples: Examples, train: Labels, test: Labels, clean: Labels, problems: Problems
) -> None:
    """Look for equal content in the training part, the clean set and the test part."""
    is_clean = np.zeros(len(train), dtype=bool)
    is_clean[clean] = True
    parts = {"train": train[~is_clean], "clean": train[is_clean], "test": test}
    first_with = {
        part: dict(zip(picked(examples.contents, at[::-1]), at[::-1].tolist(), strict=True))
        for part, at in parts.items()
    }
    for part, other, words in (
        ("train", "test", "training examples {} are for testing, too"),
        ("train", "clean", "training examples {} are in the clean set, too"),
        ("test", "clean", "test examples {} are in the clean set, too"),
    ):
        known = first_with[other]
        copies = [at for at in parts[part].tolist() if examples.contents[at] in known]
        if copies:
            pairs = [
                f"{examples.ids[a]} = {examples.ids[known[examples.contents[a]]]}" for a in copies
            ]
            one = words.replace("examples {} are", "example {} is")
            path = problems.listed(
                f"{part}-copies-in-{other}", (examples.ids[place] for place in copies)
            )
            problems.add(
                f"By content, {counted(pairs, one, words)}; all are listed in {path}.",
                f"{problems.without}, to go on without them, or set duplicates to keep.",
            )


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which 2 comes before 10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]
