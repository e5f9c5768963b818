"""What a GPU will ask of a step, asked without one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.runs import assert_same_runs, batch_of
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from l2rw.bench.trial import DoubleNetwork, one_of_each_family
from l2rw.methods import METHODS
from l2rw.training.engine import batches, loop
from l2rw.training.engine.passes import Passes

MODELS_BY_CORRUPTION = [("lenet_8x8", "uniform_flip"), ("resnet_8x8", "background_flip")]
FAMILIES = one_of_each_family(list(METHODS))


class OnTheDeviceAlone(TorchDispatchMode):
    """Refuses to read a tensor's value, and to touch a tensor of the host that is no number."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert "_local_scalar_dense" not in str(function), "a step asks a tensor for its value"
        for leaf in tree_leaves((args, kwargs or {})):
            if isinstance(leaf, torch.Tensor):
                assert leaf.device.type == "meta" or leaf.dim() == 0, f"{function} on the host"
        return function(*args, **(kwargs or {}))


def places(training):
    """Where all that a step may change lies."""
    return {name: tensor.data_ptr() for name, tensor in training.state.tensors()}


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("method", METHODS)
def test_a_step_asks_the_host_for_nothing(make_spec, prepare, monkeypatch, method, seeds):
    # There is nothing to estimate from where tensors have no values.
    monkeypatch.setattr(loop, "estimate_transition", lambda *_: np.full((10, 10), 0.1))
    monkeypatch.setattr(loop, "probabilities", lambda *args: np.full((len(args[-1]), 10), 0.1))
    spec = make_spec(method, model="lenet_8x8")
    training = prepare(spec, *seeds, corruption="uniform_flip", device="meta")
    names = dict(training.state.tensors())
    training._batches.load(0)
    with OnTheDeviceAlone():
        training._step()
    # No tensor took the place of another.
    assert all(tensor is names[name] for name, tensor in training.state.tensors())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("model", "corruption"), MODELS_BY_CORRUPTION)
def test_a_step_works_in_place(make_spec, prepare, method, model, corruption):
    training = prepare(make_spec(method, model=model, steps=3), 0, corruption=corruption)
    before = places(training)
    training.run(lambda state: None)
    assert places(training) == before
    assert training.state.counter == training.state.step == 3


@pytest.mark.parametrize("method", FAMILIES)
def test_runs_that_take_turns_are_those_of_each_alone(make_spec, prepare, monkeypatch, method):
    monkeypatch.setattr(batches, "BLOCK", 2)

    def runs():
        for model in ("lenet_8x8", "wrn_8x8"):
            spec = make_spec(method, model=model, steps=5, evaluations=1)
            yield prepare(spec, 4, corruption="uniform_flip")

    alone = [training.run(lambda state: None) for training in runs()]
    together = list(runs())
    turns = [training.blocks(lambda state: None) for training in together]
    while turns:
        turns = [turn for turn in turns if next(turn, None) is not None]
    for training, expected in zip(together, alone, strict=True):
        assert_same_runs(training.finished(), expected)


@pytest.mark.parametrize("stop", [1, 4, 5, 8])
def test_a_run_goes_on_from_anywhere_in_a_block(make_spec, prepare, monkeypatch, tmp_path, stop):
    monkeypatch.setattr(batches, "BLOCK", 4)
    spec = make_spec("l2rw", steps=9)
    path = tmp_path / "checkpoint"

    def keep(state):
        if state.step == stop:
            state.save(path, "this run")

    straight = prepare(spec, 0).run(keep)
    resumed = prepare(spec, 0)
    resumed.state.restore(path, "this run")
    assert_same_runs(resumed.run(lambda state: None), straight)


@pytest.mark.parametrize("method", FAMILIES)
@pytest.mark.parametrize(("model", "corruption"), MODELS_BY_CORRUPTION)
def test_algorithms_agree_up_to_rounding(
    make_spec, prepare, monkeypatch, method, model, corruption
):
    def parameters(*, plain):
        changes = {"model": model, "steps": 20, "evaluations": 1}
        spec = make_spec(method, **changes)
        training = prepare(spec, 0, corruption=corruption, network=DoubleNetwork)
        if not plain:
            passes = replace(training._passes, buffers=None)
            training._step._step._passes = passes
        assert (training._step._step._passes.buffers is None) != plain
        for _ in range(20):
            training._advance()
        return training.state.of_seed(0)

    for one, other in zip(parameters(plain=True), parameters(plain=False), strict=True):
        # Losses and weights are rounded to float32 in between.
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8", "wrn_8x8"])
def test_a_gradient_compiles_to_one_graph(make_spec, prepare, model):
    training = prepare(make_spec("l2rw", model=model), 0, corruption="background_flip")
    step = training._step._step
    passes = Passes(step._passes.network, step._method, None)
    step._passes = passes
    state = training.state
    arguments = (state.parameters, batch_of(training._batches, 0), state.method, step._own)
    torch.manual_seed(0)
    expected = step._gradient(*arguments)
    torch._dynamo.reset()
    compiled = torch.compile(step._gradient, fullgraph=True, backend="aot_eager")
    torch.manual_seed(0)
    found = compiled(*arguments)
    assert_close = torch.testing.assert_close
    assert_close(found.weights, expected.weights, rtol=1e-3, atol=1e-6)
    assert_close(found.gradient, expected.gradient, rtol=1e-3, atol=1e-5)
    assert_close(found.aux.statistics, expected.aux.statistics, rtol=1e-4, atol=1e-5)
