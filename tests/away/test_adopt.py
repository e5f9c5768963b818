import gzip
import io
import json
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from l2rw.away.jobs import read_jobs
from l2rw.away.packing import Bundle, Limits, pack
from l2rw.commands.main import main
from l2rw.store.checksums import with_checksums
from l2rw.store.files import write_json
from l2rw.store.paths import RUN_FILES
from l2rw.store.sealed_tensors import write_sealed
from l2rw.training.plan_file import read_plan

from .conftest import write_plan

FAR = 1e12


def made_up_run(job, error=0.5):
    """Leave a result that looks like a trained one."""
    job.out.mkdir(parents=True, exist_ok=True)
    side = [job.out / name for name in RUN_FILES[:-1]]
    for path in side:
        path.write_text(f"{path.name} of {job.name}")
    runs = [{"seed": seed, "test_error": error} for seed in job.seeds]
    content = {"cell": job.cell.to_json(), "runs": runs, "made": {"device": "a GPU"}}
    write_json(job.out / "result.json", with_checksums(content, side))
    return Bundle.of_run(job.out)


def made_up_checkpoint(job, step, device="cuda"):
    job.checkpoints.mkdir(parents=True, exist_ok=True)
    path = job.checkpoints / f"seed-{job.seeds[0]}.safetensors"
    header = {"fingerprint": f"{job.id} {path.stem} on {device} with 1 threads", "step": str(step)}
    tensors = load_file(path) if path.exists() else {}
    write_sealed(path, tensors, header)
    return Bundle.of_checkpoint(path)


