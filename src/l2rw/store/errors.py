"""The one exception whose message is meant for the user."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend: shown as one sentence and a hint, exit code 2, no traceback."""

    def __init__(self, problem: str, hint: str) -> None:
        """Args: ``problem`` says what is wrong and where, ``hint`` how to mend it."""
        super().__init__(f"{problem} Hint: {hint}")


def closest(given: str, known: Iterable[str]) -> str:
    """Return the hint for a name that is not among the known ones."""
    names = list(known)
    close = difflib.get_close_matches(given, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}."
