"""Runs as plain data, to be compared as a whole."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from l2rw.training.engine.runs import Run


def plain(run: Run) -> dict[str, Any]:
    """Return all that is in a run as nested dictionaries and lists of arrays and numbers."""
    return asdict(run) | {"network": {name: t.numpy() for name, t in run.network.items()}}


def assert_same_runs(runs: Sequence[Run], others: Sequence[Run]) -> None:
    """Compare bit by bit; NaN is the same as NaN."""
    np.testing.assert_equal([plain(run) for run in runs], [plain(run) for run in others])


def batch_of(batches, step):
    """Return the batch of a step, for a stack of seeds."""
    batches.load(step)
    return batches.at(torch.tensor(step))


def results_of(job):
    """What a job computed, without how it was made."""
    results = {path.name: path.read_bytes() for path in job.out.iterdir()}
    result = json.loads(results.pop("result.json"))
    del result["made"], result["sha256"]
    return result, results
