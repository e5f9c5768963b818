"""Commands for people who look at their own data: ``pick``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, count, seed


def _pick_options(pick: ArgumentParser) -> None:
    pick.add_argument("config", type=Path, help="configuration with data_sets of your own")
    pick.add_argument("--data-set", help="one of them; all if not said")
    pick.add_argument(
        "--per-class",
        type=count,
        help="examples of each class that you need; what the configuration takes, or else 10",
    )
    pick.add_argument(
        "--spares",
        type=count,
        help="more examples of each class, for those that you skip; as many again if not said",
    )
    pick.add_argument("--seed", type=seed, default=0, help="of the draw")


def _pick(arguments: Namespace) -> None:
    from l2rw.planning.table import read_config
    from l2rw.review.pick import Wish, write_pick
    from l2rw.store.errors import UserError, closest

    config = read_config([arguments.config])
    names = [arguments.data_set] if arguments.data_set else list(config.data_sets)
    if not names:
        raise UserError(
            f"{arguments.config} describes no data set of your own.", "see docs/own_data.md."
        )
    wish = Wish(arguments.per_class, arguments.spares, arguments.seed)
    for name in names:
        if name not in config.data_sets:
            raise UserError(
                f"{arguments.config} has no data set {name!r} of your own.",
                closest(name, config.data_sets),
            )
        print(f"Open in a browser: {write_pick(config, arguments.config, name, wish)}")


COMMANDS = (
    Command("pick", "write a page to choose examples that are surely right", _pick, _pick_options),
)
