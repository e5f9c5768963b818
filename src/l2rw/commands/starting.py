"""The way in with data of one's own: ``init``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command


def _init_options(init: ArgumentParser) -> None:
    init.add_argument(
        "path", type=Path, help="folder of images by class, or table (CSV, parquet); only read"
    )
    init.add_argument(
        "--out", type=Path, help="configuration to write; config/<name>.yaml if not said"
    )
    init.add_argument("--label", metavar="COLUMN", help="column of a table with the labels")
    init.add_argument(
        "--leave-out", type=Path, nargs="+", default=[], help="CSV files of ids to leave out"
    )


def _init(arguments: Namespace) -> None:
    from l2rw.starting.init import Request, init

    init(
        Request(arguments.path, arguments.out, arguments.label, tuple(arguments.leave_out)),
    )


COMMANDS = (
    Command("init", "look at your own data and write a configuration", _init, _init_options),
)
