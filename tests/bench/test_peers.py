import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from l2rw.bench.gradient_algorithms import Examples
from l2rw.bench.peers import PEERS, installed
from l2rw.bench.workload import random_examples

CPU = torch.device("cpu")


@pytest.fixture(params=PEERS)
def peer(request):
    if request.param not in installed():
        pytest.skip(f"{request.param} is not installed: pip install higher torchopt")
    return lambda model: installed()[request.param](model, "float32", CPU, channels_last=False)


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8"])
def test_the_weights_of_a_peer_are_ours(peer, model):
    torch.manual_seed(0)
    stacked = random_examples(model, 1, 20, 10, CPU)
    seen = Examples(*(tensor[0] for tensor in stacked))
    training = peer(model)
    module = training._model
    parameters = {name: p.detach().clone() for name, p in module.named_parameters()}

    def losses(at, images, labels):
        # Statistics may move: in training mode nothing depends on them.
        logits = functional_call(module, at, (images,))
        return F.cross_entropy(logits, labels, reduction="none")

    # By the definition: each example's gradient, and the clean one, in plain autograd.
    at = {name: p.clone().requires_grad_() for name, p in parameters.items()}
    clean = torch.autograd.grad(
        losses(at, seen.clean_images, seen.clean_labels).mean(), list(at.values())
    )
    ours = losses(at, seen.images, seen.labels)
    inner = []
    for loss in ours:
        gradient = torch.autograd.grad(loss, list(at.values()), retain_graph=True)
        inner.append(sum((g * c).sum() for g, c in zip(gradient, clean, strict=True)))
    expected = torch.stack(inner).clamp(min=0)
    expected = expected / expected.sum()
    found = training.weights(*seen)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    training.step(stacked)
    assert any(
        not torch.equal(p, parameters[name]) for name, p in training._model.named_parameters()
    )
