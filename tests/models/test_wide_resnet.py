import pytest
import torch
import torch.nn.functional as F
from torch import nn

from l2rw.models.wide_resnet import WideBlock, WideResNet, wrn28_10, wrn_8x8


def count(model):
    return sum(p.numel() for p in model.parameters())


def stage_parameters(channels, width):
    """Four blocks: eight 3×3 convolutions, one of 1×1, and the normalisation of their inputs."""
    convolutions = 9 * (channels * width + 7 * width * width) + channels * width
    return convolutions + 2 * channels + 2 * 7 * width


@pytest.mark.parametrize(("classes", "total"), [(10, 36_479_194), (100, 36_536_884)])
def test_wrn28_10_has_the_published_number_of_parameters(classes, total):
    stages = stage_parameters(16, 160) + stage_parameters(160, 320) + stage_parameters(320, 640)
    rest = 9 * 3 * 16 + 2 * 640 + 641 * classes
    with torch.device("meta"):
        assert count(wrn28_10((3, 32, 32), classes)) == stages + rest == total


def test_the_small_sibling_has_few_parameters():
    assert count(wrn_8x8((1, 8, 8), 10)) == 77_562


@pytest.mark.parametrize("classes", [10, 100])
def test_stages_widen_and_halve(classes):
    with torch.device("meta"):
        model, images = wrn28_10((3, 32, 32), classes), torch.rand(2, 3, 32, 32)
        shapes = []
        for stage in model.stages:
            stage.register_forward_hook(lambda *call: shapes.append(call[2].shape))
        assert model(images).shape == (2, classes)
    assert [len(stage) for stage in model.stages] == [4, 4, 4]
    assert shapes == [(2, 160, 32, 32), (2, 320, 16, 16), (2, 640, 8, 8)]


def test_a_depth_that_does_not_divide_into_blocks_is_refused():
    with pytest.raises(ValueError, match="not 30"):
        WideResNet((3, 32, 32), 10, depth=30, widen=1, dropout=0)


def test_only_the_first_block_of_a_stage_projects_its_input():
    with torch.device("meta"):
        model = wrn28_10((3, 32, 32), 10)
    for stage in model.stages:
        assert [block.projection is not None for block in stage] == [True, False, False, False]


def without_residual(block):
    nn.init.zeros_(block.convolution2.weight)
    return block


def test_a_block_adds_to_its_input_as_it_is():
    images = torch.randn(3, 4, 6, 6)
    block = without_residual(WideBlock(4, 4, stride=1, dropout=0.3))
    torch.testing.assert_close(block(images), images)


def test_where_a_block_changes_shape_the_activated_input_is_projected():
    images = torch.randn(3, 4, 6, 6)
    block = without_residual(WideBlock(4, 10, stride=2, dropout=0.3))
    active = F.relu(F.batch_norm(images, None, None, training=True))
    expected = torch.einsum("nchw,dc->ndhw", active, block.projection.weight[:, :, 0, 0])
    torch.testing.assert_close(block(images), expected[:, :, ::2, ::2])


def test_dropout_acts_in_training_only_and_between_the_convolutions_of_every_block():
    model, images = wrn_8x8((1, 8, 8), 10), torch.rand(4, 1, 8, 8)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.3] * 3
    assert not torch.equal(model(images), model(images))
    model.eval()
    torch.testing.assert_close(model(images), model(images), rtol=0, atol=0)

    seen = {}
    block = model.train().stages[0][0]
    block.dropout.register_forward_hook(lambda _, given, out: seen.update(given=given[0], out=out))
    block.convolution2.register_forward_hook(lambda _, given, out: seen.update(then=given[0]))
    model(images)
    assert (seen["given"] >= 0).all()
    assert seen["then"] is seen["out"]
    positive = seen["given"] > 0
    assert (seen["out"][positive] == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
