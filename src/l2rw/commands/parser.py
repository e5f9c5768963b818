"""How commands are declared, and the options that several commands have."""

import os
from argparse import (
    Action,
    ArgumentDefaultsHelpFormatter,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
)
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from l2rw.store import seeds
from l2rw.store.errors import UserError
from l2rw.store.files import require_place
from l2rw.store.text import one_line


class HelpFormatter(ArgumentDefaultsHelpFormatter):
    """Shows the default of every option that has one."""

    def _get_help_string(self, action: Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        if isinstance(action.default, list):
            return f"{action.help} (default: {' '.join(action.default)})"
        return super()._get_help_string(action)


class Parser(ArgumentParser):
    """A parser whose errors are :class:`UserError`, like those of all commands."""

    def __init__(self, **options: Any) -> None:
        """Let every argument of type :class:`Path` be read by :func:`named_path`."""
        super().__init__(**{"formatter_class": HelpFormatter} | options)
        self.register("type", Path, named_path)

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UserError`."""
        what = one_line(f"{message[:1].upper()}{message[1:]}").rstrip(".")
        raise UserError(f"{what}.", f"`{self.prog} --help` lists the options.")


def no_options(_: ArgumentParser) -> None:
    """Add no options."""


@dataclass(frozen=True)
class Command:
    """A subcommand: name, help, the function that runs it, the function that adds its options.

    ``run`` imports what it needs when it is called, so that ``l2rw --help`` is fast, and training
    needs no package of the workflow.
    """

    name: str
    help: str
    run: Callable[[Namespace], None]
    options: Callable[[ArgumentParser], None] = no_options


def add_plan(command: ArgumentParser, key: str, kind: str) -> None:
    """Add the options that name one entry of a plan file."""
    command.add_argument(
        "--plan", type=file, required=True, help="plan file of the experiment (.json)"
    )
    command.add_argument(f"--{key}", required=True, help=f"id of the {kind} in the plan file")


def add_root(command: ArgumentParser) -> None:
    """Add the option that names the folder of the files of data sets."""
    command.add_argument(
        "--root",
        type=folder,
        help="folder with the source files of data sets; the environment variable L2RW_DATA if not "
        "given",
    )


def add_configuration(command: ArgumentParser) -> None:
    """Add the argument that names a configuration."""
    command.add_argument(
        "config",
        type=Path,
        nargs="*",
        help="configuration files, such as config/demo.yaml; later ones override earlier ones; "
        "without any, the paper's configuration",
    )


def named_path(text: str) -> Path:
    """Read the name of a file or folder; ``~`` is the home folder."""
    if not text or any(letter < " " for letter in text):
        raise ArgumentTypeError(f"{text!r} is not the name of a file")
    return Path(os.path.expanduser(text))  # noqa: PTH111 - leaves ~nobody as it is


def file(text: str) -> Path:
    """Read the name of an input file. Whoever reads the file reports it if it is absent."""
    path = named_path(text)
    if path.is_dir() or not path.name:
        raise ArgumentTypeError(f"{text!r} is a folder, not a file")
    return path


def folder(text: str) -> Path:
    """Read the name of an existing folder; ``~`` is the home folder."""
    path = named_path(text)
    if not path.is_dir():
        raise ArgumentTypeError(f"{text!r} is not a folder")
    return path


def file_to_write(text: str) -> Path:
    """Read the name of an output file, which must be one that can be written."""
    path = file(text)
    require_place(path)
    return path


def folder_to_write(text: str) -> Path:
    """Read the name of a folder for output files, which must be one that they can be written to."""
    path = named_path(text)
    require_place(path / "file")
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
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number
