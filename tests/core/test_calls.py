"""Losses, batches and loops of all shapes that people have; what has no meaning is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from l2rw import Reweighter, forever
from tests.core import reference
from tests.core.zoo import CASES, CLASSES, CROSS_ENTROPY, FEATURES, perceptron


def draw(n, seed, *shape):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed)).double()


def labels(n, seed, *shape):
    return torch.randint(CLASSES, (n, *shape), generator=torch.Generator().manual_seed(seed))


INPUTS, CLEAN_INPUTS = draw(9, 0, FEATURES), draw(4, 1, FEATURES)
TARGETS, CLEAN_TARGETS = labels(9, 0), labels(4, 1)
BATCHES = (INPUTS, TARGETS), (CLEAN_INPUTS, CLEAN_TARGETS)


def model_of(*middle, seed=0):
    torch.manual_seed(seed)
    return perceptron(*middle).double()


def pixels():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, CLASSES, 1)
    ).double()


def pixel_labels(n, seed):
    found = labels(n, seed, 5, 5)
    found[0, :2] = -100
    found[1] = -100
    return found


def counted_mean(outputs, targets):
    """The rule by hand: an example's mean over the pixels that count."""
    values = F.cross_entropy(outputs, targets, reduction="none").flatten(1)
    return values.sum(1) / (targets.flatten(1) != -100).sum(1).clamp(min=1)


def mean_of(loss):
    return lambda outputs, targets: loss(outputs, targets).flatten(1).mean(1)


OF_MANY = {
    "pixels": (
        *(pixels, lambda n, s: draw(n, s, 2, 5, 5), pixel_labels),
        *(CROSS_ENTROPY, counted_mean),
    ),
    "labels": (
        *(model_of, lambda n, s: draw(n, s, FEATURES), lambda n, s: draw(n, s, CLASSES).sigmoid()),
        *(nn.BCEWithLogitsLoss(reduction="none"), mean_of(nn.BCEWithLogitsLoss(reduction="none"))),
    ),
    "one column": (
        lambda: nn.Sequential(model_of(), nn.Linear(CLASSES, 1).double()),
        *(lambda n, s: draw(n, s, FEATURES), lambda n, s: draw(n, s, 1)),
        *(nn.MSELoss(reduction="none"), mean_of(nn.MSELoss(reduction="none"))),
    ),
}


@pytest.mark.parametrize("case", OF_MANY)
def test_losses_of_many_entries_become_means_by_example(case):
    make, inputs, targets, loss, by_hand = OF_MANY[case]
    batch, clean = [(inputs(n, seed), targets(n, seed)) for n, seed in ((9, 0), (4, 1))]
    model, plain, ahead = make(), make(), make()
    plain.load_state_dict(model.state_dict())
    ahead.load_state_dict(model.state_dict())
    weights = Reweighter(model, loss).backward(*batch, *clean)
    expected = reference.backward(plain, by_hand, batch, ahead, by_hand, clean)
    torch.testing.assert_close(weights, expected)
    for mine, its in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad)


def test_labels_to_be_ignored_have_no_weight():
    targets = TARGETS.clone()
    targets[::2] = -100
    weights = Reweighter(model_of(), CROSS_ENTROPY).backward(
        INPUTS, targets, CLEAN_INPUTS, CLEAN_TARGETS
    )
    assert not weights[::2].any()
    assert weights.any()


