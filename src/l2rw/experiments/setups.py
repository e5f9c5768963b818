"""Corrupted data with a way of training on them, and the cells of a row of methods there."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from l2rw.config.load import Config
from l2rw.config.messages import in_words, made_of, shown
from l2rw.config.schema import Training
from l2rw.config.sections import Compared, Corrupted
from l2rw.config.shared import EarlyStopping, NoisyLabels
from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.facts import Facts
from l2rw.experiments.cells import Cell, SplitPlan
from l2rw.methods import METHODS
from l2rw.methods.rows import EMA_DECAY, Row
from l2rw.store.checksums import sha256
from l2rw.store.errors import UserError, closest, parts, why
from l2rw.training.spec import RunSpec, run_spec

CONSTANT_RATE = {"schedule": "step", "decay_at": ()}


@dataclass(frozen=True)
class Setup:
    """A data set under a corruption, and how networks are trained on it."""

    split: SplitPlan
    training: Training
    early_stopping: EarlyStopping | None
    """The schedule of rows ``+es``; None where the paper has none."""
    shared: NoisyLabels

    def cell(self, row: Row) -> Cell:
        """Return the cell of a row, with the cells that it depends on."""
        if row.fine_tuned:
            return self._fine_tuned(self.cell(row._replace(fine_tuned=False)))
        record = METHODS[row.method]
        if record.for_two_classes and self.split.corruption.classes != 2:
            raise UserError(
                f"Row {row!s}: {row.method} knows a minority and a majority class only.",
                "use it only in experiments with two classes, such as figure2.",
            )
        if record.needs_validation:
            self.require_validation(f"Row {row!s}")
        parent = self.cell(Row(record.after, row.early_stopped)) if record.after else None
        see_clean = self.shared.baselines_see_clean
        training = self._schedule(row)
        settings = _as_settings(training)
        spec = run_spec(
            row.method,
            settings,
            baselines_see_clean=see_clean,
            method_settings=row.settings,
            averaging=EMA_DECAY * row.averaged,
        )
        return Cell(self.split, spec, row.in_paths, parent, training.initial_weights)

    def half_way(self, method: str) -> Cell:
        """Return a method's cell after half of the steps, without decay of the learning rate."""
        full = self.training
        steps, evaluations = max(1, full.steps // 2), -(-full.evaluations // 2)
        half = {**CONSTANT_RATE, "steps": steps, "evaluations": evaluations}
        return replace(self, training=full.model_copy(update=half)).cell(Row(method))

    def require_validation(self, who: str) -> None:
        """Raise :class:`UserError` if there is no hyper-validation set, which ``who`` needs."""
        size = getattr(self.split.corruption, "validation_size", None)
        if size == 0:
            raise UserError(
                f"{who} needs a hyper-validation set.", "raise noisy_labels.validation_size."
            )
        if size is None:
            raise UserError(
                f"{who} needs a hyper-validation set, which {self.split.corruption.name} does not "
                "have.",
                "use it only in experiments with noisy labels.",
            )

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
                f"Row {trained.name}+ft would continue at the last learning rate, which a cosine "
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
        settings = _as_settings(training.model_copy(update={"initial_weights": None}))
        spec = run_spec("clean_only", settings, baselines_see_clean=False)
        return Cell(self.split, replace(spec, fine_tunes=True), f"{trained.name}+ft", trained)


def _as_settings(training: Training) -> dict[str, Any]:
    """Return how networks are trained as what runs depend on: files by their content."""
    settings = training.model_dump()
    path = settings["initial_weights"]
    return {**settings, "initial_weights": digest_of(Path(path).expanduser()) if path else ""}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file of weights; raise :class:`UserError` if it cannot be read."""
    try:
        stat = path.stat()
        return _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise UserError(
            f"The initial weights {path} cannot be read ({why(error)}).",
            "correct training.initial_weights.",
        ) from None


@cache
def _digest(path: Path, size: int, changed_ns: int) -> str:
    """Return it for a file as it is now: many cells begin from it."""
    return sha256(path)


def _shortened(training: Training, steps: int) -> Training:
    evaluations = min(training.evaluations, steps)
    return training.model_copy(update={**CONSTANT_RATE, "steps": steps, "evaluations": evaluations})


def setup(
    config: Config,
    section: Compared,
    dataset: str,
    corruption: Corrupted,
    swept: Mapping[str, Any] | None = None,
) -> Setup:
    """Return what an experiment compares methods on.

    Args:
        config: The configuration: it knows the data set, and what experiments share.
        section: Of the experiment: what it says comes first.
        dataset: Name of the data set.
        corruption: Name and parameters.
        swept: One more parameter of the corruption, or key of the training, and its value.

    Raises:
        UserError: The corruption has no such parameters, or the data set not enough for it.
    """
    shared, facts = config.noisy_labels, config.facts(dataset)
    training = section.training or shared.training(corruption.name)
    parameters = {f.name for f in fields(CORRUPTIONS.load(corruption.name)) if f.init}
    more: dict[str, Any] = {}
    for key, value in (swept or {}).items():
        if key in parameters:
            more[key] = value
        elif key in Training.model_fields:
            training = _trained_with(training, key, value)
        else:
            raise UserError(
                f"There is no setting {key} to sweep, of {corruption.name} or the training.",
                closest(key, [*sorted(parameters), *Training.model_fields]),
            )
    split = split_plan(facts, _corruption(shared, facts, corruption, more))
    early = shared.background_flip.early_stopping if corruption.name == "background_flip" else None
    if section.baselines_see_clean is not None:
        shared = shared.model_copy(update={"baselines_see_clean": section.baselines_see_clean})
    return Setup(split, training, early, shared)


def split_plan(dataset: Facts, corruption: Corruption) -> SplitPlan:
    """Return a split's plan; raise :class:`UserError` if the data set has not enough for it."""
    corruption.check(dataset)
    return SplitPlan(dataset, corruption)


def _corruption(
    shared: NoisyLabels, dataset: Facts, given: Corrupted, swept: Mapping[str, Any]
) -> Corruption:
    """Make a corruption of what is given, and else of what is shared."""
    kind = CORRUPTIONS.load(given.name)
    known = {f.name: f for f in fields(kind) if f.init}
    if unknown := sorted(given.parameters.keys() - known.keys()):
        raise UserError(
            f"The corruption {given.name} has no parameter {unknown[0]!r}.",
            closest(unknown[0], known),
        )
    given_here = {**given.parameters, **swept}
    values = {**_shared_parameters(shared, dataset, given.name, given_here), **given_here}
    values = {name: value for name, value in values.items() if name in known}
    needed = (name for name, f in known.items() if f.default is MISSING is f.default_factory)
    if missing := [name for name in needed if name not in values]:
        raise UserError(
            f"The corruption {given.name} needs {' and '.join(missing)}.",
            f"write {{name: {given.name}, {missing[0]}: …}}.",
        )
    try:
        made: Corruption = made_of(kind, values)
    except ValueError as error:
        problem, hint = parts(error)
        raise UserError(
            f"The corruption {given.name}: {problem}",
            hint or "correct it where the experiment names its corruption.",
        ) from None
    return made


def _shared_parameters(
    shared: NoisyLabels, dataset: Facts, name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what corruptions have in general on a data set."""
    classes = dataset.classes
    values: dict[str, Any] = {
        "classes": classes,
        "validation_size": shared.validation_size,
        "authors_code": shared.authors_code,
    }
    if name == "uniform_flip":
        flips = shared.uniform_flip
        return {**values, "noise": flips.noise, "clean_size": flips.clean_size}
    if name != "background_flip":
        return values
    section = shared.background_flip
    if "background_classes" not in given and dataset.name not in section.background_classes:
        raise UserError(
            f"There are no background classes for {dataset.name}.",
            f"name some in noisy_labels.background_flip.background_classes.{dataset.name}.",
        )
    return {
        **values,
        "noise": section.noise,
        "clean_size": section.clean_per_class * classes,
        "background_classes": section.background_classes.get(dataset.name),
    }


def _trained_with(training: Training, key: str, value: Any) -> Training:
    try:
        return Training.model_validate({**training.model_dump(), key: value})
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "value_error":
            problem, hint = parts(first["ctx"]["error"])
        else:
            problem, hint = in_words(first).removeprefix("but ") + ".", ""
        raise UserError(
            f"Setting {key} cannot be {shown(value)}: {problem}", hint or "sweep other values."
        ) from None
