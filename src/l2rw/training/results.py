"""The files a training job leaves: ``metrics.csv`` and ``result.json``, written atomically."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from l2rw.training.history import Snapshot
from l2rw.training.loop import Run

METRICS = "metrics.csv"
RESULT = "result.json"


def write(folder: Path, runs: Sequence[Run], cell: dict[str, Any], made: dict[str, Any]) -> None:
    """Write the results of a job.

    Args:
        folder: Where to; created if absent.
        runs: One for each seed.
        cell: What was asked for, as the plan file says it.
        made: How it was made: provenance, device, time. All that may differ between two runs of
            one seed is here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{METRICS}.partial"
    with partial.open("w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Snapshot)])
        table.writeheader()
        table.writerows(asdict(line) for run in runs for line in run.history)
    partial.replace(folder / METRICS)
    result = {
        "cell": cell,
        "runs": [
            {
                "seed": run.seed,
                "test_error": run.test.error,
                "test_loss": run.test.loss,
                "confusion": run.test.confusion,
            }
            for run in runs
        ],
        "made": made,
    }
    write_json(folder / RESULT, result)


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    partial.replace(path)
