import json
import zipfile
from dataclasses import fields

import numpy as np
import pytest

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.corruptions.given import Given
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.corruptions.long_tail import LongTail
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.data.splits import Part, Split
from l2rw.store.errors import UserError
from l2rw.store.identity import plain, restored

NOISY = {
    "classes": 10,
    "noise": 0.4,
    "clean_size": 15,
    "validation_size": 100,
    "authors_code": False,
}
EXAMPLES = [
    Imbalance(minority=4, majority=9, majority_share=0.8, train_size=60, clean_size=6),
    UniformFlip(**NOISY),
    BackgroundFlip(**NOISY, background_classes=(0, 1, 3, 5, 7)),
    LongTail(classes=10, imbalance=10, clean_size=15, validation_size=100),
    Given(classes=10, clean_size=15, validation_size=100),
]


def test_corruptions_are_known_by_their_names():
    kinds = {name: CORRUPTIONS.load(name) for name in CORRUPTIONS}
    assert all(kind.name == name for name, kind in kinds.items())
    assert {type(example) for example in EXAMPLES} == set(kinds.values())


@pytest.mark.parametrize("corruption", EXAMPLES, ids=lambda c: c.name)
def test_a_corruption_is_rebuilt_from_a_plan_file(corruption, digits, file_of):
    parameters = json.loads(json.dumps(plain(corruption)))
    rebuilt = restored(CORRUPTIONS.load(corruption.name), parameters)
    assert rebuilt == corruption
    assert hash(rebuilt) == hash(corruption)
    one, two = (c.split(digits.train_labels, digits.test_labels, 0) for c in (corruption, rebuilt))
    assert file_of(one) == file_of(two)


@pytest.mark.parametrize("corruption", EXAMPLES, ids=lambda c: c.name)
def test_labels_are_below_the_number_of_classes(corruption, digits):
    corruption.check(digits.info)
    split = corruption.split(digits.train_labels, digits.test_labels, 0)
    for part in vars(split).values():
        assert set(part.labels.tolist()) <= set(range(corruption.classes))
        assert part.labels.dtype == part.indices.dtype == np.int64


def test_a_label_names_the_kind_and_its_strength():
    labels = [corruption.label for corruption in EXAMPLES]
    assert labels == [
        "imbalance-0.8",
        "uniform_flip-0.4",
        "background_flip-0.4",
        "long_tail-10",
        "given",
    ]


def test_splits_are_read_as_they_were_written_and_bear_no_date(tmp_path, make_split):
    split, path = make_split(0), tmp_path / "split.npz"
    split.save(path)
    read = Split.load(path)
    for part in fields(Split):
        for field in fields(Part):
            one, two = (getattr(getattr(s, part.name), field.name) for s in (split, read))
            assert np.array_equal(one, two)
            assert one.dtype == two.dtype
    with zipfile.ZipFile(path) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    assert [p.name for p in tmp_path.iterdir()] == ["split.npz"]


def test_a_whole_split_of_another_seed_is_refused(tmp_path, make_split):
    path = tmp_path / "split.npz"
    make_split(0).save(path, "digits-imbalance/seed-0")
    assert Split.load(path, "digits-imbalance/seed-0").train.labels.tolist()
    with pytest.raises(UserError, match=r"is the split .*seed-0, not .*seed-1"):
        Split.load(path, "digits-imbalance/seed-1")
    make_split(0).save(path)  # as earlier versions did
    assert Split.load(path, "digits-imbalance/seed-1")
