import os
import re
from dataclasses import asdict, replace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.config.load import parse_config
from l2rw.config.schema import Compute, Training
from l2rw.data.datasets.catalog import CATALOG
from l2rw.experiments import cells
from l2rw.planning.plan import Plan
from l2rw.store.seeds import format_seeds, parse_seeds
from l2rw.training import plan_file
from l2rw.training.plan_file import read_plan

SMALL = {"dataset": "digits", "train_size": 100, "clean_size": 4, "majority_shares": [0.8, 0.9]}
OTHER_TRAINING = {
    "model": "lenet_8x8",
    "steps": 8001,
    "batch_size": 101,
    "clean_batch_size": 11,
    "optimizer": "adam",
    "learning_rate": 0.002,
    "schedule": "cosine",
    "decay_at": [5],
    "momentum": 0.8,
    "nesterov": True,
    "weight_decay": 0.1,
    "crop_padding": 1,
    "mirror": True,
    "precision": "bf16",
    "initial_weights": __file__,  # any file will do to plan
    "evaluations": 21,
}
OTHER_COMPUTE = {
    "device": "cpu",
    "threads": 2,
    "seeds_per_job": 3,
    "stack": 3,
    "jobs_per_gpu": 2,
    "compile": True,
    "capture": False,
    "deterministic": True,
    "checkpoint_seconds": 5.0,
}


def plan(training=None, top=None, **settings):
    section = SMALL | settings | ({"training": training} if training else {})
    return Plan(
        parse_config({"targets": ["figure2"], "experiments": {"figure2": section}, **(top or {})})
    )


def noisy(experiments, **top):
    """The plan of some experiments with noisy labels."""
    return Plan(parse_config({"targets": list(experiments), "experiments": experiments, **top}))


def ids(plan):
    return set(plan.cells)


def of_method(plan, method):
    return {key for key, cell in plan.cells.items() if cell.spec.method == method}


def test_an_added_share_or_method_adds_cells_and_keeps_the_others():
    fewer = plan(majority_shares=[0.9], methods=["l2rw"])
    assert ids(fewer) < ids(plan(majority_shares=[0.8, 0.9], methods=["l2rw"]))
    assert ids(fewer) < ids(plan(majority_shares=[0.9], methods=["baseline", "l2rw"]))


def test_the_order_of_shares_and_methods_is_no_part_of_an_identity():
    one = plan(majority_shares=[0.8, 0.9], methods=["l2rw", "random"])
    other = plan(majority_shares=[0.9, 0.8], methods=["random", "l2rw"])
    assert ids(one) == ids(other)


def test_every_setting_of_training_and_compute_is_tried_below():
    assert set(OTHER_TRAINING) == set(Training.model_fields)
    assert set(OTHER_COMPUTE) == set(Compute.model_fields)


def test_jobs_are_told_how_to_run_by_the_keys_and_types_of_the_configuration():
    configured = {name: field.annotation for name, field in Compute.model_fields.items()}
    assert get_type_hints(plan_file.Compute) == configured
    made = plan(top={"compute": OTHER_COMPUTE}).describe("figure2")
    assert asdict(made.compute) == OTHER_COMPUTE


@pytest.mark.parametrize("key", sorted(set(OTHER_TRAINING) - {"clean_batch_size"}))
def test_a_training_setting_changes_every_cell_and_no_split(key):
    changed = plan(training={key: OTHER_TRAINING[key]})
    assert not ids(plan()) & ids(changed)
    assert set(plan().splits) == set(changed.splits)


@pytest.mark.parametrize(
    ("change", "dependent", "independent"),
    [
        ({"training": {"clean_batch_size": 11}}, "l2rw", "baseline"),
        ({"baselines_see_clean": False}, "baseline", "l2rw"),
    ],
)
def test_a_setting_changes_only_the_methods_that_depend_on_it(change, dependent, independent):
    changed = plan(**change)
    assert not of_method(plan(), dependent) & of_method(changed, dependent)
    assert of_method(plan(), independent) == of_method(changed, independent)


