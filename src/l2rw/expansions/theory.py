"""The checks of the theory (section 3.3 and appendix B), which the paper does not have."""

from l2rw.cells import Cell, Experiment, PlannedCell, SplitPlan
from l2rw.config import Config
from l2rw.data.imbalance import Imbalance
from l2rw.expansions.grounds import background_flip, run_spec, split_plan
from l2rw.rows import parse_row
from l2rw.sections import Theory
from l2rw.theory.spec import Model, SimulationSpec, Weighting

BEST = 0.5  # of the corrected limit: where C is smallest


def theorem2(config: Config) -> Experiment:
    """Return the check of the rate at several step sizes, and the controls."""
    shared, section = config.theory, config.experiments.theorem2
    fractions = section.limit_fractions
    cells = [
        *(_simulation(shared, "l2rw", section.steps, at) for at in fractions),
        _simulation(shared, "ascent", section.steps, BEST),
        _beyond(shared, section.steps),
    ]
    caption = (
        f"Smallest mean of ‖∇G‖² so far against C/√T, with the constants of the corrected proof. "
        f"{_problem(shared)} Step sizes are shares of the limit 2/(Lσ²). Controls, to which the "
        f"theorem does not apply and which must not keep its bound: weights of the wrong sign, "
        f"and twice the limit on copies of one example under the Huber loss."
    )
    return _experiment(config, "theorem2", caption, cells)


def lemma1(config: Config) -> Experiment:
    """Return the check of monotone descent at the limit, the counterexample and the controls."""
    shared, section = config.theory, config.experiments.lemma1
    cells = [
        _simulation(shared, "l2rw", section.steps, 1.0),
        _simulation(shared, "l2rw", section.steps, 1.0, aligned=True),
        _simulation(shared, "ascent", section.steps, BEST),
        _simulation(shared, "unguided", section.steps, BEST),
        _beyond(shared, section.steps),
    ]
    caption = (
        f"Left: G after one step on n copies of one example under the Huber loss, with the largest "
        f"step size that Lemma 1 allows as printed, 2n/(Lσ²), and as corrected, 2/(Lσ²). Table: "
        f"steps by which G grew. {_problem(shared)} {section.steps} steps each."
    )
    return _experiment(config, "lemma1", caption, cells)


def decay(config: Config) -> Experiment:
    """Return the clean gradient along training: runs of Figure 2 and Table 2."""
    section, figure2 = config.experiments.decay, config.experiments.figure2
    noisy = background_flip(config.noisy_labels, section.dataset)
    rows = [parse_row(row) for row in section.rows]
    corruption = Imbalance(
        minority=figure2.minority,
        majority=figure2.majority,
        majority_share=max(figure2.majority_shares),
        train_size=figure2.train_size,
        clean_size=figure2.clean_size,
    )
    biased = split_plan(figure2.dataset, corruption)
    see_clean = figure2.baselines_see_clean
    cells = [
        Cell(
            biased,
            run_spec(row.method, figure2.training, baselines_see_clean=see_clean),
            row.method,
        )
        for row in rows
    ]
    cells += [noisy.cell(row) for row in rows]
    networks = [figure2.training.model] * len(rows) + [noisy.training.model] * len(rows)
    planned = [
        PlannedCell(cell, {"network": network, "row": str(row)})
        for cell, network, row in zip(cells, networks, [*rows, *rows], strict=True)
    ]
    caption = (
        f"‖∇G‖² of the clean set along training, mean over seeds with 95 % bootstrap bands, and "
        f"its smallest value so far, against C/√T with C fitted to the first half of the steps. "
        f"{figure2.training.model} on {figure2.dataset}, majority share "
        f"{corruption.majority_share:g}; {noisy.training.model} on {section.dataset}, "
        f"{config.noisy_labels.background_flip.noise:.0%} BackgroundFlip. An observation: the "
        f"theorem covers neither normalised weights nor momentum nor batches of the clean set."
    )
    seeds = min(figure2.seeds, config.noisy_labels.seeds)
    return Experiment(
        "decay",
        caption,
        tuple(planned),
        tuple(range(seeds)),
        section.model_dump(mode="json"),
        made_from="metrics.csv",
    )


def _simulation(
    shared: Theory,
    weighting: Weighting,
    steps: int,
    limit_fraction: float,
    *,
    aligned: bool = False,
) -> PlannedCell:
    return _planned(
        shared, shared.model, weighting, steps, limit_fraction=limit_fraction, aligned=aligned
    )


def _beyond(shared: Theory, steps: int) -> PlannedCell:
    """Plan the control whose step size is beyond the corrected limit, on aligned gradients."""
    return _planned(shared, "huber", "l2rw", steps, limit_fraction=2.0, aligned=True)


def _planned(
    shared: Theory,
    model: Model,
    weighting: Weighting,
    steps: int,
    *,
    limit_fraction: float,
    aligned: bool,
) -> PlannedCell:
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
    return PlannedCell(Cell(_split(shared), spec, f"{model}-{weighting}"), setting)


def _split(shared: Theory) -> SplitPlan:
    corruption = Imbalance(
        minority=shared.minority,
        majority=shared.majority,
        majority_share=shared.majority_share,
        train_size=shared.train_size,
        clean_size=shared.clean_size,
    )
    return split_plan(shared.dataset, corruption)


def _problem(shared: Theory) -> str:
    return (
        f"{shared.model.capitalize()} regression on {shared.dataset}, class {shared.minority} "
        f"against {shared.majority}, {shared.majority_share:.0%} of {shared.train_size} training "
        f"images of the latter, {shared.clean_size} of them the balanced clean set; batches of "
        f"{shared.batch_size}; means over {shared.trajectories} sequences of batches."
    )


def _experiment(config: Config, name: str, caption: str, cells: list[PlannedCell]) -> Experiment:
    section = getattr(config.experiments, name)
    settings = section.model_dump(mode="json") | {"theory": config.theory.model_dump(mode="json")}
    # The problem is that of one split: expectations are over batches alone.
    return Experiment(name, caption, tuple(cells), (0,), settings, made_from="checks.json")
