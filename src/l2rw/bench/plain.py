"""SGD as anyone would write it: the denominator of all ratios."""

from contextlib import nullcontext

import torch
import torch.nn.functional as F

from l2rw.bench.gradient_algorithms import Examples
from l2rw.bench.workload import dataset_of
from l2rw.models import MODELS
from l2rw.models.initialisation import initialise
from l2rw.store.randomness import torch_generator


class PlainTraining:
    """A module, autograd and ``torch.optim.SGD``, on one model in one memory format."""

    def __init__(
        self, model: str, precision: str, device: torch.device, *, channels_last: bool
    ) -> None:
        """Prepare to train, as :class:`~l2rw.bench.workload.Workload` does."""
        info = dataset_of(model)
        self._model = MODELS.load(model)(info.image_shape, info.classes)
        initialise(self._model, torch_generator("initialisation", 0))
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self._model.to(device, memory_format=layout)
        self._optimiser = torch.optim.SGD(
            self._model.parameters(), lr=1e-3, momentum=0.9, weight_decay=2e-4
        )
        self._autocast = (
            torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
        )

    def step(self, seen: Examples) -> None:
        """Take one step on the training examples of a single seed, in a stack of one."""
        self._optimiser.zero_grad()
        with self._autocast:
            loss = F.cross_entropy(self._model(seen.images[0]), seen.labels[0])
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
