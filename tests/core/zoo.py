"""Networks, losses and batches as people have them; each once was, or might be, treated wrong."""

import functools
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, rnn
from torch.utils.checkpoint import checkpoint

CROSS_ENTROPY = nn.CrossEntropyLoss(reduction="none")
FEATURES, CLASSES = 6, 3


class Case(NamedTuple):
    """How to make a model, and what it takes."""

    model: Any
    inputs: Any = lambda n: torch.randn(n, FEATURES, dtype=torch.float64)
    loss: Any = lambda: CROSS_ENTROPY
    targets: Any = lambda n: torch.randint(CLASSES, (n,))


def perceptron(*middle):
    return nn.Sequential(
        nn.Linear(FEATURES, FEATURES), *middle, nn.Tanh(), nn.Linear(FEATURES, CLASSES)
    )


class Scaled(nn.BatchNorm1d):
    """A subclass that does more than its base, as timm's with activations do."""

    def forward(self, inputs):
        return torch.relu(super().forward(inputs)) * 0.5


class Nothing(nn.BatchNorm1d):
    def forward(self, inputs):
        return super().forward(inputs) * 0


def patched():
    model = perceptron(nn.BatchNorm1d(FEATURES))
    ordinary = model[1].forward
    model[1].forward = lambda inputs: ordinary(inputs).sigmoid()
    return model


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.norm = nn.Linear(FEATURES, FEATURES), nn.BatchNorm1d(FEATURES)
        self.b = nn.Linear(FEATURES, CLASSES)

    def forward(self, inputs):
        return self.b(self.norm(self.norm(self.a(inputs)).tanh()))


def uncounted():
    model = perceptron(nn.BatchNorm1d(FEATURES))
    model[1].num_batches_tracked = None
    return model


class ByKeyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.norm = nn.Linear(FEATURES, CLASSES), nn.BatchNorm1d(CLASSES)

    def forward(self, inputs):
        return self.norm(input=self.a(inputs))


