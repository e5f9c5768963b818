import io
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from l2rw.data.datasets.dataset import Dataset
from l2rw.data.kinds.problems import UnreadableError
from l2rw.data.kinds.survey import look_at
from l2rw.store.errors import UserError

from .conftest import paint


def ids_of(dataset):
    return [*dataset.own.train_ids, *dataset.own.test_ids]


def test_a_folder_becomes_a_data_set(folder, mine, tmp_path):
    found = mine("image_folder", path=folder, size=8)
    facts, dataset = found.facts(), found.read()
    assert facts == dataset.info
    assert facts.class_names == ("tit", "wren")
    assert facts.train_class_sizes == (8, 8)
    assert facts.image_shape == dataset.train_images.shape[1:] == (3, 8, 8)
    assert not facts.truth_is_known
    assert sorted(ids_of(dataset)) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.png")
    )
    names = [facts.class_names[label] for label in dataset.own.given]
    assert names == [one.split("/")[0] for one in dataset.own.train_ids]
    dataset.save(tmp_path / "mine.npz")
    read = Dataset.load(tmp_path / "mine.npz")
    assert read.info == facts
    for name, values in vars(dataset.own).items():
        assert np.array_equal(values, getattr(read.own, name))


def test_classes_that_are_numbers_come_in_their_order(tmp_path, mine):
    for number in range(36):
        paint(tmp_path / "n" / str(number // 3) / f"{number}.png", number)
    assert mine("image_folder", path=tmp_path / "n").facts().class_names == tuple(
        str(number) for number in range(12)
    )


def test_images_lie_deep_in_a_class_and_links_are_followed_but_in_no_circle(folder, mine):
    paint(folder / "wren" / "a" / "b" / "deep.webp", 77)
    paint(folder / "tit" / ".hidden.png", 78)
    (folder / "wren" / "a" / "circle").symlink_to(folder / "wren", target_is_directory=True)
    dataset = mine("image_folder", path=folder).read()
    assert len(ids_of(dataset)) == 21
    assert "wren/a/b/deep.webp" in ids_of(dataset)
    # Another name of a folder hides none of its files, whichever comes first.
    (folder / "tit" / "other").symlink_to(folder / "wren" / "a" / "b", target_is_directory=True)
    found = mine("image_folder", path=folder, duplicates="keep").read()
    assert {"tit/other/deep.webp", "wren/a/b/deep.webp"} <= set(ids_of(found))


def test_a_link_that_leads_nowhere_cannot_be_read(folder, mine):
    (folder / "wren" / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(UserError, match=r"1 file \(wren/gone.png\) cannot be read.*No such file"):
        mine("image_folder", path=folder).read()


def test_what_is_no_image_is_named(folder, mine):
    (folder / "wren" / "notes.txt").write_text("a bird")
    (note,) = mine("image_folder", path=folder).facts().notes
    assert note == "1 file (wren/notes.txt) is no image."


def test_a_folder_for_testing(folder, mine, tmp_path):
    for number in range(4):
        paint(tmp_path / "later" / ("tit" if number % 2 else "wren") / f"{number}.png", 50 + number)
    dataset = mine("image_folder", path=folder, test_path=tmp_path / "later").read()
    assert len(dataset.own.train_ids) == 20
    assert sorted(dataset.own.test_ids)[0] == "later/tit/1.png"


def test_groups_in_names_stay_together(folder, mine):
    for path in list(folder.rglob("*.png")):
        path.rename(path.with_name(f"patient{int(path.stem) // 4}_{path.name}"))
    dataset = mine("image_folder", path=folder, group_by=r"patient\d+").read()
    groups = [
        {one.split("/")[1].split("_")[0] for one in half}
        for half in (dataset.own.train_ids, dataset.own.test_ids)
    ]
    assert groups[0]
    assert groups[1]
    assert not groups[0] & groups[1]
    assert len(dataset.own.groups) == len(dataset.own.train_ids)
    with pytest.raises(UserError, match="does not match the name tit/"):
        mine("image_folder", path=folder, group_by="doctor").facts()


class TestIdentity:
    def content(self, mine, folder, **options):
        return mine("image_folder", path=folder, **options).facts().sha256

    def test_content_decides_not_place_nor_time(self, folder, mine, tmp_path):
        before = self.content(mine, folder)
        shutil.copytree(folder, tmp_path / "elsewhere")
        for path in (tmp_path / "elsewhere").rglob("*.png"):
            os.utime(path, (1, 1))
        assert self.content(mine, tmp_path / "elsewhere") == before

    def test_every_change_of_a_file_is_noticed(self, folder, mine):
        seen = [self.content(mine, folder)["files"]]
        paint(folder / "wren" / "00.png", 99)
        seen.append(self.content(mine, folder)["files"])
        (folder / "wren" / "00.png").rename(folder / "wren" / "000.png")
        seen.append(self.content(mine, folder)["files"])
        (folder / "wren" / "000.png").unlink()
        seen.append(self.content(mine, folder)["files"])
        assert len(set(seen)) == 4

    def test_options_that_kinds_get_later_change_no_identity(self, folder, mine):
        """What is left at its default is not part of it; pinned, as published ids are."""
        found = mine("image_folder", path=folder)
        assert found.facts().sha256["settings"] == "9277642f"
        assert self.content(mine, folder, size=32) == found.facts().sha256

    def test_options_count_but_not_where_lists_are(self, folder, mine, write):
        assert self.content(mine, folder) != self.content(mine, folder, size=16)
        one, two = (write(f"{name}.csv", "id", "wren/00.png") for name in "ab")
        assert self.content(mine, folder, leave_out=[one]) == self.content(
            mine, folder, leave_out=[two]
        )
        assert self.content(mine, folder, leave_out=[one]) != self.content(mine, folder)


class TestSurvey:
    def test_what_has_not_changed_is_not_read_again(self, folder, mine, monkeypatch):
        found = mine("image_folder", path=folder)
        before = found.facts()
        digested = []
        monkeypatch.setattr(
            "l2rw.data.kinds.survey.sha256", lambda path: digested.append(path) or "0" * 64
        )
        assert found.facts() == before
        assert digested == []
        added = paint(folder / "tit" / "new.png", 80)
        assert found.facts() != before
        assert digested == [added]

    def test_a_job_believes_what_planning_found(self, folder, mine):
        found = mine("image_folder", path=folder)
        before = found.facts()
        paint(folder / "tit" / "new.png", 80)
        assert found.facts(rescan=False) == before
        with pytest.raises(UserError, match="have changed since the plan was made"):
            found.read(before.sha256["files"])

    def test_a_survey_of_something_else_is_not_believed(self, folder, mine):
        found = [mine("image_folder", path=folder, size=size) for size in (8, 16)]
        before = [one.facts() for one in found]
        one, other = sorted(found[0].surveys.glob("*.json"))
        one.write_bytes(other.read_bytes())
        assert [one.facts() for one in found] == before

    def test_a_change_that_time_and_size_do_not_tell_is_noticed(self, folder, mine):
        found, path = mine("image_folder", path=folder), folder / "wren" / "00.png"
        path.write_bytes(path.read_bytes() + b"a")
        planned, stat = found.facts().sha256["files"], path.stat()
        path.write_bytes(path.read_bytes()[:-1] + b"b")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(UserError, match="have changed since the plan was made"):
            found.read(planned)
        found.read(found.facts().sha256["files"])  # planning has looked again

    def test_nothing_is_written_beside_the_data(self, folder, mine):
        before = sorted(folder.parent.rglob("birds*"))
        mine("image_folder", path=folder).read()
        assert sorted(folder.parent.rglob("birds*")) == before


class TestProblems:
    @pytest.fixture
    def refused(self, mine):
        def message(path, **options):
            found = mine("image_folder", path=path, **options)
            with pytest.raises(UserError) as refusal:
                found.read()
            return str(refusal.value)

        return message

    def test_unreadable_files_are_counted_named_and_listed(self, folder, refused, mine):
        for number in (0, 1, 2, 3, 4):
            name = ("wren", "tit")[number % 2]
            (folder / name / f"{number:02}.png").write_bytes(bytes([number]) * 9)
        said = refused(folder)
        assert "5 files (" in said
        assert "…) cannot be read (first error: UnidentifiedImageError" in said
        listed = said.split("listed in ")[1].split(". Hint")[0]
        assert len(mine("image_folder", path=folder, leave_out=[listed]).read().own.train_ids) == 12

    def test_copies_across_train_and_test(self, folder, refused, mine, tmp_path):
        tests = tmp_path / "tests"
        shutil.copytree(folder / "wren", tests / "wren")
        for number in range(3):
            paint(tests / "tit" / f"{number}.png", 60 + number)
        said = refused(folder, test_path=tests)
        assert "By content, 10 training examples (" in said
        assert "wren/00.png = tests/wren/00.png" in said
        assert ", …) are for testing, too" in said
        listed = said.split("listed in ")[1].split(". Hint")[0]
        again = {"path": folder, "test_path": tests}
        with pytest.raises(UserError, match="1 class"):  # no wren is left to train on
            mine("image_folder", **again, leave_out=[listed]).facts()
        kept = mine("image_folder", **again, duplicates="keep").read()
        assert len(kept.own.train_ids) == 20

    def test_copies_in_another_format(self, folder, refused, tmp_path):
        tests = tmp_path / "tests"
        Image.open(folder / "wren" / "00.png").save(folder.parent / "x.bmp")
        (tests / "wren").mkdir(parents=True)
        shutil.move(folder.parent / "x.bmp", tests / "wren" / "x.bmp")
        paint(tests / "tit" / "0.png", 60)
        said = refused(folder, test_path=tests)
        assert (
            "Pixel by pixel, 1 training image (wren/00.png = tests/wren/x.bmp) is for testing"
            in said
        )

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda root: (root / "owl").mkdir(), r"1 class \(owl\) has no examples"),
            (
                lambda root: paint(root / "owl" / "1.png", 70),
                r"1 class \(owl\) has only one example",
            ),
            (
                lambda root: paint(root / "loose.png", 70),
                r"1 image \(loose.png\) is not in the fol",
            ),
            (lambda root: shutil.rmtree(root / "tit"), "All examples are of the class 'wren'"),
            (lambda root: [shutil.rmtree(p) for p in root.iterdir()], "It has no examples"),
            (shutil.rmtree, "birds does not exist"),
        ],
    )
    def test_a_folder_that_cannot_be_learned_from(self, folder, refused, spoil, said):
        spoil(folder)
        assert re.search(said, refused(folder))

    def test_labels_in_the_test_part_that_training_lacks(self, folder, refused, tmp_path):
        for number in range(4):
            paint(tmp_path / "t" / ("owl" if number % 2 else "wren") / f"{number}.png", 60 + number)
        said = refused(folder, test_path=tmp_path / "t")
        assert (
            "The test part has 1 class (owl) that the training part lacks, with 2 examples" in said
        )

    def test_several_problems_are_told_at_once(self, folder, refused):
        (folder / "owl").mkdir()
        paint(folder / "eagle" / "1.png", 70)
        said = refused(folder)
        assert "has 2 problems:" in said
        assert "(owl)" in said
        assert "(eagle)" in said


