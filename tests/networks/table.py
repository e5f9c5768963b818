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
HEAD = """# `Reweighter` on networks from other libraries

This page shows that `Reweighter` computes the right weights and gradients for networks that were
not written for it. `make networks` writes the page, and `make test-networks` checks it. Each
network takes two steps with `Reweighter`, with random weights, small inputs, float64 and no
dropout. They are compared with per-example autograd: the table shows the largest difference of
weights, of gradients relative to their largest entry, and of buffers likewise. *Mode* is how the
second step computed the weights, *on the first batch* how the first step did
([reweighter.md](reweighter.md) explains the modes). *Cost* is the CPU time of a step relative to
plain SGD, in float32, with 16 training and 16 clean examples, on one thread. The differences of
Llama and Mistral are larger because these networks normalise in float32 even if their parameters
are float64.

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
