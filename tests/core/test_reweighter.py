"""A Reweighter in a training loop does what a loop in plain autograd would do."""

import copy

import pytest
import torch
from torch import nn

from l2rw.core.reweighter import MODES, Reweighter
from l2rw.core.weights import normalise

LOSS = nn.CrossEntropyLoss(reduction="none")
CLASSES = 5


class Text(nn.Module):
    """Predicts a token from those before it; the embedding is the output weight, too."""

    def __init__(self, layers):
        super().__init__()
        self.embedding, self.layers = nn.Embedding(CLASSES, 8), layers
        self.output = nn.Linear(8, CLASSES)
        self.output.weight = self.embedding.weight

    def forward(self, tokens):
        outputs = self.layers(self.embedding(tokens))
        states = outputs[0] if isinstance(self.layers, nn.RNNBase) else outputs
        return self.output(states.mean(1))


def perceptron():
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, CLASSES))


def conv_net():
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(48, 6), nn.BatchNorm1d(6, momentum=0.3), nn.ReLU(), nn.Linear(6, CLASSES)),
    )


def lstm():
    return Text(nn.LSTM(8, 8, num_layers=2, batch_first=True))


def gru():
    return Text(nn.GRU(8, 4, bidirectional=True, batch_first=True))


def transformer():
    return Text(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True))


def transformer_in_evaluation_mode():
    return transformer().eval()


def frozen():
    model = perceptron()
    model[0].requires_grad_(False)
    return model


NETWORKS = [
    *(perceptron, conv_net, lstm, gru, frozen),
    *(transformer, transformer_in_evaluation_mode),
]
LAYER_WISE = [perceptron, frozen]
"""Networks that do not mix examples, and whose parameters all lie in linear layers."""
modes = pytest.mark.parametrize("mode", MODES)


def in_all_modes(networks):
    """Networks and modes that suit them."""
    pairs = [(n, m) for n in networks for m in MODES if m != "layer-wise" or n in LAYER_WISE]
    return pytest.mark.parametrize(("network", "mode"), pairs)


def problem(network, dtype=torch.float64):
    """A model, a training batch and a clean batch."""
    torch.manual_seed(0)
    model = network().to(dtype)

    def examples(n):
        shapes = {perceptron: (n, 6), frozen: (n, 6), conv_net: (n, 1, 6, 6)}
        tokens = network not in shapes
        inputs = (
            torch.randint(CLASSES, (n, 7)) if tokens else torch.randn(shapes[network]).to(dtype)
        )
        return inputs, torch.randint(CLASSES, (n,))

    return model, examples(8), examples(4)


def backward_in_plain_autograd(model, batch, clean):
    """Do what :meth:`Reweighter.backward` does, example by example."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    ahead = copy.deepcopy(model)  # so that running statistics see nothing of the clean batch
    clean_loss = LOSS(ahead(clean[0]), clean[1]).mean()
    goal = torch.autograd.grad(clean_loss, [p for p in ahead.parameters() if p.requires_grad])
    losses = LOSS(model(batch[0]), batch[1])
    rows = [torch.autograd.grad(loss, parameters, retain_graph=True) for loss in losses]
    alignments = [sum((g * v).sum() for g, v in zip(row, goal, strict=True)) for row in rows]
    weights = normalise(torch.stack(alignments))
    (weights * losses).sum().backward()
    return weights


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@in_all_modes(NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_gradients_and_weights_are_those_of_plain_autograd(network, dtype, mode):
    model, batch, clean = problem(network, dtype)
    reference = copy.deepcopy(model)
    expected = backward_in_plain_autograd(reference, batch, clean)
    weights = Reweighter(model, LOSS, mode).backward(*batch, *clean)
    assert 0 < weights.count_nonzero() < len(weights)
    torch.testing.assert_close(weights, expected)
    torch.testing.assert_close(gradients(model), gradients(reference))
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


OPTIMISERS = {
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "SGD with momentum": lambda parameters: torch.optim.SGD(
        parameters, lr=0.1, momentum=0.9, weight_decay=0.01
    ),
}


@in_all_modes([perceptron, conv_net, lstm])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_steps_of_any_optimiser_are_those_of_a_loop_in_plain_autograd(network, optimiser, mode):
    """In particular, the optimiser's momentum does not enter the look-ahead."""
    model, batch, clean = problem(network)
    reference = copy.deepcopy(model)

    def train(model, backward):
        steps = OPTIMISERS[optimiser](model.parameters())
        for _ in range(3):
            steps.zero_grad()
            yield backward(model, batch, clean)
            steps.step()

    def backward(model, batch, clean):
        return Reweighter(model, LOSS, mode).backward(*batch, *clean)

    weights = list(train(model, backward))
    torch.testing.assert_close(weights, list(train(reference, backward_in_plain_autograd)))
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