REFUSED = {
    "merged": (model_of, nn.CrossEntropyLoss(), BATCHES, "a single number.*reduction"),
    "classes first": (
        *(model_of, lambda outputs, targets: outputs.T, BATCHES),
        r"shape \(3, 4\) for 4 targets.*values.mean\(1\)",
    ),
    "no tensor": (model_of, lambda outputs, targets: [1.0], BATCHES, "list for the whole batch"),
    "no clean examples": (
        *(model_of, CROSS_ENTROPY),
        ((INPUTS, TARGETS), (CLEAN_INPUTS[:0], CLEAN_TARGETS[:0])),
        "clean batch is empty: nothing",
    ),
    "no clean examples, batch norm": (
        *(lambda: model_of(nn.Softmax(0)), CROSS_ENTROPY),
        ((INPUTS, TARGETS), (CLEAN_INPUTS[:0], CLEAN_TARGETS[:0])),
        "clean batch is empty: nothing",
    ),
    "one example": (
        *(lambda: model_of(nn.BatchNorm1d(FEATURES)), CROSS_ENTROPY),
        ((INPUTS[:1], TARGETS[:1]), (CLEAN_INPUTS, CLEAN_TARGETS)),
        "more than 1 value per channel",
    ),
    "one clean example": (
        *(lambda: model_of(nn.BatchNorm1d(FEATURES)), CROSS_ENTROPY),
        ((INPUTS, TARGETS), (CLEAN_INPUTS[:1], CLEAN_TARGETS[:1])),
        "more than 1 value per channel",
    ),
    "frozen": (
        *(lambda: model_of().requires_grad_(False), CROSS_ENTROPY, BATCHES),
        "no parameter of the model requires a gradient",
    ),
    "lazy": (
        *(lambda: model_of(nn.LazyLinear(FEATURES)), CROSS_ENTROPY, BATCHES),
        "LazyLinear '1' has no parameters yet; pass a batch",
    ),
    "untouched": (
        lambda: nn.Sequential(nn.Linear(6, 3), Constant()).double(),
        *(CROSS_ENTROPY, BATCHES, "no parameter that requires a gradient acts"),
    ),
}


class Constant(nn.Module):
    def forward(self, inputs):
        return inputs.detach()


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_meaning_is_refused_and_leaves_no_trace(case):
    make, loss, (batch, clean), message = REFUSED[case]
    model = make()
    lazy = case == "lazy"
    before = {} if lazy else {n: t.clone() for n, t in model.state_dict().items()}
    random = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        Reweighter(model, loss).backward(*batch, *clean)
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    if not lazy:
        torch.testing.assert_close(model.state_dict(), before)


@pytest.mark.parametrize(
    ("case", "mode", "message"),
    [
        ("weight norm", "forward", "forward mode is not possible here.*leave mode out"),
        ("state in place", "forward", "contradict an ordinary backward pass"),
        ("wrong tangent", "forward", "contradict an ordinary backward pass"),
        ("detached backward", "double backward", "contradict an ordinary backward pass"),
        ("embedding bag", "double backward", "double backward mode is not possible here"),
        ("two inputs", "layer-wise", "models of one input"),
        ("convolutions", "layer-wise", "batch normalisation in training mode"),
    ],
)
def test_a_mode_that_was_asked_for_and_is_not_exact_is_refused(case, mode, message):
    found = CASES[case]
    torch.manual_seed(0)
    model, reweighter = found.model().double(), None
    reweighter = Reweighter(model, found.loss(), mode)
    with pytest.raises(ValueError, match=message):
        reweighter.backward(found.inputs(9), found.targets(9), found.inputs(4), found.targets(4))
    assert all(p.grad is None for p in model.parameters())


def test_unknown_choices_are_refused():
    with pytest.raises(ValueError, match="'reverse'"):
        Reweighter(model_of(), CROSS_ENTROPY, mode="reverse")
    with pytest.raises(ValueError, match="global or local"):
        Reweighter(model_of(), CROSS_ENTROPY, normalisation="all")


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
@pytest.mark.parametrize("sizes", [(9,), (4, 5), (3, 3, 3), (1, 8)])
def test_parts_of_a_batch_add_up_to_the_batch(middle, sizes):
    whole, parts = model_of(middle()), model_of(middle())
    weights = Reweighter(whole, CROSS_ENTROPY).backward(*BATCHES[0], *BATCHES[1])
    reweighter = Reweighter(parts, CROSS_ENTROPY)
    for p in parts.parameters():
        p.grad = torch.ones_like(p)
    with reweighter.accumulate() as batch:
        for inputs, targets in zip(INPUTS.split(sizes), TARGETS.split(sizes), strict=True):
            reweighter.backward(inputs, targets, *BATCHES[1])
    torch.testing.assert_close(batch.weights, weights)
    for mine, its in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad + 1)


