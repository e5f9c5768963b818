"""Commands that write files of the package anew after its code was changed: costs, config."""

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
    Command("costs", "find what a step of every network costs, and write costs.csv anew", _costs),
    Command("config", "write config/README.md and the JSON schema anew", _config),
)
