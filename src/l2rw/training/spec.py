"""Everything that determines a run, apart from its data, its split and its seed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from l2rw.methods import METHODS, MethodRecord
from l2rw.methods.settings import Pairs, as_pairs
from l2rw.store.identity import setting

LAYER_WISE, FORWARD_MODE = "layer-wise", "forward mode"
"""Algorithms for the gradient of L2RW. They agree up to rounding, so runs do not ask for one."""


@dataclass(frozen=True)
class RunSpec:
    """Settings of a run. There are no defaults here: the configuration is their one source."""

    method: str
    model: str
    steps: int
    batch_size: int
    clean_batch_size: int | None
    """Clean examples in a step; None if the method is not guided by the clean set."""
    learning_rate: float
    decay_at: tuple[int, ...]
    """Steps (counted from 0) from which the learning rate is a tenth of what it was."""
    momentum: float
    weight_decay: float
    crop_padding: int
    """Pixels by which images may shift each way in a random crop, padded with black."""
    mirror: bool = field(metadata={"key": "flip"})  # as published results call it
    """Whether every other image, at random, is mirrored."""
    precision: str
    """``float32``, ``tf32`` or ``bf16``."""
    evaluations: int
    """Number of evaluations on the test part, evenly spaced, the last one after the last step."""
    trains_on: str
    """``noisy`` images, ``noisy and clean`` ones (those of the clean set are training images like
    any other), ``noisy, clean and validation`` ones, or ``clean`` ones alone."""
    fine_tunes: bool
    """Whether the run continues from the network of an earlier one."""
    method_settings: Pairs = setting(left_out_at=())
    """All hyperparameters of the method, by name."""
    optimizer: str = setting(left_out_at="sgd")
    """``sgd``, ``adam`` or ``adamw``."""
    nesterov: bool = setting(left_out_at=False)
    """Whether SGD looks ahead along its momentum."""
    schedule: str = setting(left_out_at="step")
    """``step``: the learning rate falls at ``decay_at``; ``cosine``: down to zero."""

    averaging: float = setting(left_out_at=0.0)
    """Decay of the average of the network's weights that is evaluated in its place; 0 for none."""
    initial_weights: str = setting(left_out_at="")
    """SHA-256 of the file of weights that the network begins from; empty if they are drawn."""

    @property
    def augments(self) -> bool:
        """Whether training images are moved or mirrored."""
        return self.crop_padding > 0 or self.mirror

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * step / self.steps)) / 2
        return self.learning_rate * 0.1 ** sum(step >= start for start in self.decay_at)

    def evaluates_after(self, step: int) -> bool:
        """Whether the test part is evaluated once ``step`` steps are done."""
        return step * self.evaluations // self.steps > (step - 1) * self.evaluations // self.steps


def trains_on(record: MethodRecord, *, baselines_see_clean: bool) -> str:
    """Return what a method's runs train on, as :attr:`RunSpec.trains_on` has it."""
    if record.trained_on_clean_set:
        return "clean"
    if record.trained_beside_validation:
        return "noisy, clean and validation"
    if record.trained_beside_clean_set or (baselines_see_clean and not record.guided_by_clean_set):
        return "noisy and clean"
    return "noisy"


def run_spec(
    method: str,
    training: Mapping[str, Any],
    *,
    baselines_see_clean: bool,
    method_settings: Iterable[tuple[str, Any]] = (),
    averaging: float = 0.0,
) -> RunSpec:
    """Return the settings that a method's runs depend on; other changes do not rerun them.

    Args:
        method: Its name.
        training: How networks are trained: the fields of :class:`RunSpec` that a configuration has.
        baselines_see_clean: Whether methods that do not use the clean set train on its images.
        method_settings: Hyperparameters of the method that differ from their defaults.
        averaging: Decay of the average of the weights that is evaluated; 0 for none.

    Raises:
        ValueError: The method has no such hyperparameters.
    """
    given, record = dict(training), METHODS[method]
    if not record.guided_by_clean_set:
        given["clean_batch_size"] = None
    settings = as_pairs(record.read_settings(dict(method_settings)))
    return RunSpec(
        method=method,
        trains_on=trains_on(record, baselines_see_clean=baselines_see_clean),
        fine_tunes=False,
        method_settings=settings,
        averaging=averaging,
        **given,
    )
