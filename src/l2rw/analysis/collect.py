"""Results of an experiment as one tidy table, a line for each run."""

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd

from l2rw.errors import UserError


def collect(plan: dict[str, Any], runs: Path) -> pd.DataFrame:
    """Read the results of every planned run.

    Args:
        plan: An experiment's plan file.
        runs: Folder of the training jobs' results.

    Returns:
        A line for each run: the columns of its setting, ``seed``, ``test_error`` in [0, 1],
        ``test_loss``, and what made it (``cell``, ``commit``, ``source``, ``device``).

    Raises:
        UserError: A result is missing or is not what the plan asked for.
    """
    lines = []
    for cell in plan["cells"]:
        wanted = set(plan["seeds"])
        for job in cell["jobs"]:
            path = runs / cell["id"] / f"seed-{job}" / "result.json"
            result = _read(path)
            if result["cell"]["id"] != cell["id"]:
                raise UserError(
                    f"{path} is the result of {result['cell']['id']}, not of {cell['id']}.",
                    f"delete {path.parent} and run again.",
                )
            made = {k: result["made"][k] for k in ("commit", "source", "device")}
            lines += [
                {**cell["setting"], **_figures(run), "cell": cell["id"], **made}
                for run in result["runs"]
                if run["seed"] in wanted
            ]
            wanted -= {run["seed"] for run in result["runs"]}
        if wanted:
            raise UserError(
                f"{cell['id']} has no result for seed {min(wanted)}.",
                f"delete {runs / cell['id']} and run again.",
            )
    return pd.DataFrame(lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(path.read_text())
        _ = result["cell"]["id"], result["runs"], result["made"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read as a result ({type(error).__name__}: {error}).",
            f"delete {path.parent} and run again.",
        ) from None
    return result


def _figures(run: dict[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in ("seed", "test_error", "test_loss")}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with full precision and the same bytes on every platform."""
    table.to_csv(path, index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
