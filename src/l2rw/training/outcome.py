"""How a job that was given to another process ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """It travels between processes, and is read where PyTorch is not imported."""

    kind: str
    """``done``, ``stopped`` (to continue from its checkpoint), ``failed``, or ``died``."""
    why: str = ""
    """A sentence, where it failed or died."""
    trace: str = ""
    """The traceback of an unexpected error."""

    @property
    def breaks_process(self) -> bool:
        """Whether its process should train nothing more: its device may be broken."""
        return self.kind == "died" or bool(self.trace)
