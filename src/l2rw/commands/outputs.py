"""Commands that show results: ``tabulate``, ``draw``, ``metrics`` and ``tensorboard``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, file, file_to_write, folder_to_write
from l2rw.commands.plans import read_own_plan


def _output_options(job: ArgumentParser) -> None:
    job.add_argument("--plan", type=file, required=True, help="plan file of the experiment (.json)")
    job.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to write the output to"
    )


def _tabulate_options(tabulate: ArgumentParser) -> None:
    _output_options(tabulate)
    tabulate.add_argument(
        "--runs", type=Path, required=True, help="folder with the runs of the configuration"
    )


def _tabulate(arguments: Namespace) -> None:
    from l2rw.analysis.outputs import tabulate

    tabulate(read_own_plan(arguments.plan), arguments.runs, arguments.out)


def _draw_options(draw: ArgumentParser) -> None:
    _output_options(draw)
    draw.add_argument("--table", type=file, required=True, help="table that tabulate wrote (.csv)")


def _draw(arguments: Namespace) -> None:
    from l2rw.analysis.outputs import draw

    draw(read_own_plan(arguments.plan), arguments.table, arguments.out)


def _metrics_options(metrics: ArgumentParser) -> None:
    metrics.add_argument(
        "summaries",
        type=file,
        nargs="+",
        help="numbers that draw wrote, one file for each experiment (.csv)",
    )
    metrics.add_argument(
        "--out", type=file_to_write, required=True, help="file to write the numbers to (.json)"
    )


def _metrics(arguments: Namespace) -> None:
    from l2rw.analysis.metrics import write_metrics

    write_metrics(arguments.summaries, arguments.out)


def _tensorboard_options(tensorboard: ArgumentParser) -> None:
    tensorboard.add_argument(
        "results", type=Path, help="folder of a configuration, such as results/demo"
    )
    tensorboard.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to write the event files to"
    )


def _tensorboard(arguments: Namespace) -> None:
    from l2rw.analysis.tensorboard import export

    count = export(arguments.results, arguments.out)
    print(f"{count} runs: tensorboard --logdir {arguments.out}")


COMMANDS = (
    Command(
        "tabulate",
        "collect the results of an experiment in a table",
        _tabulate,
        _tabulate_options,
    ),
    Command("draw", "draw the figure of an experiment from its table", _draw, _draw_options),
    Command("metrics", "gather the numbers of all figures and tables", _metrics, _metrics_options),
    Command(
        "tensorboard",
        "write the curves of finished runs for TensorBoard",
        _tensorboard,
        _tensorboard_options,
    ),
)
