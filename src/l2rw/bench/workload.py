"""A network in training on random examples."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import FlopCounterMode

from l2rw.bench.gradient_algorithms import Examples, Gradient
from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.data.datasets.catalog import CATALOG, DatasetRecord
from l2rw.methods.base import Method
from l2rw.models import MODELS
from l2rw.training.engine import optimizers
from l2rw.training.engine.network import Network
from l2rw.training.engine.passes import Passes
from l2rw.training.engine.state import State
from l2rw.training.engine.transforms import compile_function, parallel_seeds
from l2rw.training.spec import RunSpec

Tree = TypeVar("Tree")

StackedGradient = Callable[[Parameters, Examples], WeightedGradient]


def dataset_of(model: str) -> DatasetRecord:
    """Return facts of the data set that a model is timed on."""
    return CATALOG[MODELS[model].timed_on]


def random_examples(
    model: str, stack: int, batch_size: int, clean_batch_size: int, device: torch.device
) -> Examples:
    """Draw images of any uint8 values, in the range that a network sees, and any labels."""
    info = dataset_of(model)
    low, high = info.pixel_range

    def draw(n: int) -> tuple[Tensor, Tensor]:
        pixels = torch.randint(256, (stack, n, *info.image_shape), device=device)
        labels = torch.randint(info.classes, (stack, n), device=device)
        return pixels.float() * ((high - low) / 255) + low, labels

    return Examples(*draw(batch_size), *draw(clean_batch_size))


def lay_out(tree: Tree, *, channels_last: bool) -> Tree:
    """Bring all images and convolutions, of shape (seed, ., channels, ., .), into memory format."""

    def one(leaf: Tensor) -> Tensor:
        if leaf.ndim != 5:
            return leaf
        if channels_last:
            return leaf.movedim(2, -1).contiguous().movedim(-1, 2)
        return leaf.contiguous()

    laid_out: Tree = tree_map(one, tree)
    return laid_out


class Workload:
    """Steps of SGD on one model in one memory format, by whatever gradient."""

    def __init__(
        self,
        model: str,
        precision: str,
        stack: int,
        device: torch.device,
        *,
        channels_last: bool,
        compiled: bool = False,
    ) -> None:
        """Prepare to train.

        Args:
            model: Its name.
            precision: As :class:`~l2rw.training.spec.RunSpec` has it.
            stack: Seeds trained at once.
            device: Where to train.
            channels_last: Memory format of the convolutions, contiguous otherwise.
            compiled: Whether to compile the computation of gradients.
        """
        info = dataset_of(model)
        self._network = Network(MODELS.load(model)(info.image_shape, info.classes), precision)
        self._stack, self._compiled = stack, compiled
        self._ready: dict[Gradient, StackedGradient] = {}
        values = [self._network.initial_values(seed) for seed in range(stack)]
        self._state = State.initial(values, 1, device)
        self._state.parameters = lay_out(self._state.parameters, channels_last=channels_last)
        self._state.velocity = tree_map(torch.zeros_like, self._state.parameters)
        spec = RunSpec(
            method="l2rw",
            model=model,
            steps=1,
            batch_size=1,
            clean_batch_size=None,
            learning_rate=1e-3,
            decay_at=(),
            momentum=0.9,
            weight_decay=2e-4,
            crop_padding=0,
            mirror=False,
            precision=precision,
            evaluations=1,
            trains_on="noisy",
            fine_tunes=False,
            method_settings=(),
            optimizer="sgd",
            nesterov=False,
            schedule="step",
            averaging=0.0,
            initial_weights="",
        )
        transformed = stack > 1 or compiled
        buffers = None if transformed else self._state.of_seed(0)[1]
        self._passes = Passes(self._network, Method(), buffers)
        self._groups = optimizers.group(spec, self._state.parameters)
        self._rate = torch.tensor(spec.learning_rate, device=device)
        self._first = torch.tensor(0, device=device)

    @property
    def examples_are_independent(self) -> bool:
        """Whether the network says that layer-wise weights are right."""
        return self._network.examples_are_independent

    def step(self, gradient: Gradient, examples: Examples) -> None:
        """Take one step of every seed."""
        state = self._state
        seen = self.gradient(gradient, examples)
        optimizers.update(self._groups, state.variables, seen.gradient, self._rate, self._first)
        self._network.move_statistics(state.buffers, seen.aux)

    def gradient(self, gradient: Gradient, examples: Examples) -> WeightedGradient:
        """Return what a step would follow; every tensor has a leading seed dimension."""
        if gradient not in self._ready:
            self._ready[gradient] = self._stacked(gradient)
        return self._ready[gradient](self._state.parameters, examples)

    def _stacked(self, gradient: Gradient) -> StackedGradient:
        def of_seed(parameters: Parameters, seen: Examples) -> WeightedGradient:
            return gradient(self._passes, parameters, seen)

        stacked: StackedGradient = parallel_seeds(of_seed, self._stack)
        if self._compiled:
            stacked = compile_function(stacked)
        return stacked

    def flops(self, gradient: Gradient, examples: Examples) -> int:
        """Count the floating-point operations of a gradient in products and convolutions."""
        with FlopCounterMode(display=False) as counter:
            self.gradient(gradient, examples)
        return int(counter.get_total_flops())

    def resident_bytes(self, examples: Examples) -> int:
        """Return the size of what stays between steps: the network, its momentum, the examples."""
        state = self._state
        leaves = tree_leaves((state.parameters, state.velocity, state.buffers, examples))
        return sum(leaf.nbytes for leaf in leaves)
