"""Commands that take trained networks out of the pipeline: ``export`` and ``predict``."""

import logging
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, file, file_to_write, folder_to_write, seed


def _export_options(export: ArgumentParser) -> None:
    export.add_argument("config", type=Path, help="configuration file whose runs are finished")
    export.add_argument("--row", default="l2rw", help="method with its variants, such as gce+es")
    export.add_argument("--seed", type=seed, default=0, help="seed of the run")
    export.add_argument(
        "--experiment",
        help="one of the configuration's targets; the first with this row if not given",
    )
    export.add_argument(
        "--out",
        type=folder_to_write,
        help="folder to write to; results/<name>/export/… if not given",
    )


def _export(arguments: Namespace) -> None:
    from l2rw.export.export import Wanted, export
    from l2rw.planning.table import read_config

    wanted = Wanted(arguments.row, arguments.seed, arguments.experiment)
    for path in export(read_config([arguments.config]), wanted, arguments.out):
        print(f"wrote {path}")


def _predict_options(predict: ArgumentParser) -> None:
    predict.add_argument("network", type=file, help="the network.safetensors that export wrote")
    predict.add_argument(
        "files", type=Path, nargs="+", help="images, folders of images, or tables (CSV or parquet)"
    )
    predict.add_argument(
        "--out",
        type=file_to_write,
        help="file to write the predictions to (.csv); the terminal if not given",
    )
    predict.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="device to compute on; auto uses a GPU if there is one",
    )


def _predict(arguments: Namespace) -> None:
    from l2rw.export.network_file import load_network
    from l2rw.export.predict import predict
    from l2rw.training.device import choose_device

    network = load_network(arguments.network, choose_device(arguments.device))
    if unreadable := predict(network, arguments.files, arguments.out):
        words = "1 file has" if unreadable == 1 else f"{unreadable:,} files have"
        logging.getLogger(__name__).warning("%s no class.", words)
        sys.exit(1)


COMMANDS = (
    Command(
        "export",
        "write the network, weights and labels of a run for use elsewhere",
        _export,
        _export_options,
    ),
    Command(
        "predict",
        "predict the classes of new examples with an exported network",
        _predict,
        _predict_options,
    ),
)
