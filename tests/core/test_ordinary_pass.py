"""After ``backward``, everything is as after one ordinary pass of the training batch."""

import subprocess
import sys
import threading
from collections import Counter

import pytest
import torch
from torch import nn

from l2rw.core.reweighter import MODES, Reweighter
from tests.core.zoo import CASES, CLASSES, CROSS_ENTROPY, FEATURES, Unused, perceptron

GENERAL = [mode for mode in MODES if mode != "layer-wise"]
general = pytest.mark.parametrize("mode", [None, *GENERAL])


def examples(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, FEATURES, dtype=torch.float64, generator=generator)
    return inputs, torch.randint(CLASSES, (n,), generator=generator)


BATCH, CLEAN = examples(9), examples(4, 1)


def plain(model):
    """Two ordinary gradients: of a clean batch, which says nothing here, and of a weighted one."""
    return Reweighter(model, CROSS_ENTROPY, "example by example").backward(*BATCH, *CLEAN)


@general
@pytest.mark.parametrize("step", [1, 2])
def test_hooks_of_parameters_act_once_and_on_the_final_gradient(mode, step):
    torch.manual_seed(0)
    model, seen = perceptron().double(), Counter()
    weights = plain(model)
    expected = [p.grad for p in model.parameters()]

    def doubled(gradient):
        seen["hook"] += 1
        return 2 * gradient

    for p in model.parameters():
        p.register_hook(doubled)
        p.register_post_accumulate_grad_hook(lambda _: seen.update(["after"]))
    reweighter = Reweighter(model, CROSS_ENTROPY, mode)
    for _ in range(step):
        seen.clear()
        model.zero_grad()
        torch.testing.assert_close(reweighter.backward(*BATCH, *CLEAN), weights)
    assert seen == {"hook": 4, "after": 4}
    torch.testing.assert_close([p.grad for p in model.parameters()], [2 * g for g in expected])


class Watched(nn.Module):
    """Counts its passes in all ways that come to mind."""

    def __init__(self):
        super().__init__()
        self.layers, self.calls, self.history, self.by_size = perceptron(), 0, [], {}
        self.counter = Meter()

    def forward(self, inputs):
        self.calls += 1
        self.history.append(len(inputs))
        self.by_size.setdefault(len(inputs), []).append(1)
        self.counter.add(len(inputs))
        GLOBAL.append(len(inputs))
        outputs = self.layers(inputs)
        outputs.register_hook(lambda gradient: self.history.append("gradient"))
        return outputs


class Meter:
    def __init__(self):
        self.total, self.bounded = 0, []

    def add(self, n):
        self.total += n
        self.bounded.append(n)


GLOBAL = []


@general
def test_what_forward_and_hooks_remember_is_of_one_pass(mode):
    GLOBAL.clear()
    torch.manual_seed(0)
    model, local, meter, passes = Watched().double(), [], Meter(), 0

    def count(*_):
        nonlocal passes
        passes += 1

    layer = model.layers[0]
    layer.register_forward_hook(lambda _, __, outputs: local.append(len(outputs)))
    layer.register_forward_pre_hook(count)
    if mode != "forward":
        model.layers[1].register_full_backward_hook(
            lambda _, __, gradients: meter.add(len(gradients[0]))
        )

    def loss(outputs, targets):
        local.append("loss")
        return CROSS_ENTROPY(outputs, targets)

    Reweighter(model, loss, mode).backward(*BATCH, *CLEAN)
    assert local == [9, "loss"]
    assert passes == model.calls == 1
    assert GLOBAL == [9]
    assert model.history == [9, "gradient"]
    assert model.by_size == {9: [1]}
    assert (model.counter.total, model.counter.bounded) == (9, [9])
    if mode != "forward":
        assert (meter.total, meter.bounded) == (9, [9])


@general
def test_features_that_a_hook_hands_to_the_loss_are_those_of_each_pass(mode):
    torch.manual_seed(0)
    model, features = perceptron().double(), {}
    model[0].register_forward_hook(lambda _, __, outputs: features.update(first=outputs))

    def loss(outputs, targets):
        return CROSS_ENTROPY(outputs, targets) + features["first"].square().mean(1)

    whole = nn.Sequential(model).double()
    weights = Reweighter(whole, loss, mode).backward(*BATCH, *CLEAN)
    assert len(features["first"]) == 9
    rows = [
        torch.autograd.grad(x, [*model.parameters()], retain_graph=True)
        for x in of(model, loss, BATCH)
    ]
    goal = torch.autograd.grad(of(model, loss, CLEAN).mean(), [*model.parameters()])
    u = torch.stack([sum((g * v).sum() for g, v in zip(r, goal, strict=True)) for r in rows])
    torch.testing.assert_close(weights, u.clamp(min=0) / u.clamp(min=0).sum())


def of(model, loss, batch):
    return loss(model(batch[0]), batch[1])


@pytest.mark.parametrize("mode", [None, *MODES])
def test_unused_parameters_have_no_gradient(mode):
    model = Unused().double()
    Reweighter(model, CROSS_ENTROPY, mode).backward(*BATCH, *CLEAN)
    assert {n for n, p in model.named_parameters() if p.grad is None} == {
        "never.weight",
        "never.bias",
    }


NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
on_each_device = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_GPU])]
)


