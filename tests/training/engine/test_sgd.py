import pytest
import torch

from l2rw.training.engine import sgd


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_those_of_torch_optim_sgd(make_spec, momentum, weight_decay):
    spec = make_spec(momentum=momentum, weight_decay=weight_decay)
    torch.manual_seed(0)
    ours = {"a": torch.randn(3, 2), "b": torch.randn(4)}
    velocity = {name: torch.zeros_like(value) for name, value in ours.items()}
    theirs = {name: value.clone().requires_grad_() for name, value in ours.items()}
    optimiser = torch.optim.SGD(
        theirs.values(), lr=0.1, momentum=momentum, weight_decay=weight_decay
    )
    for learning_rate in (0.1, 0.1, 0.01, 0.01, 0.3):
        gradient = {name: torch.randn_like(value) for name, value in ours.items()}
        sgd.update(ours, velocity, gradient, spec, learning_rate)
        optimiser.param_groups[0]["lr"] = learning_rate
        for name, value in theirs.items():
            value.grad = gradient[name].clone()
        optimiser.step()
        torch.testing.assert_close(ours, {name: v.detach() for name, v in theirs.items()})


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_weight_decay_spares_the_own_parameters_of_the_method_and_no_others(make_spec, momentum):
    names = ["hidden.weight", "method.noise_layer", "methods.bias", "output.weight"]
    values = {name: torch.ones(2) for name in names}
    velocity, gradient = ({name: torch.zeros(2) for name in names} for _ in range(2))
    spec = make_spec(momentum=momentum, weight_decay=0.1)
    for _ in range(2):
        sgd.update(values, velocity, gradient, spec, learning_rate=0.5)
    decayed = {name for name, value in values.items() if (value < 1).all()}
    spared = {name for name, value in values.items() if (value == 1).all()}
    assert (decayed, spared) == (set(names) - {"method.noise_layer"}, {"method.noise_layer"})
