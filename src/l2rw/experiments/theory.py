"""The checks of the theory (section 3.3 and appendix B), which the paper does not have."""

from typing import Any

from l2rw.config.load import Config
from l2rw.config.sections import Compared, Corrupted, GradientNorm, Sweep
from l2rw.config.shared import Theory
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.experiments.cells import Cell, Experiment, PlannedCell, SplitPlan
from l2rw.experiments.setups import setup, split_plan
from l2rw.methods import METHODS
from l2rw.methods.rows import Row
from l2rw.store.errors import UserError
from l2rw.store.paths import CHECKS, METRICS
from l2rw.theory.spec import Model, SimulationSpec, Weighting

TRAINED_AS_SHARED = Compared(kind="table")
BEST = 0.5  # of the corrected limit: where C is smallest


def theorem2(config: Config, name: str) -> Experiment:
    """Return the check of the rate at several step sizes, and the controls."""
    shared, section = config.theory, _section(config, name)
    fractions = section.limit_fractions
    cells = [
        *(_simulation(config, "l2rw", section.steps, at) for at in fractions),
        _simulation(config, "ascent", section.steps, BEST),
        _beyond(config, section.steps),
    ]
    caption = (
        f"Smallest mean of ‖∇G‖² so far against C/√T, with the constants of the corrected proof. "
        f"{_problem(shared)} Step sizes are shares of the limit 2/(Lσ²). Controls, to which the "
        f"theorem does not apply and which must not keep its bound: weights of the wrong sign, "
        f"and twice the limit on copies of one example under the Huber loss."
    )
    return _experiment(config, name, caption, cells)


def lemma1(config: Config, name: str) -> Experiment:
    """Return the check of monotone descent at the limit, the counterexample and the controls."""
    shared, section = config.theory, _section(config, name)
    cells = [
        _simulation(config, "l2rw", section.steps, 1.0),
        _simulation(config, "l2rw", section.steps, 1.0, aligned=True),
        _simulation(config, "ascent", section.steps, BEST),
        _simulation(config, "unguided", section.steps, BEST),
        _beyond(config, section.steps),
    ]
    caption = (
        f"Lemma 1: G never grows. Counterexample: G after one step on n copies of one example "
        f"under the Huber loss, with the largest step size that the lemma allows as printed, "
        f"2n/(Lσ²), and as corrected, 2/(Lσ²). Simulations: steps by which G grew, and steps of "
        f"the printed size on copies of one example, from points along the way. "
        f"{_problem(shared)} {section.steps} steps each."
    )
    return _experiment(config, name, caption, cells)


def gradient_norm(config: Config, name: str) -> Experiment:
    """Return the clean gradient along training: runs of Figure 2 and Table 2."""
    section, figure2 = _section(config, name), _section(config, "figure2")
    assert isinstance(section, GradientNorm)
    assert isinstance(figure2, Sweep)
    share, rows = _largest_share(figure2), [_plain(row) for row in section.rows]
    shared = config.noisy_labels
    imbalanced = setup(
        config, figure2, figure2.dataset, figure2.corruption, {"majority_share": share}
    )
    noisy = setup(config, TRAINED_AS_SHARED, section.dataset, Corrupted(name="background_flip"))
    planned = [
        PlannedCell(
            one.cell(row),
            {
                "corruption": one.split.corruption.name,
                "network": one.training.model,
                "row": str(row),
            },
        )
        for one in (imbalanced, noisy)
        for row in rows
    ]
    caption = (
        f"‖∇G‖² of the clean set along training, mean over seeds with 95 % bootstrap bands, and "
        f"its smallest value so far, against C/√T with C fitted to the first half of the steps. "
        f"{imbalanced.training.model} on {figure2.dataset}, majority share "
        f"{share:g}; {noisy.training.model} on {section.dataset}, "
        f"{config.noisy_labels.background_flip.noise:.0%} BackgroundFlip. An observation: the "
        f"theorem covers neither normalised weights nor momentum nor batches of the clean set."
    )
    seeds = min(figure2.seeds or shared.seeds, shared.seeds)
    settings = section.model_dump(mode="json") | {
        "figure2": figure2.model_dump(mode="json"),
        "noisy_labels": config.noisy_labels.model_dump(mode="json"),
    }
    shown = tuple(range(seeds))
    return Experiment(name, caption, tuple(planned), shown, settings, results_file=METRICS)


