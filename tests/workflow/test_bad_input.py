import shutil

import pytest

from .conftest import TINY, edit

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (edit(TINY, sedes=3), "'seeds'"),
        (edit(TINY, methods=["l2wr"]), "'l2rw'"),
        (edit(TINY, majority_shares=[1.5]), "majority_shares"),
        (edit(TINY, clean_size=24), "clean set"),
        (edit(TINY, dataset="mnist") | {"data": {"download": False}}, "train-images-idx3-ubyte"),
        (TINY | {"data": {"root": "nowhere"}}, "nowhere"),
    ],
    ids=["unknown key", "unknown method", "share", "clean set", "absent files", "absent folder"],
)
def test_bad_input_is_refused_in_a_sentence(workspace, config, words, monkeypatch):
    monkeypatch.delenv("L2RW_DATA", raising=False)
    shutil.rmtree(workspace.folder / "data")
    figure = workspace.results / "figures/figure2.csv"
    before = figure.read_bytes()
    done = workspace.snakemake(config)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 2
    assert len(errors) == 1
    assert words in errors[0]
    assert "Hint: " in errors[0]
    assert "Traceback" not in done.stderr
    assert figure.read_bytes() == before


def test_a_damaged_data_set_is_named_and_shown(workspace, tmp_path, monkeypatch):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (folder / f"{file}-ubyte").write_bytes(b"not MNIST")
    config = edit(TINY, dataset="mnist") | {"data": {"root": str(folder), "download": False}}
    done = workspace.snakemake(config)
    assert done.returncode != 0
    assert "is damaged or is not the published" in done.stderr
    assert not list((workspace.folder / "data").glob("mnist*"))
