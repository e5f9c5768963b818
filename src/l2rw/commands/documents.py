"""Commands that regenerate files of the package after a change of its code: costs, config."""

from argparse import Namespace

from l2rw.commands.parser import Command


def _costs(_: Namespace) -> None:
    from l2rw.bench.operations import write_costs

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
        "measure the operations and memory of a step of every network, and rewrite costs.csv",
        _costs,
    ),
    Command("config", "regenerate config/README.md and the JSON schema", _config),
)
