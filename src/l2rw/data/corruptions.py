"""Corruptions, by name: pure, seeded functions from clean labels to a biased or noisy split.

A new one is one file and one line here.
"""

from l2rw.data.flips import BackgroundFlip, UniformFlip
from l2rw.data.imbalance import Imbalance

__all__ = ["CORRUPTIONS", "BackgroundFlip", "Corruption", "Imbalance", "UniformFlip"]

Corruption = Imbalance | UniformFlip | BackgroundFlip
CORRUPTIONS: dict[str, type[Corruption]] = {
    Imbalance.name: Imbalance,
    UniformFlip.name: UniformFlip,
    BackgroundFlip.name: BackgroundFlip,
}
