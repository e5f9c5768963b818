"""The paper's configuration on small data in CIFAR-10's format, with few and short steps."""

from typing import Any

import pandas as pd
import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from tests.cifar import dataset_from_archive, write_archive

from .conftest import Workspace, place_timings

pytestmark = pytest.mark.workflow

# Networks, crops, mirroring, noise and background classes stay as in the paper, but for WRN-28-10,
# which is too slow for a test.
FEW_STEPS = {"steps": 3, "batch_size": 6, "clean_batch_size": 4, "decay_at": [2], "evaluations": 1}
CUT: dict[str, Any] = {
    "name": "cut",
    "targets": ["table2", "figure6"],
    "compute": {"device": "cpu", "seeds_per_job": 2},
    "noisy_labels": {
        "seeds": 2,
        "validation_size": 20,
        "fine_tuning_steps": 2,
        "uniform_flip": {"clean_size": 20, "training": FEW_STEPS | {"model": "wrn_8x8"}},
        "background_flip": {
            "clean_per_class": 1,
            "training": FEW_STEPS,
            "early_stopping": {"steps": 2, "decay_at": [1]},
        },
    },
    "experiments": {
        "table2": {"datasets": ["cifar10"], "rows": ["baseline+es+ft", "l2rw"]},
        "figure6": {"rows": ["l2rw"]},
    },
}


def test_tables_and_figures_are_made_from_images_in_the_published_format(tmp_path):
    plan = Plan(parse_config(CUT))
    specs = [cell.spec for cell in plan.cells.values()]
    assert {(spec.crop_padding, spec.mirror) for spec in specs} == {(4, True)}
    assert {spec.model for spec in specs} == {"resnet32", "wrn_8x8"}

    workspace = Workspace(tmp_path / "workspace", "cut")
    data = workspace.results / "data" / plan.data_file("cifar10")
    data.parent.mkdir(parents=True)
    archive = write_archive(tmp_path / "published", "cifar10", 100, 20, seed=0)
    dataset_from_archive(archive).save(data)
    place_timings(workspace.results, CUT)
    assert workspace.run(CUT) == sorted(
        ["corrupt"] * 3 + ["train"] * 4 + ["tabulate", "draw"] * 2 + ["metrics", "judge"]
    )

    runs = pd.read_csv(workspace.results / "tables/table2.csv")
    rows = CUT["experiments"]["table2"]["rows"]
    assert sorted(zip(runs["row"], runs["seed"], strict=True)) == [
        (row, seed) for row in rows for seed in (0, 1)
    ]
    assert runs["test_error"].between(0, 1).all()
    for experiment in CUT["targets"]:
        for file in (f"tables/{experiment}.md", f"figures/{experiment}.pdf"):
            assert (workspace.results / file).stat().st_size > 0
