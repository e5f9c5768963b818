import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.runs import assert_same_runs

from l2rw.methods import METHODS
from l2rw.models.lenet import lenet_8x8
from l2rw.store.errors import UserError
from l2rw.training.engine import loop
from l2rw.training.engine.network import Network, is_own


def finish(training, watch=lambda state: None):
    """Train to the end; return the runs and the values of the first seed."""
    runs = training.run(watch)
    return runs, training.state.of_seed(0)[0]


def assert_close_runs(run, other):
    """Compare what is continuous in two runs of a seed."""
    assert run.seed == other.seed
    torch.testing.assert_close(run.network, other.network, rtol=1e-4, atol=1e-5)
    for one, another in zip(run.history, other.history, strict=True):
        assert vars(one) == pytest.approx(vars(another), rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(run.mean_weights, other.mean_weights, rtol=1e-2, atol=1e-4)
    assert (run.predicted == other.predicted).mean() > 0.99


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("model", "corruption"), [("lenet_8x8", "uniform_flip"), ("resnet_8x8", "background_flip")]
)
def test_every_method_trains_under_noisy_labels(
    make_spec, prepare, make_split, model, corruption, method
):
    training = prepare(make_spec(method=method, model=model), 0, corruption=corruption)
    before = {name: value.clone() for name, value in training.state.of_seed(0)[0].items()}
    (run,), _ = finish(training)
    assert all(value.isfinite().all() for value in run.network.values())
    assert not any(torch.equal(value, run.network[name]) for name, value in before.items())
    assert np.isfinite(run.mean_weights).any()
    assert run.predicted.shape == run.mean_weights.shape == (len(run.train),)
    assert set(run.predicted) <= set(range(10))
    split, record = make_split(0, corruption), METHODS[method]
    parts = [split.clean] if record.trained_on_clean_set else [split.train]
    parts += [split.validation] * record.trained_beside_validation
    wrong = sum((~part.label_is_correct).sum() for part in parts)
    assert (~run.train.label_is_correct).sum() == wrong


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_trains_to_the_same_bits_again(make_spec, prepare, method):
    spec = make_spec(method=method)
    (one, _), (other, _) = (finish(prepare(spec, 3, corruption="uniform_flip")) for _ in range(2))
    assert_same_runs(one, other)


def test_seeds_differ(make_spec, prepare):
    (one, _), (other, _) = (finish(prepare(make_spec(), seed)) for seed in (0, 1))
    assert one[0].history[-1].train_loss != other[0].history[-1].train_loss


@pytest.mark.parametrize("method", METHODS)
def test_a_stack_of_seeds_trains_as_each_seed_alone(make_spec, prepare, method):
    spec = make_spec(method=method)
    stacked, _ = finish(prepare(spec, 0, 1, corruption="uniform_flip"))
    for seed, run in enumerate(stacked):
        (alone,), _ = finish(prepare(spec, seed, corruption="uniform_flip"))
        assert run.seed == seed
        assert_close_runs(run, alone)


def test_networks_with_dropout_are_not_stacked(make_spec, prepare):
    with pytest.raises(ValueError, match="dropout"):
        prepare(make_spec(model="wrn_8x8"), 0, 1)


def test_masks_of_dropout_follow_seed_and_step(make_spec, prepare, monkeypatch):
    addresses = []
    monkeypatch.setattr(Network, "seed_masks", lambda _, *address: addresses.append(address))
    finish(prepare(make_spec(model="wrn_8x8", steps=2), 5))
    assert addresses == [(5, 0), (5, 1)]


def test_so_does_a_stack_of_networks_with_batch_normalisation(make_spec, prepare):
    spec = make_spec(method="l2rw", model="resnet_8x8", steps=2)
    stacked, _ = finish(prepare(spec, 0, 1, corruption="background_flip"))
    for seed, run in enumerate(stacked):
        (alone,), _ = finish(prepare(spec, seed, corruption="background_flip"))
        assert_close_runs(run, alone)


def test_all_methods_of_a_seed_start_at_the_same_values(make_spec, prepare):
    def start(method, seed=2):
        training = prepare(make_spec(method=method), seed, corruption="uniform_flip")
        values = training.state.of_seed(0)[0]
        return {name: value for name, value in values.items() if not is_own(name)}

    reference = start("baseline")
    for method in METHODS:
        values = start(method)  # some have another output layer
        same = {name: reference[name] for name in values if name in reference}
        assert "hidden.weight" in same
        torch.testing.assert_close({n: values[n] for n in same}, same, rtol=0, atol=0)
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
    assert run.final.test.error < 0.2


