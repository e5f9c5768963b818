"""Where commands print what is laid out or coloured."""

from rich import console


class Console(console.Console):
    """A terminal, a file or a pipe."""

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to :mod:`l2rw.store.ending`; rich would exit with code 1."""
        raise BrokenPipeError
