"""Layer-wise weights against gradients of one example at a time, in plain autograd and float64."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

from l2rw.core.layerwise import layerwise_gradient
from l2rw.core.reweighter import Reweighter
from l2rw.core.weights import WeightedGradient
from l2rw.models.lenet import lenet, lenet_8x8

N, CLEAN, CLASSES = 7, 4, 3


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets, reduction="none")


class Case(NamedTuple):
    """A model, its parameters to train, training examples and clean ones."""

    model: nn.Module
    batch: tuple[Any, Any]
    clean: tuple[Any, Any]

    @property
    def parameters(self) -> dict[str, Tensor]:
        return {n: p.detach() for n, p in self.model.named_parameters() if p.requires_grad}

    def solve(self, *, check: bool = True) -> WeightedGradient:
        return layerwise_gradient(
            self.model, cross_entropy, self.parameters, self.batch, self.clean, check=check
        )


def images(*shape: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, *shape, dtype=torch.float64)


def tokens(*shape: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randint(5, (n, *shape))


def case(model: nn.Module, inputs: Callable[[int], Any], seed: int = 0) -> Case:
    torch.manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)  # biases and scales, too, are none of their defaults
    batches = [(inputs(n), torch.randint(CLASSES, (n,))) for n in (N, CLEAN)]
    return Case(model.double(), *batches)


def gradients_one_by_one(case: Case, examples: tuple[Any, Any]) -> tuple[Tensor, Tensor]:
    """Return gradients, a row for each example, and losses."""
    inputs, targets = examples
    trained = [p for p in case.model.parameters() if p.requires_grad]
    rows, losses = [], []
    for i in range(len(targets)):
        loss = cross_entropy(case.model(inputs[i : i + 1]), targets[i : i + 1])[0]
        row = torch.autograd.grad(loss, trained, allow_unused=True)
        filled = [
            torch.zeros_like(p) if g is None else g for p, g in zip(trained, row, strict=True)
        ]
        rows.append(torch.cat([g.flatten() for g in filled]))
        losses.append(loss.detach())
    return torch.stack(rows), torch.stack(losses)


def agree(case: Case, found: WeightedGradient) -> None:
    ours, losses = gradients_one_by_one(case, case.batch)
    theirs, _ = gradients_one_by_one(case, case.clean)
    alignments = (ours @ theirs.mean(0)).clamp(min=0)
    expected = alignments / alignments.sum() if alignments.any() else alignments
    torch.testing.assert_close(found.weights, expected, rtol=0, atol=1e-12)
    gradient = torch.cat([found.gradient[name].flatten() for name in case.parameters])
    reference = expected @ ours
    assert (gradient - reference).norm() <= 1e-10 * reference.norm()
    torch.testing.assert_close(found.losses, losses, rtol=1e-12, atol=1e-12)


class Classifier(nn.Module):
    """Averages features over all that lies between examples and channels, and classifies."""

    def __init__(self, features: nn.Module, channels: int, at: int = 1) -> None:
        super().__init__()
        self.features, self.output, self._at = features, nn.Linear(channels, CLASSES), at

    def forward(self, inputs: Any) -> Tensor:
        found = self.features(inputs).movedim(self._at, -1).tanh()
        return self.output(found.flatten(1, -2).mean(1) if found.dim() > 2 else found)


class Twice(nn.Module):
    """Uses layers several times, a whole batch at once and token by token."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, CLASSES)
        self.layer, self.output = nn.Linear(CLASSES, CLASSES), nn.Linear(CLASSES, 5, bias=False)
        self.output.weight = self.embedding.weight
        self.unused = nn.Linear(2, 2)

    def forward(self, found: Tensor) -> Tensor:
        found = self.embedding(found)
        found = self.layer(self.layer(found).tanh()).tanh()
        found = found + self.layer(input=found)
        return self.output(found.mean(1))[:, :CLASSES]


class Attention(nn.Module):
    """A head of attention of linear layers, with normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.split = nn.LayerNorm(4), nn.Linear(4, 12)
        self.join = nn.Linear(4, 4)

    def forward(self, found: Tensor) -> Tensor:
        query, key, value = self.split(self.norm(found)).chunk(3, dim=-1)
        return found + self.join(F.scaled_dot_product_attention(query, key, value))


class Recurrent(nn.Module):
    """Runs over time, the first state being the same for all."""

    def __init__(self) -> None:
        super().__init__()
        self.input, self.state = nn.Linear(3, 4), nn.Linear(4, 4, bias=False)

    def forward(self, found: Tensor) -> Tensor:
        state = found.new_zeros(len(found), 4)
        for time in range(found.shape[1]):
            state = torch.tanh(self.input(found[:, time]) + self.state(state))
        return state


class Named(nn.Module):
    """Takes a dictionary: batches cannot become one."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, found: "Both") -> Tensor:
        return self.a(found["a"]) + self.b(found["b"])


