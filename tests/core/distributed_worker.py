"""One of several processes that train one network; test_distributed.py starts them.

Each compares itself with a single network in plain autograd that sees all processes' batches.
"""

import copy
import sys

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from l2rw.core.reweighter import Reweighter

LOSS = nn.CrossEntropyLoss(reduction="none")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Linear(6, 7), nn.BatchNorm1d(7), nn.Tanh()),
        nn.Sequential(nn.Linear(7, 5), nn.LayerNorm(5), nn.Tanh()),
        nn.Linear(5, 3),
    ).double()


def batches(rank, step):
    generator = torch.Generator().manual_seed(100 * step + rank)
    return [
        (
            torch.randn(n, 6, generator=generator, dtype=torch.float64),
            torch.randint(3, (n,), generator=generator),
        )
        for n in (5 + rank, 3 + rank)
    ]


def expected(model, count, step, everywhere):
    """Weights by process, and the gradient."""
    both = [batches(rank, step) for rank in range(count)]
    parameters = list(model.parameters())
    clean = torch.cat([LOSS(copy.deepcopy(model)(x), y) * 0 for _, (x, y) in both])  # their number
    goals = []
    for _, (inputs, targets) in both:
        ahead = copy.deepcopy(model)
        total = LOSS(ahead(inputs), targets).sum() / len(clean)
        goals.append(torch.autograd.grad(total, list(ahead.parameters())))
    goal = [sum(parts) for parts in zip(*goals, strict=True)]
    rectified, sums = [], []
    for (inputs, targets), _ in both:
        losses = LOSS(copy_with(model, parameters)(inputs), targets)
        rows = [torch.autograd.grad(one, parameters, retain_graph=True) for one in losses]
        products = [sum((g * v).sum() for g, v in zip(row, goal, strict=True)) for row in rows]
        rectified.append(torch.stack(products).clamp(min=0))
        sums.append(losses)
    total = torch.cat(rectified).sum()
    weights = [r / (total if everywhere else r.sum() * count) for r in rectified]
    loss = sum((w * x).sum() for w, x in zip(weights, sums, strict=True))
    gradient = torch.autograd.grad(loss, parameters)
    return [w if everywhere else w * count for w in weights], gradient


def copy_with(model, parameters):
    """A copy with buffers of its own, and the model's own parameters."""
    found = copy.deepcopy(model)
    for module, its in zip(found.modules(), model.modules(), strict=True):
        module._parameters = its._parameters
    assert next(iter(found.parameters())) is parameters[0]
    return found


def whole(tensor):
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def check(wrap, rank, count, normalisation, mode=None):
    alone, ours = network(), wrap(network())
    reweighter = Reweighter(ours, LOSS, mode, normalisation=normalisation)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.1) for m in (alone, ours)]
    for step in range(3):
        for optimizer in optimizers:
            optimizer.zero_grad()
        weights, gradient = expected(alone, count, step, normalisation == "global")
        for p, g in zip(alone.parameters(), gradient, strict=True):
            p.grad = g
        batch, clean = batches(rank, step)
        found = reweighter.backward(*batch, *clean)
        torch.testing.assert_close(found, weights[rank])
        for mine, its in zip(ours.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(whole(mine.grad), its.grad)
        for optimizer in optimizers:
            optimizer.step()
    for mine, its in zip(ours.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(whole(mine.detach()), its.detach())


def accumulated(wrap, rank):
    """Two parts of each process's batch are the batch; LayerNorm keeps examples apart."""
    whole_model, parts = wrap(network().eval()), wrap(network().eval())
    (inputs, targets), clean = batches(rank, 0)
    weights = Reweighter(whole_model, LOSS).backward(inputs, targets, *clean)
    reweighter = Reweighter(parts, LOSS)
    with reweighter.accumulate() as batch:
        with parts.no_sync():
            reweighter.backward(inputs[:2], targets[:2], *clean)
        reweighter.backward(inputs[2:], targets[2:], *clean)
    for mine, its in zip(parts.parameters(), whole_model.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad)
    torch.testing.assert_close(batch.weights, weights)


def synchronised(rank):
    """PyTorch itself refuses to wrap such layers on a CPU, so the wrapper comes first."""
    model = DistributedDataParallel(network())
    model.module = nn.SyncBatchNorm.convert_sync_batchnorm(model.module)
    batch, clean = batches(rank, 0)
    with pytest.raises(ValueError, match=r"SyncBatchNorm 'module\.1' mixes examples of several"):
        Reweighter(model, LOSS).backward(*batch, *clean)


def unwrapped(rank):
    batch, clean = batches(rank, 0)
    with pytest.raises(ValueError, match="several processes run, but nothing averages"):
        Reweighter(network(), LOSS).backward(*batch, *clean)
    found = Reweighter(network(), LOSS, normalisation="local").backward(*batch, *clean)
    assert len(found) == len(batch[1])


def sharded(model):
    fully_shard(model[3])
    return fully_shard(model)


def main(rank, count, port):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=count)
    choices = [("global", None), ("local", "example by example")]
    for normalisation, mode in choices[: 4 // count]:
        check(DistributedDataParallel, rank, count, normalisation, mode)
        check(sharded, rank, count, normalisation, mode)
    accumulated(DistributedDataParallel, rank)
    synchronised(rank)
    unwrapped(rank)
    dist.destroy_process_group()
    print("done")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