def _largest_share(figure2: Sweep) -> float:
    if figure2.swept != "majority_share":
        raise UserError(
            "The clean gradient is looked at where figure2 is most imbalanced, but it sweeps "
            f"{figure2.swept}.",
            "leave experiments.figure2.sweep to majority_share.",
        )
    return max(map(float, figure2.sweep["majority_share"]))


def _plain(row: Row) -> Row:
    """Return the row; raise :class:`UserError` unless the data of Figure 2 can have it, too."""
    hint = "take it out of experiments.gradient_norm.rows."
    if METHODS[row.method].needs_validation:
        raise UserError(
            f"Row {row!s} needs a hyper-validation set, which figure2 does not have.", hint
        )
    return row


def _section(config: Config, name: str) -> Any:
    return config.experiments[name]


def _simulation(
    config: Config,
    weighting: Weighting,
    steps: int,
    limit_fraction: float,
    *,
    aligned: bool = False,
) -> PlannedCell:
    return _planned(
        config,
        config.theory.model,
        weighting,
        steps,
        limit_fraction=limit_fraction,
        aligned=aligned,
    )


def _beyond(config: Config, steps: int) -> PlannedCell:
    """Plan the control whose step size is beyond the corrected limit, on aligned gradients."""
    return _planned(config, "huber", "l2rw", steps, limit_fraction=2.0, aligned=True)


def _planned(
    config: Config,
    model: Model,
    weighting: Weighting,
    steps: int,
    *,
    limit_fraction: float,
    aligned: bool,
) -> PlannedCell:
    shared = config.theory
    spec = SimulationSpec(
        model=model,
        weighting=weighting,
        limit_fraction=limit_fraction,
        batch_size=shared.batch_size,
        steps=steps,
        trajectories=shared.trajectories,
        aligned=aligned,
    )
    setting = {
        "model": model,
        "weighting": weighting,
        "batches": "copies" if aligned else "random",
        "limit_fraction": limit_fraction,
    }
    return PlannedCell(Cell(_split(config), spec, f"{model}-{weighting}"), setting)


def _split(config: Config) -> SplitPlan:
    shared = config.theory
    if shared.batch_size > shared.train_size:
        raise UserError(
            f"A batch of {shared.batch_size} different images cannot be drawn from "
            f"{shared.train_size}.",
            "lower theory.batch_size or raise theory.train_size.",
        )
    corruption = Imbalance(
        minority=shared.minority,
        majority=shared.majority,
        majority_share=shared.majority_share,
        train_size=shared.train_size,
        clean_size=shared.clean_size,
    )
    return split_plan(config.facts(shared.dataset), corruption)


def _problem(shared: Theory) -> str:
    return (
        f"{shared.model.capitalize()} regression on {shared.dataset}, class {shared.minority} "
        f"(minority) against class {shared.majority} (majority share {shared.majority_share:g}); "
        f"{shared.train_size} training images, {shared.clean_size} of them the balanced clean set; "
        f"batches of {shared.batch_size}; means over {shared.trajectories} sequences of batches."
    )


def _experiment(config: Config, name: str, caption: str, cells: list[PlannedCell]) -> Experiment:
    section = config.experiments[name]
    settings = section.model_dump(mode="json") | {"theory": config.theory.model_dump(mode="json")}
    # The problem is that of one split: expectations are over batches alone.
    return Experiment(name, caption, tuple(cells), (0,), settings, results_file=CHECKS)