class Both(dict[str, Tensor]):
    """A dictionary of which rows can be taken."""

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, str):
            return super().__getitem__(which)
        return Both({name: tensor[which] for name, tensor in self.items()})


def both(n: int) -> Both:
    return Both(a=images(3)(n), b=images(2)(n))


def conv(*arguments: Any, at: int = 2, **options: Any) -> nn.Module:
    layer = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[at](*arguments, **options)
    return Classifier(layer, layer.out_channels)


def residual() -> nn.Module:
    one, two = nn.Linear(4, 4), nn.Linear(4, 4)

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = one, two

        def forward(self, found: Tensor) -> Tensor:
            return self.one(found) + self.two(found)

    return Sum()


def frozen(**which: bool) -> nn.Module:
    """Train the parameters that are named, of the first layer."""
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, CLASSES))
    for name, parameter in model[0].named_parameters():
        parameter.requires_grad_(which.get(name, False))
    return model


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[int], Any]]] = {
    "perceptron": (lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), images(4)),
    "no bias": (lambda: nn.Linear(4, 3, bias=False), images(4)),
    "sequences": (lambda: Classifier(nn.Linear(4, 5), 5, at=-1), images(6, 4)),
    "grids": (lambda: Classifier(nn.Linear(4, 5), 5, at=-1), images(2, 3, 4)),
    "conv1d": (lambda: conv(2, 4, 3, stride=2, padding=1, at=1), images(2, 9)),
    "conv2d": (lambda: conv(2, 4, (3, 2), stride=(1, 2), padding=(0, 1)), images(2, 7, 6)),
    "conv3d": (lambda: conv(2, 4, 2, dilation=2, at=3, bias=False), images(2, 5, 4, 3)),
    "conv, dilated in groups": (lambda: conv(4, 6, 3, dilation=2, groups=2), images(4, 8, 8)),
    "conv, depthwise": (lambda: conv(4, 4, 3, groups=4), images(4, 5, 5)),
    "conv, padding same": (lambda: conv(2, 4, (3, 4), padding="same"), images(2, 6, 5)),
    "conv, padding valid": (lambda: conv(2, 4, 3, padding="valid"), images(2, 6, 5)),
    "conv, circular": (lambda: conv(2, 4, 3, padding=2, padding_mode="circular"), images(2, 6, 5)),
    "conv, reflected": (
        lambda: conv(2, 4, 3, padding=1, padding_mode="reflect", at=1),
        images(2, 6),
    ),
    "embedding": (lambda: Classifier(nn.Embedding(5, 4, padding_idx=2), 4, at=-1), tokens(6)),
    "embedding of one token": (lambda: Classifier(nn.Embedding(5, 4), 4, at=-1), tokens()),
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.Linear(5, 3)),
        images(4),
    ),
    "layer norm of images": (lambda: Classifier(nn.LayerNorm((5, 4)), 2), images(2, 5, 4)),
    "layer norm without bias": (lambda: Classifier(nn.LayerNorm(4, bias=False), 2), images(2, 4)),
    "group norm": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), Classifier(nn.ReLU(), 4)),
        images(2, 5, 5),
    ),
    "without affine part": (
        lambda: nn.Sequential(
            nn.Linear(4, 4), nn.LayerNorm(4, elementwise_affine=False), nn.Linear(4, 3)
        ),
        images(4),
    ),
    "used twice, tied, and unused": (Twice, tokens(6)),
    "sum of layers": (residual, images(4)),
    "attention": (lambda: Classifier(nn.Sequential(Attention(), Attention()), 4, -1), images(5, 4)),
    "recurrence": (lambda: Classifier(Recurrent(), 4, at=-1), images(5, 3)),
    "dictionaries": (lambda: Classifier(Named(), 4, at=-1), both),
    "frozen layer": (frozen, images(4)),
    "frozen weight": (lambda: frozen(bias=True), images(4)),
    "frozen bias": (lambda: frozen(weight=True), images(4)),
    "changed in place": (
        lambda: nn.Sequential(
            nn.ReLU(inplace=True), nn.Linear(4, 9), nn.ReLU(inplace=True), nn.Linear(9, 3)
        ),
        images(4),
    ),
    "max-pool": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, CLASSES)
        ),
        images(1, 6, 6),
    ),
    "LeNet": (lambda: lenet((1, 28, 28), CLASSES), images(1, 28, 28)),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_and_gradient_are_those_of_examples_one_by_one(name):
    net, inputs = CASES[name]
    found = [case(net(), inputs, seed) for seed in range(3)]
    weights = torch.cat([one.solve().weights for one in found])
    assert 0 < weights.count_nonzero() < len(weights)
    for one in found:
        agree(one, one.solve())