@on_each_device
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("steps", [1, 2])
def test_masks_and_random_state_are_those_of_an_ordinary_pass(mode, steps, device):
    model = perceptron(nn.Dropout(0.5)).double().to(device)
    batch, clean = ([tensor.to(device) for tensor in examples] for examples in (BATCH, CLEAN))
    reweighter = Reweighter(model, CROSS_ENTROPY, mode)
    for seed in range(steps):
        torch.manual_seed(seed)
        reweighter.backward(*batch, *clean)
        after = torch.rand(3, device=device)
        torch.manual_seed(seed)
        losses = CROSS_ENTROPY(model(batch[0]), batch[1])
        torch.testing.assert_close(torch.rand(3, device=device), after)
        torch.testing.assert_close(reweighter.losses, losses.detach())


@on_each_device
def test_masks_are_the_same_in_all_modes(device):
    model, found = perceptron(nn.Dropout(0.5)).double().to(device), []
    batch, clean = ([tensor.to(device) for tensor in examples] for examples in (BATCH, CLEAN))
    for mode in [None, *MODES]:
        torch.manual_seed(0)
        found.append(Reweighter(model, CROSS_ENTROPY, mode).backward(*batch, *clean))
    for weights in found[1:]:
        torch.testing.assert_close(weights, found[0])


@general
def test_gradients_flow_on_to_what_made_the_inputs(mode):
    torch.manual_seed(0)
    encoder, model = nn.Linear(FEATURES, FEATURES).double(), perceptron().double()
    reweighter = Reweighter(model, CROSS_ENTROPY, mode)
    weights = reweighter.backward(encoder(BATCH[0]), BATCH[1], *CLEAN)
    loss = (weights * CROSS_ENTROPY(model(encoder(BATCH[0])), BATCH[1])).sum()
    expected = torch.autograd.grad(loss, [*encoder.parameters()])
    torch.testing.assert_close([p.grad for p in encoder.parameters()], [*expected])


@general
def test_the_clean_batch_is_not_changed_in_place(mode):
    torch.manual_seed(0)
    model = nn.Sequential(nn.ReLU(inplace=True), perceptron()).double()
    clean = CLEAN[0].clone()
    Reweighter(model, CROSS_ENTROPY, mode).backward(BATCH[0].clone(), BATCH[1], clean, CLEAN[1])
    assert torch.equal(clean, CLEAN[0])


def test_threads_take_turns():
    torch.manual_seed(0)
    model = perceptron().double()
    expected = plain(model)
    once = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    found = []

    def work():
        reweighters = [Reweighter(model, CROSS_ENTROPY, mode) for mode in (None, *MODES)]
        found.extend(reweighter.backward(*BATCH, *CLEAN) for reweighter in reweighters)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 15
    for weights in found:
        torch.testing.assert_close(weights, expected)
    torch.testing.assert_close([p.grad for p in model.parameters()], [15 * g for g in once])


def test_nothing_is_warned_of():
    program = """
from tests.core.zoo import CASES
from l2rw import Reweighter
for name in "LSTM", "convolutions", "weight norm":
    case = CASES[name]
    model = case.model().double()
    reweighter = Reweighter(model, case.loss())
    for _ in range(2):
        reweighter.backward(case.inputs(5), case.targets(5), case.inputs(3), case.targets(3))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_compiled_models_and_losses_give_the_same():
    torch.manual_seed(0)
    model = perceptron(nn.BatchNorm1d(FEATURES)).double()
    weights = Reweighter(model, CROSS_ENTROPY).backward(*BATCH, *CLEAN)
    compiled = torch.compile(model, backend="aot_eager")
    loss = torch.compile(CROSS_ENTROPY, backend="aot_eager")
    compiled(BATCH[0])
    for mode in (None, *GENERAL):
        found = Reweighter(compiled, loss, mode).backward(*BATCH, *CLEAN)
        torch.testing.assert_close(found, weights)


def test_a_mode_says_why():
    model, reasons = CASES["once differentiable"].model().double(), {}
    reweighter = Reweighter(model, CROSS_ENTROPY)
    reasons["before"] = reweighter.mode.why
    reweighter.backward(*BATCH, *CLEAN)
    assert reweighter.mode == "example by example"
    assert "tried on the first batch" in reasons["before"]
    assert "forward mode failed" in reweighter.mode.why
    assert "double backward failed" in reweighter.mode.why


def test_a_mode_is_tried_anew_when_the_model_changes():
    model = perceptron(nn.BatchNorm1d(FEATURES)).double()
    reweighter = Reweighter(model, CROSS_ENTROPY)
    reweighter.backward(*BATCH, *CLEAN)
    assert "gave the same" in reweighter.mode.why
    model[2].register_full_backward_hook(lambda *_: None)
    assert "tried on the first batch" in reweighter.mode.why
    reweighter.backward(*BATCH, *CLEAN)
    assert reweighter.mode == "double backward"


class Moody(nn.Module):
    """Has forward derivatives for a while."""

    def __init__(self):
        super().__init__()
        self.a, self.calls = nn.Linear(FEATURES, CLASSES), 0

    def forward(self, inputs):
        self.calls += 1
        outputs = self.a(inputs)
        return CASES["old function"].model()[1](outputs) if self.calls > 2 else outputs.exp()


def test_forward_mode_that_fails_later_gives_way():
    torch.manual_seed(0)
    model = Moody().double()
    reweighter, modes = Reweighter(model, CROSS_ENTROPY), []
    for calls in (1, 2, 3, 4):
        assert reweighter.backward(*BATCH, *CLEAN).any()
        assert model.calls == calls
        modes.append(reweighter.mode)
    assert modes == ["forward", "forward", "double backward", "double backward"]
