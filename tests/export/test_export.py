"""A run's files for others, and what they predict: bit for bit what the pipeline evaluated."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from l2rw.commands.main import main
from l2rw.config.documents import REPOSITORY
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.kinds.label_file import write_labels
from l2rw.data.kinds.survey import look_at
from l2rw.data.splits import make_part
from l2rw.export.export import LABELS, Wanted, export
from l2rw.export.network_file import load_network
from l2rw.store.errors import UserError
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import build_network
from l2rw.training.evaluation import probabilities
from l2rw.training.trained import load_trained

L2RW = Wanted("l2rw", 0, None)


def evaluated(done, about):
    """Return what the pipeline's own code predicts for the test part, and its given labels."""
    data = Dataset.load(done.data)
    network = build_network(about.spec, data.info.image_shape, data.info.classes)
    values = load_trained([done.result / "network.safetensors"], network, 0)
    store = ImageStore(data.test_images, data.info.pixel_range, torch.device("cpu"))
    part = make_part(np.arange(len(data.test_labels)), data.test_labels)
    found = probabilities(lambda images: network.predict(*values, images), store, part)
    return data, found


@pytest.mark.parametrize("kind", ["images", "table"])
def test_an_exported_network_predicts_what_the_pipeline_evaluated(kind, request, tmp_path):
    done = request.getfixturevalue(kind)
    network = load_network(export(done.config, L2RW, tmp_path)[0])
    data, wanted = evaluated(done, network.about)
    ids = data.own.test_ids.tolist()
    if kind == "images":
        inputs = network.read([done.source / one for one in ids])
    else:
        rows = pd.read_csv(done.source, dtype=str)
        rows.iloc[[int(one) - 1 for one in ids]].to_csv(tmp_path / "new.csv", index=False)
        inputs = network.read([tmp_path / "new.csv"])
    assert (inputs == data.test_images).all()
    found = network.probabilities(inputs)
    assert (found == wanted).all()
    result = json.loads((done.result / "result.json").read_text())["runs"][0]
    confusion = np.zeros((3, 3), dtype=int)
    np.add.at(confusion, (data.test_labels, found.argmax(1)), 1)
    assert confusion.tolist() == result["confusion"]


def test_the_file_says_what_it_is(images, tmp_path):
    path = export(images.config, L2RW, tmp_path)[0]
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
        assert all("/" not in name for name in file.keys())  # noqa: SIM118
    assert about["classes"] == ["class 0", "class 1", "class 2"]
    assert (about["shape"], about["pixel_range"]) == ([3, 8, 8], [-1.0, 1.0])
    assert about["preprocessing"] == {"picture": {"size": 8, "grey": False, "fit": "pad"}}
    assert about["provenance"]["seed"] == 0
    assert "torch" in about["provenance"]["made"]["versions"]
    assert about["spec"]["method"] == "l2rw"


def test_weights_and_labels_are_those_of_the_run(images, tmp_path):
    _, weights, labels = export(images.config, L2RW, tmp_path)
    frame = pd.read_parquet(weights) if weights.suffix == ".parquet" else pd.read_csv(weights)
    suspects = pd.read_csv(images.result / "suspects.csv")
    assert frame["id"].tolist() == suspects["id"].tolist()
    np.testing.assert_allclose(frame["mean_weight"], suspects["mean_weight"])
    assert (frame["given_label"] == frame["id"].str.split("/").str[0]).all()
    told = pd.read_csv(labels).set_index("id")
    assert len(told) == 60
    clean = pd.read_csv("clean.csv").set_index("id")["label"]
    assert (told.loc[clean.index, "label"] == clean).all()
    assert told["status"].value_counts().to_dict() == {"given": 54, "known": 3, "changed": 3}
    assert ((told["label"] != told["given_label"]) == (told["status"] == "changed")).all()
    assert (told["part"] == "test").sum() == 12


def test_decisions_change_labels_of_both_halves_and_leave_examples_out(images, tmp_path):
    kind = images.config.data_sets["mine"]
    layout, clean = look_at("mine", kind).layout, set(pd.read_csv("clean.csv")["id"])
    train, test = (
        [one for one in (layout.examples.ids[place] for place in places) if one not in clean]
        for places in (layout.train, layout.test)
    )
    wrong, test, gone = train[0], test[0], train[1]
    lines = [f"{wrong},wrong,class 2", f"{test},wrong,class 1", f"{gone},remove,"]
    (tmp_path / "corrections.csv").write_text("\n".join(["id,decision,label", *lines]) + "\n")
    found = look_at("mine", replace(kind, corrections=str(tmp_path / "corrections.csv")))
    told = pd.read_csv(write_labels(tmp_path / LABELS, found)).set_index("id")
    assert told.loc[wrong, ["label", "status"]].tolist() == ["class 2", "changed"]
    assert told.loc[test, ["label", "status"]].tolist() == ["class 1", "changed"]
    assert told.loc[gone, "status"] == "left out"
    assert len(told) == 60


