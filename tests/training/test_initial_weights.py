"""Networks that begin from a file of the user's: which, what is refused, what is drawn anew."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from l2rw.models import MODELS
from l2rw.store.checksums import sha256
from l2rw.store.errors import UserError
from l2rw.training.engine.network import Network
from l2rw.training.initial_weights import load_initial
from l2rw.training.train import run_job

SHAPE = (1, 8, 8)


def network(classes=10, model="resnet_8x8"):
    return Network(MODELS.load(model)(SHAPE, classes))


@pytest.fixture
def state():
    """Parameters and buffers of a network, all different from what seeds draw."""
    torch.manual_seed(1)
    values = MODELS.load("resnet_8x8")(SHAPE, 10).state_dict()
    return {
        name: torch.rand_like(tensor) if tensor.is_floating_point() else tensor + 3
        for name, tensor in values.items()
    }


def load(path, built):
    return load_initial(path, sha256(path), built, seed=0)


@pytest.mark.parametrize("how", ["safetensors", "pth", "wrapped", "module"])
def test_all_tensors_are_taken_from_the_file(tmp_path, state, how):
    path = tmp_path / f"weights.{'safetensors' if how == 'safetensors' else 'pth'}"
    if how == "safetensors":
        save_file(state, path)
    elif how == "module":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if how == "wrapped" else state, path)
    (parameters, buffers), drawn = load(path, network())
    assert drawn == []
    torch.testing.assert_close(parameters | buffers, state, rtol=0, atol=0)
    assert parameters["stem.weight"].is_contiguous(memory_format=torch.channels_last)


def test_a_classifier_of_other_classes_is_drawn_by_the_seed(tmp_path, state):
    save_file(state, tmp_path / "w.safetensors")
    built = network(classes=3)
    (parameters, _), drawn = load(tmp_path / "w.safetensors", built)
    assert drawn == ["output.weight", "output.bias"]
    fresh = built.initial_values(0)[0]
    for name, value in parameters.items():
        wanted = fresh[name] if name in drawn else state[name]
        torch.testing.assert_close(value, wanted, rtol=0, atol=0)


def test_what_does_not_fit_is_said_in_a_sentence(tmp_path, state):
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    with pytest.raises(UserError, match=r"to another network: it lacks .*; it has .* more"):
        load(path, network(model="lenet_8x8"))
    save_file(state | {"stem.weight": torch.rand(8, 3, 3, 3)}, path)
    with pytest.raises(UserError, match=r"stem.weight is 8×3×3×3, not 8×1×3×3\."):
        load(path, network())
    path.write_bytes(b"garbage")
    with pytest.raises(UserError, match="cannot be read"):
        load(path, network())
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(UserError, match="holds no tensors by name"):
        load(tmp_path / "list.pth", network())
    torch.save({"a": network()}, tmp_path / "code.pth")
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "code.pth", network())
    with pytest.raises(UserError, match="have changed since the plan was made"):
        load_initial(path, "another", network(), seed=0)
    with pytest.raises(UserError, match="do not exist"):
        load_initial(tmp_path / "nowhere.pth", "any", network(), seed=0)


def test_a_job_begins_from_the_file(tmp_path, state, make_spec, make_job):
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    spec = make_spec("l2rw", model="resnet_8x8", learning_rate=1e-30, steps=2)
    job = make_job(replace(spec, initial_weights=sha256(path)), "uniform_flip", range(1))
    run_job(replace(job, cell=replace(job.cell, initial_weights=str(path))))
    trained = load_file(job.out / "network.safetensors")
    for name, tensor in state.items():
        if "running" not in name and "tracked" not in name:
            torch.testing.assert_close(trained[f"0/{name}"], tensor, rtol=0, atol=0)
