"""Experiments with noisy labels: runs that wait for others, and runs that experiments share."""

import os
import re
from collections import Counter

import pandas as pd
import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan

from .conftest import NOISY, Workspace, jobs, run_once, with_shared

pytestmark = pytest.mark.workflow

LONGER_FINE_TUNING = with_shared(fine_tuning_steps=5)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything has run once; not to be changed."""
    return run_once(tmp_path_factory, NOISY, timings_made_up=True)


def trained(log: str) -> Counter[str]:
    """Return what training jobs of a log train: rows, or methods, of cells."""
    cells = re.findall(r"rule train:\n(?: .*\n)*?    wildcards: cell=[^/]+/(\S+)-\w+, seeds", log)
    assert len(cells) == jobs(log).count("train")
    return Counter(cells)


def test_everything_is_made_and_what_experiments_share_is_trained_once(finished):
    assert Counter(finished.first_run) == {
        "fetch": 1,
        "corrupt": 2 + 1 + 1,  # seeds of the corruptions; Figure 6 shows one, as Figure 2 here
        # Four rows and the half-way network of Figure 3; both rows of Figure 6; one of Figure 2.
        "train": 5 + 2 + 1,
        "probe": 1,
        "detect": 1,
        "tabulate": 6,
        "draw": 6,
        "metrics": 1,
        "judge": 1,
    }
    for experiment in NOISY["targets"]:
        for suffix in ("csv", "md", "tex", "html", "json"):
            assert (finished.results / f"tables/{experiment}.{suffix}").stat().st_size > 0
        for suffix in ("pdf", "svg", "png", "csv", "json"):
            assert (finished.results / f"figures/{experiment}.{suffix}").stat().st_size > 0


def test_a_table_has_every_row_of_every_seed(finished):
    runs = pd.read_csv(finished.results / "tables/table2.csv")
    rows = NOISY["experiments"]["table2"]["rows"]
    assert sorted(zip(runs["row"], runs["seed"], strict=True)) == sorted(
        (row, seed) for row in rows for seed in (0, 1)
    )


def test_the_decay_of_the_clean_gradient_is_that_of_shared_runs(finished):
    gradients = pd.read_csv(finished.results / "tables/gradient_norm.csv")
    assert gradients.groupby(["corruption", "network"])["step"].unique().map(list).to_dict() == {
        ("background_flip", "resnet_8x8"): [3, 6],
        ("imbalance", "lenet_8x8"): [3, 6],
    }
    assert set(gradients["seed"]) == {0}
    assert (gradients["squared_clean_gradient"] > 0).all()
    table2 = pd.read_csv(finished.results / "tables/table2.csv")
    shared = set(gradients["cell"]) & set(table2["cell"])
    assert shared == set(table2[table2["row"] == "l2rw"]["cell"])


def test_jobs_start_when_those_they_wait_for_are_done(finished):
    (log,) = (finished.folder / ".snakemake/log").glob("*.log")
    text = log.read_text()
    start = r"rule train:\n(?: .*\n)*?    jobid: (\d+)\n(?: .*\n)*?    wildcards: cell=(\S+), seeds"
    starts = {match[2]: match.start() for match in re.finditer(start, text)}
    ends = {
        match[2]: text.index(f"Finished jobid: {match[1]} (Rule: train)")
        for match in re.finditer(start, text)
    }
    cells = Plan(parse_config(NOISY)).cells
    assert set(starts) == set(cells)
    waited = [(key, cell.parent.id) for key, cell in cells.items() if cell.parent]
    assert len(waited) == 2
    assert all(ends[parent] < starts[child] for child, parent in waited)


def test_every_job_leaves_its_files_and_no_others(finished):
    plan = Plan(parse_config(NOISY))
    (probed,) = plan.experiments["figure3"].all_cells
    (looked_by,) = plan.experiments["detectors"].all_cells
    added = {
        probed: {"probe.csv", "probe.json"},
        looked_by: {"detectors.csv", "detectors.json"},
    }
    left = {"result.json", "metrics.csv", "suspects.csv", "network.safetensors"}
    for key, cell in plan.cells.items():
        both_seeds = cell.split.corruption.name == "background_flip"
        (folder,) = (finished.results / "runs" / key).iterdir()
        assert folder.name == ("seed-0-1" if both_seeds else "seed-0")
        names = {path.name for path in folder.iterdir()}
        assert names == left | added.get(key, set())
    assert not list((finished.folder / "checkpoints").rglob("*.safetensors*"))


def test_a_second_run_does_nothing(finished, tmp_path):
    assert finished.copied(tmp_path / "copy").run(NOISY) == []


def test_a_clone_trains_what_depends_on_a_change_and_nothing_else(finished, tmp_path):
    clone = finished.cloned(tmp_path / "clone")
    assert clone.planned(NOISY) == []
    log = clone.dry_run(LONGER_FINE_TUNING)
    assert trained(log) == {"baseline+ft": 1}
    # Tables and figures record the settings that they share, and are made again.
    assert set(jobs(log)) == {"draw", "judge", "metrics", "tabulate", "train"}
    log = clone.dry_run(with_shared(seeds=3))
    # The half-way network, too; but Figures 2 and 6 show one seed whatever there is.
    assert trained(log) == {"baseline": 1, "baseline+ft": 1, "s_model_conf": 1, "l2rw": 2}
    assert "seeds=2\n" in log
    assert "seeds=0-1\n" not in log
    assert clone.planned(NOISY) == []


def test_networks_may_be_left_out_of_a_clone_until_a_run_goes_on_from_them(finished, tmp_path):
    clone = finished.cloned(tmp_path / "clone")
    for network in clone.results.rglob("network.safetensors"):
        network.unlink()
    assert clone.planned(NOISY) == []
    again = trained(clone.dry_run(LONGER_FINE_TUNING))
    assert {"baseline", "baseline+ft"} <= set(again)
    assert "l2rw" not in again


def test_a_trained_network_that_is_damaged_is_named(finished, tmp_path):
    copy = finished.copied(tmp_path / "copy")
    for network in copy.results.rglob("baseline-*/seed-0-1/network.safetensors"):
        network.write_bytes(b"damaged")
        os.utime(network, (1, 1))
    done = copy.snakemake(LONGER_FINE_TUNING, "--until", "train")
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.strip().startswith("Error: ")]
    assert len(errors) == 1
    assert "network.safetensors is missing, damaged or was changed" in errors[0]
    assert " Hint: " in errors[0]


def test_files_tell_which_images_were_suspected(finished):
    (folder,) = (finished.results / "runs").glob("digits-background*/baseline-*")
    suspects = pd.read_csv(folder / "seed-0-1/suspects.csv")
    assert set(suspects["seed"]) == {0, 1}
    wrong = suspects[suspects["clean"] == 0].groupby("seed")["given_label"]
    # The background classes of the two seeds.
    assert {seed: set(labels) for seed, labels in wrong} == {0: {0}, 1: {1}}
