"""Runs that wait for another's network: to go on from, or to learn how labels were corrupted."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.runs import assert_same_runs

from l2rw.data.streams import Stream
from l2rw.models.lenet import lenet_8x8
from l2rw.training.engine.network import build_network


@pytest.fixture
def fine_tuning(make_spec):
    """Settings of a run that fine-tunes."""

    def fine_tuning(**changes):
        return replace(make_spec(method="clean_only", **changes), fine_tunes=True)

    return fine_tuning


def trained(spec, seed):
    """Parameters and buffers that are no seed's first ones."""
    values = build_network(spec, (1, 8, 8), 10).initial_values(seed + 100)
    for tensors in values:
        for tensor in tensors.values():
            tensor.add_(0.01 if tensor.is_floating_point() else 5)
    return values


def copied(tensors):
    return {name: tensor.clone() for name, tensor in tensors.items()}


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8"])
@pytest.mark.parametrize("seeds", [(0,), (3, 4)])
def test_fine_tuning_begins_with_its_parent_and_without_momentum(
    fine_tuning, prepare, model, seeds
):
    spec = fine_tuning(model=model)
    parents = [trained(spec, seed) for seed in seeds]
    state = prepare(spec, *seeds, corruption="uniform_flip", parents=parents).state
    for place, parent in enumerate(parents):
        torch.testing.assert_close(state.of_seed(place), parent, rtol=0, atol=0)
    assert not any(velocity.any() for velocity in state.velocity.values())
    fresh = prepare(spec, *seeds, corruption="uniform_flip").state
    for name, values in state.parameters.items():
        assert values.stride() == fresh.parameters[name].stride()
        assert not torch.equal(values, fresh.parameters[name])


@pytest.mark.parametrize("seeds", [(0,), (3, 4)])
def test_training_leaves_the_parent_as_it_was(fine_tuning, prepare, seeds):
    spec = fine_tuning(model="resnet_8x8")
    parents = [trained(spec, seed) for seed in seeds]
    before = [tuple(map(copied, parent)) for parent in parents]
    prepare(spec, *seeds, corruption="uniform_flip", parents=parents).run(lambda state: None)
    torch.testing.assert_close(parents, before, rtol=0, atol=0)


def test_its_first_step_is_one_of_sgd_on_clean_images(fine_tuning, prepare, make_split, digits):
    spec = fine_tuning(steps=1, evaluations=1, learning_rate=1e-3, weight_decay=0.1)
    parent = trained(spec, 0)
    model = lenet_8x8((1, 8, 8), 10)
    model.load_state_dict(parent[0])
    clean = make_split(0, "uniform_flip").clean
    seen = clean.indices[Stream(clean.indices, "batch", 0).take(0, 8)]
    images = torch.from_numpy(digits.train_images[seen]).float() / 255
    F.cross_entropy(model(images), torch.from_numpy(digits.train_labels[seen])).backward()
    torch.optim.SGD(model.parameters(), lr=1e-3, weight_decay=0.1).step()

    (run,) = prepare(spec, 0, corruption="uniform_flip", parents=[parent]).run(lambda state: None)
    torch.testing.assert_close(run.network, {n: p.detach() for n, p in model.named_parameters()})
    assert not torch.equal(run.network["output.weight"], parent[0]["output.weight"])


def test_it_sees_no_images_but_clean_ones(fine_tuning, prepare, make_split, digits):
    split = make_split(0, "background_flip")
    others = np.setdiff1d(np.arange(len(digits.train_images)), split.clean.indices)
    # The validation set has no part in training, but in its figures.
    others = np.setdiff1d(others, split.validation.indices)
    assert set(others) == set(split.train.indices)
    images = digits.train_images.copy()
    images[others] = 255 - images[others]
    negatives = replace(digits, train_images=images)
    spec = fine_tuning(steps=8)
    run, same = (
        prepare(spec, 0, corruption="background_flip", dataset=dataset).run(lambda state: None)
        for dataset in (digits, negatives)
    )
    assert_same_runs(run, same)
    np.testing.assert_equal(vars(run[0].train), vars(split.clean))


def test_fine_tuning_from_nothing_is_refused(fine_tuning, prepare):
    with pytest.raises(ValueError, match="trained network"):
        prepare(fine_tuning(), 0, parents=[None])


@pytest.mark.parametrize("seeds", [(0,), (3, 4)])
def test_the_noise_layer_begins_with_what_the_parent_makes_of_the_validation_set(
    make_spec, prepare, make_split, digits, seeds
):
    spec = make_spec(method="s_model_conf")
    parents = [trained(spec, seed) for seed in seeds]
    state = prepare(spec, *seeds, corruption="uniform_flip", parents=parents).state
    for place, (seed, (parameters, _)) in enumerate(zip(seeds, parents, strict=True)):
        validation = make_split(seed, "uniform_flip").validation
        model = lenet_8x8((1, 8, 8), 10)
        model.load_state_dict(parameters)
        images = torch.from_numpy(digits.train_images[validation.indices]).float() / 255
        beliefs = model(images).softmax(1).detach().numpy()
        counts = beliefs.T @ np.eye(10)[validation.labels]
        transition = (counts / counts.sum(1, keepdims=True)).clip(1e-4)
        ours, _ = state.of_seed(place)
        noise_layer = ours.pop("method.noise_layer")
        np.testing.assert_allclose(noise_layer.exp(), transition, rtol=1e-4)
        # The network itself begins afresh.
        fresh, _ = build_network(spec, (1, 8, 8), 10).initial_values(seed)
        torch.testing.assert_close(ours, fresh, rtol=0, atol=0)


def test_the_noise_layer_of_the_s_model_begins_with_the_share_of_wrong_labels(
    make_spec, prepare, make_split
):
    spec = make_spec(method="s_model", baselines_see_clean=False)
    (b,) = prepare(spec, 0, corruption="uniform_flip").state.parameters["method.noise_layer"]
    wrong = 1 - make_split(0, "uniform_flip").train.label_is_correct.mean()
    expected = np.full((10, 10), wrong / 9)
    np.fill_diagonal(expected, 1 - wrong)
    np.testing.assert_allclose(b.softmax(1), expected, rtol=1e-5)
