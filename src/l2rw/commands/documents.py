"""Commands that regenerate files of the package after a change of its code: costs, config."""

from argparse import ArgumentParser, Namespace

from l2rw.commands.parser import Command


def _costs_options(costs: ArgumentParser) -> None:
    costs.add_argument(
        "networks",
        nargs="*",
        help="networks whose costs are printed for their records; if not given, all of this "
        "package, whose costs.csv is rewritten",
    )


def _costs(arguments: Namespace) -> None:
    from l2rw.bench.operations import print_costs, write_costs

    if arguments.networks:
        print_costs(arguments.networks)
    else:
        write_costs()


def _config(_: Namespace) -> None:
    from l2rw.config.documents import DOCUMENTS
    from l2rw.store.files import write_text

    for path, render in DOCUMENTS.items():
        write_text(path, render())
        print(f"wrote {path}")


COMMANDS = (
    Command(
        "costs",
        "measure the operations and memory of a step of networks",
        _costs,
        _costs_options,
    ),
    Command("config", "regenerate config/README.md and the JSON schema", _config),
)
