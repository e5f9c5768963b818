"""Commands that prepare data: ``fetch`` and ``corrupt``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from l2rw.commands.parser import Command, add_plan, file, file_to_write, folder, seed
from l2rw.data.datasets.catalog import CATALOG
from l2rw.store.paths import DOWNLOADS

if TYPE_CHECKING:
    from l2rw.data.kinds.base import DatasetKind


def _fetch_options(fetch: ArgumentParser) -> None:
    fetch.add_argument("dataset", help=f"data set: {', '.join(CATALOG)}, or one of your own")
    fetch.add_argument(
        "--root",
        type=folder,
        help="folder with the source files; L2RW_DATA or a download if not given",
    )
    fetch.add_argument("--cache", type=Path, default=DOWNLOADS, help="folder that keeps downloads")
    fetch.add_argument("--offline", action="store_true", help="do not download anything")
    fetch.add_argument(
        "--described",
        help="description of your own data set as under data_sets, in JSON or YAML; a published "
        "data set if not given",
    )
    fetch.add_argument(
        "--content",
        help="digest that the files of your own data set must have; not checked if not given",
    )
    fetch.add_argument(
        "--out", type=file_to_write, required=True, help="file to write the data to (.npz)"
    )


def _fetch(arguments: Namespace) -> None:
    if arguments.described is not None:
        _read_own(arguments)
        return
    from l2rw.data.datasets.sources import fetch
    from l2rw.store.errors import UserError, closest

    if arguments.dataset not in CATALOG:
        raise UserError(
            f"There is no published data set {arguments.dataset!r}.",
            f"{closest(arguments.dataset, CATALOG)} A data set of your own needs --described.",
        )
    fetch(
        arguments.dataset,
        arguments.root,
        download=not arguments.offline,
        cache=arguments.cache,
    ).save(arguments.out)


def described_kind(name: str, described: str) -> "DatasetKind":
    """Return how a data set of the user's own is read, given what data_sets says in YAML."""
    from l2rw.config.load import parse_config
    from l2rw.config.yaml_file import parse_yaml

    what = f"The description of the data set {name}"
    said = parse_yaml(described, what, "write it as under data_sets in a configuration.")
    return parse_config({"data_sets": {name: said}}).data_sets[name]


def _read_own(arguments: Namespace) -> None:
    from l2rw.data.kinds.survey import read

    kind = described_kind(arguments.dataset, arguments.described)
    dataset = read(arguments.dataset, kind, arguments.content)
    for note in dataset.info.notes:
        print(note)
    dataset.save(arguments.out)


def _corrupt_options(corrupt: ArgumentParser) -> None:
    add_plan(corrupt, "split", "split")
    corrupt.add_argument("--seed", type=seed, required=True, help="seed of the split")
    corrupt.add_argument(
        "--data", type=file, required=True, help="data set that fetch wrote (.npz)"
    )
    corrupt.add_argument(
        "--out", type=file_to_write, required=True, help="file to write the split to (.npz)"
    )


def _corrupt(arguments: Namespace) -> None:
    from l2rw.data.datasets.dataset import Dataset
    from l2rw.store.paths import split_name
    from l2rw.training.plan_file import read_plan

    cell = read_plan(arguments.plan).cell_of_split(arguments.split)
    dataset = Dataset.load(arguments.data, cell.data_name)
    split = cell.corruption.draw(dataset.labels, arguments.seed)
    split.save(arguments.out, split_name(cell.split, arguments.seed))


COMMANDS = (
    Command("fetch", "find or download a data set, and verify it", _fetch, _fetch_options),
    Command(
        "corrupt",
        "draw the split of one seed: which examples train, and with which labels",
        _corrupt,
        _corrupt_options,
    ),
)
