"""torchvision's networks through our contract, at any size of images."""

import subprocess
import sys

import pytest
import torch
from torchvision.models import resnet18 as theirs

from l2rw.data.datasets.facts import Facts
from l2rw.models import MODELS
from l2rw.models.torchvision_resnet import resnet18
from l2rw.planning.hours import relative_size
from l2rw.store.checksums import sha256
from l2rw.store.errors import UserError
from l2rw.training.engine.network import Network
from l2rw.training.initial_weights import load_initial


def test_large_images_see_the_published_network():
    torch.manual_seed(0)
    published = theirs(num_classes=5).eval()
    model = resnet18((3, 128, 128), 5).eval()
    model.load_state_dict(published.state_dict())
    images = torch.rand(2, 3, 128, 128)
    torch.testing.assert_close(model(images), published(images), rtol=0, atol=0)


def test_published_weights_fit_but_for_the_classifier(tmp_path):
    published = theirs().state_dict()
    torch.save(published, tmp_path / "resnet18.pth")
    digest = sha256(tmp_path / "resnet18.pth")
    built = Network(resnet18((3, 128, 128), 4))
    (parameters, buffers), drawn = load_initial(tmp_path / "resnet18.pth", digest, built, 0)
    assert drawn == ["fc.weight", "fc.bias"]
    for name, tensor in (parameters | buffers).items():
        if name not in drawn:
            torch.testing.assert_close(tensor, published[name], rtol=0, atol=0)
    small = Network(resnet18((3, 32, 32), 4))
    with pytest.raises(UserError, match=r"conv1.weight is 64×3×7×7, not 64×3×3×3"):
        load_initial(tmp_path / "resnet18.pth", digest, small, 0)


@pytest.mark.parametrize(
    ("side", "map_side"), [(8, 1), (32, 4), (47, 6), (48, 3), (64, 4), (128, 4)]
)
def test_the_stem_shrinks_small_images_less(side, map_side):
    with torch.device("meta"):
        model = resnet18((1, side, side), 3)
        seen = []
        model.layer4.register_forward_hook(lambda layer, given, out: seen.append(out.shape))
        assert model(torch.rand(2, 1, side, side)).shape == (2, 3)
    assert seen[0][2:] == (map_side, map_side)


@pytest.mark.parametrize(("side", "times"), [(8, 1), (32, 1), (64, 1), (224, 224**2 / 16 / 32**2)])
def test_plans_know_what_the_stem_saves(side, times):
    facts = Facts(
        name="mine",
        image_shape=(3, side, side),
        train_class_sizes=(5, 5),
        pixel_range=(-1, 1),
        sha256={},
    )
    assert relative_size(facts, "resnet18") == times
    assert relative_size(facts, "resnet8") == max(1, side**2 / 32**2)


def test_torchvision_is_imported_where_such_a_network_is_built():
    program = """
import sys
from l2rw.models import MODELS
MODELS.load("resnet8")((3, 8, 8), 2)
import l2rw.training.train
print("torchvision" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    assert {"resnet18", "resnet50"} <= set(MODELS)