def test_an_error_amid_parts_leaves_gradients_as_they_were():
    model = model_of()
    reweighter = Reweighter(model, CROSS_ENTROPY)
    reweighter.backward(*BATCHES[0], *BATCHES[1])
    before = [p.grad.clone() for p in model.parameters()]

    def parts():
        with reweighter.accumulate():
            reweighter.backward(*BATCHES[0], *BATCHES[1])
            raise RuntimeError("amid")

    with pytest.raises(RuntimeError, match="amid"):
        parts()
    torch.testing.assert_close([p.grad for p in model.parameters()], before)
    inner = reweighter.accumulate()
    with reweighter.accumulate(), pytest.raises(ValueError, match="within itself"):
        inner.__enter__()


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
def test_a_gradient_scaler_takes_the_same_step(middle):
    found = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=2.0**10)):
        model = model_of(middle()).float()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        reweighter = Reweighter(model, CROSS_ENTROPY, scaler=scaler)
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=scaler is not None):
                reweighter.backward(INPUTS.float(), TARGETS, CLEAN_INPUTS.float(), CLEAN_TARGETS)
            if scaler is None:
                optimizer.step()
            else:
                scaler.step(optimizer)
                scaler.update()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    start = torch.cat([p.detach().flatten() for p in model_of(middle()).float().parameters()])
    step, scaled = found[0] - start, found[1] - start
    assert torch.cosine_similarity(step, scaled, dim=0) > 0.99
    assert abs(step.norm() / scaled.norm() - 1) < 0.05


def test_an_overflow_makes_a_gradient_scaler_skip_the_step():
    model = model_of(nn.Softmax(1)).float()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    huge = INPUTS.float() * float("inf")
    reweighter = Reweighter(model, CROSS_ENTROPY, scaler=scaler)
    reweighter.backward(huge, TARGETS, CLEAN_INPUTS.float(), CLEAN_TARGETS)
    scaler.step(optimizer)
    scaler.update()
    torch.testing.assert_close(list(model.parameters()), before, rtol=0, atol=0)
    assert scaler.get_scale() == 2.0**9


def test_lbfgs_takes_a_closure_that_returns_the_loss():
    model = model_of(nn.Softmax(1))
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=5)
    reweighter = Reweighter(model, CROSS_ENTROPY)
    seen = []

    def closure():
        optimizer.zero_grad()
        weights = reweighter.backward(*BATCHES[0], *BATCHES[1])
        by_hand = (weights * CROSS_ENTROPY(model(INPUTS), TARGETS)).sum()
        torch.testing.assert_close(reweighter.loss_value, by_hand.detach())
        seen.append(reweighter.loss_value)
        return reweighter.loss_value

    optimizer.step(closure)
    assert len(seen) > 2


def test_the_default_device_does_not_matter():
    reweighter = Reweighter(model_of(nn.Softmax(1)), CROSS_ENTROPY)
    with torch.device("meta"):
        reweighter.backward(*BATCHES[0], *BATCHES[1])
    assert reweighter.mode == "forward"


def test_a_clean_loader_of_any_length_goes_on_forever():
    loader = torch.utils.data.DataLoader(list(range(5)), batch_size=2, shuffle=True)
    stream = forever(loader)
    epochs = [torch.cat([next(stream) for _ in range(3)]) for _ in range(4)]
    assert all(epoch.sort().values.tolist() == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) > 1
    with pytest.raises(ValueError, match="yields nothing"):
        next(forever([]))
    with pytest.raises(ValueError, match="once"):
        list(forever(iter([1, 2])))
