"""MentorNet DD's mentor, against modules of PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.methods.known import Passes, batch, context, no_own_optimizer, part, prepared
from tests.methods.linear import LinearTraining, by_hand, draw, in_float64
from torch import nn

from l2rw.methods.base import METHOD_PREFIX, StepResult, own_of
from l2rw.methods.mentor import Mentor, initial_mentor, mentor_logits
from l2rw.methods.mentornet_dd import MentorNetDD
from l2rw.methods.weight_settings import MentorSettings
from l2rw.training.engine.network import ForwardOutput

CLASSES, STEPS, N = 3, 50, 8


def as_tensors(mentor):
    return {name: torch.as_tensor(value).double() for name, value in mentor.items()}


def reference(phi, losses, above, labels, percentage):
    """The same mentor of torch.nn: a bidirectional LSTM, embeddings, two linear layers."""
    lstm = nn.LSTM(2, 1, bidirectional=True, batch_first=True).double()
    values = dict(lstm.named_parameters())
    for direction, suffix in (("forward", ""), ("backward", "_reverse")):
        # PyTorch's gates are input, forget, candidate, output; forgetting has nothing to forget.
        weight, bias = phi[direction].T, phi[f"{direction}_bias"]
        with torch.no_grad():
            for value in (values[f"{n}_l0{suffix}"] for n in ("weight_hh", "bias_hh")):
                value.zero_()
            values[f"weight_ih_l0{suffix}"].copy_(weight[[0, 0, 1, 2]])
            values[f"bias_ih_l0{suffix}"].copy_(bias[[0, 0, 1, 2]])
    states, _ = lstm(torch.stack([losses, above], 1).unsqueeze(1))
    epochs = phi["epochs"][percentage].expand(len(losses), -1)
    features = torch.cat([states[:, 0], phi["labels"][labels], epochs], 1)
    hidden = torch.tanh(F.linear(features, phi["hidden"].T, phi["hidden_bias"]))
    return F.linear(hidden, phi["out"][None], phi["out_bias"][None])[:, 0]


def test_opinions_are_those_of_the_modules():
    random, phi = np.random.default_rng(0), as_tensors(initial_mentor(1, CLASSES))
    losses, above = (torch.tensor(random.normal(size=N)) for _ in range(2))
    labels, percentages = torch.tensor(random.integers(CLASSES, size=N)), torch.full((N,), 37)
    ours = mentor_logits(phi, losses, above, labels, percentages)
    torch.testing.assert_close(ours, reference(phi, losses, above, labels, 37).detach())
    assert ours.std() > 0.05


def test_the_mentor_is_drawn_from_the_seed():
    one, again, other = initial_mentor(0, 3), initial_mentor(0, 3), initial_mentor(1, 3)
    for name, value in one.items():
        assert value.dtype == np.float32
        assert np.array_equal(value, again[name])
        assert not value.any() or not np.array_equal(value, other[name])


def weights_by_hand(phi, losses, threshold, labels, step, stays):
    above = torch.tensor(losses - threshold)
    logits = reference(phi, torch.tensor(losses), above, torch.tensor(labels), 100 * step // STEPS)
    v = np.ones(N) if step < 0.18 * STEPS else logits.sigmoid().detach().numpy()
    return stays * v / N, logits


def test_a_run_by_a_trained_mentor_is_the_one_by_hand():
    random, mentor = np.random.default_rng(1), initial_mentor(1, CLASSES)
    known = context([0], classes=CLASSES, steps=STEPS, parent_own=mentor)
    training, phi = LinearTraining(MentorNetDD(), known), as_tensors(mentor)
    w, threshold = training.w.numpy(), 0.0
    for step in range(STEPS):
        images, labels = draw(random)
        losses, gradients = by_hand(w, images, labels)
        threshold = 0.5 * threshold + 0.5 * np.percentile(losses, 75, method="nearest")
        rate = 0.5 if step < 0.17 * STEPS else 0.05 if step < 0.83 * STEPS else 0.0
        stays = training.method.random_draws(N, 0, step)["places"] < int(N * (1 - rate))
        weights, _ = weights_by_hand(phi, losses, threshold, labels, step, stays)
        found = training.step(images, labels, step)
        np.testing.assert_allclose(found.weights, weights, rtol=1e-6, atol=1e-9)
        w = w - 0.3 * np.einsum("n,nij->ij", weights, gradients)
        np.testing.assert_allclose(training.w, w, rtol=1e-6, atol=1e-9)


def test_the_mentor_learns_from_examples_of_known_truth_alone():
    truth = [1, 0, 1, 1, 0, 0]
    clean, validation = part([0, 1], first=102), part([0, 1], first=104)
    known = context(
        [0] * 6, truth, classes=CLASSES, clean=clean, validation=validation, steps=STEPS
    )
    method = Mentor()
    state = in_float64(prepared(method, known))
    assert state["known"].tolist() == [0, 0, 1, 1, 1, 1]
    phi = as_tensors(initial_mentor(0, CLASSES))
    random = np.random.default_rng(2)
    images, labels = random.normal(size=(N, 4)), random.integers(CLASSES, size=N)
    positions = np.array([0, 1, 2, 3, 4, 5, 0, 1])
    w = torch.tensor(random.normal(size=(4, CLASSES)))

    def passes(at, images, targets):
        logits = images @ at["w"]
        return method.losses(logits, targets, own_of(at)), ForwardOutput(logits, {})

    seen = batch(
        images, labels, 30, positions=positions, places=np.arange(N), again=np.zeros((2, 5))
    )
    at = {"w": w, **{METHOD_PREFIX + name: value for name, value in phi.items()}}
    found = method.gradient(Passes(passes), at, seen, state, no_own_optimizer)

    losses, gradients = by_hand(w, images, labels)
    threshold = 0.5 * np.percentile(losses, 75, method="nearest")
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    stays = np.arange(N) < int(N * 0.95)
    weights, _ = weights_by_hand(phi, losses, threshold, labels, 30, stays)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)
    slope = np.einsum("n,nij->ij", weights, gradients)
    np.testing.assert_allclose(found.gradient["w"], slope, rtol=1e-6)
    logits = mentor_logits(
        phi,
        torch.tensor(losses),
        torch.tensor(losses - threshold),
        torch.tensor(labels),
        torch.full((N,), 60),
    )
    of_known = torch.tensor(truth)[positions].double()[2:6]
    loss = F.binary_cross_entropy_with_logits(logits[2:6], of_known)
    expected = torch.autograd.grad(loss, list(phi.values()))
    for name, value in zip(phi, expected, strict=True):
        torch.testing.assert_close(found.gradient[METHOD_PREFIX + name], value)


def test_a_trained_mentor_is_needed():
    with pytest.raises(ValueError, match="a trained mentor"):
        MentorNetDD().prepare(context([0, 1]))


@pytest.mark.parametrize(
    "wrong", [{"percentile": 1.0}, {"decay": -0.1}, {"burn_in": 1.5}, {"learning_rate": 0.0}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        MentorSettings(**wrong)


def test_the_mentor_remembers_what_it_saw_of_examples_of_known_truth():
    clean, validation = part([0], first=102), part([1], first=103)
    known = context([0, 1, 2, 1], classes=CLASSES, clean=clean, validation=validation, steps=STEPS)
    method, losses = Mentor(), torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
    state = in_float64(prepared(method, known))
    seen = batch(np.zeros((3, 4)), [0, 2, 1], 20, positions=[0, 2, 3], places=np.arange(3))
    method.update(state, StepResult(seen, losses, losses, losses, {}, {}, {}))
    threshold = 0.5 * np.percentile(losses, 75, method="nearest")
    assert state["threshold"].item() == pytest.approx(threshold)
    remembered = state["memory"][40, :2]  # of 50 steps 20 are 40 %
    expected = [[2.0, 2.0 - threshold, 1], [1.0, 1.0 - threshold, 1]]
    np.testing.assert_allclose(remembered, expected)
    assert state["memory"][:, :2].sum() == pytest.approx(remembered.sum())
    # It learns from them again: in a step that sees no other example of known truth.
    phi = as_tensors(initial_mentor(0, CLASSES))
    again = np.array([[0.99, 0.99, 0.0], [0.0, 0.9, 0.9]])  # 41 of the percentages, and the first
    later = batch(np.ones((1, 4)), [0], 20, positions=[0], places=np.arange(1), again=again)

    def passes(at, images, targets):
        logits = images.double() @ at["w"]
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    at = {"w": torch.zeros(4, CLASSES, dtype=torch.float64)}
    at |= {METHOD_PREFIX + name: value for name, value in phi.items()}
    found = method.gradient(Passes(passes), at, later, state, no_own_optimizer)
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    losses, above, _ = remembered.T
    logits = mentor_logits(phi, losses, above, torch.tensor([2, 1]), torch.tensor([40, 40]))
    loss = F.binary_cross_entropy_with_logits(logits, torch.ones(2, dtype=torch.float64))
    for name, slope in zip(phi, torch.autograd.grad(loss, list(phi.values())), strict=True):
        torch.testing.assert_close(found.gradient[METHOD_PREFIX + name], slope)
