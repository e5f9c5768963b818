import math

import pytest
import torch
from scipy import stats
from torch import nn

from l2rw.models import MODELS
from l2rw.models.initialisation import initialise

QUICK = [name for name in MODELS if name not in ("wrn28_10", "resnet50")]
RESIDUAL = [name for name in QUICK if not name.startswith(("lenet", "mlp"))]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def build(name):
    return MODELS.load(name)((3, 8, 8), 10)


def norms(model):
    """Return the names of what batch normalisation multiplies by."""
    layers = model.named_modules()
    return {f"{name}.weight" for name, layer in layers if isinstance(layer, nn.BatchNorm2d)}


@pytest.mark.parametrize("name", QUICK)
def test_initial_values_depend_on_the_generator_alone(name):
    model = build(name)
    one = initialise(model, generator())
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7)
    torch.manual_seed(5)
    same, other = initialise(model, generator()), initialise(model, generator(1))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    torch.testing.assert_close(one, initialise(build(name), generator()), rtol=0, atol=0)
    drawn = [n for n in one if n.endswith("weight") and n not in norms(model)]
    assert not any(torch.equal(one[n], other[n]) for n in drawn)


@pytest.mark.parametrize("name", QUICK)
def test_initial_values_are_float32_copies_with_convolutions_channels_last(name):
    model = build(name)
    parameters = initialise(model, generator())
    assert list(parameters) == [name for name, _ in model.named_parameters()]
    for key, own in model.named_parameters():
        value = parameters[key]
        assert value.dtype == torch.float32
        assert not value.requires_grad
        assert value.data_ptr() != own.data_ptr()
        if value.dim() == 4:
            assert value.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", RESIDUAL)
def test_residual_networks_normalise_by_the_identity_and_have_zero_biases_at_first(name):
    model = build(name)
    for key, value in initialise(model, generator()).items():
        if key.endswith("bias"):
            assert not value.any()
        elif key in norms(model):
            assert (value == 1).all()


@pytest.mark.parametrize("name", RESIDUAL)
def test_convolutions_of_residual_networks_start_as_he_normals_of_the_outputs(name):
    checked = 0
    for value in initialise(build(name), generator()).values():
        if value.dim() == 4 and value.numel() > 4000:
            std = math.sqrt(2 / (value.shape[0] * value.shape[2] * value.shape[3]))
            sample = value.flatten()[:4000].numpy()
            assert stats.kstest(sample, stats.norm(scale=std).cdf).pvalue > 1e-3
            checked += 1
    assert checked


def test_the_classifier_of_a_residual_network_starts_uniform():
    weight = initialise(build("resnet32"), generator())["output.weight"]
    sample = weight.flatten().numpy()
    assert stats.kstest(sample, stats.uniform(-1 / 8, 2 / 8).cdf).pvalue > 0.01


def in_memory_order(value):
    return value.permute(0, 2, 3, 1).flatten() if value.dim() == 4 else value.flatten()


def test_lenet_draws_weight_after_weight_as_it_lies_in_memory():
    g = generator()
    for key, value in initialise(build("lenet"), generator()).items():
        expected = torch.zeros_like(value)
        if key.endswith("weight"):
            expected.normal_(0.0, 0.1, generator=g)
            while (beyond := (expected < -0.2) | (expected > 0.2)).any():
                again = torch.zeros_like(value).normal_(0.0, 0.1, generator=g)
                expected[beyond] = again[beyond]
        torch.testing.assert_close(value, expected, rtol=0, atol=0)


def test_weights_of_a_lenet_are_truncated_normals():
    weight = initialise(build("lenet"), generator())["hidden.weight"].flatten().double().numpy()
    assert stats.kstest(weight, stats.truncnorm(-2, 2, scale=0.1).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "first", "total"),
    [
        ("lenet", [0.1540996, -0.02934289, 0.1111911], 5259.74),
        ("resnet32", [0.1816081, -0.03458093, -0.2567728], 25672.107),
        ("wrn_8x8", [0.1816081, -0.03458093, -0.2567728], 4670.8257),
    ],
)
def test_a_seed_begins_with_the_same_values_whatever_the_version_of_pytorch(name, first, total):
    values = torch.cat([in_memory_order(v) for v in initialise(build(name), generator()).values()])
    assert values[:3].tolist() == pytest.approx(first, rel=1e-5)
    assert float(values.double().abs().sum()) == pytest.approx(total, rel=1e-6)
