"""From files that nobody described to a configuration."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_breast_cancer

from l2rw.config.load import parse_config
from l2rw.data.kinds.survey import look_at
from l2rw.planning.table import read_config
from l2rw.starting.choice import Machine
from l2rw.starting.init import Request, init
from l2rw.store.ending import explained
from l2rw.store.errors import UserError

LAPTOP, SERVER = Machine(cores=2, gpus=0), Machine(cores=16, gpus=1)


def paint(path, number, size=(20, 16), grey=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size[::-1] if grey else (*size[::-1], 3)
    pixels = np.random.default_rng(number).integers(256, size=shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run in; the user's files lie beside it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def birds(tmp_path):
    root = tmp_path / "My Bïrds (2)"
    for number in range(50):
        paint(root / ("tit mouse" if number % 2 else "鳥") / f"{number} ü.png", number)
    return root


def start(path, machine=LAPTOP, out=None, label=None, leave_out=()):
    return init(Request(path, out, label, leave_out), machine)


def state_of(folder):
    return {one: (one.stat().st_mtime_ns, one.is_dir()) for one in [folder, *folder.rglob("*")]}


def test_a_folder_becomes_a_valid_configuration(here, birds, capsys):
    before = state_of(birds)
    out = start(birds)
    assert state_of(birds) == before
    assert out.name == "my_birds_2.yaml"
    said = capsys.readouterr().out
    assert "50 colour images in 2 classes" in said
    assert "鳥                20     5" in said.replace("  鳥", "鳥")
    assert "l2rw pick my_birds_2.yaml" in said
    assert "l2rw run my_birds_2.yaml" in said
    config = read_config([out])
    kind = config.data_sets["my_birds_2"]
    assert (kind.path, kind.size, kind.grey) == (str(birds), 16, False)
    assert kind.clean == "my_birds_2_clean.csv"  # not there yet
    assert config.experiments["my_birds_2"].training.model == "resnet8"
    assert (kind.test_is_trusted, kind.corrections) == (False, None)
    out.write_text(out.read_text().replace("# corrections:", "corrections:"))
    corrections = read_config([out]).data_sets["my_birds_2"].corrections
    assert corrections == "my_birds_2_corrections.csv"


def test_a_long_name_is_shortened(here, birds):
    config = read_config([start(birds.rename(birds.with_name("ä" * 120)))])
    assert list(config.data_sets) == ["a" * 88]
    assert config.name == "a" * 88


def test_nothing_is_overwritten_nor_written_to_the_users_folder(here, birds, monkeypatch):
    out = start(birds)
    with pytest.raises(UserError, match="exists already and is never overwritten"):
        start(birds)
    out.unlink()
    with pytest.raises(UserError, match="nothing is ever written there"):
        start(birds, out=birds / "deep" / "mine.yaml")
    (here / "data").symlink_to(birds)  # where surveys are kept
    with pytest.raises(UserError, match="data/surveys is inside"):
        start(birds)
    monkeypatch.chdir(birds)
    with pytest.raises(UserError, match="This folder is inside"):
        start(birds)
    assert not list(birds.rglob("*.yaml"))


def test_what_cannot_be_used_is_left_out_and_listed(here, birds, capsys):
    first = birds / "鳥" / "0 ü.png"
    (birds / "鳥" / "broken.jpg").write_bytes(b"\xff\xd8garbage")
    shutil.copy(first, birds / "鳥" / "copy.png")
    shutil.copy(birds / "鳥" / "2 ü.png", birds / "tit mouse" / "torn.png")
    (birds / "鳥" / "IMG.HEIC").write_bytes(b"garbage")
    out = start(birds)
    lists = pd.read_csv(out.with_name("my_birds_2_leave_out.csv"))
    assert len(lists) == 4
    reasons = dict(zip(lists["id"], lists["reason"].str.split().str[0], strict=True))
    assert reasons["鳥/broken.jpg"] == "unreadable:"
    assert reasons["鳥/2 ü.png"] == reasons["tit mouse/torn.png"] == "has"
    assert ("鳥/copy.png" in reasons) != ("鳥/0 ü.png" in reasons)
    said = capsys.readouterr().out
    assert "1 file (鳥/broken.jpg) cannot be read" in said
    assert "Turn 1 HEIC photo into JPEG" in said
    # Without a list of clean examples, planning reads the data set and finds nothing wrong.
    raw = yaml.safe_load(out.read_text())
    del raw["data_sets"]["my_birds_2"]["clean"]
    assert parse_config(raw).facts("my_birds_2").train_class_sizes == (20, 19)


def test_classes_that_only_the_test_part_has_are_listed_and_can_be_left_out(here, birds, tmp_path):
    root = tmp_path / "all"
    shutil.copytree(birds, root / "train")
    for number in range(100, 120):
        paint(root / "test" / ("tit mouse" if number % 2 else "鳥") / f"{number}.png", number)
    paint(root / "test" / "owl" / "night.png", 200)
    paint(root / "test" / "owl" / "day.png", 201)
    with pytest.raises(UserError) as refused:
        start(root)
    said = str(refused.value)
    assert "1 class (owl) that the training part lacks, with 2 examples (test/owl/day.png, " in said
    assert "to `l2rw init` by --leave-out" in said
    listed = here / "data/surveys/all-classes-of-test-alone.csv"
    assert str(listed.relative_to(here)) in said
    assert pd.read_csv(listed)["id"].tolist() == ["test/owl/day.png", "test/owl/night.png"]
    out = start(root, leave_out=(listed.relative_to(here),))
    assert read_config([out]).data_sets["all"].leave_out[0] == str(listed.relative_to(here))


def test_folders_of_halves_and_the_machine_are_heeded(here, birds, tmp_path, capsys):
    for half in ("Train", "test", "val"):
        shutil.copytree(birds / "鳥", tmp_path / "all" / half / "鳥")
        for number in range(40):
            paint(tmp_path / "all" / half / "x" / f"{number}.png", len(half) * 1000 + number)
    with pytest.raises(UserError, match=r"Without 25 files .* that cannot be used .* lacks"):
        start(tmp_path / "all")  # all of one class are copies of those for testing
    shutil.rmtree(tmp_path / "all" / "test" / "鳥")
    for number in range(100, 120):
        paint(tmp_path / "all" / "test" / "鳥" / f"{number}.png", number)
    kind = read_config([start(tmp_path / "all", SERVER)]).data_sets["all"]
    assert kind.path.endswith("Train")
    assert kind.test_path.endswith("test")
    assert "val/ beside them is not used" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "does not exist"),
        ("empty", "There are no images"),
        ("loose", "are not in folders of classes"),
        ("one", "images of only one class"),
        ("deep", "did you mean .*deep/inside"),
        ("tables", "holds 2 tables"),
        ("a.txt", "is no table"),
        ("hole", "1 class .void. has no examples"),
    ],
)
def test_bad_folders_get_their_sentence(here, tmp_path, path, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("nothing\n")
    paint(tmp_path / "loose" / "1.png", 1)
    for where in ("one/a", "deep/inside/a", "deep/inside/b", "hole/a", "hole/b"):
        for number in range(4):
            paint(tmp_path / where / f"{number}.png", number + 10 * len(where))
    (tmp_path / "hole" / "void").mkdir()
    (tmp_path / "tables").mkdir()
    for name in "ab":
        (tmp_path / "tables" / f"{name}.csv").write_text("x,label\n1,a\n")
    with pytest.raises(UserError, match=said):
        start(tmp_path / path)
    assert not list(here.rglob("*"))


@pytest.fixture
def cancer(tmp_path):
    """A table with missing values, ids, groups, free text and another separator."""
    frame = load_breast_cancer(as_frame=True).frame
    frame["diagnosis"] = np.where(frame.pop("target") == 1, "benign", "malignant")
    frame.loc[::9, "mean radius"] = np.nan
    frame.insert(0, "Patient ID", [f"p{row // 2}" for row in range(len(frame))])
    frame.insert(0, "id", range(1000, 1000 + len(frame)))
    frame["remark"] = [f"text {row}" for row in range(len(frame))]
    path = tmp_path / "cancer.csv"
    frame.to_csv(path, index=False, sep=";")
    return path


def test_a_table_is_guessed_and_said(here, cancer, capsys):
    out = start(cancer)
    said = capsys.readouterr().out
    assert "'diagnosis' for labels, 'id' for ids, 'Patient ID' for groups" in said
    assert "Not a feature: Column 'remark'" in said
    assert "Networks learn from 30 columns (mean radius, mean texture, mean perimeter, …)." in said
    config = read_config([out])
    kind = config.data_sets["cancer"]
    assert (kind.label_column, kind.separator) == ("diagnosis", ";")
    assert (kind.id_column, kind.group_column, kind.ignore) == ("id", "Patient ID", ("remark",))
    training = config.experiments["cancer"].training
    assert (training.model, training.batch_size, training.mirror) == ("mlp", 22, False)
    assert "31 features" in said


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_in_disguise_and_dates_are_no_features(here, tmp_path, capsys, suffix):
    random = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(random.normal(size=(n, 2)), columns=["a", "b"])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(90, size=n), unit="D")
    frame["Fall"] = 5001 + random.permutation(n)
    frame["Probe"] = [f"{number:06}" for number in random.permutation(10**6)[:n]]
    frame["barcode"] = [f"BC-{number}" for number in range(n)]
    frame["taken"] = days if suffix == "parquet" else days.strftime("%Y-%m-%d %H:%M")
    frame["befund"] = days.strftime("%d.%m.%Y").where(frame["a"] > -1)
    frame["inhabitants"] = random.permutation(10**6)[:n]
    frame["visits"] = random.integers(1, 9, n)
    frame["sorted"] = np.sort(random.normal(size=n))
    frame["label"] = np.arange(n) % 2
    path = tmp_path / f"rows.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    kind = read_config([start(path)]).data_sets["rows"]
    said = capsys.readouterr().out
    # The first of them calls rows by something that stays if they are sorted.
    assert kind.id_column == "Fall"
    assert kind.ignore == ("Probe", "barcode", "taken", "befund")
    for name in ("Probe", "barcode"):
        assert f"Column '{name}' has a value of its own in every row, as ids have." in said
    for name in ("taken", "befund"):
        assert f"Column '{name}' holds dates;" in said
    assert "take it off `ignore`" in said
    assert "1 column (inhabitants) has another whole number in every row" in said
    assert "Networks learn from 5 columns (a, b, inhabitants, …)." in said


def test_rows_without_ids_are_to_keep_their_order(here, cancer, tmp_path, capsys):
    frame = pd.read_csv(cancer, sep=";").drop(columns="id")
    frame.to_csv(tmp_path / "plain.csv", index=False)
    kind = read_config([start(tmp_path / "plain.csv")]).data_sets["plain"]
    assert kind.id_column is None  # not the remarks, though all are different
    assert "Rows have no ids and are called by their numbers" in capsys.readouterr().out


def test_numbers_with_decimal_commas_are_numbers(here, cancer, tmp_path):
    same = pd.read_csv(cancer, sep=";")
    same.to_csv(tmp_path / "excel.csv", sep=";", decimal=",", index=False, encoding="utf-8-sig")
    points, commas = (
        read_config([start(path)]).data_sets[name]
        for path, name in ((cancer, cancer.stem), (tmp_path / "excel.csv", "excel"))
    )
    assert commas.decimal == ","
    assert commas.separator == ";"
    kinds = [replace(kind, clean=None) for kind in (points, commas)]
    read = [look_at("cancer", kind).layout for kind in kinds]
    inputs = [kind.inputs(at, at.train, "") for kind, at in zip(kinds, read, strict=True)]
    np.testing.assert_allclose(inputs[0], inputs[1], rtol=1e-6)


def test_tables_without_labels_ask_for_them(here, tmp_path):
    path = tmp_path / "t.csv"
    rows = np.random.default_rng(0).normal(size=(60, 3))
    pd.DataFrame(rows, columns=["a", "b", "c"]).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"looks like labels.*--label; there are a, b, c"):
        start(path)
    with pytest.raises(UserError, match="60 different values in 60 rows, too many for classes"):
        start(path, label="b")
    with pytest.raises(UserError, match="has no column 'd'"):
        start(path, label="d")


def test_a_table_of_images_finds_them_in_a_folder_beside_it(here, birds, tmp_path):
    root = tmp_path / "set"
    shutil.copytree(birds, root / "pictures")
    files = sorted(one.relative_to(root / "pictures") for one in root.rglob("*.png"))
    lines = [(str(one), "ab"[n % 2], "train" if n % 3 else "test") for n, one in enumerate(files)]
    table = pd.DataFrame(lines, columns=["file", "kind of bird", "part"])
    table.to_csv(root / "labels.csv", index=False)
    out = start(root / "labels.csv", label="kind of bird")
    kind = read_config([out]).data_sets["labels"]
    assert (kind.image_column, kind.split_column) == ("file", "part")
    assert kind.image_root == str(root / "pictures")


def test_steps_are_lowered_until_a_cpu_is_done_in_time(here, tmp_path):
    for number in range(300):
        paint(tmp_path / "big" / str(number % 2) / f"{number}.png", number, size=(70, 66))
    out = start(tmp_path / "big", Machine(cores=1, gpus=0))
    slow = yaml.safe_load(out.read_text())["experiments"]["big"]["training"]
    out.unlink()
    fast = yaml.safe_load(start(tmp_path / "big", SERVER).read_text())["experiments"]["big"]
    assert slow["steps"] <= fast["training"]["steps"]
    assert (slow["model"], fast["training"]["model"]) == ("resnet8", "resnet18")


def test_who_has_no_time_is_told_that_networks_learn_less(here, tmp_path, capsys, monkeypatch):
    for number in range(300):
        paint(tmp_path / "many" / str(number % 2) / f"{number}.png", number, size=(16, 16))
    start(tmp_path / "many").unlink()
    assert "Steps are reduced" not in capsys.readouterr().out
    monkeypatch.setattr(Machine, "hours", 0.001)
    for module in ("choice", "init"):
        monkeypatch.setattr(f"l2rw.starting.{module}.LEAST_STEPS", 100)
    training = yaml.safe_load(start(tmp_path / "many").read_text())["experiments"]["many"]
    seen = training["training"]["steps"] * training["training"]["batch_size"] / 240
    assert f"each example {seen:.1f} times instead of 40" in capsys.readouterr().out


def test_known_true_labels_need_no_clean_list(here, tmp_path, capsys):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(90, 2)), columns=["a", "b"])
    frame["label"], frame["true_label"] = np.arange(90) % 3, (np.arange(90) + 1) % 3
    frame.to_csv(tmp_path / "known.csv", index=False)
    out = start(tmp_path / "known.csv")
    assert "l2rw pick" not in capsys.readouterr().out
    config = read_config([out])
    assert config.data_sets["known"].clean is None
    assert config.facts("known").truth_is_known


def test_few_images_leave_some_to_train_on(here, tmp_path, capsys):
    for number in range(24):
        paint(tmp_path / "few" / ("caf\u00e9", "cafe\u0301")[number % 2] / f"{number}.png", number)
    assert read_config([start(tmp_path / "few")]).data_sets["few"].size == 16
    said = capsys.readouterr().out
    assert "choose 10 examples of each class (half of a small one) with right labels" in said
    assert "Are these classes the same? cafe\u0301, caf\u00e9" in said


def test_names_that_are_no_utf8_are_told_and_nothing_is_written(here, birds):
    birds.rename(folder := birds.with_name("V\udcf6gel"))
    before = sorted(here.iterdir())
    with pytest.raises(UnicodeEncodeError) as error:
        start(folder)
    assert "A name is no text in UTF-8" in str(explained(error.value))
    assert sorted(here.iterdir()) == before
