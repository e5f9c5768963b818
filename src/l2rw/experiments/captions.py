"""What captions say: on what methods are compared, and how networks are trained."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from l2rw.config.schema import Training
from l2rw.config.shared import NoisyLabels
from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.corruptions.base import Corruption
from l2rw.data.kinds.corrections import CHANGES
from l2rw.experiments.cells import SplitPlan
from l2rw.experiments.setups import Setup
from l2rw.methods.rows import EMA_DECAY, Row
from l2rw.store.identity import plain

SWEPT = {
    "majority_share": "the share of the majority class",
    "clean_size": "the number of clean images in all",
    "noise": "the share of labels that flip",
}
"""What is swept, for people; the others by their names."""


def describe_corruption(corruption: Corruption, *, swept: str | None = None) -> str:
    """Say in a clause what is wrong with the training part, but for what is swept."""
    parameters: Any = corruption
    if corruption.name == "imbalance":
        share = "" if swept == "majority_share" else f", share {parameters.majority_share:g}"
        return (
            f"class {parameters.minority} (minority) against class {parameters.majority} "
            f"(majority{share}), {parameters.train_size} training images, "
            f"{parameters.clean_size} of them the balanced clean set, test part balanced"
        )
    some = "some" if swept == "noise" else f"{getattr(parameters, 'noise', 0):.0%}"
    if corruption.name == "given":
        return "labels are as they were given"
    if corruption.name == "long_tail":
        times = "some" if swept == "imbalance" else f"{parameters.imbalance:g}"
        return f"classes become ever smaller, the last one {times} times (long tail)"
    if corruption.name == "uniform_flip":
        of_all = parameters.drawn_from == "all_classes"
        drawn = "are drawn from all classes, the true one included" if of_all else ""
        return f"{some} of the training labels {drawn or 'flip to any other class'} (UniformFlip)"
    if corruption.name == "background_flip":
        return (
            f"{some} of the labels of all other classes flip to one background class "
            "(BackgroundFlip)"
        )
    hidden = ("classes", "validation_size", "authors_code", swept)
    given = {name: value for name, value in plain(corruption).items() if name not in hidden}
    label = CORRUPTIONS[corruption.name].label
    return f"{label} ({', '.join(f'{name} {value}' for name, value in given.items())})"


def describe_clean_set(corruption: Corruption) -> str:
    """Say how large the clean set is, in a sentence; nothing where the corruption says it."""
    if corruption.name == "imbalance":
        return ""
    size = getattr(corruption, "clean_size", 0)
    if corruption.name == "given" and not size:
        return "Clean set of all examples that are listed as clean."
    return f"Clean set of {size} images."


def describe_truth(splits: Iterable[SplitPlan]) -> str:
    """Say in sentences which labels were corrected, and what is not known of them."""
    told = []
    for split in splits:
        name = split.dataset
        told += [f"{name}: {note}" for note in split.data.notes if note.startswith(CHANGES)]
        if not split.corruption.knows_truth(split.data):
            told.append(
                f"Nobody knows which labels of {name} are right: what weights say of them is not "
                "judged."
            )
        if not split.data.test_is_trusted:
            told.append(f"Test labels of {name} are as they were given; they may be wrong, too.")
    return " ".join(dict.fromkeys(told))


def describe(training: Training) -> str:
    """Say how networks are trained, in a sentence."""
    decay = " and ".join(map(str, training.decay_at))
    schedule = ", falling to zero by a cosine" if training.schedule == "cosine" else ""
    begins = training.initial_weights and f", from {Path(training.initial_weights).name}"
    return (
        f"{training.model}{begins or ''}, {training.steps} steps of {optimizer_name(training)}, "
        f"learning rate {training.learning_rate}"
        f"{f', divided by ten at {decay}' if decay else schedule}, "
        f"momentum {training.momentum}, weight decay {training.weight_decay:g}, batch "
        f"{training.batch_size}."
    )


def optimizer_name(training: Training) -> str:
    """Name the optimiser, as in "SGD"."""
    name = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[training.optimizer]
    return f"{name} with Nesterov momentum" if training.nesterov else name


def describe_setups(setups: Iterable[Setup]) -> str:
    """Say how the networks of some setups are trained, once each."""
    return " ".join(dict.fromkeys(describe(setup.training) for setup in setups))


def describe_variants(shared: NoisyLabels, rows: Iterable[Row]) -> str:
    """Say what the variants among some rows are, in a sentence each."""
    rows, told = list(rows), []
    if any(row.early_stopped for row in rows):
        schedule = shared.background_flip.early_stopping
        decay = " and ".join(map(str, schedule.decay_at)) or "never"
        told.append(f"+ES: {schedule.steps} steps, decay at {decay}.")
    if any(row.averaged for row in rows):
        told.append(f"+EMA: an average of the weights is evaluated, decay {EMA_DECAY} a step.")
    if any(row.fine_tuned for row in rows):
        told.append(f"+FT: {shared.fine_tuning_steps} further steps on the clean set.")
    return " ".join(told)


def over_splits(seeds: int) -> str:
    """Say what is behind a number."""
    if seeds == 1:
        return splits(1)
    return f"mean and 95 % confidence interval over {splits(seeds)}"


def splits(seeds: int) -> str:
    """Count random splits in words."""
    return "one random split" if seeds == 1 else f"{seeds} random splits"


def sentences(*parts: str) -> str:
    """Join sentences, those that are empty left out."""
    return " ".join(part for part in parts if part)
