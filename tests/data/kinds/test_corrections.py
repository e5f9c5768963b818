"""What people decide about labels changes the data set, and exactly what they decided."""

import pytest

from l2rw.data.kinds.survey import look_at
from l2rw.store.errors import UserError


@pytest.fixture
def decide(folder, mine, write):
    """Makes a data set of the folder under decisions, given as lines."""

    def make(*lines, **options):
        path = write("corrections.csv", "id,decision,label", *lines)
        return mine("image_folder", path=folder, size=8, corrections=path, **options)

    return make


@pytest.fixture
def before(folder, mine):
    return mine("image_folder", path=folder, size=8)


def labels_of(dataset):
    names = [dataset.info.class_names[label] for label in dataset.own.given]
    return dict(zip(dataset.own.train_ids.tolist(), names, strict=True))


@pytest.fixture
def trained(before):
    """Ids of the training examples: those of tits, then those of wrens."""
    return sorted(labels_of(before.read()))


def test_labels_change_examples_go_and_nothing_else_moves(before, decide, trained):
    changed, gone, unsure, tested = (
        trained[0],
        trained[-1],
        trained[1],
        before.read().own.test_ids[0],
    )
    after = decide(
        f"{changed},wrong,wren", f"{gone},remove,", f"{unsure},unsure,", f"{tested},remove,"
    ).read()
    was = labels_of(before.read())
    expected = {key: label for key, label in was.items() if key != gone} | {changed: "wren"}
    assert labels_of(after) == expected
    assert set(after.own.test_ids) == set(before.read().own.test_ids) - {tested}
    known = dict(zip(after.own.train_ids.tolist(), after.own.truth_is_known, strict=True))
    assert [key for key, value in known.items() if value] == [changed]
    assert "corrections changes 1 labels and leaves out 2 examples." in after.info.notes


def test_a_new_identity_for_what_changes_something_alone(before, decide, trained, write):
    first, second, last = trained[0], trained[1], trained[-1]
    was = before.facts().sha256
    assert decide(f"{first},unsure,", f"{second},right,tit").facts().sha256 == was
    changed = decide(f"{first},wrong,wren", f"{last},remove,").facts().sha256
    assert changed != was
    same = decide(f"{last},remove,", f"{second},right,", f"{first},wrong,wren", f"{last},remove,")
    assert same.facts().sha256 == changed
    assert decide(f"{first},wrong,wren").facts().sha256 != changed
    confirmed = decide(f"{second},right,", f"{last},right,", decided_are_clean=True)
    assert confirmed.facts().sha256["files"] != was["files"]


def test_decided_examples_may_join_the_clean_set(before, decide, trained, write):
    first, second, last = trained[0], trained[1], trained[-1]
    lines = f"{first},wrong,wren", f"{last},right,wren", f"{second},unsure,"
    assert not len(decide(*lines).read().own.clean)
    with pytest.raises(UserError, match=r"clean has no example of 1 class \(tit\)"):
        decide(*lines, decided_are_clean=True).facts()
    clean = write("clean.csv", "id,label", f"{second},tit", f"{last},")
    dataset = decide(*lines, decided_are_clean=True, clean=clean).read()
    assert set(dataset.own.train_ids[dataset.own.clean]) == {first, second, last}
    assert dataset.info.clean_class_sizes == (1, 2)


def test_a_survey_keeps_the_labels_of_the_files(decide, trained):
    made = decide(f"{trained[0]},wrong,wren", f"{trained[-1]},remove,")
    found = look_at("mine", made.kind, made.surveys).found
    assert len(found) == 20
    assert all(
        key.split("/")[0] == label for key, label in zip(found.ids, found.labels, strict=True)
    )


def test_all_that_is_wrong_has_its_sentence(decide, trained):
    a, b, c, d = trained[:4]
    made = decide(
        *(f"{a},right,", f"{a},remove,", f"{b},maybe,", f"{c},wrong,", f"{d},wrong,robin"),
        *("wren/none.png,remove,", f"{trained[4]},right,wren"),
    )
    with pytest.raises(UserError) as refused:
        made.facts()
    text = str(refused.value)
    assert "6 problems" in text
    assert "corrections decides 1 unknown id (wren/none.png)." in text
    assert f"corrections decides 1 example ({a}) in two different ways." in text
    assert "corrections says 1 thing (maybe) beside its decisions." in text
    assert f"corrections calls 1 label ({c}) wrong and says no right one." in text
    assert "corrections names 1 unknown class (robin)." in text
    assert f"corrections calls 1 label ({trained[4]}) right that is not given any more." in text


def test_it_must_not_contradict_the_clean_set(decide, trained, write):
    clean = write("clean.csv", "id,label", f"{trained[0]},", f"{trained[-1]},wren")
    with pytest.raises(UserError, match="contradict each other on 2 examples"):
        decide(f"{trained[0]},wrong,wren", f"{trained[-1]},remove,", clean=clean).facts()
    agreeing = decide(f"{trained[0]},right,", f"{trained[-1]},wrong,wren", clean=clean)
    assert agreeing.facts().clean_class_sizes == (1, 1)


def test_a_class_may_not_be_corrected_away(before, decide):
    tits = [
        key for key in [*before.read().own.train_ids, *before.read().own.test_ids] if "tit" in key
    ]
    with pytest.raises(UserError, match=r"leaves 1 class \(tit\) without examples"):
        decide(*(f"{key},wrong,wren" for key in tits)).facts()


def test_what_is_no_such_file(folder, mine, write):
    def facts(path):
        return mine("image_folder", path=folder, corrections=path).facts()

    with pytest.raises(UserError, match=r"does not exist.*download it from the review"):
        facts("nowhere.csv")
    with pytest.raises(UserError, match="has no column decision and no column label, but id"):
        facts(write("list.csv", "id", "a"))


def test_examples_that_are_left_out_may_have_been_decided(decide, trained, write):
    left_out = write("out.csv", "id", trained[0])
    made = decide(f"{trained[0]},wrong,wren", leave_out=[left_out])
    assert trained[0] not in labels_of(made.read())