@pytest.mark.parametrize(
    "change", [{"minority": 3}, {"majority": 8}, {"train_size": 90}, {"clean_size": 2}]
)
def test_a_setting_of_the_data_changes_every_split_and_cell(change):
    changed = plan(**change)
    assert not set(plan().splits) & set(changed.splits)
    assert not ids(plan()) & ids(changed)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"data": {"root": "/elsewhere", "download": False}},
        {"compute": OTHER_COMPUTE},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_jobs_run_changes_neither_cells_nor_figures(change):
    changed = plan(top=change)
    assert ids(plan()) == ids(changed)
    assert plan().experiments["figure2"].digest == changed.experiments["figure2"].digest


def test_more_seeds_change_the_figure_but_no_cell():
    few, many = plan(seeds=2), plan(seeds=3)
    assert ids(few) == ids(many)
    assert few.experiments["figure2"].digest != many.experiments["figure2"].digest


def test_the_published_content_of_a_data_set_is_part_of_every_identity(monkeypatch):
    before = plan()
    assert ids(before)
    republished = replace(CATALOG["digits"], sha256={"images and labels": "0" * 64})
    monkeypatch.setitem(CATALOG.built_in, "digits", republished)
    assert not ids(before) & ids(plan())


def test_a_new_results_revision_changes_every_identity(monkeypatch):
    before = plan()
    assert ids(before)
    monkeypatch.setattr(cells, "RESULTS_REVISION", cells.RESULTS_REVISION + 1)
    assert not ids(before) & ids(plan())
    assert not set(before.splits) & set(plan().splits)


@given(seeds=st.integers(1, 40), size=st.integers(1, 12))
def test_jobs_partition_the_seeds_of_a_cell(seeds, size):
    made = plan(seeds=seeds, top={"compute": {"seeds_per_job": size}}, methods=["l2rw"])
    (cell, *_) = made.cells.values()
    chunks = [parse_seeds(job) for job in made.jobs(cell)]
    assert [seed for chunk in chunks for seed in chunk] == list(range(seeds))
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_the_data_sets_needed_are_known():
    assert plan().datasets == {"digits": CATALOG["digits"]}


def test_only_jobs_that_train_a_wanted_seed_are_asked_for():
    made = plan(seeds=7, top={"compute": {"seeds_per_job": 3}})
    (cell, *_) = made.cells.values()
    assert made.jobs(cell) == ["0-2", "3-5", "6"]
    assert made.jobs(cell, [4, 6]) == ["3-5", "6"]


class TestSeedsThatAreTrainedAlready:
    """How many seeds a job has is no part of a result: what is there is used as it is."""

    @staticmethod
    def jobs(folder, there, seeds, size, file="result.json"):
        top = {"compute": {"seeds_per_job": size}}
        settings = {"methods": ["l2rw"], "majority_shares": [0.9], "seeds": seeds}
        (cell,) = plan(top=top, **settings).cells.values()
        for job in there:
            path = folder / "runs" / cell.id / f"seed-{job}" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return Plan(plan(top=top, **settings).config, folder).jobs(cell)

    @pytest.mark.parametrize(
        ("there", "seeds", "size", "jobs"),
        [
            ([], 3, 2, ["0-1", "2"]),
            (["0-4"], 5, 1, ["0-4"]),
            (["0", "1", "2"], 3, 3, ["0", "1", "2"]),
            (["0-2"], 8, 3, ["0-2", "3-5", "6-7"]),
            (["0", "3"], 5, 5, ["0", "1-2", "3", "4"]),
            (["0-4"], 3, 1, ["0-4"]),
            (["0-4", "0", "3-7"], 8, 2, ["0-4", "5-6", "7"]),
            (["5"], 5, 5, ["0-4"]),
            (["copy", "2-1"], 2, 1, ["0", "1"]),
        ],
    )
    def test_are_not_trained_again(self, tmp_path, there, seeds, size, jobs):
        assert self.jobs(tmp_path, there, seeds, size) == jobs

    def test_count_only_once_the_result_is_written(self, tmp_path):
        assert self.jobs(tmp_path, ["0-4"], 5, 1, file="metrics.csv") == list("01234")

    @given(
        seeds=st.integers(1, 15),
        size=st.integers(1, 5),
        there=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 4))),
        order=st.randoms(use_true_random=False),
    )
    def test_leave_the_same_jobs_while_the_rest_is_being_trained(
        self, tmp_path_factory, seeds, size, there, order
    ):
        folder = tmp_path_factory.mktemp("results")
        names = [f"{first}-{first + more}" if more else f"{first}" for first, more in there]
        jobs = self.jobs(folder, names, seeds, size)
        covered = [seed for job in jobs for seed in parse_seeds(job)]
        assert len(covered) == len(set(covered))
        assert set(range(seeds)) <= set(covered)
        assert all(len(parse_seeds(job)) <= size for job in jobs if job not in names)
        to_do = [job for job in jobs if job not in names]
        order.shuffle(to_do)
        for done in to_do:
            assert self.jobs(folder, [done], seeds, size) == jobs


