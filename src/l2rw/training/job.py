"""What a training job is; :mod:`l2rw.training.train` does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l2rw.store.seeds import format_seeds
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import Compute
from l2rw.training.spec import RunSpec


@dataclass(frozen=True)
class Job:
    """Some seeds of a cell, and the files they need and leave."""

    cell: CellEntry
    compute: Compute
    seeds: range
    data: Path
    """Data set file."""
    splits: Sequence[Path]
    """Split files of the seeds, in the same order."""
    parents: Sequence[Path]
    """Files of the trained networks that the cell waits for, if it does."""
    out: Path
    """Folder for the results."""
    checkpoints: Path
    """Folder for checkpoints, emptied after success."""
    status: Path | None
    """File to keep up to date while training, if any."""

    @property
    def name(self) -> str:
        """What people read in logs."""
        return f"{self.cell.id} seed {format_seeds(self.seeds)}"

    @property
    def spec(self) -> RunSpec:
        """Settings of the runs."""
        return self.cell.run_spec