def test_batches_of_other_sizes_of_image_go_apart():
    one = case(conv(2, 4, 3), images(2, 7, 6))
    one = one._replace(clean=(images(2, 5, 5)(CLEAN), one.clean[1]))
    agree(one, one.solve())


@pytest.mark.parametrize("together", [True, False])
def test_a_mask_of_dropout_serves_losses_weights_and_gradient(together):
    """Reference: passes with the same masks, and a backward pass for each example."""
    one = case(
        nn.Sequential(nn.Linear(4, 20), nn.Tanh(), nn.Dropout(), nn.Linear(20, CLASSES)), images(4)
    )
    if not together:  # a batch that does not fit has other features
        one = one._replace(model=nn.Sequential(Padded(), one.model))
        one = one._replace(clean=(one.clean[0][:, :3], one.clean[1]))
    torch.manual_seed(1)
    if together:
        losses = cross_entropy(
            one.model(torch.cat([one.batch[0], one.clean[0]])),
            torch.cat([one.batch[1], one.clean[1]]),
        )
        ours, clean = losses[:N], losses[N:]
    else:
        clean, ours = (cross_entropy(one.model(x), y) for x, y in (one.clean, one.batch))
    trained = list(one.model.parameters())
    goal = torch.autograd.grad(clean.mean(), trained, retain_graph=True)
    rows = [torch.autograd.grad(loss, trained, retain_graph=True) for loss in ours]
    products = [sum((g * v).sum() for g, v in zip(row, goal, strict=True)) for row in rows]
    alignments = torch.stack(products).clamp(min=0)
    expected = alignments / alignments.sum()
    gradient = torch.autograd.grad((expected * ours).sum(), trained)
    torch.manual_seed(1)
    found = one.solve()
    torch.testing.assert_close(found.weights, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        list(found.gradient.values()), list(gradient), rtol=1e-10, atol=1e-12
    )
    assert (one.solve().weights - found.weights).abs().max() > 1e-3


class Padded(nn.Module):
    """Makes all inputs four wide."""

    def forward(self, found: Tensor) -> Tensor:
        return F.pad(found, (0, 4 - found.shape[1]))


def layers() -> st.SearchStrategy[list[nn.Module]]:
    """Layers from 4 channels of length 6 to as many."""
    return st.lists(
        st.sampled_from(
            [
                lambda: nn.Conv1d(4, 4, 3, padding=1),
                lambda: nn.Conv1d(4, 4, 3, padding=2, dilation=2, groups=2, bias=False),
                lambda: nn.Conv1d(4, 4, 4, padding="same"),
                lambda: nn.Linear(6, 6),
                lambda: nn.LayerNorm((4, 6)),
                lambda: nn.GroupNorm(2, 4),
                nn.Tanh,
                nn.Softplus,
                lambda: nn.MaxPool1d(3, stride=1, padding=1),
                lambda: nn.AvgPool1d(3, stride=1, padding=1),
            ]
        ).map(lambda make: make()),
        min_size=1,
        max_size=5,
    )


@given(layers(), st.lists(st.integers(0, 4), max_size=2), st.integers(0, 1000))
def test_any_network_of_such_layers_has_the_weights_of_examples_one_by_one(stack, again, seed):
    used = stack + [stack[place % len(stack)] for place in again]
    one = case(nn.Sequential(*used, Classifier(nn.Identity(), 4)), images(4, 6), seed)
    agree(one, one.solve())


def test_a_layer_that_a_network_names_twice_keeps_its_parameters():
    torch.manual_seed(0)
    shared = nn.Linear(6, 6).double()
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(6, 3).double())
    before = [*model.parameters()]
    inputs, labels = torch.randn(7, 6).double(), torch.arange(7) % 3
    loss = nn.CrossEntropyLoss(reduction="none")
    reweighter = Reweighter(model, loss)
    weights = reweighter.backward(inputs[:4], labels[:4], inputs[4:], labels[4:])
    assert reweighter.mode == "layer-wise"
    assert all(mine is its for mine, its in zip(model.parameters(), before, strict=True))
    found = [p.grad for p in before]
    model.zero_grad()
    (weights * loss(model(inputs[:4]), labels[:4])).sum().backward()
    torch.testing.assert_close(found, [p.grad for p in before])


def test_examples_that_all_contradict_the_clean_set_give_a_zero_gradient():
    one = case(nn.Linear(4, 2), images(4))
    inputs = one.batch[0][:1].expand(N, 4)
    one = one._replace(
        batch=(inputs, torch.zeros(N, dtype=torch.int64)),
        clean=(inputs[:2], torch.ones(2, dtype=torch.int64)),
    )
    found = one.solve()
    assert not found.weights.any()
    assert set(found.gradient) == set(one.parameters)
    assert not any(gradient.any() for gradient in found.gradient.values())


