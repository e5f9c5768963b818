"""What is wrong with a user's data, in one sentence for each kind of mistake."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from l2rw.store.errors import UserError
from l2rw.store.files import write_csv
from l2rw.store.text import one_line

SHOWN = 3
"""Examples that a sentence names."""


class UnreadableError(Exception):
    """Some examples cannot be read."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        """Args: ``reasons`` by the positions of the examples."""
        super().__init__(reasons)
        self.reasons = reasons


def some(names: Sequence[str]) -> str:
    """Return the first few names, and that there are more."""
    shown = ", ".join(map(one_line, names[:SHOWN]))
    return f"{shown}, …" if len(names) > SHOWN else shown


def counted(names: Sequence[str], one: str, many: str) -> str:
    """Return how many things there are, and the first few: ``2 files (a.png, b.png)``.

    Args:
        names: Of the things.
        one: What one of them is called, with ``{}`` where its name is to stand if not at the end.
        many: Likewise for several.
    """
    words, named = one if len(names) == 1 else many, f"({some(names)})"
    words = words.replace("{}", named) if "{}" in words else f"{words} {named}"
    return f"{len(names):,} {words}"


class Problems:
    """Collects mistakes, so that a user hears of all at once."""

    def __init__(self, name: str, lists: Path) -> None:
        """Args: ``name`` of the data set; ``lists`` is the folder for lists of what is wrong."""
        self.name, self._lists = name, lists
        self._found: list[tuple[str, str]] = []

    def add(self, problem: str, hint: str) -> None:
        """Add a sentence, and what to do."""
        self._found.append((problem, hint))

    def listed(self, topic: str, ids: Iterable[str]) -> Path:
        """Write ids to a file that may be named in ``leave_out``, and return it."""
        path = self._lists / f"{self.name}-{topic}.csv"
        write_csv(path, ["id"], ([one] for one in ids))
        return path

    @property
    def without(self) -> str:
        """What to do with such a file to go on without the examples."""
        return f"name the list in data_sets.{self.name}.leave_out, or to `l2rw init` by --leave-out"

    def raise_if_any(self) -> None:
        """Raise :class:`UserError` with all that was found."""
        if not self._found:
            return
        if len(self._found) == 1:
            raise UserError(f"Data set {self.name}: {self._found[0][0]}", self._found[0][1])
        listed = " ".join(
            f"{number}. {problem} ({hint})"
            for number, (problem, hint) in enumerate(self._found, start=1)
        )
        raise UserError(
            f"Data set {self.name} has {len(self._found)} problems: {listed}",
            "correct what you can; examples that cannot be corrected can be listed in a file: "
            f"{self.without}.",
        )
