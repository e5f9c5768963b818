"""Mistakes in configurations, in the words of those who write them."""

import re

import pytest
from tests.config.test_config import figure2, nested

from l2rw.config.load import parse_config
from l2rw.config.yaml_file import read_yaml
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError

LIBRARY = re.compile(
    r"[Ii]nput|valid|instance|parse|tuple|string|integer|dictionary|pydantic|\[type"
)
"""What the library that validates says."""


def refusal(raw):
    with pytest.raises(UserError) as told:
        Plan(parse_config(raw))
    assert not LIBRARY.search(str(told.value))
    return str(told.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("targets", "figure2", "should be a list"),
        ("targets", [], "should be a list of at least 1"),
        ("name", "a/b", "should be made of letters"),
        ("name", 5, "should be text"),
        ("noisy_labels", 3, "should be a section"),
        ("noisy_labels", None, "should be a section"),
        ("experiments", None, "should be a section"),
        ("experiments", {3: {"kind": "table"}}, "cannot be the name of an experiment"),
        ("data.download", "maybe", "should be true or false"),
        ("compute.device", "gpu", "should be one of 'auto', 'cpu' or 'cuda'"),
        ("compute.checkpoint_seconds", float("inf"), "should be a finite number"),
        ("compute.threads", 10**6, "should be at most 1024"),
        ("compute.threads", 0, "should be above 0"),
        ("compute.threads", True, "threads is True, but it should be a number"),
        ("noisy_labels.seeds", 300_000, "should be at most 1000"),
        ("noisy_labels.seeds", "many", "should be a whole number"),
        ("noisy_labels.background_flip.training.batch_size", 1e30, "of fewer digits"),
        ("noisy_labels.background_flip.training.weight_decay", 1e300, "write at most 1e+38"),
        ("noisy_labels.background_flip.training.decay_at", [0.5], "should be a whole number"),
        ("noisy_labels.background_flip.background_classes", {"cifar10": [True]}, "be a number"),
        ("theory.trajectories", 10**30, "should be at most"),
        ("data_sets", {"x": {"kind": "image_folder"}}, "it needs path"),
        ("data_sets", {"x": {"kind": "image_folder", "path": 3}}, "should be text"),
        ("data_sets", {"x": {"kind": "image_folder", "path": "a", "split_seed": True}}, "a number"),
    ],
)
def test_values_of_the_wrong_kind(key, value, said):
    assert said in refusal(nested(key, value))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train_size": True}, "train_size is True, but it should be a number"),
        ({"train_size": 1e300}, "should be a whole number of fewer digits"),
        ({"sweep": {"majority_share": ["a"]}}, "should be a number"),
        ({"sweep": {"majority_share": [True]}}, "should be a number"),
        ({"sweep": {"majority_share": [0.1]}}, "not a majority. Hint: choose shares of at"),
        ({"rows": [{"method": "gce", 3: 4}]}, "gce has no setting 3"),
        ({"rows": [{"method": "gce", "q": 10**400}]}, "Hint: write a number"),
        ({"training": {"crop_padding": 9, "model": "lenet_8x8"}}, "crop_padding to at most 8."),
    ],
)
def test_values_of_an_experiment(settings, said):
    assert said in refusal(figure2(**settings))


@pytest.mark.parametrize(
    ("value", "said"), [("a", "should be a number"), (-1, "should be above 0"), (True, "a number")]
)
def test_swept_settings_of_training(value, said):
    mine = {"kind": "sweep", "dataset": "digits", "sweep": {"learning_rate": [value]}}
    mine["corruption"] = {"name": "imbalance", "train_size": 100, "clean_size": 4}
    mine["corruption"] |= {"minority": 4, "majority": 9, "majority_share": 0.8}
    assert said in refusal({"targets": ["mine"], "experiments": {"mine": mine}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: 010\n", "010 in line 1 is 8 in YAML: write 8"),
        ("a: b\nseeds: 1:30\n", "1:30 in line 2 is 90 in YAML: write 90"),
        ("name: a\nname: b\n", "name occurs in line 1 and in line 2"),
        ("compute:\n  threads: 1\n  stack: 2\n  threads: 3\n", "threads occurs in line 2 and in"),
        ("a: [", "while parsing"),
        ("? [1]\n: 2\n? {}\n: 3", "unhashable"),
        ("\xff", "not UTF-8 text"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, text, said):
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=said) as told:
        read_yaml(path)
    assert str(path) in str(told.value)


def test_keys_that_are_taken_over_may_be_given_anew(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: {x: 4}\n")
    assert read_yaml(path)["b"] == {"x": 3, "y": 2}
