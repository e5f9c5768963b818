"""What this machine has: versions, device, data sets."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.sources import check_files
from l2rw.store.errors import UserError
from l2rw.store.paths import DOWNLOADS

PACKAGES = ("torch", "torchvision", "snakemake", "dvc")


def device() -> str:
    """Name the CUDA devices that PyTorch sees, or say CPU."""
    if not torch.cuda.is_available():
        return "CPU"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"CUDA {torch.version.cuda}: {', '.join(names)}"


def print_diagnosis(
    root: Path | None, cache: Path = DOWNLOADS, overlays: Sequence[Path] = ()
) -> None:
    """Print a line for each version, the device, and each data set file with its verdict.

    Args:
        root: Folder with the files of published data sets.
        cache: Where downloads are kept.
        overlays: Configuration files, whose own data sets are looked at, too.
    """
    print(f"{'python':12} {platform.python_version()}")
    for package in PACKAGES:
        try:
            print(f"{package:12} {version(package)}")
        except PackageNotFoundError:
            print(f"{package:12} not installed")
    print(f"{'device':12} {device()}")
    for name in CATALOG:
        for file, verdict in check_files(name, root, cache).items():
            print(f"{name:12} {file}: {verdict}")
    if overlays:
        _print_own(overlays)


def _print_own(overlays: Sequence[Path]) -> None:
    """Print of each data set of a configuration how many examples its classes have."""
    from l2rw.planning.table import read_config

    config = read_config(overlays)
    for name in config.data_sets:
        try:
            facts = config.facts(name)
        except UserError as error:
            print(f"{name:12} {error}")
            continue
        shape = "×".join(map(str, facts.image_shape))
        print(f"{name:12} {facts.classes} classes, inputs {shape}, for training:")
        for label, size in enumerate(facts.train_class_sizes):
            clean = f", {facts.clean_class_sizes[label]} clean" if facts.clean_class_sizes else ""
            print(f"{'':12} {facts.class_name(label)}: {size:,}{clean}")
        for note in facts.notes:
            print(f"{'':12} {note}")