def adopt(*paths, results="results"):
    return main(["adopt", *map(str, paths), "--results", str(results)])


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def jobs(lent):
    return read_jobs([read_plan(write_plan())], {})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a function that packs, and goes home."""

    def go(*bundles, folder="pack", limits=Limits(2**20)):  # noqa: B008
        parts, left_out = pack(bundles, tmp_path / folder, limits, FAR)
        assert not left_out
        (tmp_path / "home").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "home")
        return parts

    return go


def test_runs_and_checkpoints_come_home_with_the_data_behind_them(lent, jobs, home, capsys):
    done = [job for job in jobs if not job.parents]
    parts = home(*map(made_up_run, done[:3]), made_up_checkpoint(done[3], 7))
    assert adopt(*parts) == 0
    told = capsys.readouterr().out
    assert told.count("adopted: results/tiny/runs/") == 3
    assert "adopted (after step 7, cuda with 1 threads): checkpoints/tiny/" in told
    for folder in ("results/tiny/runs", "checkpoints"):
        assert files_of(Path(folder)) == files_of(lent / folder)
    for job in done[:3]:
        assert job.data.exists()
        assert all(path.exists() for path in job.splits)
    assert not list(Path("results").glob(".adopt-*"))
    assert adopt(*parts) == 0
    assert capsys.readouterr().out == "4 there already\n"


def test_folders_may_have_other_names(jobs, home, lent):
    parts = home(made_up_run(jobs[0]), made_up_checkpoint(jobs[1], 1))
    assert adopt(*parts, results="deep/ones") == 0
    assert files_of(Path("deep/ones/tiny/runs")) == files_of(lent / "results/tiny/runs")
    assert files_of(Path("deep/checkpoints")) == files_of(lent / "checkpoints")


def test_another_run_that_is_there_is_kept_and_named(jobs, home, capsys):
    parts = home(made_up_run(jobs[0], error=0.5))
    made_up_run(jobs[0], error=0.25)
    before = files_of(Path("results/tiny/runs"))
    assert adopt(*parts) == 0
    assert f"kept what is there, which differs: {jobs[0].out}" in capsys.readouterr().out
    assert files_of(Path("results/tiny/runs")) == before


def test_what_an_interrupted_run_has_left_is_no_run(jobs, home, lent):
    parts = home(made_up_run(jobs[0]))
    jobs[0].out.mkdir(parents=True)
    (jobs[0].out / "metrics.csv").write_text("of a job that was killed before its result")
    assert adopt(*parts) == 0
    assert files_of(Path("results/tiny/runs")) == files_of(lent / "results/tiny/runs")


def test_a_checkpoint_gives_way_to_a_later_one_of_the_same_run_alone(jobs, home, capsys):
    job = jobs[0]
    parts = home(made_up_checkpoint(job, 20))
    for step, device, expected in (
        (10, "cuda", "adopted"),
        (30, "cuda", "kept what is there"),
        (10, "cpu", "kept what is there"),
    ):
        made_up_checkpoint(job, step, device)
        assert adopt(*parts) == 0
        assert capsys.readouterr().out.startswith(expected)
    made_up_run(job)
    assert adopt(*parts) == 0
    assert capsys.readouterr().out.startswith("not needed, its run is done")


def test_a_damaged_checkpoint_at_home_is_named(jobs, home, capsys):
    (part,) = home(made_up_checkpoint(jobs[0], 20))
    made_up_checkpoint(jobs[0], 10)
    (path,) = Path("checkpoints").rglob("*.safetensors")
    for content in (path.read_bytes()[:-1], path.read_bytes().replace(b"10", b"90", 1)):
        path.write_bytes(content)
        assert adopt(part) == 2
        told = capsys.readouterr().err
        assert f"{path} is damaged (the one that is here already: " in told
        assert "; delete it), and was not adopted" in told
    path.unlink()
    assert adopt(part) == 0


def test_a_damaged_part_costs_its_own_runs_alone(jobs, home, capsys):
    done = [job for job in jobs if not job.parents]
    big = [made_up_run(job) for job in done]
    for job in done:
        (job.out / "network.safetensors").write_bytes(os.urandom(60_000))
        content = {"cell": job.cell.to_json(), "runs": [{"seed": s} for s in job.seeds], "made": {}}
        side = [job.out / name for name in RUN_FILES[:-1]]
        write_json(job.out / "result.json", with_checksums(content, side))
    parts = home(*big, limits=Limits(150_000))
    assert len(parts) == 2
    content = parts[0].read_bytes()
    parts[0].write_bytes(content[: len(content) // 2])
    assert adopt(*parts) == 2
    said = capsys.readouterr()
    assert 0 < said.out.count("adopted: ") < len(done)
    assert said.err.startswith("Error: Not everything was adopted: ")
    assert f"{parts[0]} is damaged" in said.err
    there = [job for job in done if job.out.exists()]
    assert there
    for job in there:
        assert {path.name for path in job.out.iterdir()} == set(RUN_FILES)
    for job in set(done) - set(there):
        assert f"{job.out} is damaged, or a part of its pack is missing" in said.err
    # Once all parts are whole, the rest follows.
    parts[0].write_bytes(content)
    assert adopt(*parts) == 0
    assert all(job.is_done for job in done)


def test_a_flipped_bit_is_noticed(jobs, home, capsys):
    (part,) = home(made_up_run(jobs[0]))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert adopt(part) == 2
    assert "nothing adopted" in capsys.readouterr().out
    assert not jobs[0].out.exists()


def test_files_that_are_no_archives_are_named(lent, capsys):
    path, told = lent / "part-1.tar.gz", "Error: Not everything was adopted: part-1.tar.gz"
    assert adopt(path.name) == 2
    assert f"{told} cannot be read (No such file or directory)" in capsys.readouterr().err
    path.write_text("hello")
    assert adopt(path.name) == 2
    assert f"{told} is damaged" in capsys.readouterr().err


def test_a_result_whose_own_checksums_do_not_hold_is_refused(jobs, home, capsys):
    bundle = made_up_run(jobs[0])
    (jobs[0].out / "metrics.csv").write_text("edited before it was packed")
    assert adopt(*home(bundle)) == 2
    assert f"{jobs[0].out} is damaged ({jobs[0].out}/metrics.csv" in capsys.readouterr().err
    assert not jobs[0].out.exists()


def test_a_result_of_another_run_is_refused(jobs, home, capsys):
    bundle = made_up_run(jobs[0])
    shutil.copytree(jobs[0].out, jobs[1].out)
    bundle = Bundle.of_run(jobs[1].out)
    assert adopt(*home(bundle)) == 2
    assert "its result is of another run" in capsys.readouterr().err


def test_a_result_cannot_lead_its_data_astray(jobs, home, capsys, tmp_path):
    astray = replace(jobs[0].cell, split="../../../../outside")
    assert adopt(*home(made_up_run(replace(jobs[0], cell=astray)))) == 2
    assert "its data is of another run" in capsys.readouterr().err
    assert not list(tmp_path.rglob("outside*"))


def test_a_run_without_its_parent_is_told(jobs, home, capsys):
    child = next(job for job in jobs if job.parents)
    assert adopt(*home(made_up_run(child))) == 2
    parent = child.parents[0].id
    assert f"{child.name} starts from {parent}, which is not here" in capsys.readouterr().err
    assert child.is_done


def archive(path, members, pieces):
    """Write an archive with members of any kind and a manifest that lists pieces."""
    manifest = json.dumps({"pack": "0" * 64, "part": 1, "parts": 1, "pieces": pieces}).encode()
    first = tarfile.TarInfo("manifest.json")
    first.size = len(manifest)
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(first, io.BytesIO(manifest))
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))


def piece(file, **changes):
    return {"name": file, "file": file, "start": 0, "size": 1, "sha256": "0" * 64} | changes


GOOD = "results/tiny/runs/split/cell/seed-0/result.json"


def member(name, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, "/etc/passwd", int(kind == tarfile.REGTYPE)
    return info


@pytest.mark.parametrize(
    ("members", "pieces"),
    [
        ([member("../evil")], []),
        ([member("/evil")], [piece("/evil")]),
        ([member("../evil")], [piece("../evil")]),
        ([member("a")], [piece(f"results/tiny/runs/../../evil/seed-0/{RUN_FILES[0]}", name="a")]),
        ([member("a")], [piece("results/../runs/a/b/seed-0/result.json", name="a")]),
        ([member("a")], [piece("results/tiny/runs/split/cell/seed-0/evil.sh", name="a")]),
        ([member("a")], [piece("checkpoints/tiny/../cell/seed-0.safetensors", name="a")]),
        ([member("a")], [piece(GOOD, name="a", start=-5)]),
        ([member("a")], [piece(GOOD, name="a", size="1")]),
        ([member("a")], [{"name": "a"}]),
        ([member(GOOD, tarfile.SYMTYPE)], [piece(GOOD)]),
        ([member(GOOD, tarfile.LNKTYPE)], [piece(GOOD)]),
        ([member(GOOD, tarfile.DIRTYPE)], [piece(GOOD)]),
        ([member(GOOD), member(GOOD)], [piece(GOOD)]),
    ],
)
def test_an_archive_of_another_kind_is_refused_before_anything_is_adopted(
    jobs, home, capsys, members, pieces
):
    (good,) = home(made_up_run(jobs[0]))
    archive(Path("evil.tar.gz"), members, pieces)
    before = {path for path in Path("../..").rglob("*") if "home/results" not in str(path)}
    assert adopt(good, "evil.tar.gz") == 2
    said = capsys.readouterr()
    assert "Error: evil.tar.gz is not what `l2rw run-for --pack` writes" in said.err
    assert not said.out
    assert {p for p in Path("../..").rglob("*") if "home/results" not in str(p)} == before
    assert not files_of(Path("results"))


def test_an_archive_without_a_manifest_is_refused(lent, capsys):
    with tarfile.open("any.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("readme"))
    assert adopt("any.tar.gz") == 2
    assert "it does not start with manifest.json" in capsys.readouterr().err
