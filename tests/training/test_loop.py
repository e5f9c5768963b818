import numpy as np
import pytest
import torch

from l2rw.errors import UserError
from l2rw.methods import METHODS
from l2rw.models.lenet import lenet_8x8
from l2rw.training.loop import Training


def finish(training, watch=lambda state: None):
    """Train to the end; return the runs and the values of the first seed."""
    runs = training.run(watch)
    return runs, training.state.of_seed(0)[0]


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_trains_to_the_same_bits_again(make_spec, prepare, method):
    spec = make_spec(method=method)
    (one, values), (other, others) = (finish(prepare(spec, 3)) for _ in range(2))
    assert one == other
    torch.testing.assert_close(values, others, rtol=0, atol=0)


def test_seeds_differ(make_spec, prepare):
    (one, _), (other, _) = (finish(prepare(make_spec(), seed)) for seed in (0, 1))
    assert one[0].history[-1].train_loss != other[0].history[-1].train_loss


@pytest.mark.parametrize("method", METHODS)
def test_a_stack_of_seeds_trains_as_each_seed_alone(make_spec, prepare, method):
    spec = make_spec(method=method)
    stack = prepare(spec, 0, 1)
    stacked, _ = finish(stack)
    for i in range(2):
        (alone,), values = finish(prepare(spec, i))
        assert stacked[i].seed == alone.seed == i
        torch.testing.assert_close(stack.state.of_seed(i)[0], values, rtol=1e-4, atol=1e-5)
        for one, other in zip(stacked[i].history, alone.history, strict=True):
            assert vars(one) == pytest.approx(vars(other), rel=1e-3, abs=1e-5)


def test_networks_with_dropout_are_not_stacked(make_spec, prepare):
    with pytest.raises(ValueError, match="dropout"):
        prepare(make_spec(model="wrn_8x8"), 0, 1)


def test_so_does_a_stack_of_networks_with_batch_normalisation(make_spec, prepare):
    spec = make_spec(method="l2rw", model="resnet_8x8", steps=2)
    stacked, _ = finish(prepare(spec, 0, 1))
    for i in range(2):
        (alone,), _ = finish(prepare(spec, i))
        for one, other in zip(stacked[i].history, alone.history, strict=True):
            assert vars(one) == pytest.approx(vars(other), rel=1e-3, abs=1e-5)


def test_all_methods_of_a_seed_start_at_the_same_values(make_spec, prepare):
    def start(method, seed=2):
        return prepare(make_spec(method=method), seed).state.of_seed(0)[0]

    reference = start("baseline")
    for method in METHODS:
        torch.testing.assert_close(start(method), reference, rtol=0, atol=0)
    assert not torch.equal(start("baseline", 1)["hidden.weight"], reference["hidden.weight"])


def test_a_decay_holds_from_the_step_it_names(make_spec, prepare):
    def weight(steps, *decay_at):
        spec = make_spec(steps=steps, evaluations=1, momentum=0.0, decay_at=decay_at)
        return finish(prepare(spec, 0))[1]["output.weight"]

    second_step, decayed = weight(2) - weight(1), weight(2, 1) - weight(1)
    torch.testing.assert_close(decayed, 0.1 * second_step, rtol=1e-2, atol=1e-6)
    assert second_step.abs().max() > 1e-4


def test_running_statistics_follow_the_training_batches(make_spec, prepare):
    training = prepare(make_spec(model="resnet_8x8", steps=3), 0)
    before = {name: value.clone() for name, value in training.state.of_seed(0)[1].items()}
    finish(training)
    after = training.state.of_seed(0)[1]
    names = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert names
    assert not any(torch.equal(before[name], after[name]) for name in names)


def test_training_lowers_the_loss(make_spec, prepare):
    spec = make_spec(method="resample", steps=150, batch_size=20, evaluations=5)
    (run,), _ = finish(prepare(spec, 0))
    assert run.history[-1].train_loss < 0.5 * run.history[0].train_loss
    assert run.test.error < 0.2


def test_history_has_a_line_at_each_evaluation_and_ends_with_the_result(make_spec, prepare):
    (run,), _ = finish(prepare(make_spec(steps=7, evaluations=3, decay_at=(5,)), 4))
    assert [line.step for line in run.history] == [3, 5, 7]
    assert {line.seed for line in run.history} == {4}
    assert [line.learning_rate for line in run.history] == pytest.approx([0.05, 0.05, 0.005])
    last = run.history[-1]
    assert (last.test_error, last.test_loss) == (run.test.error, run.test.loss)


def test_each_line_of_the_history_is_about_the_steps_since_the_line_before(make_spec, prepare):
    (often,), _ = finish(prepare(make_spec(steps=6, evaluations=6), 0))
    (seldom,), _ = finish(prepare(make_spec(steps=6, evaluations=2), 0))
    losses = [line.train_loss for line in often.history]
    assert seldom.history[0].train_loss == pytest.approx(np.mean(losses[:3]))
    assert seldom.history[1].train_loss == pytest.approx(np.mean(losses[3:]))


def test_the_result_is_that_of_the_last_values_on_the_whole_test_part(
    make_spec, prepare, digits, make_split
):
    (run,), values = finish(prepare(make_spec(), 0))
    model = lenet_8x8((1, 8, 8), 2)
    model.load_state_dict(values)
    test = make_split(0).test
    images = torch.from_numpy(digits.test_images[test.indices]).float() / 255
    predicted = model(images).argmax(1).numpy()
    assert np.sum(run.test.confusion) == len(test)
    assert run.test.error == pytest.approx((predicted != test.labels).mean())


def test_the_watch_sees_every_step_and_the_means_so_far(make_spec, prepare):
    seen = []
    finish(prepare(make_spec(steps=5), 0), lambda state: seen.append((state.step, state.means())))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5]
    assert all(means.train_loss > 0 for _, (means,) in seen)


@pytest.mark.parametrize("method", ["baseline", "l2rw"])
@pytest.mark.parametrize("steps", [5, 40])
def test_a_diverging_run_stops_and_names_method_and_seed(make_spec, prepare, method, steps):
    training = prepare(make_spec(method=method, learning_rate=1e30, steps=steps), 6, 7)
    with pytest.raises(UserError, match=rf"{method}, seed [67], .* Hint: .*learning_rate"):
        training.run(lambda state: None)
    assert training.state.step <= 10


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_compiled_steps_agree_with_plain_ones(make_spec, digits, make_split, seeds):
    spec = make_spec(method="l2rw", steps=4)
    splits, cpu = [make_split(seed) for seed in seeds], torch.device("cpu")
    plain, compiled = (
        Training(spec, digits, splits, 2, seeds, cpu, compiled=compiled)
        for compiled in (False, True)
    )
    for training in (plain, compiled):
        training.run(lambda state: None)
    torch.testing.assert_close(
        compiled.state.parameters, plain.state.parameters, rtol=1e-3, atol=1e-5
    )
