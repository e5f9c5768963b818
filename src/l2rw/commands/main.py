"""The ``l2rw`` command: one subcommand for each rule of the workflow, and a few for people.

Subcommands import what they need when they run: most of them are done before PyTorch would load.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from l2rw.commands import (
    away,
    bench,
    claims,
    data,
    documents,
    machine,
    outputs,
    planning,
    review,
    run,
    starting,
    theory,
    training,
)
from l2rw.commands.pipeline import explained_if_absent
from l2rw.store.errors import UserError

GROUPS = (
    run,
    starting,
    review,
    data,
    training,
    away,
    theory,
    outputs,
    claims,
    planning,
    machine,
    bench,
    documents,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 2 after a mistake that its user can mend.

    A reader that closed its end of the pipe, such as ``head``, and Ctrl-C end it without a word,
    by the exit codes that shells give to the signals for them.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that do not know a letter
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("l2rw").setLevel(logging.INFO)
    try:
        try:
            arguments = _parser().parse_args(argv)
            with explained_if_absent():
                arguments.run(arguments)
        except UserError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 2
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="l2rw", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        for command in group.COMMANDS:
            added = commands.add_parser(command.name, help=command.help, description=command.help)
            command.options(added)
            added.set_defaults(run=command.run)
    return parser
