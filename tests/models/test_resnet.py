import pytest
import torch
import torch.nn.functional as F

from l2rw.models.resnet import BasicBlock, resnet32, resnet_8x8


def count(model):
    return sum(p.numel() for p in model.parameters())


def stage_parameters(channels, width):
    """Five blocks: ten convolutions without bias, each with a scale and a shift by channel."""
    return 9 * (channels * width + 9 * width * width) + 10 * 2 * width


@pytest.mark.parametrize(("classes", "total"), [(10, 464_154), (100, 470_004)])
def test_resnet32_has_the_published_number_of_parameters(classes, total):
    stem = 9 * 3 * 16 + 2 * 16
    stages = stage_parameters(16, 16) + stage_parameters(16, 32) + stage_parameters(32, 64)
    with torch.device("meta"):
        assert count(resnet32((3, 32, 32), classes)) == stem + stages + 65 * classes == total


def test_the_small_sibling_has_few_parameters():
    assert count(resnet_8x8((1, 8, 8), 10)) == 19_074


@pytest.mark.parametrize("classes", [10, 100])
def test_stages_widen_and_halve(classes):
    with torch.device("meta"):
        model, images = resnet32((3, 32, 32), classes), torch.rand(2, 3, 32, 32)
        shapes = []
        for stage in model.stages:
            stage.register_forward_hook(lambda *call: shapes.append(call[2].shape))
        assert model(images).shape == (2, classes)
    assert shapes == [(2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8)]


@pytest.mark.parametrize("model", [resnet32, resnet_8x8])
def test_there_is_no_bias_but_after_normalisation_and_in_the_classifier(model):
    names = {n for n, p in model((3, 32, 32), 10).named_parameters() if n.endswith("bias")}
    assert all("norm" in name or name == "output.bias" for name in names)


def without_residual(block):
    torch.nn.init.zeros_(block.norm2.weight)
    return block


def test_a_block_adds_to_its_input():
    images = torch.randn(3, 4, 6, 6)
    output = without_residual(BasicBlock(4, 4, stride=1))(images)
    torch.testing.assert_close(output, F.relu(images))


@pytest.mark.parametrize("size", [6, 7])
def test_where_a_block_changes_shape_the_input_is_subsampled_and_padded_with_zero_channels(size):
    images = torch.randn(3, 4, size, size)
    output = without_residual(BasicBlock(4, 10, stride=2))(images)
    torch.testing.assert_close(output[:, :4], F.relu(images[:, :, ::2, ::2]))
    assert not output[:, 4:].any()