@modes
def test_gradients_add_up_until_they_are_zeroed(mode):
    model, batch, clean = problem(perceptron)
    reweighter = Reweighter(model, LOSS, mode)

    def gradient():
        weights = reweighter.backward(*batch, *clean)
        assert not weights.requires_grad
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    once = gradient()
    assert once.any()
    torch.testing.assert_close(gradient(), 2 * once)
    model.zero_grad()
    torch.testing.assert_close(gradient(), once)


@modes
def test_frozen_parameters_get_no_gradient(mode):
    model, batch, clean = problem(frozen)
    Reweighter(model, LOSS, mode).backward(*batch, *clean)
    assert set(gradients(model)) == {"2.weight", "2.bias"}


@modes
@pytest.mark.parametrize(
    ("options", "factor", "momentum"),
    [({}, 1, 0), ({"weight_decay": 0.5}, 0.95, 0), ({"momentum": 0.9}, 1, 0.9)],
    ids=["plain", "weight decay", "momentum"],
)
def test_without_a_helpful_example_only_decay_and_momentum_move_the_model(
    mode, options, factor, momentum
):
    model = nn.Linear(6, 2, bias=False)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, **options)
    reweighter = Reweighter(model, LOSS, mode)
    inputs, labels = torch.randn(1, 6).expand(4, 6), torch.zeros(4, dtype=torch.int64)
    velocity = torch.zeros(2, 6)
    for clean_labels in (labels, labels + 1) if momentum else (labels + 1,):
        optimiser.zero_grad()
        before = model.weight.detach().clone()
        weights = reweighter.backward(inputs, labels, inputs, clean_labels)
        velocity += model.weight.grad
        optimiser.step()
    assert not weights.any()
    assert not model.weight.grad.any()
    assert velocity.any() == bool(momentum)
    torch.testing.assert_close(model.weight, factor * before - 0.1 * momentum * velocity)


def test_adam_learns_from_mostly_wrong_labels():
    torch.manual_seed(0)
    inputs = torch.randn(200, 6)
    truth = (inputs[:, 0] > 0).long()
    wrong = torch.where(torch.rand(200) < 0.6, 1 - truth, truth)
    model = nn.Linear(6, 2)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    reweighter = Reweighter(model, LOSS)
    for _ in range(60):
        optimiser.zero_grad()
        reweighter.backward(inputs, wrong, inputs[:10], truth[:10])
        optimiser.step()
    assert (model(inputs).argmax(1) == truth).float().mean() > 0.8


@pytest.mark.parametrize("network", [conv_net, lstm, transformer])
def test_an_error_amid_the_passes_leaves_model_and_pytorch_as_they_were(network):
    model, batch, clean = problem(network)
    reference = copy.deepcopy(model)

    def settings():
        backends = torch.backends
        return (
            *(backends.mkldnn.enabled, backends.cudnn.enabled, backends.cudnn.deterministic),
            *(backends.mha.get_fastpath_enabled(), backends.cuda.flash_sdp_enabled()),
        )

    before = settings()
    too_few = batch[1][:-1]
    with pytest.raises(ValueError, match="batch_size"):
        Reweighter(model, LOSS).backward(batch[0], too_few, *clean)
    assert settings() == before
    assert not gradients(model)
    torch.testing.assert_close(model.state_dict(), reference.state_dict(), rtol=0, atol=0)
    for examples in (batch, clean):  # an ordinary pass is ordinary again
        torch.testing.assert_close(model(examples[0]), reference(examples[0]), rtol=0, atol=0)
    torch.testing.assert_close(model.state_dict(), reference.state_dict(), rtol=0, atol=0)


# PyTorch has no forward derivatives of recurrent layers on CUDA.
ON_CUDA = [
    (perceptron, "layer-wise"),
    *((network, "forward") for network in (perceptron, conv_net, transformer)),
    *((network, "double backward") for network in (perceptron, conv_net, transformer, lstm, gru)),
]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@pytest.mark.parametrize(("network", "mode"), ON_CUDA)
def test_a_gpu_gives_the_numbers_of_the_cpu(network, mode):
    model, batch, clean = problem(network)
    there = copy.deepcopy(model).cuda()
    expected = Reweighter(model, LOSS, mode).backward(*batch, *clean)
    weights = Reweighter(there, LOSS, mode).backward(*(t.cuda() for t in (*batch, *clean)))
    assert weights.is_cuda
    torch.testing.assert_close(weights.cpu(), expected)
    found = {name: gradient.cpu() for name, gradient in gradients(there).items()}
    torch.testing.assert_close(found, gradients(model))


def test_a_loss_that_merges_examples_is_refused():
    model, batch, clean = problem(perceptron)
    with pytest.raises(ValueError, match="reduction"):
        Reweighter(model, nn.CrossEntropyLoss()).backward(*batch, *clean)


