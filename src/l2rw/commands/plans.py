"""What commands demand of plan files, beyond that they are whole."""

from pathlib import Path
from typing import TYPE_CHECKING

from l2rw.store.errors import UserError

if TYPE_CHECKING:
    from l2rw.training.plan_file import PlanFile


def read_own_plan(path: Path) -> "PlanFile":
    """Read the plan file of a job that records the plan's digest: its code must be the plan's.

    Raises:
        UserError: It cannot be read, or the code of the analysis has changed since.
    """
    from l2rw.experiments import cells
    from l2rw.training.plan_file import read_plan

    plan = read_plan(path)
    if plan.analysis != cells.analysis_hash():
        raise UserError(
            f"The code of the analysis has changed since {path} was written.",
            "run `snakemake` again: it makes a new plan.",
        )
    return plan
