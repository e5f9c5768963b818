"""Times of a training step from the operations it takes, where nothing was measured."""

from collections.abc import Iterable

import torch

from l2rw.bench.hours import Times
from l2rw.bench.ways import FORWARD_MODE, SGD, WAYS
from l2rw.bench.workload import Workload, random_examples


def times_by_operations(
    models: Iterable[str], teraflops: float, batch_size: int = 100, clean_batch_size: int = 100
) -> dict[str, Times]:
    """Count the floating-point operations of a step and divide them by a rate.

    Nothing is computed: tensors have shapes but no memory.

    Args:
        models: Names.
        teraflops: Operations that the device sustains, in 10¹² a second.
        batch_size: Training examples in a step.
        clean_batch_size: Clean examples in a step of L2RW; 10 for LeNets in any case.
    """
    times = {}
    for model in models:
        clean = 10 if model.startswith("lenet") else clean_batch_size
        device = torch.device("meta")
        workload = Workload(model, "float32", 1, device, channels_last=True)
        examples = random_examples(model, 1, batch_size, clean, device)
        times[model] = Times(
            *(workload.flops(WAYS[way], examples) / teraflops / 1e9 for way in (SGD, FORWARD_MODE))
        )
    return times
