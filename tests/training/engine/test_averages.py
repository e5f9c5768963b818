"""Rows +ema against averages kept beside the training."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tests.runs import assert_same_runs

DECAY = 0.8


def averages(training):
    """Train; return the run and the averages of all that the network's state held."""
    steps = []

    def watch(state):
        parameters, buffers = state.of_seed(0)
        both = parameters | buffers
        steps.append({n: t.clone() for n, t in both.items() if not n.startswith("method.")})

    (run,) = training.run(watch)
    average = steps[0]
    for step, values in enumerate(steps, start=1):
        alpha = min(DECAY, 1 - 1 / step)
        average = {
            name: torch.lerp(value, average[name], alpha) if value.is_floating_point() else value
            for name, value in values.items()
        }
    return run, average, steps[-1]


@pytest.mark.parametrize("method", ["baseline", "elr", "s_model", "meta_weight_net", "smote"])
def test_the_average_is_evaluated_and_kept(make_spec, prepare, method):
    spec = replace(make_spec(method, model="resnet_8x8", steps=12), averaging=DECAY)
    run, average, last = averages(prepare(spec, 0, corruption="uniform_flip"))
    network = {n: t for n, t in run.network.items() if not n.startswith("method.")}
    torch.testing.assert_close(network, average, rtol=1e-4, atol=1e-6)
    assert (network["output.weight"] - last["output.weight"]).abs().max() > 1e-4
    plain = prepare(replace(spec, averaging=0.0), 0, corruption="uniform_flip")
    (without,) = plain.run(lambda state: None)
    # It changes what is evaluated, not what is trained.
    torch.testing.assert_close(last["output.weight"], without.network["output.weight"])
    assert run.final.test.loss != without.final.test.loss


def test_its_accuracy_is_that_of_the_average(make_spec, prepare, digits, make_split):
    spec = replace(make_spec(steps=12), averaging=DECAY)
    training = prepare(spec, 0, corruption="uniform_flip")
    run, average, _ = averages(training)
    part = make_split(0, "uniform_flip").test
    images = torch.from_numpy(digits.test_images[part.indices]).float() / 255
    logits = training._network.predict(average, {}, images)
    loss = F.cross_entropy(logits, torch.from_numpy(part.labels)).item()
    assert run.final.test.loss == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("method", ["baseline", "elr"])
def test_averages_stack_and_survive_an_interruption(make_spec, prepare, tmp_path, method):
    spec = replace(make_spec(method, model="resnet_8x8"), averaging=DECAY)
    stacked = prepare(spec, 0, 1, corruption="uniform_flip").run(lambda state: None)
    (alone,) = prepare(spec, 1, corruption="uniform_flip").run(lambda state: None)
    torch.testing.assert_close(stacked[1].network, alone.network, rtol=1e-3, atol=1e-5)
    path = tmp_path / "checkpoint"

    def watch(state):
        if state.step == 2:
            state.save(path, "this run")

    prepare(spec, 1, corruption="uniform_flip").run(watch)
    resumed = prepare(spec, 1, corruption="uniform_flip")
    resumed.state.restore(path, "this run")
    assert_same_runs(resumed.run(lambda state: None), [alone])