def test_weights_are_csv_where_pyarrow_is_absent(images, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _, weights, _ = export(images.config, L2RW, tmp_path)
    assert weights.name == "weights.csv"
    assert len(pd.read_csv(weights)) == len(pd.read_csv(images.result / "suspects.csv"))


def test_what_is_not_there_is_said(images, tmp_path):
    for wanted, said in (
        (Wanted("l2rv", 0, None), "did you mean 'l2rw'"),
        (Wanted("baseline", 0, None), "is not trained"),
        (Wanted("l2rw", 1, None), "Seed 1 of .* is not trained"),
        (Wanted("l2rw", 0, "other"), "no target 'other'"),
    ):
        with pytest.raises(UserError, match=said):
            export(images.config, wanted, tmp_path)
    (tmp_path / "no.safetensors").write_bytes(b"garbage")
    with pytest.raises(UserError, match="cannot be read as a network"):
        load_network(tmp_path / "no.safetensors")
    with pytest.raises(UserError, match="cannot be read as a network"):
        load_network(images.result / "network.safetensors")  # of training, not for others


def test_a_flipped_bit_anywhere_in_a_network_is_noticed(images, tmp_path):
    path = export(images.config, L2RW, tmp_path)[0]
    content = path.read_bytes()
    for place in np.linspace(0, len(content) - 1, 200).astype(int):
        flipped = bytes([content[place] ^ 1 << int(place) % 8])
        path.write_bytes(content[:place] + flipped + content[place + 1 :])
        with pytest.raises(UserError, match=r"network\.safetensors cannot be read as a network"):
            load_network(path)


def test_networks_of_earlier_versions_have_no_checksum(images, tmp_path):
    path = export(images.config, L2RW, tmp_path)[0]
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata()["about"]
    save_file(tensors, path, {"about": about})
    with pytest.raises(UserError, match="it holds no checksum"):
        load_network(path)
    save_file(tensors, path, {"about": about.replace("l2rw network 2", "l2rw network 1")})
    assert load_network(path).classes == ("class 0", "class 1", "class 2")


def test_predict_writes_a_line_for_each_file(images, tmp_path, capsys):
    network = export(images.config, L2RW, tmp_path / "out")[0]
    shutil.copytree(images.source, tmp_path / "new")
    (tmp_path / "new" / "broken ü.png").write_bytes(b"garbage")
    out = tmp_path / "predicted.csv"
    with pytest.raises(SystemExit, match="1"):
        main(["predict", str(network), str(tmp_path / "new"), "--out", str(out)])
    lines = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len(lines) == 61
    (bad,) = [line for line in lines if not line["class"]]
    assert bad["file"].endswith("broken ü.png")
    loaded = load_network(network)
    one = tmp_path / "new" / "class 1" / "01.jpg"
    share = loaded.probabilities(loaded.read([one]))[0]
    (line,) = [line for line in lines if line["file"] == str(one)]
    assert line["class"] == loaded.classes[share.argmax()]
    assert float(line["probability"]) == pytest.approx(share.max(), abs=1e-4)
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    for bad, said in (
        ("nowhere.png", "does not exist"),
        ("empty", "There are no images in"),
        ("rows.csv", "is a table, and the network was trained on images"),
    ):
        assert main(["predict", str(network), str(tmp_path / bad)]) == 2
        assert said in capsys.readouterr().err


def test_predict_numbers_the_rows_of_a_table_and_refuses_others(table, tmp_path, capsys, caplog):
    network = export(table.config, L2RW, tmp_path / "out")[0]
    frame = pd.read_csv(table.source)
    odd = frame.drop(columns="label").assign(colour="unheard of")
    odd.to_csv(tmp_path / "odd.csv", index=False, sep=";")
    assert main(["predict", str(network), str(tmp_path / "odd.csv")]) == 0
    lines = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [line["row"] for line in lines] == [str(row) for row in range(1, 91)]
    assert "has 1 value (unheard of) that no training example has" in caplog.text
    caplog.clear()
    told = {}
    others = frame[frame.columns[::-1]].assign(more="x")
    for name, same in (("same", frame), ("other order", others)):
        same.to_csv(tmp_path / f"{name}.csv", index=False)
        assert main(["predict", str(network), str(tmp_path / f"{name}.csv")]) == 0
        lines = csv.DictReader(capsys.readouterr().out.splitlines())
        told[name] = [(line["class"], line["probability"]) for line in lines]
    assert told["same"] == told["other order"]
    assert not caplog.text
    (tmp_path / "a.png").write_bytes(b"pixels")
    for no_table in (tmp_path, tmp_path / "a.png"):
        assert main(["predict", str(network), str(no_table)]) == 2
        assert "is no table, and the network was trained on one" in capsys.readouterr().err
    for bad, said in (
        (frame.drop(columns="b"), "lacks 1 column"),
        (frame.assign(b="many"), "must hold finite numbers"),
        (frame.assign(b="1e300"), "must hold finite numbers"),
    ):
        bad.to_csv(tmp_path / "bad.csv", index=False)
        assert main(["predict", str(network), str(tmp_path / "bad.csv")]) == 2
        assert said in capsys.readouterr().err


def test_the_lines_of_python_in_the_documentation_run(images, tmp_path):
    document = (REPOSITORY / "docs" / "own_data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    export(images.config, L2RW, tmp_path)
    shutil.copy(images.source / "class 1" / "01.jpg", tmp_path / "new.jpg")
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"class \d (0\.\d+|1\.0)\n", done.stdout)
