"""Short runs on made-up images: what `l2rw gpu-check` trains. They need no files."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from l2rw.bench.workload import dataset_of
from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split, make_part
from l2rw.methods import METHODS
from l2rw.methods.base import Method, is_own, own_of
from l2rw.methods.settings import as_pairs
from l2rw.models import MODELS
from l2rw.training.engine.loop import Training
from l2rw.training.engine.network import (
    ForwardOutput,
    LossFunction,
    Network,
    build_method,
    cross_entropy,
)
from l2rw.training.engine.runs import Start
from l2rw.training.engine.state import State
from l2rw.training.spec import RunSpec, trains_on

CPU = torch.device("cpu")
SEED, PARENT_SEED = 0, 1
"""Of a trial, and what is added to it for the run that it waits for."""
CANDIDATES = 5
"""Training images for each place in the batch: hard mining sees each once in every step."""


class DoubleNetwork(Network):
    """Computes in float64 all that lies between the images and the example losses.

    Losses and weights are rounded to float32 at the end, as the rest of the engine expects.
    """

    def initial_values(self, seed: int) -> tuple[Parameters, Tensors]:
        """Return what :class:`Network` draws, in float64."""
        parameters, buffers = super().initial_values(seed)
        return {n: p.double() for n, p in parameters.items()}, {
            n: b.double() if b.is_floating_point() else b for n, b in buffers.items()
        }

    def losses(
        self,
        parameters: Parameters,
        images: Tensor,
        targets: Any,
        loss: LossFunction = cross_entropy,
        *,
        moving: Tensors | None = None,
    ) -> tuple[Tensor, ForwardOutput]:
        """Return example losses, shape (n,), float32."""
        values, seen = super().losses(parameters, images.double(), targets, loss, moving=moving)
        return values.float(), seen

    def layerwise_gradient(
        self,
        parameters: Parameters,
        batch: tuple[Tensor, Any],
        clean_batch: tuple[Tensor, Any],
        loss: LossFunction = cross_entropy,
    ) -> WeightedGradient:
        """Return weights and losses in float32."""
        (images, labels), (clean_images, clean_labels) = batch, clean_batch
        found = super().layerwise_gradient(
            parameters, (images.double(), labels), (clean_images.double(), clean_labels), loss
        )
        return found._replace(weights=found.weights.float(), losses=found.losses.float())

    def predict(self, parameters: Parameters, buffers: Tensors, images: Tensor) -> Tensor:
        """Return logits (n, classes), float64."""
        return super().predict(parameters, buffers, images.double())


@dataclass(frozen=True)
class Trial:
    """A run of a network by a method on random images, with random labels."""

    model: str
    method: str
    batch_size: int = 8
    dropout: bool = True
    """Whether to keep the network's dropout; masks differ between kinds of device."""
    seed: int = SEED
    """Of images, labels, initial values and draws."""

    @property
    def classes(self) -> int:
        """Two for LeNets, as in the paper, ten for others."""
        return classes_of(self.model)

    def training(
        self,
        device: torch.device,
        network: type[Network] = Network,
        *,
        compiled: bool = False,
        capture: bool = True,
    ) -> Training:
        """Prepare to train, :func:`advance` does; ``network`` wraps the model."""
        data = self._dataset()
        model = MODELS.load(self.model)(data.info.image_shape, self.classes)
        if not self.dropout:
            for layer in model.modules():
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.0
        spec = self._spec()
        wrapped = network(build_method(spec).adapt(model))
        start = Start(self.seed, self._split(data), *self._parent(network))
        return Training(
            spec,
            wrapped,
            data,
            self.classes,
            [start],
            device,
            compiled=compiled,
            capture=capture,
        )

    def _parent(self, network: type[Network]) -> tuple[tuple[Parameters, Tensors] | None, Tensors]:
        """Return what the run begins from, if it waits for another: untrained, of another seed.

        That is a network, and what the method of that run trains beside it.
        """
        waits_for = METHODS[self.method].after
        if not waits_for:
            return None, {}
        other = replace(self, method=waits_for, seed=self.seed + PARENT_SEED)
        parameters, buffers = other.training(CPU, network).state.of_seed(0)
        theirs = {name: p for name, p in parameters.items() if not is_own(name)}
        return (theirs, buffers), own_of(parameters)

    def _dataset(self) -> Dataset:
        """Return images enough for all parts of the split, the last of them for the test."""
        info, n = dataset_of(self.model), self.batch_size
        random = np.random.default_rng(self.seed)
        images = random.integers(
            256, size=((CANDIDATES + 3) * n, *info.image_shape), dtype=np.uint8
        )
        labels = random.integers(self.classes, size=len(images))
        # Hard mining chooses among ties unless its minority fills half the batch exactly.
        if self.classes == 2:
            labels[: CANDIDATES * n] = np.arange(CANDIDATES * n) >= n // 2
        return Dataset(info.name, images[:-n], labels[:-n], images[-n:], labels[-n:])

    def _split(self, data: Dataset) -> Split:
        train, clean, validation = np.split(
            np.arange(len(data.train_labels)),
            [CANDIDATES * self.batch_size, (CANDIDATES + 1) * self.batch_size],
        )
        labels = data.train_labels
        truth = np.where(train % 4 == 0, (labels[train] + 1) % self.classes, labels[train])
        return Split(
            train=make_part(train, labels[train], truth),
            clean=make_part(clean, labels[clean]),
            validation=make_part(validation, labels[validation]),
            test=make_part(np.arange(len(data.test_labels)), data.test_labels),
        )

    def _spec(self) -> RunSpec:
        color = dataset_of(self.model).image_shape[0] == 3
        return RunSpec(
            method=self.method,
            model=self.model,
            steps=2**31,  # never reached: no time goes into evaluations
            batch_size=self.batch_size,
            clean_batch_size=self.batch_size if METHODS[self.method].guided_by_clean_set else None,
            learning_rate=1e-3,
            decay_at=(),
            momentum=0.9,
            weight_decay=2e-4,
            crop_padding=4 if color else 0,
            mirror=color,
            precision="float32",
            evaluations=1,
            trains_on=trains_on(METHODS[self.method], baselines_see_clean=False),
            fine_tunes=False,
            method_settings=as_pairs(_without_burn_in(METHODS[self.method].settings())),
            optimizer="sgd",
            nesterov=False,
            schedule="step",
            averaging=0.0,
            initial_weights="",
        )


