"""Networks that begin from a file of the user's, in a plan: which cells are the same."""

import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError


def planned(path):
    training = {"model": "resnet_8x8", "steps": 20, "decay_at": [], "evaluations": 1}
    if path is not None:
        training["initial_weights"] = str(path)
    table = {"kind": "table", "datasets": ["digits"], "rows": ["l2rw", "baseline+ft"]}
    corruption = {"name": "uniform_flip", "clean_size": 10}
    raw = {
        "targets": ["mine"],
        "noisy_labels": {"validation_size": 20},
        "experiments": {"mine": {**table, "corruptions": [corruption], "training": training}},
    }
    return Plan(parse_config(raw))


def test_the_content_of_the_file_is_part_of_the_identity_and_its_place_is_not(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    none, a, b, c = (
        list(planned(path).cells) for path in (None, tmp_path / "a", tmp_path / "b", tmp_path / "c")
    )
    assert a == b
    assert not {*a} & {*c}
    assert not {*a} & {*none}
    entry = planned(tmp_path / "a").describe("mine")
    assert entry.cells[0].initial_weights == str(tmp_path / "a")
    assert type(entry).from_json(entry.to_json()) == entry
    assert "initial_weights" not in planned(None).describe("mine").cells[0].to_json()
    with pytest.raises(UserError, match=r"initial weights .* cannot be read"):
        planned(tmp_path / "nowhere")