class TestCleanList:
    def test_it_marks_examples_and_may_mend_labels(self, folder, mine, write):
        drawn = mine("image_folder", path=folder).read()
        one, two, three = (
            next(i for i in drawn.own.train_ids if i.startswith(name))
            for name in ("wren", "tit", "tit")
        )
        three = [i for i in drawn.own.train_ids if i.startswith("tit")][1]
        clean = write("clean.csv", "id,label", f"{one},wren", f"{two},", f"{three},wren")
        found = mine("image_folder", path=folder, clean=clean)
        dataset, facts = found.read(), found.facts()
        assert facts.clean_class_sizes == (1, 2)
        assert set(dataset.own.train_ids[dataset.own.clean]) == {one, two, three}
        place = list(dataset.own.train_ids).index(three)
        assert dataset.own.given[place] == 0
        assert dataset.train_labels[place] == 1
        assert dataset.own.truth_is_known.sum() == 3

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            (["id", "wren/99.png"], r"1 unknown id \(wren/99.png\)"),
            (["id,label", "TRAIN,owl"], r"clean names 1 unknown class \(owl\)"),
            (["id", "TEST"], "for testing"),
            (["id", "TRAIN", "TRAIN"], "twice"),
            (["id", "TRAIN"], r"clean has no example of 1 class"),
            (["name", "TRAIN"], "has no column id or path or file, but name"),
            (["id", ",wren"], "Line 2 of .*clean.csv has no id|no column"),
        ],
    )
    def test_mistakes_in_the_list(self, folder, mine, write, lines, said):
        drawn = mine("image_folder", path=folder).read()
        lines = [
            line.replace("TRAIN", drawn.own.train_ids[0]).replace("TEST", drawn.own.test_ids[0])
            for line in lines
        ]
        with pytest.raises(UserError) as refusal:
            mine("image_folder", path=folder, clean=write("clean.csv", *lines)).facts()
        assert re.search(said, str(refusal.value))

    def test_copies_of_clean_examples_are_named(self, folder, mine, write):
        shutil.copy(folder / "wren" / "00.png", folder / "wren" / "copy.png")
        drawn = mine("image_folder", path=folder, duplicates="keep").read()
        ids = list(drawn.own.train_ids)
        if {"wren/00.png", "wren/copy.png"} <= set(ids):
            tit = next(i for i in ids if i.startswith("tit"))
            clean = write("clean.csv", "id", "wren/00.png", tit)
            with pytest.raises(UserError, match="in the clean set, too"):
                mine("image_folder", path=folder, clean=clean).facts()
        else:
            pytest.fail("choose another split_seed: the copies are torn apart")


def test_people_see_pictures_as_they_come(tmp_path, mine):
    sizes = {"a/small.png": (12, 9), "a/large.png": (400, 200)}
    sizes |= {f"{label}/{number}.png": (9, 9) for label in "ab" for number in range(3)}
    for number, (name, size) in enumerate(sizes.items()):
        paint(tmp_path / "n" / name, number, size)
    made = mine("image_folder", path=tmp_path / "n", size=8, grey=True)
    layout = look_at("mine", made.kind, made.surveys).layout
    places = np.arange(len(layout.examples))
    shown = dict(zip(layout.examples.ids, made.kind.shown(layout, places, side=100), strict=True))
    images = {name: Image.open(io.BytesIO(content)) for name, content in shown.items()}
    assert {name: image.size for name, image in images.items()} == {
        **sizes,
        "a/large.png": (100, 50),
    }
    assert images["a/large.png"].format == "JPEG"
    original = Image.open(tmp_path / "n" / "a" / "small.png")
    assert np.array_equal(images["a/small.png"], original)  # lossless, in its colours
    (tmp_path / "n" / "a" / "small.png").write_bytes(b"no image")
    with pytest.raises(UnreadableError, match="UnidentifiedImageError"):
        made.kind.shown(layout, places, side=100)
