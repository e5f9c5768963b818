"""Modes, where something around the network decides what is exact."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from l2rw.core.reweighter import Reweighter
from tests.core import reference
from tests.core.test_ordinary_pass import BATCH, CLEAN
from tests.core.zoo import CLASSES, CROSS_ENTROPY, FEATURES, perceptron


def model_of(*middle):
    torch.manual_seed(0)
    return perceptron(*middle).double()


@pytest.mark.parametrize("copying", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_reweighter_that_has_chosen_can_be_copied_and_pickled(copying):
    reweighter = Reweighter(model_of(nn.Softmax(1)), CROSS_ENTROPY)
    weights = reweighter.backward(*BATCH, *CLEAN)
    mode = copying(reweighter.mode)
    assert (mode, mode.why) == ("forward", reweighter.mode.why)
    torch.testing.assert_close(copying(reweighter).backward(*BATCH, *CLEAN), weights)


def test_forward_mode_is_exact_under_autocast():
    """Where autocast keeps cast weights, those of the clean pass would have no tangents."""
    weights = Reweighter(model_of(nn.Softmax(1)).float(), CROSS_ENTROPY).backward(
        BATCH[0].float(), BATCH[1], CLEAN[0].float(), CLEAN[1]
    )
    reweighter = Reweighter(model_of(nn.Softmax(1)).float(), CROSS_ENTROPY, "forward")
    with torch.autocast("cpu", torch.bfloat16):
        found = reweighter.backward(BATCH[0].float(), BATCH[1], CLEAN[0].float(), CLEAN[1])
    torch.testing.assert_close(found, weights, rtol=0, atol=0.02)


class Scaled(nn.Module):
    """Divides by a norm in which it stops gradients, but not tangents; its head begins at zero."""

    def __init__(self, head):
        super().__init__()
        self.body, self.head = nn.Linear(FEATURES, FEATURES), nn.Linear(FEATURES, CLASSES)
        nn.init.constant_(self.head.weight, head)

    def forward(self, inputs):
        features = self.body(inputs)
        with torch.no_grad():
            norm = features.norm(dim=1, keepdim=True)
        return self.head(features / norm)


@pytest.mark.parametrize(("head", "first"), [(0.0, 1.0), (1.0, float("nan"))])
def test_a_first_batch_that_shows_little_is_not_the_last_that_is_looked_at(head, first):
    torch.manual_seed(0)
    model = Scaled(head).double()
    reweighter = Reweighter(model, CROSS_ENTROPY)
    reweighter.backward(BATCH[0] * first, BATCH[1], *CLEAN)
    assert reweighter.mode == "forward"
    model.zero_grad()
    nn.init.normal_(model.head.weight)
    again = copy.deepcopy(model)
    weights = reweighter.backward(*BATCH, *CLEAN)
    expected = reference.backward(again, CROSS_ENTROPY, BATCH, again, CROSS_ENTROPY, CLEAN)
    torch.testing.assert_close(weights, expected)


def centred(module, _, outputs):
    return outputs - outputs.mean(0) if isinstance(module, nn.Tanh) else None


def test_hooks_of_all_modules_are_part_of_the_network():
    model, again = model_of(), model_of()
    hook = register_module_forward_hook(centred)
    try:
        weights = Reweighter(model, CROSS_ENTROPY).backward(*BATCH, *CLEAN)
        expected = reference.backward(again, CROSS_ENTROPY, BATCH, again, CROSS_ENTROPY, CLEAN)
    finally:
        hook.remove()
    torch.testing.assert_close(weights, expected)


def test_complex_layers_are_not_taken_for_real_ones():
    torch.manual_seed(0)
    model, loss = nn.Linear(6, 3, dtype=torch.complex128), nn.L1Loss(reduction="none")
    (x, _), (clean, _) = BATCH, CLEAN
    batches = [(part * (1 + 0.5j), torch.randn(len(part), 3) * 1j) for part in (x, clean)]
    weights = Reweighter(model, loss).backward(*batches[0], *batches[1])
    again = copy.deepcopy(model)

    def mean(outputs, targets):
        return loss(outputs, targets).mean(1)

    expected = reference.backward(again, mean, batches[0], again, mean, batches[1])
    torch.testing.assert_close(weights, expected)
    torch.testing.assert_close(model.weight.grad, again.weight.grad)


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
def test_a_compiled_loop_gives_the_same(middle):
    model = model_of(middle())
    weights = Reweighter(model, CROSS_ENTROPY).backward(*BATCH, *CLEAN)
    reweighter = Reweighter(model, CROSS_ENTROPY)
    compiled = torch.compile(lambda: reweighter.backward(*BATCH, *CLEAN), backend="eager")
    torch.testing.assert_close(compiled(), weights)


def test_what_is_no_network_or_no_loss_is_refused():
    with pytest.raises(ValueError, match=r"the model is a function, not a torch.nn.Module"):
        Reweighter(lambda inputs: inputs, CROSS_ENTROPY)
    for loss in (None, nn.CrossEntropyLoss):
        with pytest.raises(ValueError, match="no function of outputs and targets; give one"):
            Reweighter(model_of(), loss)


@pytest.mark.parametrize("middle", [nn.Tanh, lambda: nn.Softmax(1)], ids=["layer-wise", "forward"])
def test_inference_mode_is_refused(middle):
    reweighter = Reweighter(model_of(middle()), CROSS_ENTROPY)
    with torch.inference_mode(), pytest.raises(ValueError, match="call backward outside it"):
        reweighter.backward(*BATCH, *CLEAN)
