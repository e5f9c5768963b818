import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.running import checks
from l2rw.store.errors import UserError

SMALL = {"dataset": "digits", "corruption": {"train_size": 100, "clean_size": 4}}
SMALL |= {"sweep": {"majority_share": [0.8]}}


def plan(**more):
    return Plan(parse_config({"targets": ["figure2"], "experiments": {"figure2": SMALL}, **more}))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr(checks, "count_slots", lambda jobs: 0)
    checks.check_device(plan())
    with pytest.raises(UserError, match=r"compute\.device is cuda, but .* Hint: set it to auto"):
        checks.check_device(plan(compute={"device": "cuda"}))
    monkeypatch.setattr(checks, "count_slots", lambda jobs: 1)
    checks.check_device(plan(compute={"device": "cuda"}))


@pytest.mark.parametrize("place", [Path(), Path("results/deep"), Path("/nowhere/at/all")])
def test_a_full_disk_is_told(place):
    checks.check_disk(place, 1)
    with pytest.raises(UserError, match=r"MB are free on the disk of .* Hint: free some space"):
        checks.check_disk(place, 1e30)


def test_absent_data_are_told_before_anything_runs(monkeypatch):
    monkeypatch.delenv("L2RW_DATA", raising=False)
    absent = plan(data={"download": False})
    checks.check_data(absent)
    section = SMALL | {"dataset": "mnist"}
    raw = {"targets": ["figure2"], "experiments": {"figure2": section}, "data": {"download": False}}
    with pytest.raises(UserError, match="train-images-idx3-ubyte"):
        checks.check_data(Plan(parse_config(raw)))


def test_a_lock_on_these_results_is_told_and_one_on_others_is_not():
    config = plan().config
    checks.LOCKS.mkdir(parents=True)
    (checks.LOCKS / "0.output.lock").write_text("results/other/tables/a.csv\n")
    checks.check_locks(config, "unlock")
    (checks.LOCKS / "1.output.lock").write_text("results/paper/tables/a.csv\n")
    with pytest.raises(UserError, match=r"Another run has locked results/paper.*`unlock` removes"):
        checks.check_locks(config, "unlock")


def test_results_that_are_in_the_way_are_told():
    checks.check_places(plan())
    Path("results").write_text("mine")
    with pytest.raises(UserError, match=r"results is not a folder.* Hint: move it"):
        checks.check_places(plan())


def test_a_symbolic_link_is_refused_where_dvc_would_fail_after_all_work(monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Path("results").symlink_to(tmp_path / "elsewhere")
    checks.check_places(plan())
    monkeypatch.setenv("DVC_STAGE", "reproduce@demo")
    with pytest.raises(UserError, match="behind a symbolic link, where DVC cannot record results"):
        checks.check_places(plan())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("where", ["results", "results/paper/runs", "logs", "checkpoints/paper"])
def test_what_another_owner_keeps_to_themselves_is_told(where, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:  # those of pytest are closed to others
        monkeypatch.chdir(folder)
        Path(folder).chmod(0o755)
        Path(where).mkdir(parents=True)
        os.seteuid(65534)
        try:
            with pytest.raises(UserError, match=r"Nothing can be written to .* Hint: run in a"):
                checks.check_places(plan())
        finally:
            os.seteuid(0)
        monkeypatch.undo()


def test_a_read_only_mount_is_told(tmp_path):
    Path("results").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", tmp_path / "results"]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    try:
        with pytest.raises(UserError, match=rf"Nothing can be written to {tmp_path}/results"):
            checks.check_places(plan())
    finally:
        subprocess.run(["umount", tmp_path / "results"], check=True)
