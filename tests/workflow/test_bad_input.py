import re
import shutil

import pytest

from .conftest import NOISY, TINY, Workspace, edit, with_shared

pytestmark = pytest.mark.workflow


def with_background(**changes):
    return with_shared(background_flip=NOISY["noisy_labels"]["background_flip"] | changes)


def with_table1(rows):
    section = {"datasets": ["digits"], "rows": rows}
    return NOISY | {"targets": ["table1"], "experiments": {"table1": section}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (edit(TINY, sedes=3), "'seeds'"),
        (edit(TINY, methods=["l2wr"]), "'l2rw'"),
        (edit(TINY, majority_shares=[1.5]), "majority share of 1.5"),
        (edit(TINY, clean_size=24), "clean set"),
        (edit(TINY, dataset="mnist") | {"data": {"download": False}}, "train-images-idx3-ubyte"),
        (TINY | {"data": {"root": "nowhere"}}, "nowhere"),
        (with_background(background_classes={"digits": [0, 10]}), "background class 10"),
        (with_background(noise=1.5), "noise is 1.5"),
        (with_background(clean_per_class=130), "clean set"),
        (with_table1(["baseline", "baseline+es"]), "Row baseline+es"),
        (TINY | {"compute": {"device": "cuda"}}, "no NVIDIA GPU"),
    ],
    ids=[
        "unknown key",
        "unknown method",
        "share",
        "clean set",
        "absent files",
        "absent folder",
        "background class",
        "noise",
        "large clean set",
        "early stopping",
        "absent GPU",
    ],
)
def test_bad_input_is_refused_in_a_sentence(workspace, config, words, monkeypatch):
    monkeypatch.delenv("L2RW_DATA", raising=False)
    shutil.rmtree(workspace.results / "data")
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
    assert not list((workspace.results / "data").glob("mnist*"))


def test_step_times_that_cannot_be_read_are_named(workspace):
    (workspace.folder / "bench.json").write_text("{")
    done = workspace.snakemake(TINY)
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert re.search(r"bench\.json cannot be read .* Hint: delete bench\.json and run again", error)
    assert "Traceback" not in done.stderr


def test_what_the_configuration_does_not_plan_is_named(workspace):
    done = workspace.snakemake(TINY, "--dry-run", "results/tiny/tables/figure9.csv")
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "plans no experiment 'figure9'. Hint: did you mean 'figure2'?" in error
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_environments_by_snakemake_are_refused_in_a_sentence(tmp_path):
    done = Workspace(tmp_path).snakemake(TINY, "--software-deployment-method", "conda")
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert " Hint: leave that option out; `conda env create -f environment.yml`" in error
    assert not (tmp_path / "results").exists()