def test_parameters_of_a_call_are_those_given_not_the_model_s():
    one = case(lenet_8x8((1, 8, 8), CLASSES), images(1, 8, 8))
    expected = one.solve()
    at = one.parameters
    other = lenet_8x8((1, 8, 8), CLASSES).double()
    found = layerwise_gradient(other, cross_entropy, at, one.batch, one.clean)
    torch.testing.assert_close(found.gradient, expected.gradient, rtol=0, atol=0)
    torch.testing.assert_close(found.aux, expected.aux, rtol=0, atol=0)
    torch.testing.assert_close(found.aux, one.model(one.batch[0]).detach())


def test_it_does_not_matter_whether_gradients_are_on():
    one = case(lenet_8x8((1, 8, 8), CLASSES), images(1, 8, 8))
    with torch.no_grad():
        found = one.solve()
    torch.testing.assert_close(found.gradient, one.solve().gradient, rtol=0, atol=0)


def test_a_model_is_afterwards_as_it_was():
    one = case(lenet_8x8((1, 8, 8), CLASSES), images(1, 8, 8))
    found = one.solve()
    tensors = [found.weights, found.losses, found.aux, *found.gradient.values()]
    assert not any(tensor.requires_grad for tensor in tensors)
    assert all(parameter.grad is None for parameter in one.model.parameters())
    assert not any("forward" in vars(module) for module in one.model.modules())


def test_computing_in_bf16_gives_gradients_of_the_parameters_type():
    one = case(conv(2, 4, 3), images(2, 7, 6))
    exact = one.solve()
    one.model.float()
    one = one._replace(batch=(one.batch[0].float(), one.batch[1]))
    one = one._replace(clean=(one.clean[0].float(), one.clean[1]))
    with torch.autocast("cpu", torch.bfloat16):
        found = one.solve()
    assert {g.dtype for g in found.gradient.values()} == {torch.float32}
    torch.testing.assert_close(found.weights, exact.weights.float(), rtol=0, atol=0.05)


class Sees(nn.Module):
    """Uses a parameter as it likes."""

    def __init__(self, use: Callable[[nn.Linear, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self._use = nn.Linear(4, 4), use

    def forward(self, found: Tensor) -> Tensor:
        return self._use(self.layer, found)


def in_place(layer: nn.Linear, found: Tensor) -> Tensor:
    found = found.clone()
    outputs = layer(found)
    found.add_(1)
    return outputs


def without_gradients(layer: nn.Linear, found: Tensor) -> Tensor:
    with torch.no_grad():
        return layer(found) + found


REFUSED = {
    "functional use": (
        lambda: Sees(lambda layer, found: F.linear(found, layer.weight)),
        "layer.weight acts outside",
    ),
    "use beside the layer": (
        lambda: Sees(lambda layer, found: layer(found) * layer.weight.sum()),
        "layer.weight acts outside",
    ),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
        "0.bias acts outside",
    ),
    "weight norm of old": (lambda: nn.utils.weight_norm(nn.Linear(4, 4)), "acts outside"),
    "pruned": (lambda: prune.l1_unstructured(nn.Linear(4, 4), "weight", 3), "acts outside"),
    "not linear": (nn.PReLU, "0.weight acts outside"),
    "multi-head attention": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 4)),
            nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
            nn.Flatten(),
        ),
        "in_proj_weight acts outside",
    ),
    "batch normalisation": (
        lambda: nn.BatchNorm1d(4, affine=False),
        "training mode, mixes",
    ),
    "attention over examples": (
        lambda: Sees(lambda layer, found: layer(found).softmax(0)),
        "depends on other examples",
    ),
    "time first": (
        lambda: Sees(lambda layer, found: layer(found.expand(3, *found.shape))[0]),
        "along the first dimension",
    ),
    "in place": (lambda: Sees(in_place), "changed in place"),
    "no gradients": (lambda: Sees(without_gradients), "gradients are off"),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_wrong_is_refused_in_a_sentence(name):
    net, said = REFUSED[name]
    one = case(nn.Sequential(net(), nn.Linear(4, CLASSES)), images(4))
    with pytest.raises(ValueError, match=said):
        one.solve()
    assert not any("forward" in vars(module) for module in one.model.modules())


PLACES = {
    "channels": lambda: nn.Conv1d(N, N, 1),
    "normalised over": lambda: nn.LayerNorm((N, 4)),
    "flattened": lambda: nn.Sequential(nn.Flatten(0), nn.Linear(4 * N, 4 * N)),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_layer_that_takes_examples_for_features_is_refused(name):
    one = case(nn.Sequential(PLACES[name](), nn.Linear(4, CLASSES)), images(4))
    with pytest.raises(ValueError, match="along the first dimension"):
        one.solve(check=False)
