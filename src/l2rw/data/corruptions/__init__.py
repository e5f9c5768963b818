"""Corruptions, by name: pure, seeded functions from clean labels to a biased or noisy split.

A new one is one file and one line here.
"""

from typing import Any

from l2rw.data.corruptions.flips import BackgroundFlip, UniformFlip
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.store.identity import restored

__all__ = [
    "CORRUPTIONS",
    "BackgroundFlip",
    "Corruption",
    "Imbalance",
    "UniformFlip",
    "corruption_of",
]

Corruption = Imbalance | UniformFlip | BackgroundFlip
CORRUPTIONS: dict[str, type[Corruption]] = {
    Imbalance.name: Imbalance,
    UniformFlip.name: UniformFlip,
    BackgroundFlip.name: BackgroundFlip,
}


def corruption_of(cell: dict[str, Any]) -> Corruption:
    """Return the corruption of a cell's data, as a plan file says it."""
    return restored(CORRUPTIONS[cell["corruption"]], cell["parameters"])
