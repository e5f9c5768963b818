"""How networks are trained, in the words of captions."""

from typing import Any

from l2rw.config.schema import Training
from l2rw.config.sections import NoisyLabels


def background_noise(shared: NoisyLabels) -> str:
    """Name the noise, as in "40% BackgroundFlip"."""
    return f"{shared.background_flip.noise:.0%} BackgroundFlip"


def describe(training: Training) -> str:
    """Say how networks are trained, in a sentence."""
    decay = " and ".join(map(str, training.decay_at))
    schedule = ", falling to zero by a cosine" if training.schedule == "cosine" else ""
    return (
        f"{training.model}, {training.steps} steps of {optimizer_name(training)}, learning rate "
        f"{training.learning_rate}{f', divided by ten at {decay}' if decay else schedule}, "
        f"momentum {training.momentum}, weight decay {training.weight_decay:g}, batch "
        f"{training.batch_size}."
    )


def optimizer_name(training: Training) -> str:
    """Name the optimiser, as in "SGD"."""
    name = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[training.optimizer]
    return f"{name} with Nesterov momentum" if training.nesterov else name


def describe_variants(shared: NoisyLabels, section: Any) -> str:
    """Say what the variants among the rows of a section are, in a sentence each."""
    told = []
    if any(row.early_stopped for row in section.rows):
        schedule = shared.background_flip.early_stopping
        decay = " and ".join(map(str, schedule.decay_at)) or "never"
        told.append(f"+ES: {schedule.steps} steps, decay at {decay}.")
    if any(row.fine_tuned for row in section.rows):
        told.append(f"+FT: {shared.fine_tuning_steps} further steps on the clean set.")
    return " ".join(told)
