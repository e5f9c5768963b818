"""Rows of the paper's tables: a method, and how its training was varied."""

from typing import NamedTuple

from l2rw.methods import METHODS
from l2rw.store.errors import closest

EARLY_STOPPED, FINE_TUNED = "es", "ft"
VARIANTS = ((), (EARLY_STOPPED,), (FINE_TUNED,), (EARLY_STOPPED, FINE_TUNED))


class Row(NamedTuple):
    """A row, written ``method``, ``method+es``, ``method+ft`` or ``method+es+ft``."""

    method: str
    early_stopped: bool = False
    """Trained by the shorter schedule."""
    fine_tuned: bool = False
    """Then trained on the clean set alone."""

    def __str__(self) -> str:
        """Return the row as it is written."""
        variants = [EARLY_STOPPED] * self.early_stopped + [FINE_TUNED] * self.fine_tuned
        return "+".join([self.method, *variants])


def parse_row(text: str) -> Row:
    """Read a row; raise ValueError with a hint if it is none."""
    method, *variants = text.split("+")
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}. Hint: {closest(method, METHODS)}")
    if tuple(variants) not in VARIANTS:
        raise ValueError(
            f"{text!r} has no such variants. Hint: add +es, +ft or +es+ft to a method, or nothing."
        )
    if variants and METHODS[method].trained_on_clean_set:
        raise ValueError(
            f"{method} trains on the clean set alone and has no variants. Hint: write {method!r}."
        )
    return Row(method, EARLY_STOPPED in variants, FINE_TUNED in variants)
