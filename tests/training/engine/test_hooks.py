"""Hooks of the contract that no method of the package uses, tried by methods made for it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.runs import assert_same_runs
from torch import nn

from l2rw.methods.base import Method
from l2rw.training.engine import loop, network
from l2rw.training.engine.network import build_network


class Averaging(Method):
    """The baseline, evaluated at an exponential average of its parameters."""

    def prepare(self, context):
        return dict(context.initial)

    def update(self, state, result):
        for name, parameter in (result.parameters | result.buffers).items():
            state[name].add_(parameter).div_(2)

    def predictor(self, parameters, buffers, state):
        return {n: state[n] for n in parameters}, {n: state[n] for n in buffers}


class Voting(Method):
    """Two learners of half the steps each, from the same start, whose votes are averaged."""

    def prepare(self, context):
        first = {f"first/{name}": value for name, value in context.initial.items()}
        return {**first, **context.initial, "half": np.asarray(context.steps // 2)}

    def update(self, state, result):
        ends = result.batch.step + 1 == state["half"]
        for name, parameter in result.parameters.items():
            kept = state[f"first/{name}"]
            kept.copy_(torch.where(ends, parameter, kept))
            parameter.copy_(torch.where(ends, state[name], parameter))
            result.velocity[name].mul_(~ends)

    def predict(self, forward, parameters, buffers, state, images):
        first = {name: state[f"first/{name}"] for name in parameters}
        votes = [forward(at, buffers, images).softmax(1) for at in (first, parameters)]
        return torch.stack(votes).mean(0).log()


class Cosine(nn.Module):
    """Logits are ten times the cosines between features and the classes' weights."""

    def __init__(self, layer):
        super().__init__()
        self.weight = layer.weight

    def forward(self, features):
        return 10 * F.linear(F.normalize(features), F.normalize(self.weight))


class CosineHead(Method):
    """The baseline with another output layer."""

    def adapt(self, model):
        model.output = Cosine(model.output)
        return model


@pytest.fixture
def train(monkeypatch, make_spec, prepare):
    """Prepare to train seeds by a method of this file."""

    def train(method, *seeds, **changes):
        for module in (loop, network):
            monkeypatch.setattr(module, "build_method", lambda spec: method())
        return prepare(make_spec(**changes), *seeds, corruption="uniform_flip")

    return train


def values_by_step(training):
    """Train; return the runs and copies of the first seed's parameters after each step."""
    copies = []

    def watch(state):
        copies.append({n: p.clone() for n, p in state.of_seed(0)[0].items()})

    return training.run(watch), copies


def test_averages_are_evaluated_and_kept(train, digits, make_split):
    training = train(Averaging, 0)
    average = {name: p.clone() for name, p in training.state.of_seed(0)[0].items()}
    (run,), copies = values_by_step(training)
    for parameters in copies:
        average = {name: (a + parameters[name]) / 2 for name, a in average.items()}
    torch.testing.assert_close(run.network, average)
    part = make_split(0, "uniform_flip").test
    images = torch.from_numpy(digits.test_images[part.indices]).float() / 255
    logits = training._network.predict(average, {}, images)
    assert run.final.test.loss == pytest.approx(
        F.cross_entropy(logits, torch.from_numpy(part.labels)).item(), rel=1e-4
    )


def test_a_vote_of_learners_is_evaluated(train, digits, make_split):
    training = train(Voting, 0)
    start = {name: p.clone() for name, p in training.state.of_seed(0)[0].items()}
    (run,), copies = values_by_step(training)
    torch.testing.assert_close(copies[2], start, rtol=0, atol=0)
    second = copies[-1]
    first = values_by_step(train(Method, 0))[1][2]
    part = make_split(0, "uniform_flip").test
    images = torch.from_numpy(digits.test_images[part.indices]).float() / 255
    votes = sum(training._network.predict(at, {}, images).softmax(1) for at in (first, second)) / 2
    expected = F.nll_loss(votes.log(), torch.from_numpy(part.labels)).item()
    assert run.final.test.loss == pytest.approx(expected, rel=1e-5)
    # The second learner begins without the momentum of the first.
    step = {name: copies[3][name] - start[name] for name in start}
    assert all(0 < change.abs().max() < 0.5 for change in step.values())


@pytest.mark.parametrize("method", [Averaging, Voting])
def test_states_stack_and_survive_an_interruption(train, tmp_path, method):
    stacked = train(method, 0, 1).run(lambda state: None)
    for seed in (0, 1):
        straight = train(method, seed)
        (alone,) = straight.run(lambda state: None)
        torch.testing.assert_close(stacked[seed].network, alone.network, rtol=1e-4, atol=1e-5)
    resumed, path = train(method, 1), tmp_path / "checkpoint"

    def watch(state):
        if state.step == 2:
            state.save(path, "this run")

    train(method, 1).run(watch)
    resumed.state.restore(path, "this run")
    assert_same_runs(resumed.run(lambda state: None), [alone])
    torch.testing.assert_close(resumed.state.method, straight.state.method, rtol=0, atol=0)


@pytest.mark.parametrize("method", [Averaging, Voting])
def test_states_and_variables_stay_where_they_are(train, method):
    training = train(method, 0, optimizer="adam")

    def places():
        state = training.state
        tensors = [*state.variables, state.method]
        return [t.data_ptr() for named in tensors for t in named.values()]

    before = places()
    training.run(lambda state: None)
    assert places() == before


def test_a_head_of_the_method_takes_the_place_of_the_output_layer(train, make_spec):
    training = train(CosineHead, 0)
    (run,) = training.run(lambda state: None)
    assert "output.bias" not in run.network
    built = build_network(make_spec(), (1, 8, 8), 10)
    images = torch.randn(3, 1, 8, 8)
    logits = built.predict(*built.initial_values(0), images)
    assert logits.abs().max() <= 10


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_other_optimisers_and_schedules_train(make_spec, prepare, optimizer, schedule):
    rate = 0.02 if optimizer == "sgd" else 0.005
    spec = make_spec(
        "meta_weight_net",
        optimizer=optimizer,
        schedule=schedule,
        nesterov=optimizer == "sgd",
        learning_rate=rate,
        steps=60,
        batch_size=20,
    )
    one, other = (prepare(spec, 0, 1) for _ in range(2))
    runs = one.run(lambda state: None)
    assert_same_runs(other.run(lambda state: None), runs)
    for run in runs:
        assert run.history[-1].train_loss < run.history[0].train_loss
