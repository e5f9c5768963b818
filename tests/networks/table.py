"""Write docs/networks.md: ``make networks``."""

import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import torch

from tests.networks.catalogue import NETWORKS
from tests.networks.comparison import compare, cost

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
HEAD = """# Networks that no one here wrote

`make networks` wrote this page; `make test-networks` checks it. Random weights, small inputs,
float64, dropout off. Two steps of `Reweighter` beside per-example autograd: the largest difference
of weights, of gradients relative to their largest entry, and of buffers likewise. *Mode* is that of
the second step, *on the first batch* what the first was weighed by. *Cost* is the CPU time of a
step over that of plain SGD, float32, 16 training and 16 clean examples, one thread. Llama and
Mistral normalise in float32 whatever their parameters are, which shows in the differences.

{versions}

| network | from | mode | on the first batch | weights | gradients | buffers | cost |
|---|---|---|---|---|---|---|---|
"""


def main(names: list[str]) -> None:
    """Compare and time the networks; leave the page when all are done."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = []
    for name in names or NETWORKS:
        network = NETWORKS[name]
        found = compare(network)
        first = found.why.partition("same as ")[2] or found.mode
        numbers = f"{found.weights:.0e} | {found.gradients:.0e} | {found.buffers:.0e}"
        rows.append(
            f"| {name} | {network.library} | {found.mode} | {first} | {numbers} "
            f"| {cost(network):.1f} |"
        )
        print(rows[-1], flush=True)
    packages = ("torch", "timm", "torchvision", "transformers")
    versions = ", ".join(f"{package} {version(package).partition('+')[0]}" for package in packages)
    page = HEAD.format(versions=f"{versions}, Python {platform.python_version()}.")
    partial = PAGE.with_suffix(".partial")
    partial.write_text(page + "\n".join(rows) + "\n", encoding="utf-8")
    partial.replace(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
