"""A network as pure functions of parameters, buffers and images."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from l2rw.core.batchnorm import BatchStatistics, Tensors, move_statistics, record_statistics
from l2rw.core.layerwise import layerwise_gradient
from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods import METHODS
from l2rw.methods.averaged import averaged
from l2rw.methods.base import Method, is_own, own_of
from l2rw.models import MODELS
from l2rw.models.initialisation import Model, initialise
from l2rw.store.randomness import generator, torch_generator
from l2rw.training.spec import RunSpec

LossFunction = Callable[[Tensor, Any, Parameters], Tensor]
"""Maps logits (n, classes), targets and the method's own parameters to example losses (n,)."""


def cross_entropy(logits: Tensor, targets: Tensor, own: Parameters) -> Tensor:
    """Return the usual example losses, shape (n,)."""
    return F.cross_entropy(logits, targets, reduction="none")


class ForwardOutput(NamedTuple):
    """What a training pass returns besides the losses."""

    logits: Tensor
    """(n, classes)."""
    statistics: dict[str, BatchStatistics]
    """What batch normalisation saw, by layer."""


class Network:
    """Wraps a module, whose own parameters and buffers are never used."""

    def __init__(self, model: Model, precision: str = "float32") -> None:
        """Wrap a module.

        Args:
            model: Maps images (n, channels, height, width) to logits (n, classes).
            precision: ``bf16`` for passes under autocast; parameters and losses stay float32.
        """
        self._model = model.train()
        self._bf16 = precision == "bf16"
        self._record = record_statistics(model)
        self.draws_masks = any(isinstance(m, nn.Dropout) and m.p > 0 for m in model.modules())

    def initial_values(self, seed: int) -> tuple[Parameters, Tensors]:
        """Return fresh parameters and buffers of a seed, on the CPU."""
        parameters = initialise(self._model, torch_generator("initialisation", seed))
        return parameters, {name: b.detach().clone() for name, b in self._model.named_buffers()}

    def seed_masks(self, seed: int, step: int) -> None:
        """Make the masks of the coming passes a function of seed and step, if there is dropout."""
        if self.draws_masks:
            torch.manual_seed(int(generator("dropout", seed, step).integers(2**63)))

    def losses(
        self,
        parameters: Parameters,
        images: Tensor,
        targets: Any,
        loss: LossFunction = cross_entropy,
        *,
        moving: Tensors | None = None,
    ) -> tuple[Tensor, ForwardOutput]:
        """Return example losses, shape (n,), of a pass in training mode.

        Args:
            parameters: The network's, and the method's own.
            images: (n, channels, height, width).
            targets: As the loss takes them.
            loss: Of the examples.
            moving: Buffers that batch normalisation is to update in place, as it does outside
                transforms. If None it records its statistics for :meth:`move_statistics`.
        """
        with self._record.of_pass(stored=moving is not None) as statistics:
            logits = self._logits({**parameters, **(moving or {})}, images)
        return loss(logits, targets, own_of(parameters)), ForwardOutput(logits, statistics)

    @property
    def classifier(self) -> list[str]:
        """Names of the parameters of the last linear layer."""
        layers = [n for n, one in self._model.named_modules() if isinstance(one, nn.Linear)]
        last = f"{layers[-1]}." if layers else "no layer"
        return [name for name, _ in self._model.named_parameters() if name.startswith(last)]

    @property
    def examples_are_independent(self) -> bool:
        """Whether the model says that :meth:`layerwise_gradient` is right."""
        return self._model.examples_are_independent

    def layerwise_gradient(
        self,
        parameters: Parameters,
        batch: tuple[Tensor, Any],
        clean_batch: tuple[Tensor, Any],
        loss: LossFunction = cross_entropy,
    ) -> WeightedGradient:
        """Weight by L2RW layer by layer, in training mode; ``aux`` is :class:`ForwardOutput`.

        Args:
            parameters: Of the network; the method has none of its own.
            batch: Training images and targets.
            clean_batch: Clean images and targets.
            loss: As for :meth:`losses`.
        """
        images, _ = batch

        def losses(logits: Tensor, targets: Any) -> Tensor:
            return loss(logits.to(images.dtype), targets, {})

        with self._autocast(images.device.type):
            found = layerwise_gradient(self._model, losses, parameters, batch, clean_batch)
        return found._replace(aux=ForwardOutput(found.aux.to(images.dtype), {}))

    def move_statistics(self, buffers: Tensors, seen: ForwardOutput) -> None:
        """Change the buffers in place by what a training pass recorded."""
        move_statistics(self._model, buffers, seen.statistics)

    @torch.no_grad()
    def predict(self, parameters: Parameters, buffers: Tensors, images: Tensor) -> Tensor:
        """Return logits (n, classes) in evaluation mode."""
        self._model.eval()
        try:
            return self._logits({**parameters, **buffers}, images)
        finally:
            self._model.train()

    @torch.no_grad()
    def features(
        self, parameters: Parameters, buffers: Tensors, images: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits (n, classes) in evaluation mode, and what the last linear layer saw."""
        seen: list[Tensor] = []
        last = [layer for layer in self._model.modules() if isinstance(layer, nn.Linear)][-1]
        hook = last.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
        try:
            return self.predict(parameters, buffers, images), seen[0].to(images.dtype)
        finally:
            hook.remove()

    @contextmanager
    def without_dropout(self) -> Iterator[None]:
        """Keep all units for a while; batch normalisation stays in training mode."""
        layers = [m for m in self._model.modules() if isinstance(m, nn.Dropout)]
        for layer in layers:
            layer.eval()
        try:
            yield
        finally:
            for layer in layers:
                layer.train()

    def _logits(self, values: Tensors, images: Tensor) -> Tensor:
        values = {name: value for name, value in values.items() if not is_own(name)}
        with self._autocast(images.device.type):
            logits: Tensor = functional_call(self._model, values, (images,))
        return logits.to(images.dtype)

    def _autocast(self, device_type: str) -> AbstractContextManager[Any]:
        return torch.autocast(device_type, torch.bfloat16) if self._bf16 else nullcontext()


def moved(tensors: Tensors, device: torch.device | str) -> Tensors:
    """Return tensors on a device, by name."""
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def build_method(spec: RunSpec) -> Method:
    """Return the method of a run, with its settings."""
    settings = METHODS[spec.method].read_settings(dict(spec.method_settings))
    method: type[Method] = METHODS.load(spec.method)
    return (averaged(method, spec.averaging) if spec.averaging else method)(settings)


def build_network(
    spec: RunSpec,
    image_shape: tuple[int, ...],
    classes: int,
    wrapper: type[Network] = Network,
) -> Network:
    """Return the network of a run; ``image_shape`` is (channels, height, width), or (features,)."""
    model = MODELS.load(spec.model)(image_shape, classes)
    return wrapper(build_method(spec).adapt(model), spec.precision)
