"""The ``l2rw`` command: a subcommand for each rule of the workflow, and some for people.

A subcommand imports what it needs when it runs, because importing PyTorch takes longer than most
subcommands.
"""

import logging
from collections.abc import Sequence

from l2rw.commands import (
    away,
    bench,
    claims,
    data,
    documents,
    export,
    machine,
    outputs,
    planning,
    review,
    run,
    starting,
    theory,
    training,
)
from l2rw.commands.parser import Parser
from l2rw.commands.pipeline import explained_if_absent
from l2rw.commands.streams import prepare_streams, restart_in_utf8
from l2rw.store.ending import Ended, ending_in_order, told_in_a_sentence

DESCRIPTION = """\
Train networks with wrong labels or rare classes, guided by a few clean examples. Begin with
`l2rw run config/demo.yaml`, or with `l2rw init FOLDER` for your own data.
"""
EPILOG = """\
`l2rw run` itself calls fetch, corrupt, train, probe, detect, simulate, tabulate, draw, metrics,
judge and review.
"""

GROUPS = (
    run,
    starting,
    review,
    data,
    training,
    away,
    theory,
    outputs,
    export,
    claims,
    planning,
    machine,
    bench,
    documents,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code; :mod:`l2rw.store.ending` says which."""
    if argv is None:
        restart_in_utf8()
    prepare_streams()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("l2rw").setLevel(logging.INFO)
    try:
        with ending_in_order(), told_in_a_sentence(), explained_if_absent():
            arguments = _parser().parse_args(argv)
            arguments.run(arguments)
    except Ended as end:
        return end.code
    return 0


def _parser() -> Parser:
    parser = Parser(prog="l2rw", description=DESCRIPTION, epilog=EPILOG)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        for command in group.COMMANDS:
            added = commands.add_parser(command.name, help=command.help, description=command.help)
            command.options(added)
            added.set_defaults(run=command.run)
    return parser
