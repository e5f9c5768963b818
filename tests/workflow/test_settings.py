"""Rows with settings run through the workflow, whose paths and tables name them."""

import pandas as pd
import pytest

from l2rw.config.load import overlaid
from tests.workflow.conftest import TINY, Workspace

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_a_method_with_settings_runs_through_the_workflow(tmp_path):
    rows = ["gce", {"method": "gce", "q": 0.5}, "meta_weight_net"]
    training = {"optimizer": "adamw", "schedule": "cosine"}
    figure2 = {"methods": rows, "seeds": 1, "training": training}
    config = overlaid(TINY, {"experiments": {"figure2": figure2}})
    workspace = Workspace(tmp_path / "work", "tiny")
    workspace.folder.mkdir()
    assert workspace.run(config).count("train") == 3
    table = pd.read_csv(workspace.results / "tables" / "figure2.csv")
    assert list(table["row"].unique()) == ["gce", "gce, q=0.5", "meta_weight_net"]
    names = {path.name.rpartition("-")[0] for path in workspace.results.glob("runs/*/*")}
    assert names == {"gce", "gce-q=0.5", "meta_weight_net"}
    assert workspace.planned(config) == []
