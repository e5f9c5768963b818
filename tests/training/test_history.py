import pytest
import torch

from l2rw.core.weights import WeightedGradient
from l2rw.training.engine.network import ForwardOutput
from l2rw.training.history import Means, Snapshot, Tally

CPU = torch.device("cpu")
LABELS = torch.tensor([[0, 1], [1, 1]])


def seen(losses, weights=((0.5, 0.5), (0.5, 0.5)), predictions=((0, 0), (1, 1))):
    logits = torch.eye(2)[torch.tensor(predictions)]
    return WeightedGradient(
        {}, torch.tensor(weights), torch.tensor(losses), ForwardOutput(logits, {})
    )


def test_means_are_those_of_the_steps_since_the_tally_was_cleared():
    tally = Tally(2, CPU)
    tally.add(1, seen([[9.0, 9.0], [9.0, 9.0]]), LABELS)
    tally.clear()
    tally.add(2, seen([[1.0, 3.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]), LABELS)
    second = seen([[2.0, 2.0], [1.5, 1.5]], [[0.0, 0.0], [0.5, 0.5]], [[0, 1], [0, 1]])
    tally.add(3, second, LABELS)
    assert tally.means() == [Means(2.0, 0.25, 0.75), Means(1.0, 0.25, 0.0)]
    assert tally.steps == 2


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_the_first_loss_beyond_bounds_is_remembered(loss):
    tally = Tally(2, CPU)
    tally.add(4, seen([[1.0, 1.0], [1.0, 1.0]]), LABELS)
    assert tally.first_bad_step() is None
    tally.add(5, seen([[1.0, 1.0], [1.0, loss]]), LABELS)
    tally.add(6, seen([[loss, 1.0], [loss, loss]]), LABELS)
    assert tally.first_bad_step() == (1, 5)
    tally.clear()
    assert tally.first_bad_step() == (1, 5)


def test_a_line_knows_its_training_figures():
    held_out = {"validation_loss": 0.8, "validation_error": 0.4}
    line = Snapshot(
        3,
        6,
        0.01,
        2.0,
        0.25,
        0.75,
        **held_out,
        squared_clean_gradient=0.5,
        test_loss=0.7,
        test_error=0.3,
    )
    assert line.means == Means(2.0, 0.25, 0.75)
