import numpy as np
import pytest
import torch
from tests.methods.known import Passes, batch, context, no_own_optimizer, prepared

from l2rw.methods.loss_settings import MixupSettings
from l2rw.methods.mixup import Mixup
from l2rw.training.engine.network import ForwardOutput


def test_several_steps_are_those_by_hand():
    random = np.random.default_rng(0)
    method = Mixup()
    state = {"one_hot": prepared(method, context([0, 1, 2], classes=3))["one_hot"].double()}
    w = random.normal(size=(4, 3))

    def losses(at, images, targets):
        logits = images @ at["w"]
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    for step in range(4):
        images, labels = random.normal(size=(5, 4)), random.integers(3, size=5)
        draws = method.random_draws(5, seed=1, step=step)
        share, partners = float(draws["share"]), draws["partners"]
        draws["share"] = draws["share"].astype(np.float64)
        seen = batch(images, labels, step, **draws)
        followed = method.gradient(
            Passes(losses), {"w": torch.tensor(w)}, seen, state, no_own_optimizer
        )

        mixed = share * images + (1 - share) * images[partners]
        p = np.exp(mixed @ w) / np.exp(mixed @ w).sum(1, keepdims=True)
        # A share of the loss under either label, as the source writes it.
        own, other = (-np.log(p[range(5), y]) for y in (labels, labels[partners]))
        np.testing.assert_allclose(followed.losses, share * own + (1 - share) * other)
        target = share * np.eye(3)[labels] + (1 - share) * np.eye(3)[labels[partners]]
        gradient = mixed.T @ (p - target) / 5
        np.testing.assert_allclose(followed.gradient["w"], gradient, atol=1e-14)
        w = w - 0.5 * gradient


def test_draws_are_a_function_of_seed_and_step():
    def draws(*address):
        return Mixup().random_draws(20, *address)

    for name, value in draws(0, 3).items():
        assert np.array_equal(value, draws(0, 3)[name])
        assert not np.array_equal(value, draws(0, 4)[name])
        assert not np.array_equal(value, draws(1, 3)[name])
    assert sorted(draws(0, 3)["partners"]) == list(range(20))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_of_the_beta_distribution(alpha):
    method = Mixup(MixupSettings(alpha=alpha))
    shares = np.array([method.random_draws(1, 0, step)["share"] for step in range(2000)])
    assert shares.mean() == pytest.approx(0.5, abs=0.04)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.15)


def test_an_alpha_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"alpha is 0.0. Hint: choose alpha above 0"):
        MixupSettings(alpha=0.0)
