"""Running statistics move as in an ordinary training pass, and by nothing else."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from l2rw.core.batchnorm import move_statistics, record_statistics
from l2rw.core.reweighter import Reweighter

SHAPES = {nn.BatchNorm1d: (8, 3), nn.BatchNorm2d: (8, 3, 4, 4)}
CASES = [
    *((nn.BatchNorm1d, {}), (nn.BatchNorm2d, {})),
    *((nn.BatchNorm2d, {"momentum": 0.3}), (nn.BatchNorm1d, {"momentum": None})),
    *((nn.BatchNorm2d, {"affine": False}), (nn.BatchNorm2d, {"eps": 0.1})),
    (nn.BatchNorm1d, {"track_running_stats": False}),
]
MODES = ["forward", "double backward"]
loss = nn.CrossEntropyLoss(reduction="none")


class Net(nn.Module):
    def __init__(self, layer: type[nn.Module], **options: object) -> None:
        super().__init__()
        self.norm = layer(3, **options)
        self.head = nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.norm(inputs).reshape(len(inputs), 3, -1).tanh().mean(2))


def net(layer: type[nn.Module], **options: object) -> Net:
    torch.manual_seed(0)
    model = Net(layer, **options).double()
    for buffer in model.buffers():  # as they are amid training
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 2)
        else:
            buffer.fill_(3)
    return model


def inputs(layer: type[nn.Module], mean: float = 2.0) -> Tensor:
    return mean + 3 * torch.randn(*SHAPES[layer], dtype=torch.float64)


def buffers(model: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in model.named_buffers()}


def reweight(model: nn.Module, mode: str, batch: Tensor) -> None:
    labels = torch.arange(8) % 2
    far_away = inputs(type(model.norm), mean=1e3)
    Reweighter(model, loss, mode).backward(batch, labels, far_away, labels)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("layer", "options"), CASES, ids=str)
def test_running_statistics_end_as_after_one_ordinary_training_pass(mode, layer, options):
    model = net(layer, **options)
    ordinary = copy.deepcopy(model)
    for _ in range(2):
        batch = inputs(layer)
        reweight(model, mode, batch)
        ordinary(batch)
        torch.testing.assert_close(buffers(model), buffers(ordinary))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layer", SHAPES)
def test_a_layer_in_evaluation_mode_is_left_alone(mode, layer):
    model = net(layer)
    model.norm.eval()
    before = buffers(model)
    reweight(model, mode, inputs(layer))
    torch.testing.assert_close(buffers(model), before, rtol=0, atol=0)


def test_a_model_that_is_one_layer_has_its_statistics_updated():
    model = nn.BatchNorm1d(3)
    ordinary = copy.deepcopy(model)
    batch, labels = torch.randn(8, 3), torch.arange(8) % 3
    Reweighter(model, loss).backward(batch, labels, 5 + batch, labels)
    ordinary(batch)
    torch.testing.assert_close(buffers(model), buffers(ordinary))


@pytest.mark.parametrize(("layer", "options"), CASES[:6], ids=str)
def test_recording_keeps_outputs_and_leaves_running_statistics_alone(layer, options):
    model, batch = net(layer, **options), inputs(layer)
    before, expected = buffers(model), copy.deepcopy(model)(batch)
    with record_statistics(model).of_pass() as record:
        outputs = model(batch)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(buffers(model), before, rtol=0, atol=0)
    (seen,) = record.values()
    by_channel = batch.transpose(0, 1).flatten(1)
    torch.testing.assert_close(seen.mean, by_channel.mean(1))
    torch.testing.assert_close(seen.variance, by_channel.var(1, unbiased=True))


def test_a_pass_may_store_its_statistics_as_usual():
    model, batch = net(nn.BatchNorm1d), inputs(nn.BatchNorm1d)
    ordinary = copy.deepcopy(model)
    record = record_statistics(model)
    with record.of_pass(stored=True) as seen:
        model(batch)
    ordinary(batch)
    assert seen == {}
    torch.testing.assert_close(buffers(model), buffers(ordinary), rtol=0, atol=0)


@pytest.mark.parametrize("layer", SHAPES)
def test_a_stack_of_models_records_and_updates_as_each_alone(layer):
    model = net(layer)
    stack, batches = 3, torch.stack([inputs(layer, mean) for mean in (0, 1, 2)])
    many = {n: torch.randn(stack, *p.shape).double() for n, p in model.named_parameters()}
    starts = {
        n: b + torch.arange(stack)[(...,) + (None,) * b.dim()] for n, b in buffers(model).items()
    }
    alone = []
    for i in range(stack):
        one = copy.deepcopy(model)
        one.load_state_dict({n: t[i] for n, t in (many | starts).items()})
        alone.append((one(batches[i]), buffers(one)))

    record = record_statistics(model)

    def run(parameters: dict[str, Tensor], batch: Tensor) -> tuple[Tensor, object]:
        with record.of_pass() as seen:
            return functional_call(model, parameters, (batch,)), seen

    outputs, seen = torch.vmap(run)(many, batches)
    after = {name: start.clone() for name, start in starts.items()}
    move_statistics(model, after, seen)
    for i, (expected, statistics) in enumerate(alone):
        torch.testing.assert_close(outputs[i], expected)
        for name in ("norm.running_mean", "norm.running_var"):
            torch.testing.assert_close(after[name][i], statistics[name])