class Instances(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.InstanceNorm1d(2, affine=True, track_running_stats=True)
        self.a = nn.Linear(FEATURES, CLASSES)

    def forward(self, inputs):
        return self.a(self.norm(inputs.view(-1, 2, 3)).flatten(1))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.never = nn.Linear(FEATURES, CLASSES), nn.Linear(2, 2)

    def forward(self, inputs):
        return self.a(inputs)


class Margin(nn.Module):
    """A loss with parameters of its own, as ArcFace has."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(CLASSES, CLASSES, dtype=torch.float64))

    def forward(self, outputs, targets):
        return F.cross_entropy(outputs @ self.centres, targets, reduction="none")


class Reassigned(nn.Module):
    """Buffer, attribute, container and counter change in forward."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(FEATURES, CLASSES)
        self.register_buffer("mean", torch.zeros(CLASSES))
        self.attribute, self.calls, self.log = torch.zeros(CLASSES).double(), 0, []

    def forward(self, inputs):
        h = self.a(inputs)
        self.mean = 0.9 * self.mean + 0.1 * h.detach().mean(0)
        self.attribute = 0.9 * self.attribute + 0.1 * h.detach().mean(0)
        self.calls += 1
        self.log.append(len(inputs))
        return h - self.mean - self.attribute


class InPlace(nn.Module):
    """An average and a memory bank, changed in place where gradients are off."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(FEATURES, CLASSES)
        self.register_buffer("mean", torch.zeros(CLASSES))
        self.register_buffer("bank", torch.ones(10, CLASSES))

    def forward(self, inputs):
        h = self.a(inputs)
        with torch.no_grad():
            self.mean.lerp_(h.mean(0), 0.1)
            self.bank[: len(h)] = h
        return h - self.mean.clone() + h @ self.bank.clone().T @ self.bank.clone() / 10


class OldFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs):
        ctx.save_for_backward(inputs)
        return inputs.exp()

    @staticmethod
    def backward(ctx, gradient):
        (inputs,) = ctx.saved_tensors
        return gradient * inputs.exp()


class OnceFunction(OldFunction):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (inputs,) = ctx.saved_tensors
        return gradient * inputs.exp()


class DetachedFunction(OldFunction):
    """Its backward pass looks differentiable and is not."""

    @staticmethod
    def backward(ctx, gradient):
        (inputs,) = ctx.saved_tensors
        return torch.from_numpy(gradient.detach().numpy() * inputs.exp().detach().numpy())


class WrongTangent(OldFunction):
    @staticmethod
    def jvp(ctx, tangent):
        return tangent * 2


class Applies(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, inputs):
        return self.function.apply(inputs.clamp(-3, 3))


class Checkpointed(nn.Module):
    def __init__(self, reentrant):
        super().__init__()
        self.a, self.block, self.reentrant = nn.Linear(FEATURES, FEATURES), perceptron(), reentrant

    def forward(self, inputs):
        return checkpoint(self.block, self.a(inputs), use_reentrant=self.reentrant)


def scaling_hook(module, gradients, _):
    return (gradients[0] * 0.5,)


def with_full_backward_hook():
    model = perceptron()
    model[1].register_full_backward_hook(scaling_hook)
    return model


def with_forward_hook():
    model = perceptron()
    model[0].register_forward_hook(lambda _, __, outputs: outputs * 2)
    return model


class Packed(nn.Module):
    def __init__(self, layer=nn.LSTM):
        super().__init__()
        self.layer, self.a = layer(4, 5, batch_first=True), nn.Linear(5, CLASSES)

    def forward(self, inputs, lengths):
        packed = rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        states, _ = rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True)
        return self.a(states.sum(1))


def packed_inputs(n):
    return torch.randn(n, 7, 4, dtype=torch.float64), torch.arange(n) % 6 + 1


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.a = layer(FEATURES, 5, batch_first=True), nn.Linear(5, CLASSES)

    def forward(self, inputs):
        return self.a(self.layer(inputs[:, None].expand(-1, 3, -1))[0].mean(1))


class Bag(nn.Module):
    def __init__(self, sparse=False, mode="mean"):
        super().__init__()
        self.bag = nn.EmbeddingBag(11, FEATURES, mode=mode, sparse=sparse)
        self.a = nn.Linear(FEATURES, CLASSES)

    def forward(self, tokens):
        return self.a(self.bag(tokens).tanh())


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, FEATURES, sparse=True)
        self.a = nn.Linear(FEATURES, CLASSES)

    def forward(self, tokens):
        return self.a(self.embedding(tokens).mean(1))


def tokens(n):
    return torch.randint(11, (n, 5))


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(FEATURES, 5)

    def forward(self, inputs):  # (n, time, features) to (time, n, symbols)
        return self.a(inputs).log_softmax(-1).transpose(0, 1)


def connectionist(outputs, targets):
    n = outputs.shape[1]
    lengths = torch.full((n,), 7), torch.full((n,), 2)
    return F.ctc_loss(outputs, targets, *lengths, reduction="none")


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(FEATURES, CLASSES), nn.Linear(2, CLASSES)

    def forward(self, one, other, scale=1.0):
        return {"logits": self.a(one) * scale + self.b(other).tanh()}


def of_logits(outputs, targets):
    return F.cross_entropy(outputs["logits"], targets, reduction="none")


def two(n):
    return torch.randn(n, FEATURES).double(), torch.randn(n, 2).double()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(FEATURES, 2, 8, dropout=0.0, batch_first=True)
        self.a = nn.Linear(FEATURES, CLASSES)

    def forward(self, inputs):
        return self.a(self.layer(inputs[:, None] * torch.ones(3, 1).double()).mean(1))


class Buffered(nn.Module):
    """A parameter is frozen by a switch, another is used by name only."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.randn(FEATURES, CLASSES)), nn.Parameter(torch.randn(CLASSES))]
        )
        self.weights[1].requires_grad_(False)

    def forward(self, inputs):
        return inputs @ self.weights[0] + self.weights[1]


def scripted():
    return torch.jit.script(perceptron().double())