class TwiceTheSame(nn.Linear):
    """A subclass may do anything."""


class Centred(nn.Module):
    """It mixes examples, which nobody sees from outside."""

    def forward(self, inputs):
        return inputs - inputs.mean(0)


def hooked(module):
    module.register_forward_hook(lambda *_: None)
    return module


def patched(module):
    module.forward = lambda inputs: inputs
    return module


MEAN = nn.CrossEntropyLoss()
CHOICES = {
    "perceptron": (perceptron, LOSS, "layer-wise"),
    "frozen": (frozen, LOSS, "layer-wise"),
    "one layer": (lambda: nn.Linear(6, 5), LOSS, "layer-wise"),
    "nested": (lambda: nn.Sequential(perceptron(), nn.Dropout(0.5)), LOSS, "layer-wise"),
    "flattened": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 5)), LOSS, "layer-wise"),
    "flattened over examples": (lambda: nn.Flatten(0), LOSS, "forward"),
    "batch normalisation": (conv_net, LOSS, "forward"),
    "in evaluation mode": (lambda: conv_net().eval(), LOSS, "forward"),
    "recurrent": (lambda: nn.LSTM(6, 5), LOSS, "forward"),
    "module of one's own": (lambda: nn.Sequential(Centred(), nn.Linear(6, 5)), LOSS, "forward"),
    "subclass": (lambda: TwiceTheSame(6, 5), LOSS, "forward"),
    "hook": (lambda: hooked(nn.Linear(6, 5)), LOSS, "forward"),
    "forward of its own": (lambda: nn.Sequential(patched(nn.ReLU())), LOSS, "forward"),
    "parametrised": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(6, 5)),
        LOSS,
        "forward",
    ),
    "weight norm of old": (lambda: nn.utils.weight_norm(nn.Linear(6, 5)), LOSS, "forward"),
    "lazy": (lambda: nn.LazyLinear(5), LOSS, "forward"),
    "not linear in its parameter": (
        lambda: nn.Sequential(nn.Linear(6, 5), nn.PReLU()),
        LOSS,
        "forward",
    ),
    "over examples": (lambda: nn.Sequential(nn.Linear(6, 5), nn.Softmax(0)), LOSS, "forward"),
    "tokens counted": (lambda: nn.Embedding(5, 5, scale_grad_by_freq=True), LOSS, "forward"),
    "loss of one's own": (perceptron, nn.functional.l1_loss, "forward"),
    "loss that averages": (perceptron, MEAN, "forward"),
    "loss with a hook": (perceptron, hooked(nn.CrossEntropyLoss(reduction="none")), "forward"),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("case", CHOICES)
def test_the_mode_is_layer_wise_only_where_types_tell_that_examples_do_not_meet(case):
    network, loss, mode = CHOICES[case]
    assert Reweighter(network(), loss).mode == mode


@modes
def test_a_mode_that_is_asked_for_is_taken(mode):
    assert Reweighter(conv_net(), LOSS, mode).mode == mode


def test_a_mode_follows_the_model():
    model = perceptron()
    reweighter = Reweighter(model, LOSS)
    assert reweighter.mode == "layer-wise"
    hooked(model[0])
    assert reweighter.mode == "forward"


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"'backward'.*layer-wise, forward, double backward"):
        Reweighter(perceptron(), LOSS, "backward")


def centred_outputs(outputs, targets):
    return LOSS(outputs - outputs.mean(0), targets)


@pytest.mark.parametrize(
    ("network", "loss"),
    [
        (lambda: nn.Sequential(Centred(), nn.Linear(6, CLASSES)), LOSS),
        (lambda: nn.Sequential(nn.Linear(6, CLASSES), Centred()), LOSS),
        (perceptron, centred_outputs),
    ],
    ids=["inputs", "outputs", "loss"],
)
def test_examples_that_meet_are_noticed_on_the_first_batch(network, loss):
    model = network().double()
    _, batch, clean = problem(perceptron)
    with pytest.raises(ValueError, match="depends on other examples"):
        Reweighter(model, loss, "layer-wise").backward(*batch, *clean)
    assert not gradients(model)
    assert "forward" not in vars(model[0])
    Reweighter(model, loss).backward(*batch, *clean)
    assert gradients(model)


def test_a_module_of_one_s_own_is_checked_once():
    """Here the check costs a backward pass through a function that counts."""
    passes = []

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, CLASSES)

        def forward(self, inputs):
            outputs = self.layer(inputs)
            outputs.register_hook(passes.append)
            return outputs

    model, batch, clean = Own().double(), *problem(perceptron)[1:]
    reweighter = Reweighter(model, LOSS, "layer-wise")
    for expected in (2, 3, 4):
        reweighter.backward(*batch, *clean)
        assert len(passes) == expected
