"""The one exception whose message is meant for the user."""


class UserError(Exception):
    """Something the user can mend: shown as one sentence and a hint, exit code 2, no traceback."""

    def __init__(self, problem: str, hint: str) -> None:
        """Args: ``problem`` says what is wrong and where, ``hint`` how to mend it."""
        super().__init__(f"{problem} Hint: {hint}")
