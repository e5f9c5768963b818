"""Tables of image files, and tables of features."""

import re

import numpy as np
import pandas as pd
import pytest

from l2rw.data.kinds.survey import look_at
from l2rw.store.errors import UserError

from .conftest import paint


class TestImageTable:
    @pytest.fixture
    def table(self, tmp_path):
        rows = []
        for number in range(20):
            name = f"images/{number:02}.png"
            paint(tmp_path / name, number)
            rows.append((name, ("wren", "tit")[number % 2], number // 4))
        path = tmp_path / "birds.csv"
        pd.DataFrame(rows, columns=["path", "label", "nest"]).to_csv(path, index=False)
        return path

    def test_files_are_relative_to_the_table_and_are_the_ids(self, table, mine):
        dataset = mine("image_table", path=table, size=8).read()
        assert len(dataset.own.train_ids) == 16
        labels = pd.read_csv(table, index_col="path")["label"]
        names = [dataset.info.class_names[label] for label in dataset.own.given]
        assert names == list(labels[dataset.own.train_ids])

    def test_groups(self, table, mine):
        dataset = mine("image_table", path=table, group_column="nest").read()
        nests = pd.read_csv(table, index_col="path")["nest"]
        assert not set(nests[dataset.own.train_ids]) & set(nests[dataset.own.test_ids])

    def test_it_is_another_data_set_when_an_image_changes_and_the_table_does_not(
        self, table, mine, tmp_path
    ):
        before = mine("image_table", path=table).facts().sha256
        paint(tmp_path / "images" / "03.png", 99)
        assert mine("image_table", path=table).facts().sha256 != before

    def test_missing_images_are_named(self, table, mine, tmp_path):
        for number in (1, 2, 3, 4):
            (tmp_path / "images" / f"{number:02}.png").unlink()
        with pytest.raises(UserError, match=r"4 images \(images/01.png, .*, …\) that .* cannot"):
            mine("image_table", path=table).facts()

    def test_images_may_lie_elsewhere(self, table, mine, tmp_path):
        (tmp_path / "images").rename(tmp_path / "moved")
        (tmp_path / "root").mkdir()
        (tmp_path / "moved").rename(tmp_path / "root" / "images")
        assert mine("image_table", path=table, image_root=tmp_path / "root").facts().classes == 2

    def test_an_image_that_is_named_twice(self, table, mine):
        with table.open("a") as file:
            file.write("images/03.png,wren,0\n")
        with pytest.raises(UserError, match=r"names 1 image \(images/03.png\) more than once"):
            mine("image_table", path=table).facts()


@pytest.fixture
def frame():
    random = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "height": random.normal(170, 10, n).round(2),
            "age": np.where(np.arange(n) % 10 == 0, np.nan, random.integers(18, 90, n)),
            "colour": random.choice(["red", "green", "blue"], n),
            "constant": 1,
            "label": random.choice(["ill", "well"], n),
            "patient": np.arange(n) // 2,
        }
    )


