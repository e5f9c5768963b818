import re

import pytest
import torch

from l2rw.models.lenet import lenet_8x8
from l2rw.models.resnet import resnet_8x8
from l2rw.store.errors import UserError
from l2rw.store.paths import NETWORK
from l2rw.training.engine.network import Network
from l2rw.training.trained import load_own, load_trained, save_trained


def network(model=resnet_8x8, classes=10, channels=1):
    return Network(model((channels, 8, 8), classes))


def values(seed, model=resnet_8x8):
    """Parameters and buffers of a trained network: not those that the seed begins with."""
    parameters, buffers = network(model).initial_values(seed + 100)
    buffers = {name: (buffer + 1 + seed).to(buffer) for name, buffer in buffers.items()}
    return parameters, buffers


def named(seed, **own):
    parameters, buffers = values(seed)
    return parameters | buffers | {f"method.{name}": tensor for name, tensor in own.items()}


@pytest.fixture
def file(tmp_path):
    """Save the networks of some seeds, each with a noise layer."""

    def file(*seeds):
        path = tmp_path / "-".join(map(str, seeds)) / NETWORK
        path.parent.mkdir()
        save_trained(path, {seed: named(seed, noise_layer=torch.eye(10)) for seed in seeds})
        return path

    return file


def problem(paths, seed, **architecture):
    """What is told where a network cannot be loaded."""
    with pytest.raises(UserError) as told:
        load_trained(paths, network(**architecture), seed)
    (line,) = str(told.value).splitlines()
    return line


def test_a_network_is_read_as_it_was_written_without_what_belongs_to_the_method(file):
    first, second = file(3, 13), file(1)
    for seed in (3, 13, 1):
        loaded = load_trained([first, second], network(), seed)
        torch.testing.assert_close(loaded, values(seed), rtol=0, atol=0)
    assert [path.name for path in first.parent.iterdir()] == [NETWORK]


def test_the_memory_format_is_that_of_a_fresh_network(file):
    loaded, _ = load_trained([file(3)], network(), 3)
    fresh, _ = network().initial_values(3)
    strides = {name: tensor.stride() for name, tensor in fresh.items()}
    assert {name: tensor.stride() for name, tensor in loaded.items()} == strides
    assert any(len(tensor.shape) == 4 and not tensor.is_contiguous() for tensor in loaded.values())


def test_runs_of_a_stack_are_written_and_read(tmp_path, make_spec, prepare):
    spec = make_spec(method="s_model", model="resnet_8x8", steps=2)
    runs = prepare(spec, 5, 6, corruption="uniform_flip").run(lambda state: None)
    save_trained(tmp_path / NETWORK, {run.seed: run.network for run in runs})
    for run in runs:
        parameters, buffers = load_trained([tmp_path / NETWORK], network(), run.seed)
        noise_layer = {"method.noise_layer": run.network["method.noise_layer"]}
        together = parameters | buffers | noise_layer
        torch.testing.assert_close(together, run.network, rtol=0, atol=0)


# Seed 1 is not seed 11 or 13.
@pytest.mark.parametrize("seed", [0, 1, 33])
def test_a_seed_that_no_file_holds_is_told(file, seed):
    first, second = file(3, 13), file(11)
    line = problem([first, second], seed)
    assert re.fullmatch(rf"None of {first}, {second} holds .* seed {seed}\. Hint: .*", line)


@pytest.mark.parametrize("left", [0, 5, 300, -100])
def test_a_file_cut_short_is_told(file, left):
    path = file(3)
    path.write_bytes(path.read_bytes()[:left])
    line = problem([path], 3)
    assert re.fullmatch(rf"The .* {path} cannot be read \(.*\)\. Hint: delete {path} .*", line)


def test_an_absent_file_is_told(tmp_path):
    assert str(tmp_path / "none") in problem([tmp_path / "none"], 3)


@pytest.mark.parametrize("other", [{"model": lenet_8x8}, {"classes": 7}, {"channels": 3}])
def test_a_network_of_another_architecture_is_told(file, other):
    path = file(3)
    assert f"{path} cannot be read" in problem([path], 3, **other)


def test_what_the_method_trained_is_read_by_its_own_names(tmp_path):
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    own = {seed: {"method.hidden": torch.full((2, 3), float(seed))} for seed in (0, 1, 2)}
    save_trained(files[0], {s: values(s)[0] | own[s] for s in (0, 1)})
    save_trained(files[1], {2: values(2)[0] | own[2]})
    for seed in own:
        found = load_own(files, seed)
        assert list(found) == ["hidden"]
        assert torch.equal(found["hidden"], own[seed]["method.hidden"])
    with pytest.raises(UserError, match="holds the network of seed 3"):
        load_own(files, 3)
