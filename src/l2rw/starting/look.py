"""A thorough first look at a user's data: classes, pictures, what cannot be used."""

import hashlib
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from l2rw.config.data_sets import read_data_set
from l2rw.data.datasets.facts import Facts
from l2rw.data.kinds.base import DatasetKind, Examples, Layout
from l2rw.data.kinds.decoding import WIDE, Fit, decode_each
from l2rw.data.kinds.images import ImageKind
from l2rw.data.kinds.problems import counted, some
from l2rw.data.kinds.survey import Survey, look_at
from l2rw.starting.sources import Source
from l2rw.store.errors import UserError, parts
from l2rw.store.files import write_csv

PROBED = 500
"""Images whose sizes and colours are looked at."""
LONG = 1.5
"""Ratio of the sides from which on images are padded, since cropping would lose a third."""
IMBALANCED = 10
"""Ratio of the largest class to the smallest from which on classes count as unbalanced."""
UNREADABLE, COPY, TORN = "unreadable:", "copy of", "has another label than its copy"
"""How reasons begin for which examples are left out."""
GREY_MODES = {"1", "L", "LA", *WIDE}


class Pictures(NamedTuple):
    """What images are like, by a sample of them."""

    side: int
    """Median of the shorter sides, in pixels."""
    same_square: bool
    """Whether all are squares of this side."""
    long: bool
    """Whether most are much longer than wide, or wider than long."""
    grey: bool


class LeftOut(NamedTuple):
    """An example that cannot be used, or adds nothing."""

    id: str
    reason: str


@dataclass(frozen=True)
class Look:
    """What was found."""

    kind: DatasetKind
    """With all options but lists of examples."""
    facts: Facts
    test_class_sizes: tuple[int, ...]
    pictures: Pictures | None
    """None for a table of features."""
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """What the user should know, in sentences."""

    @property
    def train_size(self) -> int:
        """Number of training examples."""
        return sum(self.facts.train_class_sizes)

    @property
    def imbalance(self) -> float:
        """The largest class over the smallest, of training examples."""
        return max(self.facts.train_class_sizes) / max(1, min(self.facts.train_class_sizes))


def look(name: str, source: Source, options: Mapping[str, Any], size_of: Any) -> Look:
    """Look at all of a user's data.

    Args:
        name: Of the data set.
        source: What the files are.
        options: More options of the data set, such as ``leave_out``.
        size_of: Function of pictures to the side in pixels that images are resized to.

    Raises:
        UserError: Names the problem that prevents training.
    """
    described: dict[str, Any] = {"kind": source.kind, **source.options, **options}
    described = {key: str(v) if isinstance(v, Path) else v for key, v in described.items()}
    kind = _made({"duplicates": "keep", **described})
    found = look_at(name, kind)
    if not isinstance(kind, ImageKind):
        return _told(kind, found, None, (), source)
    pictures = _probe(kind, found.layout)
    fit: Fit = "pad" if pictures.long else "crop"
    kind = replace(kind, size=size_of(pictures), grey=pictures.grey, fit=fit)
    left_out = _useless(kind, found.layout)
    if left_out:
        found = _without(name, kind, left_out)
    found = replace(found, facts=replace(found.facts, image_shape=kind.shape(found.layout)))
    return _told(replace(kind, duplicates="refuse"), found, pictures, left_out, source)


def write_left_out(path: Path, left_out: Sequence[LeftOut]) -> None:
    """Write a list that ``leave_out`` may name, with reasons."""
    write_csv(path, LeftOut._fields, left_out)


def _made(described: Mapping[str, Any]) -> DatasetKind:
    try:
        return read_data_set(described)
    except ValueError as error:
        problem, hint = parts(error)
        raise UserError(problem, hint) from None


