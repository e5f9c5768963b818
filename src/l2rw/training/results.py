"""The files that a training job writes, each atomically.

``result.json`` (final figures and what made them), ``metrics.csv`` (the curves), ``suspects.csv``
(the training examples, lowest weight first) and the trained networks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.store.checksums import write_record
from l2rw.store.files import write_csv
from l2rw.store.paths import METRICS, NETWORK, RESULT, SUSPECTS
from l2rw.training.cell_entry import CellEntry
from l2rw.training.engine.runs import Run
from l2rw.training.history import Snapshot
from l2rw.training.roc import area_under_roc
from l2rw.training.trained import save_trained

SUSPECT_COLUMNS = (
    *("seed", "image", "given_label", "model_label", "mean_weight", "clean"),
    "suspected",
)


def write(
    folder: Path,
    runs: Sequence[Run],
    cell: CellEntry,
    made: Mapping[str, Any],
    ids: NDArray[np.str_] | None = None,
) -> None:
    """Write the results of a job.

    Args:
        folder: Created if absent.
        runs: One for each seed.
        cell: The cell, recorded as in the plan file.
        made: How it was made: provenance, device, time. All that may differ between two runs of
            one seed is here.
        ids: The user's ids of the training half's examples, shape (n,); None if there are none.
    """
    lines = (asdict(line).values() for run in runs for line in run.history)
    write_csv(folder / METRICS, [field.name for field in fields(Snapshot)], lines)
    write_csv(
        folder / SUSPECTS,
        [*SUSPECT_COLUMNS, *(["id"] if ids is not None else [])],
        (line for run in runs for line in _suspects(run, ids)),
    )
    save_trained(folder / NETWORK, {run.seed: run.network for run in runs})
    result = {"cell": cell.to_json(), "runs": [_figures(run) for run in runs], "made": made}
    write_record(folder / RESULT, result, [folder / f for f in (METRICS, SUSPECTS, NETWORK)])


def weight_auc(run: Run) -> float | None:
    """Return how well the mean weight distinguishes right labels of training examples from wrong.

    It is the area under the ROC curve: the probability that a rightly labelled example weighed more
    than a wrongly labelled one, a tie counting half. Labels that are not known to be right or
    wrong do not count. None if all that were seen and count are of one kind.
    """
    seen = np.isfinite(run.mean_weights)
    right = run.mean_weights[seen & run.train.surely_right]
    wrong = run.mean_weights[seen & run.train.surely_wrong]
    if not (len(right) and len(wrong)):
        return None
    return area_under_roc(right, wrong)


def _figures(run: Run) -> dict[str, Any]:
    test, validation = run.final.test, run.final.validation
    return {
        "seed": run.seed,
        "test_error": test.error,
        "test_loss": test.loss,
        "confusion": test.confusion,
        "validation_error": validation and validation.error,
        "validation_loss": validation and validation.loss,
        "weight_auc": weight_auc(run),
        "estimated_wrong": run.estimated_wrong,
    }


def _suspects(run: Run, ids: NDArray[np.str_] | None) -> Iterator[tuple[Any, ...]]:
    """Yield a line for every training example: lowest weight first, those never seen last.

    The first ones are suspected, as many as labels seem wrong. Unknown values are empty: whether a
    label is right, and whether it is suspected where all weights are equal.
    """
    known = run.train.truth_is_known
    seen = run.mean_weights[np.isfinite(run.mean_weights)]
    count = run.estimated_wrong if len(seen) and seen.min() < seen.max() else None
    for number, place in enumerate(np.argsort(run.mean_weights, kind="stable")):
        weight = run.mean_weights[place]
        yield (
            run.seed,
            run.train.indices[place],
            run.train.labels[place],
            run.predicted[place],
            f"{weight:.6g}" if np.isfinite(weight) else "",
            int(run.train.label_is_correct[place]) if known[place] else "",
            "" if count is None else int(number < count),
            *([] if ids is None else [ids[run.train.indices[place]]]),
        )