def test_the_runs_of_an_experiment_are_its_cells_by_its_jobs():
    made = plan(seeds=2)
    assert sorted(made.runs("figure2")) == sorted((key, job) for key in made.cells for job in "01")


@pytest.mark.parametrize(
    "made",
    [
        plan(training={"decay_at": [3, 5]}),
        noisy({"table2": {"rows": ["s_model_conf+es+ft"]}, "table1": {"rows": ["random+ft"]}}),
    ],
    ids=["figure2", "tables"],
)
def test_jobs_read_from_the_plan_file_what_was_planned(made, tmp_path):
    made.create(tmp_path)
    for key, cell in made.cells.items():
        home = made.owner(key)
        written = read_plan(tmp_path / "plan" / made.file(home))
        assert made.owner(cell.split.id) == home
        assert written.seeds == made.experiments[home].seeds
        read = written.cell(key)
        assert read.run_spec == cell.spec
        assert read.corruption == cell.split.corruption
        assert read.split == cell.split.id
        assert list(map(format_seeds, read.jobs)) == made.jobs(cell)
        assert read.parent == (cell.parent and cell.parent.id)


def theory(**changes):
    """The plan of both checks of the theory, with some settings of their problem changed."""
    return Plan(parse_config({"targets": ["theorem2", "lemma1"], "theory": changes}))


def test_simulations_read_from_the_plan_file_what_was_planned(tmp_path):
    made = theory()
    made.create(tmp_path)
    for key, cell in made.cells.items():
        written = read_plan(tmp_path / "plan" / made.file(made.owner(key)))
        assert written.seeds == (0,)
        assert written.parents == ()
        read = written.cell(key)
        assert read.simulation_spec == cell.spec
        assert read.corruption == cell.split.corruption
        assert (read.jobs, read.parent) == ((range(1),), None)


@pytest.mark.parametrize("size", [1, 5])
def test_a_simulation_is_a_job_of_one_seed_however_many_seeds_a_training_job_has(size):
    raw = {"targets": ["lemma1"], "compute": {"seeds_per_job": size}}
    made = Plan(parse_config(raw))
    assert made.runs("lemma1") == [(key, "0") for key in made.cells]
    assert made.experiments["lemma1"].results_file == "checks.json"


def test_no_two_simulations_are_the_same():
    made = theory()
    assert len({cell.id for cell in made.cells.values()}) == len(made.cells) == 10
    assert not ids(made) & ids(theory(trajectories=21))


def test_a_plan_file_tells_what_is_shown_from_what_is_only_waited_for():
    described = noisy({"table2": {"datasets": ["cifar10"], "rows": ["s_model_conf+ft"]}}).describe(
        "table2"
    )
    names = {
        kind: [cell.id.split("/")[1].rpartition("-")[0] for cell in getattr(described, kind)]
        for kind in ("cells", "parents")
    }
    assert names == {"cells": ["s_model_conf+ft"], "parents": ["baseline", "s_model_conf"]}


