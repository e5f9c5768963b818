"""A page of random examples from which people choose those whose labels are right."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2rw.config.load import Config
from l2rw.config.sections import Corrupted
from l2rw.data.datasets.dataset import Labels
from l2rw.data.kinds.base import DatasetKind, located
from l2rw.data.kinds.layout import picked
from l2rw.data.kinds.lists import Listed, read_list
from l2rw.data.kinds.problems import UnreadableError
from l2rw.data.kinds.survey import Survey, look_at
from l2rw.review.deck import Deck, side_of, write_deck
from l2rw.store.errors import UserError
from l2rw.store.identity import digest
from l2rw.store.paths import Results
from l2rw.store.randomness import generator

PER_CLASS = 10
CLEAN = "clean.csv"


class Wish(NamedTuple):
    """What a page is to hold."""

    per_class: int | None
    """Examples of each class that are needed; as the configuration says if None."""
    spares: int | None
    """More examples of each class, for those that are skipped; as many again if None."""
    seed: int


def write_pick(config: Config, source: Path, name: str, wish: Wish) -> Path:
    """Write the page of a configured data set, and return where it is.

    Args:
        config: Describes the data set, and what experiments take of the clean set.
        source: The configuration's file, which the page names.
        name: Of the data set.
        wish: What the page is to hold.

    Raises:
        UserError: Something is wrong with the data set, or a picture cannot be read.
    """
    kind = config.data_sets[name]
    listed = _listed(kind)
    # The list need not be there yet, nor have enough.
    surveyed = replace(kind, clean=None, decided_are_clean=False)
    found = look_at(name, surveyed)
    need = wish.per_class or _asked_for(config, name, len(found.layout.class_names))
    places = _draw(found, need, wish, [one.id for one in listed])
    deck = _deck(name, surveyed, found, places, need, listed)
    deck = replace(deck, file=file_of(kind.clean, CLEAN), steps=_steps(kind, source, name))
    path = Results(config.results).pick(name)
    write_deck(deck, path)
    return path


def _listed(kind: DatasetKind) -> list[Listed]:
    """Return what the user chose before."""
    return read_list(kind.clean) if kind.clean and located(kind.clean).exists() else []


def _asked_for(config: Config, name: str, classes: int) -> int:
    """Return how many clean examples of a class the targeted experiments take, at most."""
    sizes = [
        int(corruption.parameters.get("clean_size", 0))
        for target in config.targets
        for experiment in [config.experiments[target]]
        if name in getattr(experiment, "datasets", [getattr(experiment, "dataset", None)])
        for corruption in _corruptions(experiment)
        if corruption.name == "given"
    ]
    return max(-(-max(sizes, default=0) // classes), 0) or PER_CLASS


def _corruptions(experiment: object) -> Sequence[Corrupted]:
    several = getattr(experiment, "corruptions", None)
    return several or [one for one in [getattr(experiment, "corruption", None)] if one]


def _draw(found: Survey, need: int, wish: Wish, listed: Sequence[str]) -> Labels:
    """Draw training examples that are not listed yet, class by class, each in random order.

    A class that has examples on the list needs fewer.
    """
    layout, random = found.layout, generator("pick", wish.seed)
    ids = picked(layout.examples.ids, layout.train)
    open_ = np.array([one not in set(listed) for one in ids]) if listed else np.ones(len(ids), bool)
    spares = need if wish.spares is None else wish.spares
    drawn: list[NDArray[np.int64]] = []
    for label in range(len(layout.class_names)):
        own = layout.train[open_ & (layout.labels[layout.train] == label)]
        drawn.append(random.permutation(own)[: need + spares])
    return np.concatenate(drawn)


def _deck(
    name: str,
    kind: DatasetKind,
    found: Survey,
    places: Labels,
    need: int,
    listed: Sequence[Listed],
) -> Deck:
    layout, given = found.layout, dict(zip(found.found.ids, found.found.labels, strict=True))
    if unknown := [one.id for one in listed if one.id not in given]:
        raise UserError(
            f"{kind.kind} {name} has no example {unknown[0]}, which its clean set lists.",
            "correct the list, or name another file in data_sets.",
        )
    rows = [(one.id, one.label or given[one.id]) for one in listed]
    have = [sum(label == one for _, label in rows) for one in layout.class_names]
    try:
        shown = kind.shown(layout, places, side_of(len(places)))
    except UnreadableError as error:
        at, reason = next(iter(error.reasons.items()))
        raise UserError(
            f"Data set {name}: {layout.examples.ids[places[at]]} cannot be read ({reason}).",
            f"replace it, or list it in data_sets.{name}.leave_out.",
        ) from None
    return Deck(
        task="pick",
        title=f"{name}: examples whose labels are right",
        lead=[
            f"Confirm the labels of {need} examples of each of the {len(layout.class_names)} "
            "classes, or correct them. Skip an example if you cannot tell; others follow. Your "
            "decisions stay in this browser until you download them."
        ],
        key=f"l2rw:pick:{name}:{identity_of(found)}",
        columns=("id", "label"),
        classes=layout.class_names,
        ids=picked(layout.examples.ids, places),
        given=layout.labels[places].tolist(),
        shown=shown,
        decided=[None] * len(places),
        more={"need": need, "have": have, "listed": rows},
    )


def identity_of(found: Survey) -> str:
    """Return a digest of a data set as it is read now."""
    return digest(dict(found.facts.sha256))


def file_of(path: str | None, default: str) -> str:
    """Return the name of a download: that of the file in the configuration, if it names one."""
    return Path(path).name if path else default


def move_to(path: str, *, replacing: bool = False) -> str:
    """Say where a download belongs, which may replace an earlier one."""
    old = ", replacing the old one: it includes everything in the old one" if replacing else ""
    return f"Move the downloaded `{Path(path).name}` to `{located(path).absolute()}`{old}."


def _steps(kind: DatasetKind, source: Path, name: str) -> list[str]:
    """Say where the file belongs, and what to type next."""
    if kind.clean:
        move = move_to(kind.clean, replacing=bool(_listed(kind)))
        return [move, f"Type `l2rw run {source}`."]
    return [
        move_to(CLEAN),
        f"Write `clean: {CLEAN}` below `{name}:` in the section `data_sets` of `{source}`.",
        f"Type `l2rw run {source}`.",
    ]
