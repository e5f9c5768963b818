"""The experiment with class imbalance (section 4.1)."""

from l2rw.config.load import Config
from l2rw.config.sections import Figure2, Theory
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.experiments.captions import optimizer_name
from l2rw.experiments.cells import Cell, Experiment, PlannedCell, SplitPlan
from l2rw.experiments.noise_setup import split_plan
from l2rw.methods import METHODS
from l2rw.methods.rows import Row
from l2rw.store.errors import UserError
from l2rw.training.spec import run_spec


def imbalanced(section: Figure2 | Theory, majority_share: float) -> SplitPlan:
    """Return the plan of a section's two classes, at a share of the majority class."""
    corruption = Imbalance(
        minority=section.minority,
        majority=section.majority,
        majority_share=majority_share,
        train_size=section.train_size,
        clean_size=section.clean_size,
    )
    return split_plan(section.dataset, corruption)


def figure2_cell(section: Figure2, majority_share: float, row: Row) -> Cell:
    """Return the cell of a method at a majority share."""
    spec = run_spec(
        row.method,
        section.training.model_dump(),
        baselines_see_clean=section.baselines_see_clean,
        method_settings=row.settings,
    )
    return Cell(imbalanced(section, majority_share), spec, row.in_paths)


def figure2(config: Config) -> Experiment:
    """Return Figure 2: every method at every majority share."""
    section = config.experiments.figure2
    rows = section.methods
    for row in rows:
        if METHODS[row.method].after_baseline:
            raise UserError(
                f"Method {row} needs a hyper-validation set, which figure2 has not.",
                "take it out of experiments.figure2.methods.",
            )
    cells = [
        PlannedCell(
            figure2_cell(section, share, row), {"majority_share": share, "method": str(row)}
        )
        for share in section.majority_shares
        for row in rows
    ]
    training = section.training
    over = f"mean and 95 % confidence interval over {section.seeds} random splits"
    if section.seeds == 1:
        over = "one random split"
    caption = (
        f"Test error on {section.dataset}, class {section.minority} (minority) against class "
        f"{section.majority} (majority), as the share of the majority class grows: {over}. "
        f"{section.train_size} training images, {section.clean_size} of them the balanced clean "
        f"set; test part balanced. {training.model}, {training.steps} steps of "
        f"{optimizer_name(training)}, learning rate {training.learning_rate}, momentum "
        f"{training.momentum}, batch {training.batch_size}."
    )
    seeds = tuple(range(section.seeds))
    settings = section.model_dump(mode="json")
    return Experiment("figure2", caption, tuple(cells), seeds, settings)
