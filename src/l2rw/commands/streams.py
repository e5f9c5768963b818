"""Standard input, output and error as the shell left them, made fit for use."""

import os
import sys
from io import TextIOWrapper

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By their numbers, with the modes that they are open in."""


def prepare_streams() -> None:
    """Open the standard streams that the shell closed, and let others take any letter.

    What is printed to a closed one goes nowhere. Otherwise the next file that is opened would take
    its number, and what this process, a library or a child of it prints there would land in it.
    """
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this
            os.set_inheritable(opened, True)
            setattr(sys, name, os.fdopen(opened, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that do not know a letter
