"""A network, sizes, steps and rates for a user's data: the rule that docs/own_data.md states."""

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from l2rw.starting.look import IMBALANCED, Look, Pictures

SIDES_CPU, SIDES_GPU = (8, 16, 32, 64), (8, 16, 32, 64, 128, 224)
"""Sides, in pixels, that images are resized to unless all are small squares already."""
SMALL = 64
BATCH, LEAST_BATCH = 100, 10
LEAST_STEPS = 500
PER_CLASS = 10
"""Examples of each class that the clean set is to have."""
ROUND = 100


class Machine(NamedTuple):
    """Where training will run."""

    cores: int
    gpus: int

    @property
    def most_steps(self) -> int:
        """Steps that are never exceeded."""
        return 80_000 if self.gpus else 20_000

    @property
    def hours(self) -> float:
        """What all runs together may take, unless even the fewest steps take longer."""
        return 8.0 if self.gpus else 2.0


@dataclass(frozen=True)
class Choice:
    """What the configuration will say."""

    model: str
    steps: int
    batch_size: int
    clean_batch_size: int
    learning_rate: float
    weight_decay: float
    crop_padding: int
    mirror: bool
    seeds: int
    validation_size: int
    rows: tuple[str, ...]
    clean_size: int
    """0 takes all of the user's list."""
    stack: int

    @property
    def training(self) -> dict[str, Any]:
        """The section ``training``."""
        names = ("model", "steps", "batch_size", "clean_batch_size", "learning_rate")
        values = {name: value for name, value in asdict(self).items() if name in names}
        return {
            **values,
            "decay_at": [self.steps // 2, self.steps * 3 // 4],
            "weight_decay": self.weight_decay,
            "crop_padding": self.crop_padding,
            "mirror": self.mirror,
            "evaluations": 10,
        }

    def with_steps(self, steps: float) -> "Choice":
        """Return the choice with about so many steps, but never too few."""
        return replace(self, steps=max(LEAST_STEPS, ROUND * round(steps / ROUND)))


def side_for(pictures: Pictures, machine: Machine) -> int:
    """Return the side, in pixels, that images are resized to."""
    if pictures.same_square and 4 <= pictures.side <= SMALL:
        return pictures.side
    sides = SIDES_GPU if machine.gpus else SIDES_CPU
    return max((side for side in sides if side <= pictures.side), default=sides[0])


def choose(look: Look, machine: Machine) -> Choice:
    """Return what suits the data and the machine."""
    n, classes = look.train_size, look.facts.classes
    batch = max(LEAST_BATCH, min(BATCH, n // 20))
    model, rate, epochs = _network(look, machine)
    mirrors = look.facts.has_images and look.facts.image_shape[0] == 3
    side = look.facts.image_shape[-1] if look.facts.has_images else 0
    seeds = 5 if machine.gpus else 3
    smallest = min(look.facts.train_class_sizes)
    rows: tuple[str, ...] = ("baseline", "gce", "elr", "baseline+ft", "glc", "l2rw")
    if look.imbalance >= IMBALANCED:
        rows = (*rows[:1], "class_balanced", *rows[1:])
    drawn = classes * max(1, min(PER_CLASS, smallest // 4))
    choice = Choice(
        model=model,
        steps=0,
        batch_size=batch,
        clean_batch_size=min(BATCH, PER_CLASS * classes),
        # A smaller batch takes a smaller step.
        learning_rate=float(f"{rate * batch / BATCH:.2g}"),
        weight_decay=5e-4 if look.facts.has_images else 1e-4,
        crop_padding=side // 8 if side >= 28 else 0,
        mirror=mirrors,
        seeds=seeds,
        validation_size=min(5000, n // 10),
        rows=rows,
        clean_size=drawn if look.facts.truth_is_known else 0,
        stack=seeds if machine.gpus and model in ("mlp", "lenet", "lenet_8x8") else 1,
    )
    return choice.with_steps(min(machine.most_steps, epochs * n / batch))


def _network(look: Look, machine: Machine) -> tuple[str, float, int]:
    """Return a network, its learning rate for batches of 100, and how often it sees an example."""
    if look.pictures is None:
        return "mlp", 0.01, 60
    channels, side, _ = look.facts.image_shape
    if side < 16:
        return ("lenet_8x8", 0.01, 60) if channels == 1 else ("resnet_8x8", 0.05, 60)
    if channels == 1 and side <= 32:
        return "lenet", 0.01, 40
    if machine.gpus:
        return ("resnet18" if side > 32 else "resnet32"), 0.1, 80
    return "resnet8", 0.1, 40
