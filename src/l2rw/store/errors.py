"""The one exception whose message is meant for the user."""

import difflib
from collections.abc import Iterable

from l2rw.store.text import one_line

SHOWN = 30
"""Names that a hint lists at most."""


class UserError(Exception):
    """A problem that the user can solve: shown in a sentence with a hint, exit code 2."""

    def __init__(self, problem: str, hint: str) -> None:
        """Args: ``problem`` says what is wrong and where, ``hint`` how to solve it.

        The message is one line whatever names and values it quotes: it is searched for in logs.
        """
        super().__init__(" ".join(f"{problem} Hint: {hint}".splitlines()))


def parts(error: object) -> tuple[str, str]:
    """Return problem and hint of what says both as :class:`UserError` does."""
    problem, _, hint = str(error).partition(" Hint: ")
    return problem, hint


def why(error: Exception) -> str:
    """Return why something could not be read, in the system's words or else in Python's."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(f"{type(error).__name__}: {error}")[:200]


def closest(given: object, known: Iterable[str]) -> str:
    """Return the hint for a name, perhaps not even text, that is not among the known ones."""
    names = list(known)
    close = difflib.get_close_matches(str(given), names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
    return f"choose one of {', '.join(names[:SHOWN])}{more}."
