import pytest
import torch

from l2rw.errors import UserError
from l2rw.training.evaluation import Evaluation
from l2rw.training.history import Snapshot, Tally
from l2rw.weights import WeightedGradient

CPU = torch.device("cpu")


def seen(losses, weights, predictions):
    logits = torch.eye(2)[torch.tensor(predictions)]
    return WeightedGradient({}, torch.tensor(weights), torch.tensor(losses), logits)


def test_a_line_holds_the_means_since_the_line_before_for_each_seed(make_spec):
    tally = Tally(make_spec(learning_rate=0.1, decay_at=(5,)), [3, 8], CPU)
    labels = torch.tensor([[0, 1], [1, 1]])
    tally.add(seen([[1.0, 3.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]], [[0, 0], [1, 1]]), labels)
    tally.add(seen([[2.0, 2.0], [1.5, 1.5]], [[0.0, 0.0], [0.5, 0.5]], [[0, 1], [0, 1]]), labels)
    tests = [Evaluation(0.7, [[3, 1], [0, 0]]), Evaluation(0.2, [[4, 0], [0, 0]])]
    assert tally.snapshots(5, tests) == [
        Snapshot(3, 6, pytest.approx(0.01), 2.0, 0.25, 0.75, 0.7, 0.25),
        Snapshot(8, 6, pytest.approx(0.01), 1.0, 0.25, 0.0, 0.2, 0.0),
    ]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_beyond_bounds_is_told_with_method_and_seed(make_spec, loss):
    tally = Tally(make_spec(method="l2rw"), [3, 8], CPU)
    bad = seen([[1.0, 1.0], [1.0, loss]], [[0.5, 0.5]] * 2, [[0, 0]] * 2)
    tally.add(bad, torch.zeros(2, 2, dtype=torch.int64))
    with pytest.raises(UserError, match=r"l2rw, seed 8, .*learning_rate"):
        tally.means()