def grouped():
    return nn.Sequential(nn.Linear(FEATURES, 4), nn.GroupNorm(2, 4), nn.PReLU(), nn.Linear(4, 3))


def images(n):
    return torch.randn(n, 2, 5, 5, dtype=torch.float64)


class Spectral(nn.Module):
    """Complex parameters, as Fourier neural operators have."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(FEATURES, FEATURES)
        self.filter = nn.Parameter(torch.randn(FEATURES // 2 + 1, CLASSES, dtype=torch.complex128))

    def forward(self, inputs):
        return (torch.fft.rfft(self.a(inputs)) @ self.filter).abs()


def conv_net():
    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(3)),
        *(nn.Flatten(), nn.Linear(4, CLASSES)),
    )


def of(function, *arguments):
    return functools.partial(function, *arguments)


CASES = {
    "perceptron": Case(perceptron),
    "convolutions": Case(conv_net, images),
    "subclass of batch norm": Case(lambda: perceptron(Scaled(FEATURES))),
    "subclass that gives nothing": Case(lambda: perceptron(Nothing(FEATURES))),
    "cumulative batch norm": Case(lambda: perceptron(nn.BatchNorm1d(FEATURES, momentum=None))),
    "patched forward": Case(patched),
    "batch norm used twice": Case(Twice),
    "batches not counted": Case(uncounted),
    "batch norm by keyword": Case(ByKeyword),
    "instance norm": Case(Instances),
    "unused module": Case(Unused),
    "loss with parameters": Case(perceptron, loss=Margin),
    "reassigned state": Case(Reassigned),
    "state in place": Case(InPlace),
    "old function": Case(lambda: perceptron(Applies(OldFunction))),
    "once differentiable": Case(lambda: perceptron(Applies(OnceFunction))),
    "detached backward": Case(lambda: perceptron(Applies(DetachedFunction))),
    "wrong tangent": Case(lambda: perceptron(Applies(WrongTangent))),
    "checkpoint": Case(of(Checkpointed, False)),
    "reentrant checkpoint": Case(of(Checkpointed, True)),
    "full backward hook": Case(with_full_backward_hook),
    "forward hook": Case(with_forward_hook),
    "packed sequence": Case(Packed, packed_inputs),
    "packed GRU": Case(of(Packed, nn.GRU), packed_inputs),
    "LSTM": Case(of(Recurrent, nn.LSTM)),
    "RNN": Case(of(Recurrent, nn.RNN)),
    "embedding bag": Case(Bag, tokens),
    "embedding bag, largest": Case(of(Bag, False, "max"), tokens),
    "sparse embedding bag": Case(of(Bag, True), tokens),
    "sparse embedding": Case(Sparse, tokens),
    "CTC": Case(
        *(Sequences, lambda n: torch.randn(n, 7, FEATURES).double(), lambda: connectionist),
        lambda n: torch.randint(1, 5, (n, 2)),
    ),
    "weight norm": Case(lambda: perceptron(parametrizations.weight_norm(nn.Linear(6, 6)))),
    "weight norm of old": Case(lambda: perceptron(nn.utils.weight_norm(nn.Linear(6, 6)))),
    "spectral norm": Case(lambda: perceptron(parametrizations.spectral_norm(nn.Linear(6, 6)))),
    "spectral norm of old": Case(lambda: perceptron(nn.utils.spectral_norm(nn.Linear(6, 6)))),
    "orthogonal": Case(lambda: perceptron(parametrizations.orthogonal(nn.Linear(6, 6)))),
    "two inputs": Case(TwoInputs, two, lambda: of_logits),
    "inputs by name": Case(
        TwoInputs,
        lambda n: dict(zip(("one", "other"), two(n), strict=True), scale=0.5),
        lambda: of_logits,
    ),
    "attention": Case(Attention),
    "attention in evaluation mode": Case(lambda: Attention().eval()),
    "list of parameters": Case(Buffered),
    "script": Case(scripted),
    "group norm and PReLU": Case(grouped),
    "complex parameters": Case(Spectral),
    "multi-margin": Case(perceptron, loss=lambda: nn.MultiMarginLoss(reduction="none")),
}
