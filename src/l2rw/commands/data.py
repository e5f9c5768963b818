"""Commands that prepare data: ``fetch`` and ``corrupt``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, add_plan, folder, seed
from l2rw.data.datasets.catalog import CATALOG


def _fetch_options(fetch: ArgumentParser) -> None:
    fetch.add_argument("dataset", choices=list(CATALOG), help="name of the data set")
    fetch.add_argument("--root", type=folder, help="folder with the source files")
    fetch.add_argument("--cache", type=Path, default=Path("data/raw"), help="keeps downloads")
    fetch.add_argument("--offline", action="store_true", help="download nothing")
    fetch.add_argument("--out", type=Path, required=True, help="file to write (.npz)")


def _fetch(arguments: Namespace) -> None:
    from l2rw.data.datasets.sources import fetch

    fetch(
        arguments.dataset,
        arguments.root,
        download=not arguments.offline,
        cache=arguments.cache,
    ).save(arguments.out)


def _corrupt_options(corrupt: ArgumentParser) -> None:
    add_plan(corrupt, "split", "split")
    corrupt.add_argument("--seed", type=seed, required=True)
    corrupt.add_argument("--data", type=Path, required=True, help="what fetch wrote")
    corrupt.add_argument("--out", type=Path, required=True, help="file to write (.npz)")


def _corrupt(arguments: Namespace) -> None:
    from l2rw.data.datasets.dataset import Dataset
    from l2rw.training.plan_file import read_plan

    corruption = read_plan(arguments.plan).cell_of_split(arguments.split).corruption
    dataset = Dataset.load(arguments.data)
    split = corruption.split(dataset.train_labels, dataset.test_labels, arguments.seed)
    split.save(arguments.out)


COMMANDS = (
    Command("fetch", "find or download a data set and verify it", _fetch, _fetch_options),
    Command("corrupt", "draw the split of one seed", _corrupt, _corrupt_options),
)
