"""The experiments with noisy labels (section 4.2)."""

from collections.abc import Callable, Iterable
from typing import Any

from l2rw.config.load import Config
from l2rw.config.schema import Section
from l2rw.config.sections import NoisyLabels, Table1, Table2
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.experiments.captions import background_noise, describe, describe_variants
from l2rw.experiments.cells import Experiment, PlannedCell
from l2rw.experiments.noise_setup import (
    NoiseSetup,
    background_flip,
    require_validation,
    uniform_flip,
)
from l2rw.methods.rows import Row
from l2rw.store.paths import METRICS, PROBE


def table1(config: Config) -> Experiment:
    """Return Table 1: accuracies under UniformFlip."""
    shared, section = config.noisy_labels, config.experiments.table1
    flips = shared.uniform_flip
    caption = (
        f"Test accuracy (%) when {flips.noise:.0%} of the training labels flip to any other class "
        f"(UniformFlip): mean and 95 % confidence interval over {shared.seeds} random splits. "
        f"Clean set of {flips.clean_size} images. {describe(flips.training)} "
        f"{describe_variants(shared, section)}"
    )
    return _table(config, "table1", caption, section, uniform_flip)


def table2(config: Config) -> Experiment:
    """Return Table 2: accuracies under BackgroundFlip."""
    shared, section = config.noisy_labels, config.experiments.table2
    flips = shared.background_flip
    caption = (
        f"Test accuracy (%) when {flips.noise:.0%} of the labels of all other classes flip to one "
        f"background class (BackgroundFlip): mean and 95 % confidence interval over {shared.seeds} "
        f"random splits. Clean set of {flips.clean_per_class} images a class. "
        f"{describe(flips.training)} {describe_variants(shared, section)}"
    )
    return _table(config, "table2", caption, section, background_flip)


def _table(
    config: Config,
    name: str,
    caption: str,
    section: Table1 | Table2,
    setup: Callable[[NoisyLabels, str], NoiseSetup],
) -> Experiment:
    cells = [
        planned
        for dataset in section.datasets
        for planned in _rows(setup(config.noisy_labels, dataset), section.rows, dataset=dataset)
    ]
    return _experiment(config, name, caption, cells)


def sanity(config: Config) -> Experiment:
    """Return the accuracies of the Baseline without noise, for the networks of both tables."""
    shared, section = config.noisy_labels, config.experiments.sanity
    cells = [
        planned
        for dataset in section.datasets
        for setup in (
            background_flip(shared, dataset, noise=0.0),
            uniform_flip(shared, dataset, 0.0),
        )
        for planned in _rows(setup, [Row("baseline")], dataset=dataset, model=setup.training.model)
    ]
    caption = (
        "Test accuracy (%) of the Baseline without label noise: mean and 95 % confidence interval "
        f"over {shared.seeds} random splits. {shared.validation_size} images are set aside for "
        f"validation, and the clean set. {describe(shared.background_flip.training)} "
        f"{describe(shared.uniform_flip.training)}"
    )
    return _experiment(config, "sanity", caption, cells)


def figure3(config: Config) -> Experiment:
    """Return Figure 3: the weights that half-trained L2RW gives noisy images."""
    shared, section = config.noisy_labels, config.experiments.figure3
    require_validation(shared, "Figure 3")
    cell = background_flip(shared, section.dataset).half_way("l2rw")
    spec = cell.spec
    caption = (
        f"Example weights (1 is plain averaging's) of rightly labelled and of flipped images of "
        f"the hyper-validation set, {section.dataset}, {background_noise(shared)}, by L2RW after "
        f"{spec.steps} steps of {spec.model} without decay of the learning rate. Left: batches of "
        f"{spec.batch_size} images of all classes. Right: batches of images of a single class, not "
        f"the background, over all such classes. All batches of {shared.seeds} random splits."
    )
    cells = [PlannedCell(cell, {"row": "l2rw"})]
    return _experiment(config, "figure3", caption, cells, results_file=PROBE)