def test_people_see_the_cells_of_rows(tmp_path, mine):
    rows = [f"{n},{'' if n == 3 else n / 2},{'xy'[n % 2]},{n % 2}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["name,size,kind,label", *rows]))
    made = mine("feature_table", path=tmp_path / "t.csv", id_column="name")
    layout = look_at("mine", made.kind, made.surveys).layout
    shown = made.kind.shown(layout, np.array([3, 4, 5]), side=100)
    assert shown == [
        {"size": "", "kind": "y"},
        {"size": "2.0", "kind": "x"},
        {"size": "2.5", "kind": "y"},
    ]


class TestFeatureTable:
    @pytest.fixture
    def table(self, frame, tmp_path):
        frame.to_csv(tmp_path / "t.csv", index=False)
        return tmp_path / "t.csv"

    def read(self, mine, path, **options):
        return mine("feature_table", path=path, ignore=["patient"], **options).read()

    def test_numbers_are_standardised_by_the_training_part(self, frame, table, mine):
        dataset = self.read(mine, table)
        assert dataset.info.image_shape == (7,)  # height, age and missing, three colours, constant
        assert not dataset.info.has_images
        assert dataset.train_images.dtype == np.float32
        rows = dataset.own.train_ids.astype(int) - 1
        height = frame["height"].to_numpy()
        expected = (height - height[rows].mean()) / height[rows].std()
        np.testing.assert_allclose(dataset.train_images[:, 0], expected[rows], rtol=1e-5)
        tested = dataset.own.test_ids.astype(int) - 1
        np.testing.assert_allclose(dataset.test_images[:, 0], expected[tested], rtol=1e-5)

    def test_missing_numbers_are_the_mean_and_told(self, frame, table, mine):
        dataset = self.read(mine, table)
        missing = frame["age"].isna().to_numpy()[dataset.own.train_ids.astype(int) - 1]
        assert np.array_equal(dataset.train_images[:, 2] == 1, missing)
        assert (dataset.train_images[missing, 1] == 0).all()
        assert abs(dataset.train_images[~missing, 1].mean()) < 1e-6

    def test_categories_are_one_of_their_values(self, frame, table, mine):
        dataset = self.read(mine, table)
        colours = frame["colour"].to_numpy()[dataset.own.train_ids.astype(int) - 1]
        one_hot = dataset.train_images[:, 3:6]
        assert (one_hot.sum(1) == 1).all()
        assert np.array_equal(np.array(["blue", "green", "red"])[one_hot.argmax(1)], colours)
        assert (dataset.train_images[:, 6] == 0).all()

    def test_parquet_is_read_like_csv(self, frame, table, mine, tmp_path):
        pytest.importorskip("pyarrow", reason="parquet files are read by pyarrow")
        frame.to_parquet(tmp_path / "t.parquet")
        one, two = self.read(mine, table), self.read(mine, tmp_path / "t.parquet")
        assert np.array_equal(one.train_images, two.train_images)
        assert np.array_equal(one.own.given, two.own.given)
        assert list(one.own.test_ids) == list(two.own.test_ids)

    def test_a_category_that_only_the_test_part_has_is_none_of_the_known(
        self, frame, mine, tmp_path
    ):
        frame.iloc[:150].to_csv(tmp_path / "train.csv", index=False)
        frame.iloc[150:].assign(colour="black").to_csv(tmp_path / "test.csv", index=False)
        dataset = self.read(mine, tmp_path / "train.csv", test_path=tmp_path / "test.csv")
        assert (dataset.test_images[:, 3:6] == 0).all()
        assert dataset.own.test_ids[0] == "test:1"

    def test_a_column_says_what_is_for_testing(self, frame, mine, tmp_path):
        half = np.where(np.arange(len(frame)) < 120, "train", "test")
        frame.assign(half=half).to_csv(tmp_path / "h.csv", index=False)
        dataset = self.read(mine, tmp_path / "h.csv", split_column="half")
        assert dataset.own.train_ids.astype(int).tolist() == list(range(1, 121))

    def test_true_labels_are_known_where_a_column_has_them(self, frame, mine, tmp_path):
        true = np.where(np.arange(len(frame)) % 4 == 0, "ill", frame["label"])
        frame.assign(truth=true).to_csv(tmp_path / "t.csv", index=False)
        dataset = self.read(mine, tmp_path / "t.csv", true_label_column="truth")
        assert dataset.info.truth_is_known
        rows = dataset.own.train_ids.astype(int) - 1
        assert np.array_equal(dataset.train_labels, (true[rows] == "well").astype(int))
        assert np.array_equal(dataset.own.given, (frame["label"][rows] == "well").astype(int))

    def test_groups_are_kept_together(self, table, mine):
        found = mine("feature_table", path=table, group_column="patient").read()
        patients = [(ids.astype(int) - 1) // 2 for ids in (found.own.train_ids, found.own.test_ids)]
        assert not set(patients[0]) & set(patients[1])

    @pytest.mark.parametrize(
        ("change", "options", "said"),
        [
            ({}, {"label_column": "lable"}, r"no column 'lable'. Hint: did you mean 'label'"),
            ({}, {"ignore": ["nothing"]}, "no column 'nothing'"),
            ({"label": None}, {}, r"Column 'label' .* is empty in 200 rows \(1, 2, 3, …\)"),
            ({"height": "tall"}, {}, None),
            (
                {"height": [*["1.5"] * 199, "tall"]},
                {},
                r"numbers, but for 1 value \(tall\) in 1 row",
            ),
            ({"name": [f"n{i}x" for i in range(200)]}, {}, None),
            ({"height": np.inf}, {}, "200 numbers that are infinite or above 3.4e.38"),
            ({"height": "1e300"}, {}, "200 numbers that are infinite or above"),
            ({"id": 7}, {"id_column": "id"}, r"1 id \(7\) is not unique"),
            ({"half": "later"}, {"split_column": "half"}, r"1 other thing \(later\) than train"),
        ],
    )
    def test_tables_that_cannot_be_learned_from(self, frame, mine, tmp_path, change, options, said):
        frame.assign(**change).to_csv(tmp_path / "t.csv", index=False)
        found = mine("feature_table", path=tmp_path / "t.csv", **options)
        if said is None:
            found.read()
            return
        with pytest.raises(UserError) as refusal:
            found.read()
        assert re.search(said, str(refusal.value))

    def test_too_many_categories(self, mine, tmp_path):
        rows = pd.DataFrame({"name": [f"n{i}" for i in range(600)], "label": [0, 1] * 300})
        rows.to_csv(tmp_path / "t.csv", index=False)
        with pytest.raises(
            UserError, match=r"600 different values, too many .* Hint: list it in ig"
        ):
            mine("feature_table", path=tmp_path / "t.csv").facts()

    def test_equal_rows_for_training_and_testing_are_named(self, mine, tmp_path):
        rows = pd.DataFrame({"x": np.arange(40) // 4, "label": np.arange(40) % 2})
        rows.to_csv(tmp_path / "t.csv", index=False)
        with pytest.raises(UserError, match=r"By content, \d+ training examples \(.* = .* are for"):
            mine("feature_table", path=tmp_path / "t.csv").facts()
        mine("feature_table", path=tmp_path / "t.csv", duplicates="keep").read()

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,a\n1,2\n"])
    def test_what_is_no_table(self, mine, tmp_path, content):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(UserError, match=r"cannot be read as a table|no column|twice"):
            mine("feature_table", path=tmp_path / "t.csv").facts()

    @pytest.mark.parametrize(
        "row", ["{label},{row},2,", "{label},{row},2,note", "x{row},{label},2,"]
    )
    def test_rows_with_a_cell_more_than_the_first_line_are_refused(self, mine, tmp_path, row):
        lines = [row.format(label="xy"[number % 2], row=number) for number in range(40)]
        (tmp_path / "t.csv").write_text("\n".join(["label,a,b", *lines]))
        with pytest.raises(UserError, match=r"rows of .* have more cells than its first line"):
            mine("feature_table", path=tmp_path / "t.csv").facts()

    def test_rows_may_have_names_as_r_writes_them(self, mine, tmp_path):
        lines = [f"row {number},{'xy'[number % 2]},{number},2" for number in range(40)]
        (tmp_path / "t.csv").write_text("\n".join(["label,a,b", *lines]))
        assert mine("feature_table", path=tmp_path / "t.csv").facts().class_names == ("x", "y")

    def test_a_label_of_spaces_that_cannot_be_seen_is_none(self, mine, tmp_path):
        lines = [f"{number},{['x', chr(0xA0)][number % 2]}" for number in range(40)]
        (tmp_path / "t.csv").write_text("\n".join(["a,label", *lines]))
        with pytest.raises(
            UserError, match=r"'label' .* is empty in 20 rows .*None.* count as miss"
        ):
            mine("feature_table", path=tmp_path / "t.csv").facts()

    def test_the_encoding_of_a_text_from_windows_is_told(self, mine, tmp_path):
        (tmp_path / "t.csv").write_text("a,label\n1,x\n", encoding="utf-16")
        with pytest.raises(UserError, match="iconv -f utf-16 -t utf-8"):
            mine("feature_table", path=tmp_path / "t.csv").facts()

    @pytest.mark.parametrize("columns", ["a,label", "a,b,c,label", "A,b,label"])
    def test_tables_of_halves_with_different_columns_are_refused(self, mine, tmp_path, columns):
        for name, names in (("t", "a,b,label"), ("test", columns)):
            cells = ["{row}.5"] * names.count(",") + ["{label}"]
            rows = [",".join(cells).format(row=row, label="xy"[row % 2]) for row in range(20)]
            (tmp_path / f"{name}.csv").write_text("\n".join([names, *rows]))
        paths = {"path": tmp_path / "t.csv", "test_path": tmp_path / "test.csv"}
        with pytest.raises(UserError, match=r"t.csv and .*test.csv differ in \d columns? \("):
            mine("feature_table", **paths).facts()
        ignored = {"ignore": ["b", "c"] if "c" in columns else ["b"]}
        if "A" not in columns:
            mine("feature_table", **paths, **ignored, duplicates="keep").facts()
