"""Data with noisy labels, and the cells of a row of methods on them."""

from dataclasses import dataclass, replace

from l2rw.config.schema import Training
from l2rw.config.sections import EarlyStopping, NoisyLabels
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.corruptions.base import Corruption
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.data.datasets.catalog import CATALOG
from l2rw.experiments.cells import Cell, SplitPlan
from l2rw.methods import METHODS
from l2rw.methods.rows import Row
from l2rw.store.errors import UserError
from l2rw.training.spec import RunSpec, run_spec

CONSTANT_RATE = {"schedule": "step", "decay_at": ()}


@dataclass(frozen=True)
class NoiseSetup:
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
        if METHODS[row.method].for_two_classes:
            raise UserError(
                f"Row {row!s}: {row.method} knows a minority and a majority class only.",
                "leave it to figure2.",
            )
        waits = METHODS[row.method].after_baseline
        if waits:
            require_validation(self.shared, f"Row {row!s}")
        parent = self.cell(row._replace(method="baseline", settings=())) if waits else None
        see_clean = self.shared.baselines_see_clean
        settings = self._schedule(row).model_dump()
        spec = run_spec(
            row.method, settings, baselines_see_clean=see_clean, method_settings=row.settings
        )
        return Cell(self.split, spec, row.in_paths, parent)

    def half_way(self, method: str) -> Cell:
        """Return a method's cell after half of the steps, without decay of the learning rate."""
        full = self.training
        steps, evaluations = max(1, full.steps // 2), -(-full.evaluations // 2)
        half = {**CONSTANT_RATE, "steps": steps, "evaluations": evaluations}
        return replace(self, training=full.model_copy(update=half)).cell(Row(method))

    def _schedule(self, row: Row) -> Training:
        training = self.training
        if METHODS[row.method].trained_on_clean_set:
            return _shortened(training, self.shared.clean_only_steps)
        if row.early_stopped:
            if self.early_stopping is None:
                raise UserError(
                    f"Row {row!s}: no run stops early under {self.split.corruption.name}.",
                    "leave out +es; the schedule is the short one already.",
                )
            shorter = self.early_stopping.model_dump()
            if training.schedule == "cosine":
                shorter["decay_at"] = ()
            training = training.model_copy(update=shorter)
        return training

    def _fine_tuned(self, trained: Cell) -> Cell:
        assert isinstance(trained.spec, RunSpec)
        if trained.spec.schedule == "cosine":
            raise UserError(
                f"Row {trained.name}+ft would go on at the last learning rate, which a cosine "
                "brings to zero.",
                "leave out +ft, or set the schedule of noisy_labels.*.training to step.",
            )
        rate = trained.spec.learning_rate_at(trained.spec.steps - 1)
        steps = self.shared.fine_tuning_steps
        # As densely as the run before.
        evaluations = min(steps, -(-trained.spec.evaluations * steps // trained.spec.steps))
        training = _shortened(self.training, steps).model_copy(
            update={"learning_rate": rate, "evaluations": evaluations}
        )
        spec = run_spec("clean_only", training.model_dump(), baselines_see_clean=False)
        return Cell(self.split, replace(spec, fine_tunes=True), f"{trained.name}+ft", trained)


def require_validation(shared: NoisyLabels, who: str) -> None:
    """Raise :class:`UserError` if there is no hyper-validation set, which somebody needs."""
    if not shared.validation_size:
        raise UserError(
            f"{who} needs a hyper-validation set.", "raise noisy_labels.validation_size."
        )


def _shortened(training: Training, steps: int) -> Training:
    evaluations = min(training.evaluations, steps)
    return training.model_copy(update={**CONSTANT_RATE, "steps": steps, "evaluations": evaluations})


def split_plan(dataset: str, corruption: Corruption) -> SplitPlan:
    """Return a split's plan; raise :class:`UserError` if the data set has not enough for it."""
    corruption.check(CATALOG[dataset])
    return SplitPlan(dataset, corruption)


def uniform_flip(shared: NoisyLabels, dataset: str, noise: float | None = None) -> NoiseSetup:
    """Return a data set under UniformFlip; the noise is the configured one if None."""
    section = shared.uniform_flip
    corruption = UniformFlip(
        classes=CATALOG[dataset].classes,
        noise=section.noise if noise is None else noise,
        clean_size=section.clean_size,
        validation_size=shared.validation_size,
        authors_code=shared.authors_code,
    )
    return NoiseSetup(split_plan(dataset, corruption), section.training, None, shared)


def background_flip(
    shared: NoisyLabels,
    dataset: str,
    *,
    noise: float | None = None,
    clean_size: int | None = None,
    background_class: int | None = None,
) -> NoiseSetup:
    """Return a data set under BackgroundFlip; what is None is as configured."""
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
    split = split_plan(dataset, corruption)
    return NoiseSetup(split, section.training, section.early_stopping, shared)
