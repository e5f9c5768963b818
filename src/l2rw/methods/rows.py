"""Rows of tables: a method, its settings, and how its training was varied."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from l2rw.methods import METHODS
from l2rw.methods.record import CLEAN_IMAGES, NOTHING, Told
from l2rw.methods.settings import Pairs, as_pairs
from l2rw.store.errors import closest

EARLY_STOPPED, AVERAGED, FINE_TUNED = "es", "ema", "ft"
VARIANTS = (EARLY_STOPPED, AVERAGED, FINE_TUNED)
"""In the order in which they are written."""
EMA_DECAY = 0.998
"""Of the averages of rows ``+ema``; see :mod:`l2rw.methods.averaged`."""


class Row(NamedTuple):
    """A row, written ``method``, or with variants as in ``method+es`` or ``method+es+ema+ft``.

    Settings that differ from their defaults follow, as in ``gce+es, q=0.5``.
    """

    method: str
    early_stopped: bool = False
    """Trained by the shorter schedule."""
    fine_tuned: bool = False
    """Then trained on the clean set alone."""
    settings: Pairs = ()
    """Those that differ from the method's defaults."""
    averaged: bool = False
    """Whether an average of the network's weights is evaluated."""

    def __str__(self) -> str:
        """Return the row as it is written."""
        return ", ".join([self._with_variants(self.method), *self._settings()])

    @property
    def in_paths(self) -> str:
        """The same without blanks, as in ``gce-q=0.5+es``."""
        return self._with_variants("-".join([self.method, *self._settings()]))

    def _with_variants(self, start: str) -> str:
        marks = (self.early_stopped, self.averaged, self.fine_tuned)
        return "+".join([start, *(v for v, there in zip(VARIANTS, marks, strict=True) if there)])

    def _settings(self) -> list[str]:
        return [f"{name}={_text(value)}" for name, value in self.settings]


def parse_row(given: str | Mapping[str, Any]) -> Row:
    """Read a row, as text or as ``{method: gce+es, q: 0.5}``.

    Raises:
        ValueError: With a hint: it is none.
    """
    if isinstance(given, str):
        method, variants, texts = split_row(given)
        settings = dict(map(_setting, texts))
    elif isinstance(given, Mapping) and isinstance(given.get("method"), str):
        settings = {name: value for name, value in given.items() if name != "method"}
        method, variants, texts = split_row(given["method"])
        settings |= dict(map(_setting, texts))
    else:
        raise ValueError(f"{given!r} is not a row. Hint: write gce, or {{method: gce, q: 0.5}}.")
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}. Hint: {closest(method, METHODS)}")
    if variants != tuple(variant for variant in VARIANTS if variant in variants):
        text = "+".join([method, *variants])
        raise ValueError(
            f"{text!r} has no such variants. Hint: add any of +es, +ema and +ft in "
            "this order, as in +es+ft, or nothing."
        )
    record = METHODS[method]
    if variants and record.trained_on_clean_set:
        raise ValueError(
            f"{method} trains on the clean set alone and has no variants. Hint: write {method!r}."
        )
    if not record.one_network and set(variants) & {AVERAGED, FINE_TUNED}:
        raise ValueError(
            f"{method} trains several networks, which cannot be averaged or fine-tuned as one. "
            "Hint: leave out +ema and +ft."
        )
    defaults = as_pairs(record.settings())
    changed = [p for p in as_pairs(record.read_settings(settings)) if p not in defaults]
    early, averaged, fine = (variant in variants for variant in VARIANTS)
    return Row(method, early, fine, tuple(changed), averaged)


def split_row(text: str) -> tuple[str, tuple[str, ...], list[str]]:
    """Return a row's method, variants and settings as they are written, whatever they are."""
    head, *settings = text.split(", ")
    method, *variants = head.split("+")
    return method, tuple(variants), settings


def told(row: str) -> str:
    """Return which extra information a row gets, such as ``clean images``; "" if unknown.

    Args:
        row: As it is written. It is unknown for methods without a record, which are quoted.
    """
    method, variants, _ = split_row(row)
    things: dict[Told, None] = dict.fromkeys(METHODS[method].all_told) if method in METHODS else {}
    if FINE_TUNED in variants:
        things.pop(NOTHING, None)
        things[CLEAN_IMAGES] = None
    return ", ".join(things)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _setting(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r} is not a setting. Hint: write name=value, as in gce, q=0.5.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
