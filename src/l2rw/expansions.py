"""What the figures and tables of the paper need: from sections of the configuration to cells."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from l2rw.cells import Cell, Experiment, PlannedCell, SplitPlan
from l2rw.config import Config
from l2rw.data.catalog import CATALOG
from l2rw.data.corruptions import Corruption
from l2rw.data.flips import BackgroundFlip, UniformFlip
from l2rw.data.imbalance import Imbalance
from l2rw.errors import UserError
from l2rw.methods import AFTER_BASELINE, GUIDED_BY_CLEAN_SET, TRAINED_ON_CLEAN_SET
from l2rw.rows import Row, parse_row
from l2rw.sections import EarlyStopping, NoisyLabels, Section, Table1, Table2, Training
from l2rw.training.spec import RunSpec


def run_spec(method: str, training: Training, *, baselines_see_clean: bool) -> RunSpec:
    """Return what a method's runs depend on, and nothing else: the rest shall not rerun them."""
    given = training.model_dump()
    if method not in GUIDED_BY_CLEAN_SET:
        given["clean_batch_size"] = None
    if method in TRAINED_ON_CLEAN_SET:
        trains_on = "clean"
    elif baselines_see_clean and method not in GUIDED_BY_CLEAN_SET:
        trains_on = "noisy and clean"
    else:
        trains_on = "noisy"
    return RunSpec(method=method, trains_on=trains_on, fine_tunes=False, **given)


