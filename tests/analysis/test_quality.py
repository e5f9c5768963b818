import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from l2rw.analysis.quality import quality

lists = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40)


@given(lists.filter(lambda pairs: len({bad for _, bad in pairs}) == 2))
def test_measures_are_those_of_scikit_learn(pairs):
    scores, wrong = (np.array(values) for values in zip(*pairs, strict=True))
    measured = quality(scores.astype(float), wrong)
    assert measured.auc == pytest.approx(roc_auc_score(wrong, scores))
    # By thresholds, as scikit-learn has it: tied examples are found together.
    assert measured.average_precision == pytest.approx(average_precision_score(wrong, scores))
    orders = [np.random.default_rng(i).permutation(len(scores)) for i in range(400)]
    count = wrong.sum()
    recalls = [
        wrong[order][np.argsort(-scores[order], kind="stable")[:count]].mean() for order in orders
    ]
    assert measured.recall == pytest.approx(np.mean(recalls), abs=0.12)


def test_measures_need_wrong_labels_and_right_ones():
    with pytest.raises(ValueError, match="wrong labels and right ones"):
        quality(np.array([0.1, 0.2]), np.array([True, True]))
