"""What the files of commands share: how a command is declared, and options that several have."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from l2rw.store import seeds
from l2rw.store.errors import UserError
from l2rw.store.text import one_line


class Parser(ArgumentParser):
    """A parser that says what is wrong in the sentence that all mistakes end in."""

    def __init__(self, **options: Any) -> None:
        """Let every argument that is a :class:`Path` be read by :func:`named_path`."""
        super().__init__(**options)
        self.register("type", Path, named_path)

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UserError`."""
        what = one_line(f"{message[:1].upper()}{message[1:]}").rstrip(".")
        raise UserError(f"{what}.", f"`{self.prog} --help` lists what may be said.")


def no_options(_: ArgumentParser) -> None:
    """Add no options."""


@dataclass(frozen=True)
class Command:
    """A subcommand: what it is called, says of itself and does.

    ``run`` imports what it needs when it runs: ``l2rw --help`` waits for nothing, and training
    needs no package of the workflow.
    """

    name: str
    help: str
    run: Callable[[Namespace], None]
    options: Callable[[ArgumentParser], None] = no_options


def add_plan(command: ArgumentParser, key: str, kind: str) -> None:
    """Add the options that name one entry of a plan file."""
    command.add_argument("--plan", type=file, required=True, help="plan file of an experiment")
    command.add_argument(f"--{key}", required=True, help=f"id of a {kind} in the plan")


def add_configuration(command: ArgumentParser) -> None:
    """Add the argument that names a configuration."""
    command.add_argument(
        "config", type=Path, nargs="*", help="overlays such as config/demo.yaml; the paper if none"
    )


def named_path(text: str) -> Path:
    """Read the name of a file or folder; ``~`` is the home folder."""
    if not text or any(letter < " " for letter in text):  # a sentence would break at a line's end
        raise ArgumentTypeError(f"{text!r} is no name of a file")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - leaves ~nobody as it is


def file(text: str) -> Path:
    """Read the name of a file to be read, which is told to be absent by who reads it."""
    path = named_path(text)
    if path.is_dir() or not path.name:
        raise ArgumentTypeError(f"{text!r} is a folder, not a file")
    return path


def folder(text: str) -> Path:
    """Read the name of a folder that is there; ``~`` is the home folder."""
    path = named_path(text)
    if not path.is_dir():
        raise ArgumentTypeError(f"{text!r} is no folder")
    return path


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    return _whole(text, least=1)


def seed(text: str) -> int:
    """Read a seed, a whole number of at least 0."""
    return _whole(text, least=0)


def seed_range(text: str) -> range:
    """Read consecutive seeds, such as 0-4."""
    try:
        return seeds.parse_seeds(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def not_negative(text: str) -> float:
    """Read a finite number of at least 0."""
    return 0.0 if text.strip() in ("0", "0.0") else positive(text)


def positive(text: str) -> float:
    """Read a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
    return number