def classes_of(model: str) -> int:
    """Return the classes of the problem that a network is tried on."""
    return 2 if model.startswith("lenet") else 10


def methods_of(model: str) -> list[str]:
    """Return the methods that the problem of a network admits."""
    return [
        name
        for name, record in METHODS.items()
        if classes_of(model) == 2 or not record.for_two_classes
    ]


def _without_burn_in(settings: Any) -> Any:
    """Let a method do at once what it does after a share of the steps, which are never reached."""
    return replace(settings, burn_in=0.0) if hasattr(settings, "burn_in") else settings


def one_of_each_family(methods: list[str]) -> list[str]:
    """Return the first of all methods that override the same hooks of the contract."""
    hooks = [name for name in vars(Method) if not name.startswith("_")]
    first: dict[frozenset[str], str] = {}
    for method in methods:
        kind = METHODS.load(method)
        own = frozenset(h for h in hooks if getattr(kind, h) is not getattr(Method, h))
        first.setdefault(own, method)
    return list(first.values())


class _Reached(Exception):  # noqa: N818 - no error
    """The step to stop at."""


def advance(training: Training, to: int) -> State:
    """Train from the present state until ``to`` steps are done; return the state."""

    def watch(state: State) -> None:
        if state.step >= to:
            raise _Reached

    with suppress(_Reached):
        training.run(watch)
    return training.state


def copy_of(tensors: Tensors) -> Tensors:
    """Return copies on the CPU, in float64."""
    return {name: t.detach().cpu().double().clone() for name, t in tensors.items()}


def difference(tensors: Tensors, reference: Tensors, start: Tensors | None = None) -> float:
    """Return ‖tensors - reference‖ / ‖reference - start‖, all tensors together; NaN stays NaN.

    Args:
        tensors: By name.
        reference: By name, likewise; these names count.
        start: Where the reference came from; zero if None.
    """
    there = copy_of(reference)
    apart = _norm(there, copy_of(tensors))
    size = _norm(there, copy_of(start) if start else None)
    return apart / size if size else 0.0 if apart == 0 else float("inf")


def _norm(tensors: Tensors, origin: Tensors | None) -> float:
    squares = [(t - origin[n] if origin else t).square().sum() for n, t in tensors.items()]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0
