"""Standard streams as the shell left them, and names in the locale's encoding, made fit for use."""

import os
import sys
from io import TextIOWrapper

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By their numbers, with the modes that they are open in."""


def restart_in_utf8() -> None:
    """Start this program anew in Python's UTF-8 mode if the locale has another encoding.

    Configurations are UTF-8. The names of files in them would mean other files, and other letters,
    where Python takes names for, say, ISO-8859-1. Python 3.15 has this mode by default (PEP 686);
    whoever sets ``PYTHONUTF8`` decides.
    """
    if sys.getfilesystemencoding() != "utf-8" and "PYTHONUTF8" not in os.environ:
        os.execve(sys.executable, sys.orig_argv, os.environ | {"PYTHONUTF8": "1"})


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
