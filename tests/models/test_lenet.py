import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from l2rw.models.initialisation import initialise
from l2rw.models.lenet import LeNet, lenet


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small(height, width):
    return LeNet((1, height, width), 3, kernel=3, widths=(2, 4), hidden=5)


def test_lenet_has_the_layers_of_the_authors_code():
    convolutions = (16 * 1 * 25 + 16) + (32 * 16 * 25 + 32) + (64 * 32 * 25 + 64)
    linear = (64 * 4 * 4 * 100 + 100) + (100 * 2 + 2)  # 28 -> 14 -> 7 -> 4
    counted = sum(p.numel() for p in lenet((1, 28, 28), 2).parameters())
    assert counted == convolutions + linear == 167_214


def halve_as_tensorflow(images):
    """3×3 pooling of stride 2 with SAME padding, which puts an odd pixel at the far edge."""
    padding = []
    for size in (images.shape[3], images.shape[2]):
        total = max((-(-size // 2) - 1) * 2 + 3 - size, 0)
        padding += [total // 2, total - total // 2]
    return F.max_pool2d(F.pad(images, padding, value=-torch.inf), 3, stride=2)


@pytest.mark.parametrize(
    ("height", "width"), [(5, 5), (6, 6), (7, 7), (8, 8), (28, 28), (6, 10), (7, 8), (8, 7)]
)
def test_pooling_halves_odd_and_even_sizes_as_the_authors_code_does(height, width):
    model, images = small(height, width), torch.randn(3, 1, height, width)
    x = images
    for convolution in model.convolutions:
        x = F.relu(halve_as_tensorflow(convolution(x)))
    assert x.shape[2:] == (-(-height // 4), -(-width // 4))
    expected = model.output(F.relu(model.hidden(x.flatten(1))))
    torch.testing.assert_close(model(images), expected)


def test_initial_weights_are_normals_of_std_one_tenth_truncated_at_two_std():
    parameters = initialise(lenet((1, 28, 28), 2), generator())
    weights = parameters["hidden.weight"].flatten()[:20_000].numpy()
    assert abs(weights).max() <= 0.2
    assert stats.kstest(weights, stats.truncnorm(-2, 2, scale=0.1).cdf).pvalue > 0.01


def test_initial_biases_are_zero_and_weights_are_not():
    for name, value in initialise(small(8, 8), generator()).items():
        assert bool(value.any()) == name.endswith("weight")
        assert value.dtype == torch.float32
