"""Processes that train one network together do what one would do with all their batches."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed

REPOSITORY = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
        reason="PyTorch is built without gloo",
    ),
]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize("count", [2, 4])
def test_weights_and_gradients_are_those_of_all_batches_together(count):
    port = free_port()
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.core.distributed_worker", *map(str, (rank, count, port))],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        told = [worker.communicate(timeout=240) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    for worker, (output, errors) in zip(workers, told, strict=True):
        assert (worker.returncode, output.strip()) == (0, "done"), errors
