"""``l2rw predict``: what an exported network takes new examples for."""

import csv
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.data.kinds.image_folder import files_below
from l2rw.data.kinds.images import image_suffixes
from l2rw.data.kinds.problems import counted
from l2rw.data.kinds.tables import is_table
from l2rw.export.network_file import TrainedNetwork
from l2rw.store.errors import UserError
from l2rw.store.files import write_csv

log = logging.getLogger(__name__)

COLUMNS = ("file", "class", "probability")
ROW_COLUMNS = ("file", "row", "class", "probability")

Line = tuple[Any, ...]


def predict(network: TrainedNetwork, given: Sequence[Path], out: Path | None) -> int:
    """Write a CSV file with the most probable class of each example, and its probability.

    Args:
        network: As :func:`~l2rw.export.network_file.load_network` returns it.
        given: Image files and folders of them; or tables, whose rows are numbered from 1 on.
        out: File to write; standard output if None.

    Returns:
        How many files could not be read: they are listed without a class.

    Raises:
        UserError: Something is absent, or not what the network was trained on.
    """
    if not network.reader.reads_images:
        _write(out, ROW_COLUMNS, [line for file in given for line in _of_table(network, file)])
        return 0
    files = [file for one in given for file in _images(one)]
    found = list(_of_images(network, files))
    _write(out, COLUMNS, found)
    return sum(line[1] == "" for line in found)


def _write(out: Path | None, columns: Sequence[str], lines: Sequence[Line]) -> None:
    if out is not None:
        write_csv(out, columns, lines)
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *lines])


def _of_images(network: TrainedNetwork, files: Sequence[Path]) -> Iterator[Line]:
    """Yield a line for each file, in their order; a block of them is in memory at a time."""
    for first in range(0, len(files), network.chunk):
        block = files[first : first + network.chunk]
        images, failures = network.reader.images(block)
        if failures:
            names = [str(block[place]) for place in failures]
            log.warning("%s cannot be read as images.", counted(names, "file", "files"))
        found = iter(_answers(network, network.probabilities(images)) if len(images) else ())
        for place, file in enumerate(block):
            yield (file, "", "") if place in failures else (file, *next(found))


def _of_table(network: TrainedNetwork, file: Path) -> Iterator[Line]:
    frame = network.reader.table(file)
    inputs = network.reader.rows(frame, file)
    answers = _answers(network, network.probabilities(inputs)) if len(frame) else ()
    for row, answer in enumerate(answers, start=1):
        yield (file, row, *answer)


def _answers(network: TrainedNetwork, probabilities: NDArray[np.float64]) -> Iterable[Line]:
    """Return the class and its probability for each example, given all of shape (n, classes)."""
    best = probabilities.argmax(1)
    shares = probabilities[np.arange(len(best)), best]
    return [
        (network.classes[label], f"{share:.6f}")
        for label, share in zip(best.tolist(), shares.tolist(), strict=True)
    ]


def _images(given: Path) -> list[Path]:
    if given.is_dir():
        found = [given / name for name in files_below(given)]
        images = [file for file in found if file.suffix.lower() in image_suffixes()]
        if not images:
            raise UserError(f"There are no images in {given}.", "name another folder.")
        return images
    if not given.exists():
        raise UserError(f"{given} does not exist.", "name images, or folders of images.")
    if is_table(given):
        raise UserError(
            f"{given} is a table, and the network was trained on images.",
            "name images, or folders of images.",
        )
    return [given]