def figure4(config: Config) -> Experiment:
    """Return Figure 4: accuracies against the size of the clean set."""
    shared, section = config.noisy_labels, config.experiments.figure4
    cells = [
        planned
        for size in section.clean_sizes
        for planned in _rows(
            background_flip(
                shared,
                section.dataset,
                clean_size=size,
                background_class=section.background_class,
            ),
            section.rows,
            clean_size=size,
        )
    ]
    caption = (
        f"Test accuracy on {section.dataset} against the number of clean images in all, "
        f"{background_noise(shared)}, background class {section.background_class}: mean and 95 % "
        f"confidence interval over {shared.seeds} random splits. "
        f"{describe(shared.background_flip.training)} {describe_variants(shared, section)}"
    )
    return _experiment(config, "figure4", caption, cells)


def figure5(config: Config) -> Experiment:
    """Return Figure 5: accuracies against the noise level."""
    shared, section = config.noisy_labels, config.experiments.figure5
    cells = [
        planned
        for noise in section.noise_levels
        for planned in _rows(
            background_flip(shared, section.dataset, noise=noise), section.rows, noise=noise
        )
    ]
    caption = (
        f"Test accuracy on {section.dataset} against the share of labels that flip to the "
        f"background class (BackgroundFlip): mean and 95 % confidence interval over "
        f"{shared.seeds} random splits. Clean set of {shared.background_flip.clean_per_class} "
        f"images a class. {describe(shared.background_flip.training)} "
        f"{describe_variants(shared, section)}"
    )
    return _experiment(config, "figure5", caption, cells)


def figure6(config: Config) -> Experiment:
    """Return Figure 6: confusion matrices under both kinds of noise."""
    shared, section = config.noisy_labels, config.experiments.figure6
    setups = (uniform_flip(shared, section.dataset), background_flip(shared, section.dataset))
    cells = [
        planned
        for setup in setups
        for planned in _rows(setup, section.rows, corruption=setup.split.corruption.name)
    ]
    flips = setups[1].split.corruption
    assert isinstance(flips, BackgroundFlip)
    caption = (
        f"Confusion matrices on the test part of {section.dataset}, first random split. Top: "
        f"{shared.uniform_flip.noise:.0%} UniformFlip, {shared.uniform_flip.training.model}; "
        f"bottom: {background_noise(shared)}, background class {flips.background_class(0)}, "
        f"{shared.background_flip.training.model}."
    )
    # Means over splits would smear the background class, which differs between them.
    return _experiment(config, "figure6", caption, cells, seeds=1)


def figure7(config: Config) -> Experiment:
    """Return Figure 7: training curves."""
    shared, section = config.noisy_labels, config.experiments.figure7
    require_validation(shared, "Figure 7")
    cells = _rows(background_flip(shared, section.dataset), section.rows)
    caption = (
        f"Training curves on {section.dataset}, {background_noise(shared)}: accuracy under the "
        f"given, noisy labels; solid on the hyper-validation set ({shared.validation_size} "
        f"images), dotted in training; means over {shared.seeds} random splits with 95 % "
        f"confidence bands. {describe(shared.background_flip.training)}"
    )
    return _experiment(config, "figure7", caption, cells, results_file=METRICS)


def _rows(setup: NoiseSetup, rows: Iterable[Row], **setting: Any) -> list[PlannedCell]:
    return [PlannedCell(setup.cell(row), {**setting, "row": str(row)}) for row in rows]


def _experiment(
    config: Config,
    name: str,
    caption: str,
    cells: Iterable[PlannedCell],
    *,
    seeds: int | None = None,
    **more: Any,
) -> Experiment:
    """Return an experiment with noisy labels, on all seeds or the first few."""
    section: Section = getattr(config.experiments, name)
    settings = section.model_dump(mode="json")
    settings["noisy_labels"] = config.noisy_labels.model_dump(mode="json")
    shown = tuple(range(seeds or config.noisy_labels.seeds))
    return Experiment(name, caption.strip(), tuple(cells), shown, settings, **more)
