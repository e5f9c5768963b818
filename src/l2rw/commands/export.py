"""Commands that use what was trained elsewhere: ``export`` and ``predict``."""

import logging
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, file, seed


def _export_options(export: ArgumentParser) -> None:
    export.add_argument("config", type=Path, help="configuration whose runs are done")
    export.add_argument("--row", default="l2rw", help="method with its variants, such as gce+es")
    export.add_argument("--seed", type=seed, default=0)
    export.add_argument("--experiment", help="one of the targets; the first that has the row")
    export.add_argument(
        "--out", type=Path, help="folder to write to; results/<name>/export/… if not said"
    )


def _export(arguments: Namespace) -> None:
    from l2rw.export.export import Wanted, export
    from l2rw.planning.table import read_config

    wanted = Wanted(arguments.row, arguments.seed, arguments.experiment)
    for path in export(read_config([arguments.config]), wanted, arguments.out):
        print(f"wrote {path}")


def _predict_options(predict: ArgumentParser) -> None:
    predict.add_argument("network", type=file, help="network.safetensors that l2rw export wrote")
    predict.add_argument(
        "files", type=Path, nargs="+", help="images and folders of them, or tables"
    )
    predict.add_argument("--out", type=Path, help="file to write (.csv); on the terminal if none")
    predict.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def _predict(arguments: Namespace) -> None:
    from l2rw.export.network_file import load_network
    from l2rw.export.predict import predict
    from l2rw.training.device import choose_device

    network = load_network(arguments.network, choose_device(arguments.device))
    if unreadable := predict(network, arguments.files, arguments.out):
        logging.getLogger(__name__).warning("%d files have no class.", unreadable)
        sys.exit(1)


COMMANDS = (
    Command(
        "export", "write a run's network, weights and labels for others", _export, _export_options
    ),
    Command("predict", "tell the classes of new examples", _predict, _predict_options),
)
