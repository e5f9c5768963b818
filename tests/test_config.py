import subprocess
import sys

import pytest
import yaml

from l2rw.config import Config, keys, parse_config
from l2rw.config_docs import DOCUMENTS, REPOSITORY
from l2rw.errors import UserError
from l2rw.plan import Plan

FILES = sorted((REPOSITORY / "config").glob("*.yaml"))


def read(path):
    return yaml.safe_load(path.read_text())


def figure2(**settings):
    """Digits with some settings of figure2 changed."""
    small = {"dataset": "digits", "train_size": 100, "clean_size": 4, "majority_shares": [0.8]}
    return {"experiments": {"figure2": small | settings}}


def test_config_yaml_spells_out_every_default():
    assert read(REPOSITORY / "config" / "config.yaml") == Config().model_dump(mode="json")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_configuration_file_can_be_planned(path):
    assert Plan(parse_config(read(path))).cells


def test_configuration_files_write_to_different_folders():
    names = [parse_config(read(path)).name for path in FILES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_what_the_configuration_says(path):
    assert path.read_text() == DOCUMENTS[path](), f"{path} is out of date: run `l2rw config`"


def test_every_key_is_described():
    assert [name for name, field in keys() if not field.description] == []


@pytest.mark.parametrize(
    ("raw", "key", "hint"),
    [
        ({"nme": "x"}, "nme", "'name'"),
        ({"compute": {"thread": 2}}, "compute.thread", "'threads'"),
        ({"data": {"rot": "x"}}, "data.rot", "'root'"),
        ({"experiments": {"figure3": {}}}, "experiments.figure3", "'figure2'"),
        (figure2(minorty=3), "experiments.figure2.minorty", "'minority'"),
        (figure2(training={"stps": 3}), "experiments.figure2.training.stps", "'steps'"),
        (figure2(methods=["l2rv"]), "experiments.figure2.methods.0", "'l2rw'"),
        (figure2(methods=["zzz"]), "experiments.figure2.methods.0", "baseline, proportion"),
        (figure2(methods=[]), "experiments.figure2.methods", ""),
        (figure2(methods=["l2rw", "l2rw"]), "experiments.figure2.methods", "once"),
        (figure2(dataset="digit"), "experiments.figure2.dataset", "'digits'"),
        (figure2(training={"model": "lenett"}), "experiments.figure2.training.model", "'lenet'"),
        (figure2(majority_shares=[0]), "experiments.figure2.majority_shares.0", ""),
        (figure2(majority_shares=[0.8, 1]), "experiments.figure2.majority_shares.1", ""),
        (figure2(majority_shares=[1.2]), "experiments.figure2.majority_shares.0", ""),
        (figure2(majority_shares=[0.8, 0.8]), "experiments.figure2.majority_shares", "once"),
        (figure2(majority_shares=[]), "experiments.figure2.majority_shares", ""),
        (figure2(seeds=0), "experiments.figure2.seeds", ""),
        (figure2(seeds="many"), "experiments.figure2.seeds", ""),
        (figure2(clean_size=60), "clean_size", "lower clean_size"),
        (figure2(clean_size=5), "clean_size", "even"),
        (figure2(minority=10), "minority", "0 to 9"),
        (figure2(majority=10), "majority", "0 to 9"),
        (figure2(minority=-1), "minority", "0 to 9"),
        (figure2(minority=9), "majority", "different"),
        (figure2(train_size=1000), "train_size", "lower train_size"),
        (figure2(training={"steps": 5, "evaluations": 6}), "evaluations", "lower evaluations"),
        (figure2(training={"learning_rate": 0}), "experiments.figure2.training.learning_rate", ""),
        (figure2(training={"momentum": 1}), "experiments.figure2.training.momentum", ""),
        ({"targets": ["figure22"]}, "targets", "'figure2'"),
        ({"targets": []}, "targets", ""),
        ({"name": "../elsewhere"}, "name", ""),
        ({"name": ""}, "name", ""),
        ({"compute": {"device": "gpu"}}, "compute.device", ""),
        ({"compute": {"stack": 0}}, "compute.stack", ""),
        ({"data": None}, "data", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_refused_with_its_key_and_a_hint(raw, key, hint):
    with pytest.raises(UserError) as refusal:
        Plan(parse_config(raw))
    problem, separator, given_hint = str(refusal.value).partition(" Hint: ")
    assert separator
    assert given_hint
    assert hint in given_hint
    assert key in str(refusal.value)
    assert problem[0].isupper()


@pytest.mark.parametrize("module", ["l2rw.config", "l2rw.plan", "l2rw.cli"])
def test_a_dry_run_does_not_wait_for_pytorch(module):
    check = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
