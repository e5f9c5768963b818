"""Commands about a whole configuration: ``plan``, ``prune`` and ``publish``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, add_configuration, file, folder_to_write, positive
from l2rw.store.paths import TIMINGS


def _plan_options(plan: ArgumentParser) -> None:
    add_configuration(plan)
    plan.add_argument(
        "--bench",
        type=file,
        default=TIMINGS if TIMINGS.exists() else None,
        help="step times that bench wrote (.json); bench.json by default if it exists",
    )
    plan.add_argument(
        "--teraflops",
        type=positive,
        default=10.0,
        help="speed that the device sustains in TFLOP/s; used without --bench",
    )
    plan.add_argument("--cells", action="store_true", help="also list the cells")


def _plan(arguments: Namespace) -> None:
    from l2rw.planning.table import print_plan

    print_plan(arguments.config, arguments.bench, arguments.teraflops, with_cells=arguments.cells)


def _prune_options(prune: ArgumentParser) -> None:
    add_configuration(prune)
    prune.add_argument("--remove", action="store_true", help="remove these results")


def _prune(arguments: Namespace) -> None:
    from l2rw.planning.plan import Plan
    from l2rw.planning.prune import print_unused
    from l2rw.planning.table import read_config

    config = read_config(arguments.config)
    print_unused(Plan(config, config.results), Path(), remove=arguments.remove)


def _publish_options(publish: ArgumentParser) -> None:
    add_configuration(publish)
    publish.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to copy the results to"
    )


def _publish(arguments: Namespace) -> None:
    from l2rw.claims.publish import publish
    from l2rw.planning.table import read_config

    publish(read_config(arguments.config), arguments.out)


COMMANDS = (
    Command(
        "plan", "show the cells, runs, steps and hours of a configuration", _plan, _plan_options
    ),
    Command("prune", "list results that a configuration no longer uses", _prune, _prune_options),
    Command(
        "publish",
        "copy finished results for readers, and judge the claims again",
        _publish,
        _publish_options,
    ),
)
