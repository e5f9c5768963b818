"""A page with examples to be decided by keyboard, in one file: what both pages share.

Decisions stay in the browser (localStorage) until they are downloaded as a CSV file. Nothing is
loaded from anywhere; text of the user's (names of classes and files) is only ever set as text.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jinja2

from l2rw.data.kinds.showing import Shown
from l2rw.store.files import write_text

CHUNK = 50
"""Examples whose pictures the page reads together, when they come into sight."""
FEW = 1000
"""Pictures up to which they are large."""
LARGE, SMALL = 320, 128
"""Pixels of their longer sides."""


@dataclass(frozen=True)
class Deck:
    """What a page shows and asks."""

    task: Literal["pick", "review"]
    """``pick`` chooses clean examples; ``review`` corrects labels."""
    title: str
    lead: Sequence[str]
    """Paragraphs; what stands between backticks is code."""
    key: str
    """Under which the browser keeps decisions."""
    columns: Sequence[str]
    """Of the download."""
    classes: Sequence[str]
    ids: Sequence[str]
    """Of the examples, n of them, in the order of the page."""
    given: Sequence[int]
    """Their labels, by class."""
    shown: Sequence[Shown]
    """What people see of them."""
    decided: Sequence[tuple[str, str] | None]
    """What was decided before, with the label."""
    file: str = "decisions.csv"
    """Name of the download."""
    steps: Sequence[str] = ()
    """What to do with it, as ``lead``."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the page knows, by the names that its script reads."""
    table: Sequence[Sequence[str]] = ()
    """Above the examples: a head and rows."""


def side_of(count: int) -> int:
    """Return the pixels of the longer side of each of some pictures: large if they are few."""
    return LARGE if count <= FEW else SMALL


def write_deck(deck: Deck, path: Path) -> None:
    """Write the page."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    shown = [_embedded(one) for one in deck.shown]
    data = {
        "task": deck.task,
        "key": deck.key,
        "file": deck.file,
        "columns": list(deck.columns),
        "classes": list(deck.classes),
        "ids": list(deck.ids),
        "given": [int(label) for label in deck.given],
        "decided": list(deck.decided),
        "chunk": CHUNK,
        **deck.more,
    }
    page = environment.from_string(_part("deck.html")).render(
        deck=deck,
        data=data,
        chunks=[shown[at : at + CHUNK] for at in range(0, len(shown), CHUNK)],
        css=_part("deck.css"),
        script=_part("deck.js"),
    )
    write_text(path, page)


def _embedded(shown: Shown) -> str | dict[str, str]:
    """Return a picture as a data URI, a row as it is."""
    if isinstance(shown, dict):
        return shown
    kind = "png" if shown.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(shown).decode()}"


def _part(name: str) -> str:
    return (files("l2rw.review") / name).read_text(encoding="utf-8")
