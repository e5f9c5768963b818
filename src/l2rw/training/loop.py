"""The training loop that serves every method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from l2rw.data.sources import Dataset
from l2rw.data.splits import Split
from l2rw.errors import UserError
from l2rw.methods import METHODS
from l2rw.methods.contract import Batch, Method
from l2rw.randomness import generator
from l2rw.registry import load
from l2rw.training import sgd
from l2rw.training.evaluation import Evaluation, evaluate
from l2rw.training.examples import ImageStore, StackedBatches
from l2rw.training.history import Snapshot
from l2rw.training.network import build_network
from l2rw.training.spec import RunSpec
from l2rw.training.stack import over_seeds
from l2rw.training.state import State
from l2rw.weights import Parameters, WeightedGradient

CHECK_EVERY = 10  # steps between looks at the device for what is infinite or NaN

Watch = Callable[[State], None]
"""Told the state after every step: reports progress, keeps checkpoints, may stop the run."""


@dataclass(frozen=True)
class Run:
    """What training leaves of one seed."""

    seed: int
    history: list[Snapshot]
    test: Evaluation
    """After the last step."""


class Training:
    """A stack of seeds to be trained at once."""

    def __init__(
        self,
        spec: RunSpec,
        dataset: Dataset,
        splits: Sequence[Split],
        classes: int,
        seeds: Sequence[int],
        device: torch.device,
        *,
        compiled: bool = False,
    ) -> None:
        """Prepare to train.

        Args:
            spec: Settings of the runs.
            dataset: Source of the images.
            splits: One for each seed.
            classes: Number of classes in the splits.
            seeds: Seeds of the runs.
            device: Where to train.
            compiled: Whether to compile the computation of gradients.
        """
        self._spec, self._splits, self._seeds, self._device = spec, splits, seeds, device
        self._method: Method = load(METHODS, spec.method)()
        self._network = build_network(spec, dataset.info.image_shape, classes)
        self._batches = StackedBatches(spec, self._method, dataset, splits, classes, seeds, device)
        self._test = ImageStore(dataset.test_images, dataset.info.pixel_range, device)
        if self._network.draws_masks and len(seeds) > 1:
            raise ValueError("networks with dropout train one seed at a time")
        gradient = over_seeds(self._gradient_of_seed, len(seeds))
        # Graphs that PyTorch replays instead of launching kernel by kernel, where it can.
        self._gradient = torch.compile(gradient, mode="reduce-overhead") if compiled else gradient
        self.state = State.initial(self._network, seeds, device)

    def run(self, watch: Watch) -> list[Run]:
        """Train from the present state to the last step; return a run for each seed.

        Raises:
            UserError: A loss or a parameter became infinite or NaN.
        """
        state = self.state
        while state.step < self._spec.steps:
            self._advance()
            if state.step % CHECK_EVERY == 0 or state.step == self._spec.steps:
                self._check()
            if self._spec.evaluates_after(state.step):
                self._record()
            watch(state)
        tests = self._evaluate()
        return [
            Run(seed, lines, test)
            for seed, lines, test in zip(self._seeds, state.history, tests, strict=True)
        ]

    def _gradient_of_seed(self, parameters: Parameters, batch: Batch) -> WeightedGradient:
        return self._method.gradient(self._network.losses, parameters, batch)

    def _advance(self) -> None:
        state, spec = self.state, self._spec
        batch = self._batches[state.step]
        if self._network.draws_masks:
            masks = generator("dropout", self._seeds[0], state.step)
            torch.manual_seed(int(masks.integers(2**63)))
        seen = self._gradient(state.parameters, batch)
        rate = spec.learning_rate_at(state.step)
        sgd.update(state.parameters, state.velocity, seen.gradient, spec, rate)
        state.buffers = self._network.updated(state.buffers, seen.aux)
        state.step += 1
        state.tally.add(state.step, seen, batch.labels)

    def _check(self) -> None:
        bad = self.state.first_bad()
        if bad is not None:
            index, step = bad
            raise UserError(
                f"Training of {self._spec.method}, seed {self._seeds[index]}, became infinite or "
                f"NaN at step {step}.",
                "lower training.learning_rate.",
            )

    def _record(self) -> None:
        state = self.state
        rate = self._spec.learning_rate_at(state.step - 1)
        lines = zip(self._seeds, state.history, state.tally.means(), self._evaluate(), strict=True)
        for seed, history, means, test in lines:
            history.append(Snapshot(seed, state.step, rate, *means, test.loss, test.error))
        state.tally.clear()

    def _evaluate(self) -> list[Evaluation]:
        return [
            evaluate(self._network, self.state.of_seed(i), self._test, split.test)
            for i, split in enumerate(self._splits)
        ]
