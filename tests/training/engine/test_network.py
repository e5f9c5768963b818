import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import grad

from l2rw.core.weights import reweighted_gradient
from l2rw.models.initialisation import Model, draw_residual_network
from l2rw.models.lenet import LeNet
from l2rw.training.engine.network import Network


class Layers(nn.Sequential, Model):
    def draw(self, generator):
        draw_residual_network(self, generator)


def model():
    convolution = nn.Conv2d(1, 3, 3, bias=False)
    return Layers(convolution, nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2))


@pytest.fixture
def images():
    return torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_losses_are_those_of_a_pass_in_training_mode(images):
    network, reference = Network(model()), model()
    parameters, buffers = network.initial_values(0)
    reference.load_state_dict({**parameters, **buffers})
    labels = torch.tensor([0, 1, 1, 0, 1])
    losses, seen = network.losses(parameters, images, labels)
    logits = reference(images)
    torch.testing.assert_close(seen.logits, logits)
    torch.testing.assert_close(losses, F.cross_entropy(logits, labels, reduction="none"))
    # The reference has moved its running statistics; those of the network are told.
    moved = {name: buffer.clone() for name, buffer in buffers.items()}
    network.move_statistics(moved, seen)
    for name in ("1.running_mean", "1.running_var"):
        torch.testing.assert_close(moved[name], reference.state_dict()[name])
        assert not torch.equal(moved[name], buffers[name])


def test_a_pass_leaves_the_network_as_it_was(images):
    module = model()
    network = Network(module)
    parameters, buffers = network.initial_values(0)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network.losses(parameters, images, torch.zeros(5, dtype=torch.int64))
    torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
    fresh = dict(model().named_buffers())
    torch.testing.assert_close(buffers, fresh, rtol=0, atol=0)


def test_predictions_are_those_of_evaluation_mode(images):
    network, reference = Network(model()), model().eval()
    parameters, buffers = network.initial_values(0)
    buffers["1.running_mean"] += 0.3
    reference.load_state_dict({**parameters, **buffers})
    torch.testing.assert_close(network.predict(parameters, buffers, images), reference(images))
    # One image alone is predicted as among others, and training goes on in training mode.
    alone = network.predict(parameters, buffers, images[:1])
    torch.testing.assert_close(alone, reference(images)[:1])
    _, seen = network.losses(parameters, images, torch.zeros(5, dtype=torch.int64))
    assert not torch.allclose(seen.logits, reference(images))


def test_the_loss_gets_the_own_parameters_of_a_method_and_the_network_does_not(images):
    network, given = Network(model()), []
    parameters, buffers = network.initial_values(0)
    labels = torch.tensor([0, 1, 1, 0, 1])
    # Named like a layer's, to be told apart by the prefix alone.
    together = parameters | {"method.0.weight": torch.tensor(3.0)}

    def loss(logits, seen_labels, own):
        given.append((seen_labels, own))
        return logits[:, 0] * own["0.weight"]

    losses, seen = network.losses(together, images, labels, loss)
    torch.testing.assert_close(losses, 3 * seen.logits[:, 0])
    torch.testing.assert_close(seen.logits, network.losses(parameters, images, labels)[1].logits)
    assert given == [(labels, {"0.weight": together["method.0.weight"]})]
    predicted = network.predict(together, buffers, images)
    torch.testing.assert_close(predicted, network.predict(parameters, buffers, images))
    gradient = grad(lambda at: network.losses(at, images, labels, loss)[0].sum())(together)
    torch.testing.assert_close(gradient["method.0.weight"], seen.logits[:, 0].sum())


def test_layer_by_layer_the_loss_and_the_precision_are_those_of_a_pass(images):
    def loss(logits, labels, own):
        assert own == {}
        return F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)

    labels = torch.tensor([0, 1, 1, 0, 1])
    for precision in ("float32", "bf16"):
        network = Network(LeNet((1, 8, 8), 2, kernel=3, widths=(4,), hidden=5), precision)
        parameters, _ = network.initial_values(0)
        batch, clean = (images[:3], labels[:3]), (images[3:], labels[3:])
        found = network.layerwise_gradient(parameters, batch, clean, loss)
        losses, seen = network.losses(parameters, *batch, loss)
        reference = reweighted_gradient(
            lambda at: network.losses(at, *batch, loss),  # noqa: B023 (called at once)
            lambda at: network.losses(at, *clean, loss)[0].mean(),  # noqa: B023
            parameters,
        )
        near = {} if precision == "float32" else {"rtol": 0.05, "atol": 0.02}
        torch.testing.assert_close(found.losses, losses, **near)
        torch.testing.assert_close(found.aux.logits, seen.logits, **near)
        torch.testing.assert_close(found.weights, reference.weights, **near)
        torch.testing.assert_close(found.gradient, reference.gradient, **near)


def test_initial_values_depend_on_the_seed_alone():
    network = Network(model())
    one, _ = network.initial_values(3)
    other, _ = network.initial_values(4)
    again, _ = Network(model()).initial_values(3)
    torch.testing.assert_close(one, again, rtol=0, atol=0)
    assert not torch.equal(one["0.weight"], other["0.weight"])


@pytest.mark.parametrize(
    ("module", "draws"),
    [(nn.Dropout(0.3), True), (nn.Dropout(0.0), False), (nn.ReLU(), False)],
)
def test_only_networks_with_dropout_draw_masks(module, draws):
    assert Network(nn.Sequential(nn.Flatten(), module)).draws_masks == draws


def test_masks_are_a_function_of_seed_and_step(images):
    network = Network(Layers(nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 2)))
    parameters = {"2.weight": torch.ones(2, 64), "2.bias": torch.zeros(2)}

    def logits(*address):
        network.seed_masks(*address)
        return network.losses(parameters, images, torch.zeros(5, dtype=torch.int64))[1].logits

    first = logits(0, 3)
    assert not torch.equal(logits(0, 4), first)
    assert not torch.equal(logits(1, 3), first)
    assert torch.equal(logits(0, 3), first)


def test_without_dropout_the_global_generator_is_left_alone():
    network, before = Network(model()), torch.get_rng_state()
    network.seed_masks(0, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_bf16_shortens_the_arithmetic_of_a_pass_and_nothing_else(images):
    exact, short = Network(model()), Network(model(), "bf16")
    parameters, buffers = exact.initial_values(0)
    labels = torch.tensor([0, 1, 1, 0, 1])
    of_pass, of_short_pass = (n.losses(parameters, images, labels)[0] for n in (exact, short))
    of_eval, of_short_eval = (n.predict(parameters, buffers, images) for n in (exact, short))
    for one, other in ((of_pass, of_short_pass), (of_eval, of_short_eval)):
        assert one.dtype == other.dtype == torch.float32
        assert not torch.equal(one, other)
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05)
    assert {p.dtype for p in short.initial_values(0)[0].values()} == {torch.float32}
