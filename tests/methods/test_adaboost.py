import numpy as np
import pytest
from tests.methods.known import context, prepared

from l2rw.methods.adaboost import AdaBoost
from l2rw.methods.base import Review
from l2rw.methods.weight_settings import AdaBoostSettings


def reviewed(predicted, labels, classes=3):
    """The state after a first round that ends with these predictions."""
    method = AdaBoost(AdaBoostSettings(rounds=2))
    state = prepared(method, context(labels, classes=classes, steps=4))
    method.review(state, Review(2, np.asarray(predicted), [{}], {}))
    return state


def test_a_network_without_errors_votes_as_one_that_errs_in_half_an_example():
    state = reviewed([0, 1, 2, 0], [0, 1, 2, 0])
    assert state["votes"].tolist() == pytest.approx([np.log(7) + np.log(2), 0])
    assert state["distribution"].tolist() == [0.25] * 4


def test_a_network_no_better_than_guessing_has_no_vote():
    state = reviewed([1, 2, 0, 0], [0, 1, 2, 0])
    assert state["votes"].tolist() == [0, 0]
    assert state["distribution"].tolist() == [0.25] * 4


def test_no_rounds_are_refused():
    with pytest.raises(ValueError, match=r"rounds is 0. Hint: choose 1 or more"):
        AdaBoostSettings(rounds=0)