@dataclass(frozen=True)
class Ground:
    """A data set with noisy labels, and how networks are trained on it."""

    split: SplitPlan
    training: Training
    early_stopping: EarlyStopping | None
    """The schedule of rows ``+es``; None where the paper has none."""
    shared: NoisyLabels

    def cell(self, row: Row) -> Cell:
        """Return the cell of a row, which knows the cells that it waits for."""
        if row.fine_tuned:
            return self._fine_tuned(self.cell(row._replace(fine_tuned=False)))
        waits = row.method in AFTER_BASELINE
        if waits:
            _require_validation(self.shared, f"Row {row!s}")
        parent = self.cell(row._replace(method="baseline")) if waits else None
        see_clean = self.shared.baselines_see_clean
        spec = run_spec(row.method, self._schedule(row), baselines_see_clean=see_clean)
        return Cell(self.split, spec, parent, str(row))

    def half_way(self, method: str) -> Cell:
        """Return a method's cell after half of the steps, without decay of the learning rate."""
        full = self.training
        steps, evaluations = max(1, full.steps // 2), -(-full.evaluations // 2)
        half = {"steps": steps, "decay_at": (), "evaluations": evaluations}
        return replace(self, training=full.model_copy(update=half)).cell(Row(method))

    def _schedule(self, row: Row) -> Training:
        training = self.training
        if row.method in TRAINED_ON_CLEAN_SET:
            return _shortened(training, self.shared.clean_only_steps)
        if row.early_stopped:
            if self.early_stopping is None:
                raise UserError(
                    f"Row {row!s}: no run stops early under {self.split.corruption.name}.",
                    "leave out +es; the schedule is the short one already.",
                )
            training = training.model_copy(update=self.early_stopping.model_dump())
        return training

    def _fine_tuned(self, trained: Cell) -> Cell:
        rate = trained.spec.learning_rate_at(trained.spec.steps - 1)
        training = _shortened(self.training, self.shared.fine_tuning_steps)
        training = training.model_copy(update={"learning_rate": rate})
        spec = run_spec("clean_only", training, baselines_see_clean=False)
        return Cell(self.split, replace(spec, fine_tunes=True), trained, f"{trained.name}+ft")


def _require_validation(shared: NoisyLabels, who: str) -> None:
    if not shared.validation_size:
        raise UserError(
            f"{who} needs a hyper-validation set.", "raise noisy_labels.validation_size."
        )


def _shortened(training: Training, steps: int) -> Training:
    evaluations = min(training.evaluations, steps)
    return training.model_copy(update={"steps": steps, "decay_at": (), "evaluations": evaluations})


def _split_plan(dataset: str, corruption: Corruption) -> SplitPlan:
    corruption.check(CATALOG[dataset])
    return SplitPlan(dataset, corruption)


def _uniform(shared: NoisyLabels, dataset: str, noise: float | None = None) -> Ground:
    section = shared.uniform_flip
    corruption = UniformFlip(
        classes=CATALOG[dataset].classes,
        noise=section.noise if noise is None else noise,
        clean_size=section.clean_size,
        validation_size=shared.validation_size,
        authors_code=shared.authors_code,
    )
    return Ground(_split_plan(dataset, corruption), section.training, None, shared)


def _background(
    shared: NoisyLabels,
    dataset: str,
    *,
    noise: float | None = None,
    clean_size: int | None = None,
    background_class: int | None = None,
) -> Ground:
    section = shared.background_flip
    if background_class is not None:
        backgrounds: tuple[int, ...] = (background_class,)
    elif dataset in section.background_classes:
        backgrounds = section.background_classes[dataset]
    else:
        raise UserError(
            f"There are no background classes for {dataset}.",
            f"name some in noisy_labels.background_flip.background_classes.{dataset}.",
        )
    classes = CATALOG[dataset].classes
    corruption = BackgroundFlip(
        classes=classes,
        noise=section.noise if noise is None else noise,
        clean_size=clean_size or section.clean_per_class * classes,
        validation_size=shared.validation_size,
        authors_code=shared.authors_code,
        background_classes=backgrounds,
    )
    split = _split_plan(dataset, corruption)
    return Ground(split, section.training, section.early_stopping, shared)


def _rows(ground: Ground, rows: Iterable[str], **setting: Any) -> list[PlannedCell]:
    return [PlannedCell(ground.cell(parse_row(row)), {**setting, "row": row}) for row in rows]


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


def _figure2(config: Config) -> Experiment:
    section = config.experiments.figure2
    for method in AFTER_BASELINE.intersection(section.methods):
        raise UserError(
            f"Method {method} needs a hyper-validation set, which figure2 has not.",
            "take it out of experiments.figure2.methods.",
        )
    cells = []
    for share in section.majority_shares:
        corruption = Imbalance(
            minority=section.minority,
            majority=section.majority,
            majority_share=share,
            train_size=section.train_size,
            clean_size=section.clean_size,
        )
        split = _split_plan(section.dataset, corruption)
        for method in section.methods:
            spec = run_spec(
                method, section.training, baselines_see_clean=section.baselines_see_clean
            )
            cells.append(
                PlannedCell(Cell(split, spec), {"majority_share": share, "method": method})
            )
    training = section.training
    caption = (
        f"Test error on {section.dataset}, class {section.minority} (minority) against class "
        f"{section.majority} (majority), as the share of the majority class grows: mean and 95 % "
        f"confidence interval over {section.seeds} random splits. {section.train_size} training "
        f"images, {section.clean_size} of them the balanced clean set; test part balanced. "
        f"{training.model}, {training.steps} steps of SGD, learning rate "
        f"{training.learning_rate}, momentum {training.momentum}, batch {training.batch_size}."
    )
    seeds = tuple(range(section.seeds))
    settings = section.model_dump(mode="json")
    return Experiment("figure2", caption, tuple(cells), seeds, settings)


def _table1(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.table1
    flips = shared.uniform_flip
    caption = (
        f"Test accuracy (%) when {flips.noise:.0%} of the training labels flip to any other class "
        f"(UniformFlip): mean and 95 % confidence interval over {shared.seeds} random splits. "
        f"Clean set of {flips.clean_size} images. {_describe(flips.training)} "
        f"{_describe_variants(shared, section)}"
    )
    return _table(config, "table1", caption, section, _uniform)


def _table2(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.table2
    flips = shared.background_flip
    caption = (
        f"Test accuracy (%) when {flips.noise:.0%} of the labels of all other classes flip to one "
        f"background class (BackgroundFlip): mean and 95 % confidence interval over {shared.seeds} "
        f"random splits. Clean set of {flips.clean_per_class} images a class. "
        f"{_describe(flips.training)} {_describe_variants(shared, section)}"
    )
    return _table(config, "table2", caption, section, _background)


def _table(
    config: Config,
    name: str,
    caption: str,
    section: Table1 | Table2,
    ground: Callable[[NoisyLabels, str], Ground],
) -> Experiment:
    cells = [
        planned
        for dataset in section.datasets
        for planned in _rows(ground(config.noisy_labels, dataset), section.rows, dataset=dataset)
    ]
    return _experiment(config, name, caption, cells)


def _sanity(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.sanity
    cells = [
        planned
        for dataset in section.datasets
        for ground in (_background(shared, dataset, noise=0.0), _uniform(shared, dataset, 0.0))
        for planned in _rows(ground, ["baseline"], dataset=dataset, model=ground.training.model)
    ]
    caption = (
        "Test accuracy (%) of the Baseline without label noise: mean and 95 % confidence interval "
        f"over {shared.seeds} random splits. {shared.validation_size} images are set aside for "
        f"validation, and the clean set. {_describe(shared.background_flip.training)} "
        f"{_describe(shared.uniform_flip.training)}"
    )
    return _experiment(config, "sanity", caption, cells)


def _figure3(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.figure3
    _require_validation(shared, "Figure 3")
    cell = _background(shared, section.dataset).half_way("l2rw")
    spec = cell.spec
    caption = (
        f"Example weights (1 is plain averaging's) of rightly labelled and of flipped images of "
        f"the hyper-validation set, {section.dataset}, {_background_noise(shared)}, by L2RW after "
        f"{spec.steps} steps of {spec.model} without decay of the learning rate. Left: batches of "
        f"{spec.batch_size} images of all classes. Right: batches of images of a single class, not "
        f"the background, over all such classes. All batches of {shared.seeds} random splits."
    )
    cells = [PlannedCell(cell, {"row": "l2rw"})]
    return _experiment(config, "figure3", caption, cells, made_from="probe.csv")


def _figure4(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.figure4
    cells = [
        planned
        for size in section.clean_sizes
        for planned in _rows(
            _background(
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
        f"{_background_noise(shared)}, background class {section.background_class}: mean and 95 % "
        f"confidence interval over {shared.seeds} random splits. "
        f"{_describe(shared.background_flip.training)} {_describe_variants(shared, section)}"
    )
    return _experiment(config, "figure4", caption, cells)


def _figure5(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.figure5
    cells = [
        planned
        for noise in section.noise_levels
        for planned in _rows(
            _background(shared, section.dataset, noise=noise), section.rows, noise=noise
        )
    ]
    caption = (
        f"Test accuracy on {section.dataset} against the share of labels that flip to the "
        f"background class (BackgroundFlip): mean and 95 % confidence interval over "
        f"{shared.seeds} random splits. Clean set of {shared.background_flip.clean_per_class} "
        f"images a class. {_describe(shared.background_flip.training)} "
        f"{_describe_variants(shared, section)}"
    )
    return _experiment(config, "figure5", caption, cells)


def _figure6(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.figure6
    grounds = (_uniform(shared, section.dataset), _background(shared, section.dataset))
    cells = [
        planned
        for ground in grounds
        for planned in _rows(ground, section.rows, corruption=ground.split.corruption.name)
    ]
    flips = grounds[1].split.corruption
    assert isinstance(flips, BackgroundFlip)
    caption = (
        f"Confusion matrices on the test part of {section.dataset}, first random split. Top: "
        f"{shared.uniform_flip.noise:.0%} UniformFlip, {shared.uniform_flip.training.model}; "
        f"bottom: {_background_noise(shared)}, background class {flips.background_class(0)}, "
        f"{shared.background_flip.training.model}."
    )
    # Means over splits would smear the background class, which differs between them.
    return _experiment(config, "figure6", caption, cells, seeds=1)


def _figure7(config: Config) -> Experiment:
    shared, section = config.noisy_labels, config.experiments.figure7
    _require_validation(shared, "Figure 7")
    cells = _rows(_background(shared, section.dataset), section.rows)
    caption = (
        f"Training curves on {section.dataset}, {_background_noise(shared)}: accuracy under the "
        f"given, noisy labels; solid on the hyper-validation set ({shared.validation_size} "
        f"images), dotted in training; means over {shared.seeds} random splits with 95 % "
        f"confidence bands. {_describe(shared.background_flip.training)}"
    )
    return _experiment(config, "figure7", caption, cells, made_from="metrics.csv")


def _background_noise(shared: NoisyLabels) -> str:
    return f"{shared.background_flip.noise:.0%} BackgroundFlip"


def _describe(training: Training) -> str:
    decay = " and ".join(map(str, training.decay_at))
    return (
        f"{training.model}, {training.steps} steps of SGD, learning rate {training.learning_rate}"
        f"{f', divided by ten at {decay}' if decay else ''}, momentum {training.momentum}, weight "
        f"decay {training.weight_decay:g}, batch {training.batch_size}."
    )


def _describe_variants(shared: NoisyLabels, section: Any) -> str:
    rows = [parse_row(row) for row in section.rows]
    told = []
    if any(row.early_stopped for row in rows):
        schedule = shared.background_flip.early_stopping
        decay = " and ".join(map(str, schedule.decay_at)) or "never"
        told.append(f"+ES: {schedule.steps} steps, decay at {decay}.")
    if any(row.fine_tuned for row in rows):
        told.append(f"+FT: {shared.fine_tuning_steps} further steps on the clean set.")
    return " ".join(told)


EXPANSIONS: dict[str, Callable[[Config], Experiment]] = {
    "figure2": _figure2,
    "table1": _table1,
    "table2": _table2,
    "sanity": _sanity,
    "figure3": _figure3,
    "figure4": _figure4,
    "figure5": _figure5,
    "figure6": _figure6,
    "figure7": _figure7,
}
