import json
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from .conftest import TINY, Workspace, edit

pytestmark = pytest.mark.workflow

MORE_SEEDS = edit(TINY, seeds=3)
OTHER_SHARE = edit(TINY, majority_shares=[0.8, 0.9])
LONGER = edit(TINY, training=TINY["experiments"]["figure2"]["training"] | {"steps": 8})


def digests(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture(scope="module")
def with_one_more(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which a seed was added later; not to be changed."""
    workspace = finished.copied(tmp_path_factory.mktemp("one-more") / "copy")
    assert workspace.run(MORE_SEEDS).count("train") == 2
    return workspace


def test_one_command_makes_everything(finished):
    assert finished.first_run == sorted(
        ["fetch"]
        + ["corrupt"] * 2
        + ["train"] * 4
        + ["tabulate", "draw", "metrics", "bench", "judge"]
    )
    for suffix in ("pdf", "svg", "png", "csv", "json"):
        assert (finished.results / f"figures/figure2.{suffix}").stat().st_size > 0
    runs = pd.read_csv(finished.results / "tables/figure2.csv")
    assert set(zip(runs["row"], runs["seed"], strict=True)) == {
        (method, seed) for method in ("baseline", "l2rw") for seed in (0, 1)
    }


def test_the_report_holds_the_ledger_and_needs_no_cores(workspace):
    workspace.where = ()
    done = workspace.snakemake(TINY, "--report", "report.html")
    assert done.returncode == 0, done.stderr
    assert "REPRODUCTION.html" in (workspace.folder / "report.html").read_text()


def test_a_second_run_does_nothing(workspace):
    assert workspace.run(TINY) == []


@pytest.mark.parametrize(
    ("changed", "trained"),
    [(MORE_SEEDS, 2), (OTHER_SHARE, 4), (LONGER, 4), (edit(TINY, methods=["l2rw"]), 0)],
    ids=["one seed more", "one share more", "more steps", "one method less"],
)
def test_a_changed_setting_plans_its_own_cells(workspace, changed, trained):
    planned = workspace.planned(changed)
    assert planned.count("train") == trained
    assert {"tabulate", "draw", "metrics", "judge"} <= set(planned)
    assert "fetch" not in planned
    assert workspace.planned(TINY) == []


def test_a_setting_changed_back_trains_nothing(finished, with_one_more, tmp_path):
    before = digests(finished.results / "tables") | digests(finished.results / "figures")
    workspace = with_one_more.copied(tmp_path / "copy")
    assert set(pd.read_csv(workspace.results / "tables/figure2.csv")["seed"]) == {0, 1, 2}
    assert workspace.run(TINY) == ["draw", "judge", "metrics", "tabulate"]
    assert digests(workspace.results / "tables") | digests(workspace.results / "figures") == before
    assert workspace.run(TINY) == []


def test_outputs_of_another_plan_that_come_back_are_not_taken_for_current(
    finished, with_one_more, tmp_path
):
    """As `dvc checkout` brings them back after a change: older content, any times."""
    workspace = with_one_more.copied(tmp_path / "copy")
    current = (workspace.results / "tables/figure2.csv").read_bytes()
    for _ in range(2):
        for kind in ("tables", "figures"):
            shutil.copytree(finished.results / kind, workspace.results / kind, dirs_exist_ok=True)
        assert workspace.run(MORE_SEEDS) == ["draw", "judge", "metrics", "tabulate"]
        assert (workspace.results / "tables/figure2.csv").read_bytes() == current
        assert workspace.planned(MORE_SEEDS) == []
    for name, rule in (("metrics.json", "metrics"), ("claims.json", "judge")):
        current = (workspace.results / name).read_bytes()
        shutil.copy(finished.results / name, workspace.results)
        assert workspace.planned(MORE_SEEDS) == [rule]
        (workspace.results / name).write_bytes(current)
    assert workspace.planned(MORE_SEEDS) == []


@pytest.mark.parametrize(
    "lost",
    [
        *("tables/figure2.md", "figures/figure2.png", "metrics.json"),
        *("REPRODUCTION.md", "claims.csv"),
    ],
)
def test_a_lost_output_is_made_again(workspace, lost):
    (workspace.results / lost).unlink()
    assert workspace.planned(TINY)


def test_inputs_that_are_made_again_are_no_reason_to_train_again(workspace):
    """Snakemake would even remove the results first, of all runs on the same data."""
    for kind in ("data", "splits"):
        shutil.rmtree(workspace.results / kind)
    assert workspace.planned(TINY) == []
    planned = Counter(workspace.planned(MORE_SEEDS))
    assert (planned["fetch"], planned["train"]) == (1, 2)


def test_how_jobs_run_is_no_reason_to_run_them(workspace):
    assert workspace.planned(TINY | {"compute": {"threads": 2, "device": "cpu"}}) == []


def together(config, seeds):
    return config | {"compute": {"seeds_per_job": seeds}}


def test_seeds_that_are_trained_stay_however_many_a_job_has(workspace):
    assert workspace.planned(together(TINY, 2)) == []
    more = edit(TINY, seeds=5, methods=["baseline"])
    assert workspace.planned(together(more, 3)).count("train") == 1
    assert workspace.run(together(more, 2)).count("train") == 2
    assert workspace.planned(together(more, 1)) == []
    assert set(pd.read_csv(workspace.results / "tables/figure2.csv")["seed"]) == set(range(5))


def test_results_are_the_same_however_many_seeds_a_job_has(finished, tmp_path):
    """Trained one after the other, in the same process or not."""
    workspace = Workspace(tmp_path)
    assert workspace.run(together(TINY, 2), "--until", "tabulate").count("train") == 2
    columns = ["cell", "seed", "test_error", "test_loss"]
    alone, jointly = (
        pd.read_csv(done.results / "tables/figure2.csv")[columns] for done in (finished, workspace)
    )
    pd.testing.assert_frame_equal(jointly, alone, check_exact=True)
    for job in workspace.results.rglob("seed-0-1/metrics.csv"):
        cell = finished.results / job.parents[1].relative_to(workspace.results)
        parts = [pd.read_csv(cell / f"seed-{seed}/metrics.csv") for seed in (0, 1)]
        pd.testing.assert_frame_equal(pd.read_csv(job), pd.concat(parts, ignore_index=True))
        for seed in (0, 1):
            mine = load_file(cell / f"seed-{seed}/network.safetensors")
            shared = load_file(job.with_name("network.safetensors"))
            assert all(torch.equal(shared[name], tensor) for name, tensor in mine.items())


def test_a_clone_has_nothing_to_do_and_notices_an_edit(clone):
    assert clone.planned(TINY) == []
    assert clone.planned(MORE_SEEDS).count("train") == 2
    assert clone.planned(TINY) == []


def test_an_interrupted_change_is_not_forgotten(clone):
    """The plan file alone must not make a figure of an earlier plan pass for a current one."""
    assert clone.planned(edit(TINY, methods=["l2rw"])) == ["draw", "judge", "metrics", "tabulate"]
    assert clone.planned(edit(TINY, methods=["l2rw"])) == ["draw", "judge", "metrics", "tabulate"]


def test_two_runs_of_a_seed_agree_bit_for_bit(finished, clone):
    runs = clone.results / "runs"
    for result in runs.rglob("seed-0/result.json"):
        result.unlink()
    assert clone.run(edit(TINY, methods=["l2rw", "baseline"])).count("train") == 2
    for path in runs.rglob("metrics.csv"):
        again = finished.results / "runs" / path.relative_to(runs)
        assert path.read_bytes() == again.read_bytes()


def test_results_name_what_made_them(finished):
    (result, *_) = (finished.results / "runs").rglob("result.json")
    content = json.loads(result.read_text())
    assert content["cell"]["training"]["steps"] == 6
    assert {"commit", "source", "versions", "device", "threads", "precision"} <= set(
        content["made"]
    )


def test_a_dry_run_of_other_settings_leaves_the_files_of_jobs_alone(workspace):
    before = digests(workspace.results / "plan")
    workspace.planned(edit(TINY, methods=["random"]))
    after = digests(workspace.results / "plan")
    assert before.items() < after.items()