def _probe(kind: ImageKind, layout: Layout) -> Pictures:
    """Look at some images, evenly spaced; those that cannot be read are found later."""
    from PIL import Image

    sources = layout.examples.source
    sides, ratios, squares, grey = [], [], set(), True
    for source in sources[:: max(1, len(sources) // PROBED)]:
        try:
            with Image.open(kind.file_of(source)) as image:
                width, height = image.size
                grey = grey and (image.mode in GREY_MODES or _has_no_colour(image))
        except Exception:  # a damaged file may fail in any way
            continue
        sides.append(min(width, height))
        ratios.append(max(width, height) / min(width, height))
        squares.add((width, height))
    if not sides:
        raise UserError(
            "None of the inspected images can be read.", "open some of them to see why."
        )
    same = len(squares) == 1 and ratios[0] == 1
    return Pictures(round(median(sides)), same, median(ratios) >= LONG, grey)


def _has_no_colour(image: Any) -> bool:
    small = image.convert("RGB")
    small.thumbnail((64, 64))
    red, green, blue = np.asarray(small).transpose(2, 0, 1).astype(int)
    return bool(np.abs(red - green).max() <= 8 and np.abs(red - blue).max() <= 8)


def _useless(kind: ImageKind, layout: Layout) -> tuple[LeftOut, ...]:
    """Decode all images; return those that cannot be read, and copies, that is, equal pixels.

    Of copies the first one stays, but none whose labels contradict each other.
    """
    examples = layout.examples
    digests: dict[int, bytes] = {}

    def keep(place: int, image: Any) -> None:
        digests[place] = hashlib.sha256(image.tobytes()).digest()

    files = [kind.file_of(source) for source in examples.source]
    failures = decode_each(files, kind.picture, "looking at images", keep)
    left_out = [
        LeftOut(examples.ids[place], f"{UNREADABLE} {why}") for place, why in failures.items()
    ]
    equal = defaultdict(list)
    # An image for testing stays, whichever copies of it are for training.
    for place in [*layout.test.tolist(), *layout.train.tolist()]:
        if place in digests:
            equal[digests[place]].append(place)
    for places in equal.values():
        left_out += _copies(places, examples)
    return tuple(sorted(left_out))


def _copies(places: Sequence[int], examples: Examples) -> list[LeftOut]:
    """Return which of equal images, whose positions are given, are left out."""
    ids = [examples.ids[place] for place in places]
    if len({examples.labels[place] for place in places}) == 1:
        return [LeftOut(one, f"{COPY} {ids[0]}") for one in ids[1:]]
    # Nobody knows which of the labels is right: none stays.
    return [
        LeftOut(one, f"{TORN} {other}") for one, other in zip(ids, [*ids[1:], ids[0]], strict=True)
    ]


def _without(name: str, kind: DatasetKind, left_out: Sequence[LeftOut]) -> Survey:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leave_out.csv"
        write_left_out(path, left_out)
        try:
            return look_at(name, replace(kind, leave_out=(*kind.leave_out, str(path))))
        except UserError as error:
            problem, hint = parts(error)
            files = counted([one.id for one in left_out], "file", "files")
            raise UserError(
                f"Without {files} that cannot be used (the first: {left_out[0].reason}): {problem}",
                hint,
            ) from None


def _told(
    kind: DatasetKind,
    found: Survey,
    pictures: Pictures | None,
    left_out: tuple[LeftOut, ...],
    source: Source,
) -> Look:
    """Put together what was found, and what to say of it."""
    labels, test = found.layout.labels, found.layout.test
    sizes = np.bincount(labels[test], minlength=found.facts.classes)
    here = Look(
        kind=kind,
        facts=found.facts,
        test_class_sizes=tuple(sizes.tolist()),
        pictures=pictures,
        left_out=left_out,
        notes=(),
    )
    said = [note for note in found.facts.notes if "leave_out says" not in note]
    notes = [*source.notes, *said, *_on_left_out(left_out), *_on_classes(here)]
    if pictures is None:
        notes += _on_copies(found.layout)
    return replace(here, notes=tuple(note for note in notes if note))


def _on_left_out(left_out: Iterable[LeftOut]) -> list[str]:
    groups: dict[str, list[str]] = {UNREADABLE: [], COPY: [], TORN: []}
    for one in left_out:
        next(ids for start, ids in groups.items() if one.reason.startswith(start)).append(one.id)
    unreadable, copies, torn = groups.values()
    notes = []
    if unreadable:
        notes.append(f"{counted(unreadable, 'file', 'files')} cannot be read.")
    if copies:
        words = counted(copies, "image {} is a copy", "images {} are copies")
        notes.append(f"{words} of another, which is kept.")
    if torn:
        words = "images {} are copies of each other under different labels"
        notes.append(f"{counted(torn, words, words)}: none of them is kept.")
    return notes


def _on_classes(here: Look) -> list[str]:
    sizes = dict(zip(here.facts.class_names, here.facts.train_class_sizes, strict=True))
    notes = []
    if here.imbalance >= IMBALANCED:
        large, small = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
        notes.append(
            f"Classes are unbalanced: {sizes[large]:,} training examples of {large}, "
            f"{sizes[small]:,} of {small}."
        )
    if few := [name for name, size in sizes.items() if size < 20]:
        words = "class {} has", "classes {} have"
        notes.append(f"{counted(few, *words)} fewer than 20 training examples: results will vary.")
    alike = Counter(map(_sound, sizes))
    if twice := [name for name in sizes if alike[_sound(name)] > 1]:
        notes.append(f"Are these classes the same? {some(twice)}")
    return notes


def _sound(name: str) -> str:
    """Return a name without what eyes may miss: capitals, spaces, how accents are encoded."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _on_copies(layout: Layout) -> list[str]:
    contents, labels = layout.examples.contents, layout.examples.labels
    by_content = defaultdict(set)
    for content, label in zip(contents, labels, strict=True):
        by_content[content].add(label)
    copies = len(contents) - len(by_content)
    torn = sum(len(found) > 1 for found in by_content.values())
    notes = []
    if copies:
        notes.append(f"{copies:,} rows equal an earlier one, and are kept (`duplicates: keep`).")
    if torn:
        notes.append(f"{torn:,} groups of equal rows have different labels.")
    return notes
