"""The training loop that serves every method."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.datasets.dataset import Dataset
from l2rw.methods.base import (
    METHOD_PREFIX,
    Arrays,
    Review,
    TrainingContext,
)
from l2rw.store.errors import UserError
from l2rw.training.engine import batches, optimizers
from l2rw.training.engine.batches import ImageStore, StackedBatches, training_part
from l2rw.training.engine.network import Network, build_method, moved
from l2rw.training.engine.passes import Passes
from l2rw.training.engine.replay import Replay
from l2rw.training.engine.runs import Evaluations, Run, Start
from l2rw.training.engine.state import State
from l2rw.training.engine.step import Step
from l2rw.training.evaluation import (
    Predict,
    estimate_transition,
    evaluate,
    predicted_labels,
    probabilities,
    squared_gradient,
)
from l2rw.training.history import Snapshot
from l2rw.training.spec import RunSpec
from l2rw.training.wrong_labels import estimated_wrong_share

CHECK_EVERY = {"cpu": 10, "cuda": batches.BLOCK}
"""Steps between checks for infinite or NaN values, each of which makes a GPU wait."""
TURN_SECONDS = 0.2
"""Seconds after which a run lets others take a turn on a CPU."""

StepCallback = Callable[[State], None]
"""Called with the state after every step: reports progress, keeps checkpoints, may stop the run."""


class Training:
    """A stack of seeds to be trained at once."""

    def __init__(
        self,
        spec: RunSpec,
        network: Network,
        dataset: Dataset,
        classes: int,
        starts: Sequence[Start],
        device: torch.device,
        *,
        compiled: bool = False,
        capture: bool = True,
    ) -> None:
        """Prepare to train.

        Args:
            spec: Settings of the runs.
            network: The network that the settings ask for.
            dataset: Source of the images.
            classes: Number of classes in the splits.
            starts: One for each seed.
            device: Where to train.
            compiled: Whether to compile the computation of gradients.
            capture: Whether to capture the step on a GPU and replay it.
        """
        if network.draws_masks and len(starts) > 1:
            raise ValueError("networks with dropout train one seed at a time")
        self._spec, self._network, self._starts = spec, network, starts
        self._method = build_method(spec)
        self._images, pixels = dataset.train_images, dataset.info.pixel_range
        self._train_images = ImageStore(dataset.train_images, pixels, device)
        self._test_images = ImageStore(dataset.test_images, pixels, device)
        initial = [self._initial_values(start) for start in starts]
        self._contexts = [
            self._context(start, classes, *values)
            for start, values in zip(starts, initial, strict=True)
        ]
        self._batches = StackedBatches(spec, self._method, self._train_images, self._contexts)
        self._check_every = CHECK_EVERY.get(device.type, batches.BLOCK)
        self._last: tuple[int, list[Evaluations]] | None = None
        values = [
            (parameters | self._own_parameters(context), buffers)
            for (parameters, buffers), context in zip(initial, self._contexts, strict=True)
        ]
        groups = optimizers.group(spec, values[0][0], self._method.own_optimizer())
        self.state = State.initial(
            values,
            len(self._contexts[0].train),
            device,
            method=[_tensors(self._method.prepare(context)) for context in self._contexts],
            squared=optimizers.squared(groups),
        )
        # Dropout fills its masks in another order outside transforms.
        transformed = len(starts) > 1 or compiled or network.draws_masks
        self._passes = Passes(
            network, self._method, None if transformed else self.state.of_seed(0)[1]
        )
        step = Step(self._passes, groups, self._batches, self.state, compiled=compiled)
        changes = [tensor for _, tensor in self.state.tensors()]
        self._step = Replay(step, changes, device, capture=capture)

    @property
    def algorithm(self) -> str:
        """How the gradient of L2RW is computed."""
        return self._passes.algorithm

    def run(self, callback: StepCallback) -> list[Run]:
        """Train from the present state to the last step; return a run for each seed.

        Raises:
            UserError: A loss or a parameter became infinite or NaN.
        """
        for _ in self.blocks(callback):
            pass
        return self.finished()

    def blocks(self, callback: StepCallback | None = None) -> Iterator[int]:
        """Train likewise, and yield the step now and then, for other runs to take a turn.

        It yields after a block of steps, which a GPU executes while the host turns to other runs,
        or after a moment, so that the process can answer messages. What needs the numbers comes
        after that, because it waits for the GPU.
        """
        state, last = self.state, time.monotonic()
        while state.step < self._spec.steps:
            self._advance()
            if state.step % batches.BLOCK == 0 or time.monotonic() - last > TURN_SECONDS:
                if self._network.draws_masks:
                    self._check()  # waits: all graphs of a process share one generator of masks
                yield state.step
                last = time.monotonic()
            if self._method.reviews_after(state.step, self._spec.steps):
                self._review()
            if state.step % self._check_every == 0 or state.step == self._spec.steps:
                self._check()
            if self._spec.evaluates_after(state.step):
                self._record()
            if callback is not None:
                callback(state)

    def finished(self) -> list[Run]:
        """Return what training leaves, a run for each seed, after the last step."""
        return [self._finished(place) for place in range(len(self._starts))]

    def _context(
        self, start: Start, classes: int, parameters: Parameters, buffers: Tensors
    ) -> TrainingContext:
        transition = parent_probabilities = None
        if start.parent is not None and not self._spec.fine_tunes:
            device = self._train_images.device
            trained, statistics = (moved(tensors, device) for tensors in start.parent)
            predict = partial(self._network.predict, trained, statistics)
            if len(start.split.validation):
                transition = estimate_transition(
                    predict, self._train_images, start.split.validation
                )
            parent_probabilities = partial(probabilities, predict, self._train_images)
        return TrainingContext(
            train=training_part(self._spec, start.split),
            clean=start.split.clean,
            classes=classes,
            seed=start.seed,
            steps=self._spec.steps,
            initial={name: t.numpy() for name, t in (parameters | buffers).items()},
            transition=transition,
            validation=start.split.validation,
            images=self._images,
            parent_probabilities=parent_probabilities,
            parent_own={name: t.numpy() for name, t in start.parent_own.items()},
        )

    def _initial_values(self, start: Start) -> tuple[Parameters, Tensors]:
        if self._spec.fine_tunes:
            if start.parent is None:
                raise ValueError("fine-tuning needs a trained network")
            return start.parent
        return start.initial or self._network.initial_values(start.seed)

    def _own_parameters(self, context: TrainingContext) -> Parameters:
        own = _tensors(self._method.parameters(context))
        return {METHOD_PREFIX + name: tensor for name, tensor in own.items()}

    def _advance(self) -> None:
        state = self.state
        self._batches.load(state.step)
        self._network.seed_masks(self._starts[0].seed, state.step)
        self._step()
        state.step += 1

    def _review(self) -> None:
        """Let the method see the predictions for all training examples."""
        for place, context in enumerate(self._contexts):
            parameters, buffers = self.state.of_seed(place)
            predict = partial(self._network.predict, parameters, buffers)
            predicted = predicted_labels(predict, self._train_images, context.train)
            variables = [{n: t[place] for n, t in v.items()} for v in self.state.variables]
            seen = Review(self.state.step, predicted, variables, buffers)
            self._method.review(self.state.method_of_seed(place), seen)

    def _check(self) -> None:
        bad = self.state.first_bad()
        if bad is not None:
            place, step = bad
            raise UserError(
                f"Training of {self._spec.method}, seed {self._starts[place].seed}, became "
                f"infinite or NaN at step {step}.",
                "lower training.learning_rate.",
            )

    def _record(self) -> None:
        state = self.state
        rate = self._spec.learning_rate_at(state.step - 1)
        lines = zip(self._starts, state.history, state.tally.means(), self._evaluate(), strict=True)
        for start, history, means, held_out in lines:
            history.append(
                Snapshot(
                    start.seed,
                    state.step,
                    rate,
                    *means,
                    validation_loss=held_out.validation.loss if held_out.validation else None,
                    validation_error=held_out.validation.error if held_out.validation else None,
                    squared_clean_gradient=held_out.squared_clean_gradient,
                    test_loss=held_out.test.loss,
                    test_error=held_out.test.error,
                )
            )
        state.tally.clear()

    def _evaluate(self) -> list[Evaluations]:
        """Evaluate every seed's present network, once for each step."""
        if self._last is None or self._last[0] != self.state.step:
            seeds = range(len(self._starts))
            self._last = self.state.step, [self._evaluate_seed(place) for place in seeds]
        return self._last[1]

    def _evaluate_seed(self, place: int) -> Evaluations:
        predict, split = self._predict(place), self._starts[place].split
        test = evaluate(predict, self._test_images, split.test)
        noisy = None
        if len(split.validation):
            noisy = evaluate(predict, self._train_images, split.validation)
        parameters, _ = self.state.of_seed(place)
        gradient = squared_gradient(self._network, parameters, self._train_images, split.clean)
        return Evaluations(test, noisy, gradient)

    def _predict(self, place: int) -> Predict:
        """Return how one seed's run predicts as it is now."""
        values, memory = self.state.of_seed(place), self.state.method_of_seed(place)
        return partial(self._method.predict, self._network.predict, *values, memory)

    def _finished(self, place: int) -> Run:
        state, train = self.state, self._contexts[place].train
        memory = state.method_of_seed(place)
        parameters, buffers = self._method.predictor(*state.of_seed(place), memory)
        weights = state.weight_tracker.means(self._spec.batch_size)[place]
        return Run(
            seed=self._starts[place].seed,
            history=state.history[place],
            final=self._evaluate()[place],
            train=train,
            predicted=predicted_labels(self._predict(place), self._train_images, train),
            mean_weights=weights.cpu().numpy(),
            network=parameters | buffers,
            estimated_wrong=self._estimated_wrong(place),
        )

    def _estimated_wrong(self, place: int) -> int | None:
        """Estimate on the hyper-validation set, which is corrupted like the training set.

        None where the run trained on the hyper-validation set or on the clean set alone.
        """
        split = self._starts[place].split
        if self._spec.trains_on not in ("noisy", "noisy and clean"):
            return None
        predicted = probabilities(self._predict(place), self._train_images, split.validation)
        share = estimated_wrong_share(predicted, split.validation.labels)
        return None if share is None else round(share * len(split.train))


def _tensors(arrays: Arrays) -> Tensors:
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}
