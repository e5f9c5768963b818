"""What this machine has: versions, device, data sets."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.sources import check_files

PACKAGES = ("torch", "torchvision", "snakemake", "dvc")


def device() -> str:
    """Name the CUDA devices that PyTorch sees, or say CPU."""
    if not torch.cuda.is_available():
        return "CPU"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"CUDA {torch.version.cuda}: {', '.join(names)}"


def print_diagnosis(root: Path | None, cache: Path = Path("data/raw")) -> None:
    """Print a line for each version, the device, and each data set file with its verdict."""
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
