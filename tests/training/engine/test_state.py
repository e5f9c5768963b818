from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.runs import assert_same_runs

from l2rw.methods import METHODS
from l2rw.store.errors import UserError


class Interrupted(Exception):  # noqa: N818
    """Ends a run from within its watch."""


def run_until(step, training, path):
    """Train to a step and leave a checkpoint there."""

    def watch(state):
        if state.step == step:
            state.save(path, "this run")
            raise Interrupted

    with pytest.raises(Interrupted):
        training.run(watch)


def assert_same(one, other):
    """Two states agree bit for bit."""
    for field in ("step", "history"):
        assert getattr(one, field) == getattr(other, field)
    for field in ("parameters", "velocity", "squares", "buffers", "method"):
        torch.testing.assert_close(getattr(one, field), getattr(other, field), rtol=0, atol=0)
    torch.testing.assert_close(one.tally.sums, other.tally.sums, rtol=0, atol=0)
    torch.testing.assert_close(vars(one.weight_tracker), vars(other.weight_tracker), rtol=0, atol=0)
    assert (one.tally.steps, one.tally.first_bad_step()) == (
        other.tally.steps,
        other.tally.first_bad_step(),
    )


@pytest.mark.parametrize("method", [*METHODS, "fine-tuning"])
@pytest.mark.parametrize("at", [2, 3, 6])  # within, at and after the last evaluation
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, make_spec, prepare, method, at):
    path = tmp_path / "deep" / "checkpoint"
    spec = make_spec(method=method if method in METHODS else "clean_only", decay_at=(4,))
    spec = replace(spec, fine_tunes=method == "fine-tuning")
    straight, killed, resumed = (prepare(spec, 0, 1, corruption="uniform_flip") for _ in range(3))
    expected = straight.run(lambda state: None)

    run_until(at, killed, path)
    resumed.state.restore(path, "this run")
    assert resumed.state.step == at
    assert_same_runs(resumed.run(lambda state: None), expected)
    assert_same(resumed.state, straight.state)
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint"]


def test_nor_do_networks_with_dropout_and_batch_normalisation_notice(tmp_path, make_spec, prepare):
    spec, path = make_spec(method="l2rw", model="wrn_8x8", steps=3), tmp_path / "checkpoint"
    straight = prepare(spec, 0)
    expected = straight.run(lambda state: None)
    assert straight.state.buffers
    run_until(2, prepare(spec, 0), path)
    resumed = prepare(spec, 0)
    resumed.state.restore(path, "this run")
    assert_same_runs(resumed.run(lambda state: None), expected)
    assert_same(resumed.state, straight.state)


def test_convolutions_of_a_single_seed_keep_the_memory_format_that_is_fast(make_spec, prepare):
    (weight,) = prepare(make_spec(), 0).state.parameters["convolutions.1.weight"]
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_memory_formats_survive(tmp_path, make_spec, prepare):
    run_until(2, prepare(make_spec(), 0), tmp_path / "checkpoint")
    fresh = prepare(make_spec(), 0).state
    strides = {name: value.stride() for name, value in fresh.parameters.items()}
    fresh.restore(tmp_path / "checkpoint", "this run")
    assert {name: value.stride() for name, value in fresh.parameters.items()} == strides


def test_the_checkpoint_of_another_run_is_refused(tmp_path, make_spec, prepare):
    path = tmp_path / "checkpoint"
    run_until(2, prepare(make_spec(), 0), path)
    with pytest.raises(UserError, match=rf"{path}.*this run, not another.* Hint: delete {path}"):
        prepare(make_spec(), 0).state.restore(path, "another")


@pytest.mark.parametrize("left", [0, 5, -100])
def test_a_checkpoint_cut_short_is_refused(tmp_path, make_spec, prepare, left):
    path = tmp_path / "checkpoint"
    run_until(2, prepare(make_spec(), 0), path)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(UserError, match=rf"{path} cannot be read.* Hint: delete {path}"):
        prepare(make_spec(), 0).state.restore(path, "this run")


def test_no_flipped_bit_of_a_checkpoint_goes_unnoticed(tmp_path, make_spec, prepare):
    path, random = tmp_path / "checkpoint", np.random.default_rng(0)
    run_until(2, prepare(make_spec(), 0), path)
    whole, state = path.read_bytes(), prepare(make_spec(), 0).state
    for bit in [*range(0, 400, 7), *random.integers(8 * len(whole), size=200)]:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=rf"{path} .* Hint: delete {path}"):
            state.restore(path, "this run")


def test_right_after_an_evaluation_the_means_are_those_of_it(make_spec, prepare):
    training = prepare(make_spec(steps=3, evaluations=1), 0, 1)
    runs = training.run(lambda state: None)
    assert training.state.means() == [run.history[-1].means for run in runs]


def test_all_seeds_of_a_stack_have_their_own_values(make_spec, prepare):
    state = prepare(make_spec(), 0, 1).state
    both = [state.of_seed(i)[0]["hidden.weight"] for i in (0, 1)]
    assert not torch.equal(*both)
    assert torch.equal(both[1], prepare(make_spec(), 1).state.of_seed(0)[0]["hidden.weight"])
    assert state.step == 0
    assert not any(v.any() for v in state.velocity.values())
    assert state.history == [[], []]
