import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.planning.prune import print_unused, unused
from l2rw.store.errors import UserError
from l2rw.store.paths import Results


def plan(**figure2):
    section = {"dataset": "digits", "train_size": 100, "clean_size": 4, "seeds": 2} | figure2
    raw = {"name": "x", "targets": ["figure2"], "experiments": {"figure2": section}}
    return Plan(parse_config(raw))


def make(plan, root):
    """Pretend that a plan was run; return all that it left."""
    results = root / "results" / "x"
    files = [results / "plan" / plan.file("figure2"), results / "tables" / "figure2.csv"]
    for split in plan.splits:
        files += [results / "splits" / split / f"seed-{seed}.npz" for seed in range(2)]
    for key, cell in plan.cells.items():
        files += [results / "runs" / key / f"seed-{job}" / "result.json" for job in plan.jobs(cell)]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    (root / "checkpoints" / "x" / "split" / "gone").mkdir(parents=True, exist_ok=True)
    return set(files)


FEW = {"methods": ["l2rw"], "majority_shares": [0.9]}


def test_what_a_plan_uses_is_kept(tmp_path):
    make(plan(**FEW), tmp_path)
    assert unused(plan(**FEW), tmp_path) == []


@pytest.mark.parametrize(
    "other", [{"methods": ["random"]}, {"majority_shares": [0.8]}, {"seeds": 1}, {"clean_size": 6}]
)
def test_the_rest_is_listed_and_removed_when_asked(tmp_path, capsys, other):
    wanted, also = plan(**FEW), plan(**FEW | other)
    kept = make(wanted, tmp_path)
    surplus = make(also, tmp_path) - kept
    print_unused(wanted, tmp_path, remove=False)
    listed = capsys.readouterr().out
    assert all(path.exists() for path in kept | surplus)
    print_unused(wanted, tmp_path, remove=True)
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left == kept
    named = [line.split("  ")[-1] for line in listed.splitlines()]
    for path in surplus:
        assert any(str(path.relative_to(tmp_path)).startswith(name) for name in named)


def test_nothing_is_removed_while_snakemake_runs(tmp_path):
    make(plan(**FEW), tmp_path)
    lock = tmp_path / ".snakemake" / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(UserError, match=r"Snakemake runs in this folder.* Hint: "):
        print_unused(plan(**FEW, seeds=1), tmp_path, remove=True)
    assert unused(plan(**FEW, seeds=1), tmp_path)
    lock.unlink()
    print_unused(plan(**FEW, seeds=1), tmp_path, remove=True)
    assert not unused(plan(**FEW, seeds=1), tmp_path)


def test_seeds_that_are_no_longer_asked_for_are_surplus(tmp_path):
    make(plan(**FEW), tmp_path)
    surplus = unused(plan(**FEW, seeds=1), tmp_path)
    assert sorted(path.name for path in surplus if path.parent.name != "plan") == [
        "seed-1",
        "seed-1.npz",
    ]


def test_unfinished_jobs_checkpoints_are_kept_if_planned(tmp_path):
    wanted = plan(**FEW)
    (cell,) = wanted.cells
    path = tmp_path / "checkpoints" / "x" / cell / "seed-0.safetensors"
    other = tmp_path / "checkpoints" / "x" / "split" / "old" / "seed-0.safetensors"
    for file in (path, other):
        file.parent.mkdir(parents=True)
        file.write_text("state")
    assert unused(wanted, tmp_path) == [tmp_path / "checkpoints" / "x" / "split"]


def test_timings_of_other_networks_are_surplus(tmp_path):
    made = plan(**FEW)
    make(made, tmp_path)
    bench = tmp_path / "results" / "x" / "bench"
    bench.mkdir()
    for name in (made.bench_file, "resnet32.json"):
        (bench / name).write_text("{}")
    assert unused(made, tmp_path) == [bench / "resnet32.json"]


def test_notes_of_the_user_are_not_removed(tmp_path):
    kept = make(plan(**FEW), tmp_path)
    surplus = make(plan(**FEW | {"clean_size": 6}), tmp_path) - kept
    old = next(path for path in surplus if "runs" in path.parts)
    notes = [old.parents[3] / "notes.md", old.with_name("notes.md")]
    notes += [tmp_path / "results" / "x" / name for name in ("tables/mine.md", "data/a.npz")]
    for path in notes:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    print_unused(plan(**FEW), tmp_path, remove=True)
    assert all(path.read_text() == "mine" for path in notes)
    assert not any(path.exists() for path in surplus)


def test_what_people_decided_and_the_accuracies_before_are_kept(tmp_path):
    made = make(plan(**FEW | {"clean_size": 6}), tmp_path)
    results = Results(tmp_path / "results" / "x")
    review = results.review("mine")
    files = [review.page, review.labels, review.suspects, review.outcome("0123abcd")]
    files += [results.pick("mine"), results.folder / "export" / "l2rw-seed-0" / "labels.csv"]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("decided")
    print_unused(plan(**FEW), tmp_path, remove=True)
    assert not all(path.exists() for path in made)
    assert all(path.read_text() == "decided" for path in files)
