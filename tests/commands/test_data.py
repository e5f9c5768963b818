import os

import numpy as np
import pytest

from l2rw.commands.main import main
from l2rw.data.datasets.dataset import Dataset

from .conftest import corrupt, write_plan


def test_fetch_and_corrupt_write_a_data_set_and_a_split_of_it(tmp_path, plan_file):
    data, split = tmp_path / "deep" / "digits.npz", tmp_path / "deeper" / "split.npz"
    assert main(["fetch", "digits", "--offline", "--out", os.fspath(data)]) == 0
    labels = Dataset.load(data).train_labels
    drawn = corrupt(plan_file, 3, data, split)
    assert np.unique(labels[drawn.train.indices]).tolist() == [4, 9]


@pytest.mark.parametrize("experiment", ["table1", "table2"])
def test_corrupt_draws_the_noise_that_the_plan_says(tmp_path, digits, experiment):
    plan_file = write_plan(
        tmp_path,
        experiment,
        {"datasets": ["digits"], "rows": ["s_model+ft"]},
        validation_size=100,
        uniform_flip={"clean_size": 20, "noise": 0.25},
        background_flip={
            "clean_per_class": 2,
            "noise": 0.25,
            "background_classes": {"digits": [5, 8]},
        },
    )
    data, split = tmp_path / "digits.npz", tmp_path / "split.npz"
    digits.save(data)
    drawn = corrupt(plan_file, 3, data, split)
    assert (len(drawn.clean), len(drawn.validation)) == (20, 100)
    given, right = drawn.train.labels, digits.train_labels[drawn.train.indices]
    wrong = given != right
    if experiment == "table1":
        assert wrong.mean() == pytest.approx(0.25, abs=1e-3)
        assert len(np.unique(given[wrong])) == 10
    else:
        assert wrong[right != 8].mean() == pytest.approx(0.25, abs=1e-3)
        assert set(given[wrong]) == {8}
