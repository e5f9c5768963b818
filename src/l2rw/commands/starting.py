"""The first command for your own data: ``init``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, file_to_write


def _init_options(init: ArgumentParser) -> None:
    init.add_argument(
        "path",
        type=Path,
        help="folder with a folder of images for each class, or table (CSV or parquet); it is only "
        "read",
    )
    init.add_argument(
        "--out",
        type=file_to_write,
        help="configuration file to write; config/<name>.yaml if not given",
    )
    init.add_argument(
        "--label",
        metavar="COLUMN",
        help="column of the table with the labels; guessed from the names if not given",
    )
    init.add_argument(
        "--leave-out",
        type=Path,
        nargs="+",
        default=[],
        help="CSV files with the ids of examples to leave out",
    )


def _init(arguments: Namespace) -> None:
    from l2rw.starting.init import Request, init

    init(
        Request(arguments.path, arguments.out, arguments.label, tuple(arguments.leave_out)),
    )


COMMANDS = (
    Command(
        "init", "inspect your own data and write a configuration for them", _init, _init_options
    ),
)