def test_history_has_a_line_at_each_evaluation_and_ends_with_the_result(make_spec, prepare):
    (run,), _ = finish(prepare(make_spec(steps=7, evaluations=3, decay_at=(5,)), 4))
    assert [line.step for line in run.history] == [3, 5, 7]
    assert {line.seed for line in run.history} == {4}
    assert [line.learning_rate for line in run.history] == pytest.approx([0.05, 0.05, 0.005])
    last, test = run.history[-1], run.final.test
    assert (last.test_error, last.test_loss) == (test.error, test.loss)


def test_each_line_of_the_history_is_about_the_steps_since_the_line_before(make_spec, prepare):
    (often,), _ = finish(prepare(make_spec(steps=6, evaluations=6), 0))
    (seldom,), _ = finish(prepare(make_spec(steps=6, evaluations=2), 0))
    losses = [line.train_loss for line in often.history]
    assert seldom.history[0].train_loss == pytest.approx(np.mean(losses[:3]))
    assert seldom.history[1].train_loss == pytest.approx(np.mean(losses[3:]))


def test_the_result_is_that_of_the_last_values_on_the_whole_test_part(
    make_spec, prepare, digits, make_split
):
    (run,), _ = finish(prepare(make_spec(), 0))
    test = make_split(0).test
    logits = logits_of(run, digits.test_images[test.indices], classes=2)
    assert np.sum(run.final.test.confusion) == len(test)
    errors = logits.argmax(1).numpy() != test.labels
    assert run.final.test.error == pytest.approx(errors.mean())


def logits_of(run, images, classes=10):
    model = lenet_8x8((1, 8, 8), classes)
    model.load_state_dict(run.network)
    return model(torch.from_numpy(images).float() / 255).detach()


@pytest.mark.parametrize("corruption", ["uniform_flip", "background_flip"])
def test_validation_is_on_held_out_images_under_their_noisy_labels(
    make_spec, prepare, digits, make_split, corruption
):
    (run,), _ = finish(prepare(make_spec(), 0, corruption=corruption))
    validation, last = make_split(0, corruption).validation, run.history[-1]
    logits = logits_of(run, digits.train_images[validation.indices])
    labels = torch.from_numpy(validation.labels)
    error = (logits.argmax(1) != labels).float().mean().item()
    assert not validation.label_is_correct.all()
    assert run.final.validation.error == last.validation_error == pytest.approx(error)
    loss = F.cross_entropy(logits, labels).item()
    assert run.final.validation.loss == last.validation_loss == pytest.approx(loss, rel=1e-5)
    assert np.sum(run.final.validation.confusion, 1).tolist() == np.bincount(labels).tolist()


def test_without_a_validation_set_there_is_no_validation(make_spec, prepare):
    (run,), _ = finish(prepare(make_spec(), 0))
    assert run.final.validation is None
    assert {line.validation_loss for line in run.history} == {None}
    assert {line.validation_error for line in run.history} == {None}


def test_a_run_knows_what_the_trained_network_takes_the_training_images_for(
    make_spec, prepare, digits, make_split
):
    (run,), _ = finish(prepare(make_spec(method="s_model"), 0, corruption="uniform_flip"))
    assert len(run.train) == len(make_split(0, "uniform_flip").train) + 20
    assert run.network.pop("method.noise_layer").shape == (10, 10)
    predicted = logits_of(run, digits.train_images[run.train.indices]).argmax(1)
    assert run.predicted.tolist() == predicted.tolist()


@pytest.mark.parametrize("corruption", ["imbalance", "uniform_flip"])
def test_nothing_is_evaluated_twice(make_spec, prepare, monkeypatch, corruption):
    evaluated = []

    def counting(predict, images, part):
        evaluated.append(len(part))
        return evaluate(predict, images, part)

    evaluate = loop.evaluate
    monkeypatch.setattr(loop, "evaluate", counting)
    training = prepare(make_spec(steps=5, evaluations=2), 0, 1, corruption=corruption)
    finish(training)
    parts = 1 if corruption == "imbalance" else 2
    assert len(evaluated) == 2 * 2 * parts
    finish(training)
    assert len(evaluated) == 2 * 2 * parts


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
def test_compiled_steps_agree_with_plain_ones(make_spec, prepare, seeds):
    spec = make_spec(method="l2rw", steps=4)
    plain, compiled = (prepare(spec, *seeds, compiled=compiled) for compiled in (False, True))
    for training in (plain, compiled):
        training.run(lambda state: None)
    torch.testing.assert_close(
        compiled.state.parameters, plain.state.parameters, rtol=1e-3, atol=1e-5
    )
