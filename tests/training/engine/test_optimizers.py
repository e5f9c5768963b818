from math import cos, pi

import pytest
import torch

from l2rw.methods.base import Optimizer
from l2rw.training.engine import optimizers
from l2rw.training.engine.optimizers import Variables

SHAPES = {"a": (3, 2), "b": (4,)}
RATES = (0.1, 0.1, 0.01, 0.01, 0.3)


def draw(stack=1, dtype=torch.float64):
    return {name: torch.randn(stack, *shape, dtype=dtype) for name, shape in SHAPES.items()}


def variables_of(parameters, groups):
    return Variables(
        parameters,
        {name: torch.zeros_like(p) for name, p in parameters.items()},
        {name: torch.zeros_like(parameters[name]) for name in optimizers.squared(groups)},
    )


def reference(spec, parameters):
    """The optimiser of PyTorch that the settings ask for."""
    decay = {"lr": 0.1, "weight_decay": spec.weight_decay}
    if spec.optimizer == "sgd":
        momentum = {"momentum": spec.momentum, "nesterov": spec.nesterov}
        return torch.optim.SGD(parameters, **decay, **momentum)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[spec.optimizer]
    return kind(parameters, betas=(spec.momentum, 0.999), **decay)


RULES = [
    {"optimizer": "sgd", "momentum": 0.0},
    {"optimizer": "sgd", "momentum": 0.9},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    {"optimizer": "adam", "momentum": 0.9},
    {"optimizer": "adam", "momentum": 0.5},
    {"optimizer": "adamw", "momentum": 0.9},
]


@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_steps_are_those_of_torch_optim(make_spec, rule, weight_decay, stack):
    spec = make_spec(weight_decay=weight_decay, **rule)
    torch.manual_seed(0)
    ours = draw(stack)
    groups = optimizers.group(spec, ours)
    variables = variables_of(ours, groups)
    theirs = {name: value.clone().requires_grad_() for name, value in ours.items()}
    optimiser = reference(spec, theirs.values())
    for step, learning_rate in enumerate(RATES):
        gradient = draw(stack)
        rate = torch.tensor(learning_rate, dtype=torch.float64)
        optimizers.update(groups, variables, gradient, rate, torch.tensor(step))
        optimiser.param_groups[0]["lr"] = learning_rate
        for name, value in theirs.items():
            value.grad = gradient[name].clone()
        optimiser.step()
        expected = {name: value.detach() for name, value in theirs.items()}
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)


def test_a_rate_that_is_a_tensor_gives_the_bits_of_one_that_is_a_number(make_spec):
    torch.manual_seed(0)
    for learning_rate in (0.1, 0.05 * 0.1, 1e-3, 0.0123):
        (at, gradient) = draw(dtype=torch.float32), draw(dtype=torch.float32)
        expected = {n: p.add(gradient[n], alpha=-learning_rate) for n, p in at.items()}
        groups = optimizers.group(make_spec(), at)
        rate = torch.tensor(learning_rate, dtype=torch.float64)
        optimizers.update(groups, variables_of(at, groups), gradient, rate, torch.tensor(0))
        torch.testing.assert_close(at, expected, rtol=0, atol=0)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_weight_decay_spares_the_own_parameters_of_the_method_and_no_others(make_spec, rule):
    names = ["hidden.weight", "method.noise_layer", "methods.bias", "output.weight"]
    values = {name: torch.ones(2) for name in names}
    groups = optimizers.group(make_spec(weight_decay=0.1, **rule), values)
    variables = variables_of(values, groups)
    for step in range(2):
        gradient = {name: torch.zeros(2) for name in names}
        optimizers.update(groups, variables, gradient, torch.tensor(0.5), torch.tensor(step))
    decayed = {name for name, value in values.items() if (value < 1).all()}
    spared = {name for name, value in values.items() if (value == 1).all()}
    assert (decayed, spared) == (set(names) - {"method.noise_layer"}, {"method.noise_layer"})


def test_own_parameters_may_have_an_optimiser_of_their_own(make_spec):
    torch.manual_seed(0)
    start, gradients = torch.randn(3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    values = {"w": start.clone(), "method.v": start.clone()}
    own = Optimizer("adam", 1e-3, weight_decay=1e-4)
    groups = optimizers.group(make_spec(momentum=0.9), values, own)
    variables = variables_of(values, groups)
    assert set(variables.squares) == {"method.v"}
    theirs = [start.clone().requires_grad_() for _ in range(2)]
    optimisers = (
        torch.optim.SGD(theirs[:1], lr=0.1, momentum=0.9),
        torch.optim.Adam(theirs[1:], lr=1e-3, weight_decay=1e-4),
    )
    rate = torch.tensor(0.1, dtype=torch.float64)
    for step, g in enumerate(gradients):
        before = variables.parameters["method.v"].clone()
        seen = optimizers.advanced(groups[-1], variables, {"method.v": g}, torch.tensor(step))
        assert torch.equal(variables.parameters["method.v"], before)
        optimizers.update(groups, variables, dict.fromkeys(values, g), rate, torch.tensor(step))
        for value, optimiser in zip(theirs, optimisers, strict=True):
            value.grad = g.clone()
            optimiser.step()
        torch.testing.assert_close(values["w"], theirs[0].detach(), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(values["method.v"], theirs[1].detach(), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(seen["method.v"], values["method.v"], rtol=0, atol=0)


def test_a_cosine_begins_at_the_learning_rate_and_ends_near_zero(make_spec):
    spec = make_spec(learning_rate=0.2, schedule="cosine", steps=50)
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.2)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50)
    for step in range(50):
        assert spec.learning_rate_at(step) == pytest.approx(theirs.get_last_lr()[0])
        optimiser.step()
        theirs.step()
    assert spec.learning_rate_at(0) == 0.2
    assert spec.learning_rate_at(49) == pytest.approx(0.1 * (1 + cos(pi * 49 / 50)))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_nothing_new_is_stored_by_a_step(make_spec, optimizer):
    values = draw()
    groups = optimizers.group(make_spec(optimizer=optimizer, weight_decay=0.1), values)
    variables = variables_of(values, groups)
    places = [t.data_ptr() for tensors in variables for t in tensors.values()]
    rate = torch.tensor(0.1, dtype=torch.float64)
    optimizers.update(groups, variables, draw(), rate, torch.tensor(0))
    assert [t.data_ptr() for tensors in variables for t in tensors.values()] == places