class TestParents:
    """Jobs wait for the jobs of the parent cell that train their seeds."""

    @staticmethod
    def made(size, seeds_of_child, seeds_of_parent):
        """A fine-tuned baseline in a table, the baseline in a figure with seeds of its own."""
        made = noisy(
            {
                "table2": {"datasets": ["cifar10"], "rows": ["baseline+ft"]},
                "figure7": {"rows": ["baseline"]},
            },
            compute={"seeds_per_job": size},
        )
        seeds = {"table2": seeds_of_child, "figure7": seeds_of_parent}
        made.experiments = {
            name: replace(experiment, seeds=tuple(range(seeds[name])))
            for name, experiment in made.experiments.items()
        }
        (child,) = (planned.cell for planned in made.experiments["table2"].cells)
        return made, child

    @pytest.mark.parametrize(
        ("size", "child", "parent", "waits"),
        [
            (2, 3, 5, {"0-1": ["0-1"], "2": ["2-3"]}),
            (2, 5, 3, {"0-1": ["0-1"], "2-3": ["2-3"], "4": ["4"]}),
            (3, 4, 5, {"0-2": ["0-2"], "3": ["3-4"]}),
            (3, 2, 5, {"0-1": ["0-2"]}),
        ],
    )
    def test_are_known_where_experiments_differ_in_seeds(self, size, child, parent, waits):
        made, cell = self.made(size, child, parent)
        assert {job: made.parents(cell.id, parse_seeds(job)) for job in made.jobs(cell)} == {
            job: [(cell.parent.id, name) for name in names] for job, names in waits.items()
        }

    @given(size=st.integers(1, 6), child=st.integers(1, 12), parent=st.integers(1, 12))
    def test_train_every_seed_that_waits(self, size, child, parent):
        made, cell = self.made(size, child, parent)
        for job in made.jobs(cell):
            waiting = set(parse_seeds(job))
            names = [name for _, name in made.parents(cell.id, waiting)]
            assert set(names) <= set(made.jobs(cell.parent))
            assert waiting <= {seed for name in names for seed in parse_seeds(name)}
            assert all(waiting & set(parse_seeds(name)) for name in names)

    def test_are_none_for_cells_that_wait_for_nothing(self):
        made, cell = self.made(2, 3, 5)
        assert made.parents(cell.parent.id, range(2)) == []

    def test_are_no_runs_that_a_table_shows(self):
        made, cell = self.made(2, 3, 5)
        assert made.runs("table2") == [(cell.id, "0-1"), (cell.id, "2")]


def test_jobs_that_meet_edited_code_get_a_plan_file_of_it(tmp_path, monkeypatch):
    plan().create(tmp_path)
    (before,) = (tmp_path / "plan").iterdir()
    monkeypatch.setattr("l2rw.experiments.cells.analysis_hash", lambda: "edited")
    plan().create(tmp_path)
    assert before.exists()
    assert len(list((tmp_path / "plan").iterdir())) == 2


def test_a_plan_file_that_was_edited_is_written_anew(tmp_path):
    plan().create(tmp_path)
    (file,) = (tmp_path / "plan").iterdir()
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"learning_rate": 0.001', b'"learning_rate": 0.1'))
    assert file.read_bytes() != content
    plan().create(tmp_path)
    assert file.read_bytes() == content
    assert list((tmp_path / "plan").iterdir()) == [file]


def test_a_plan_file_that_is_there_is_not_touched(tmp_path):
    plan().create(tmp_path)
    (file,) = (tmp_path / "plan").iterdir()
    os.utime(file, (1, 1))
    plan().create(tmp_path)
    assert file.stat().st_mtime == 1


def test_the_networks_of_the_paper_that_are_timed():
    assert re.fullmatch(r"lenet-resnet32-[0-9a-f]{8}\.json", Plan(parse_config({})).bench_file)
    assert plan().timed_networks == ["lenet"]
    assert theory().bench_file is None
    shared = {"targets": ["table1"]}
    assert Plan(parse_config(shared)).timed_networks == []


def test_settings_of_a_method_are_part_of_its_cells_and_of_no_other():
    rows = ["gce", {"method": "gce", "q": 0.5}, "l2rw"]
    planned = plan(methods=rows, majority_shares=[0.9])
    by_method = {cell.name: dict(cell.spec.method_settings) for cell in planned.cells.values()}
    assert by_method == {"gce": {"q": 0.7}, "gce-q=0.5": {"q": 0.5}, "l2rw": {}}
    assert ids(plan(methods=["l2rw"], majority_shares=[0.9])) < ids(planned)
    shown = [planned.setting["row"] for planned in planned.experiments["figure2"].cells]
    assert shown == ["gce", "gce, q=0.5", "l2rw"]


def test_another_optimiser_or_schedule_is_named_in_the_caption():
    changed = plan(training={"optimizer": "adamw"}).experiments["figure2"].caption
    assert "steps of AdamW, learning rate" in changed
    assert "steps of SGD, learning rate" in plan().experiments["figure2"].caption
