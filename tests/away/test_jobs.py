from dataclasses import replace

import pytest

from l2rw.away.jobs import Queue, read_jobs, select
from l2rw.store.errors import UserError
from l2rw.theory.spec import SimulationSpec
from tests.plans import made_up_cell


def short(jobs):
    """Return (method, first seed) of jobs."""
    return [(job.id.split("/")[1].rpartition("-")[0], job.seeds.start) for job in jobs]


def finish(job):
    job.out.mkdir(parents=True)
    (job.out / "result.json").write_text("{}")


@pytest.fixture
def jobs(plan):
    return read_jobs([plan], {})


def test_jobs_have_the_paths_of_the_workflow(plan, jobs):
    child = next(job for job in jobs if job.parents)
    assert child.results.as_posix() == "results/tiny"
    assert child.out.as_posix() == f"results/tiny/runs/{child.id}/seed-0"
    assert child.networks == [child.parents[0].out / "network.safetensors"]
    assert child.checkpoints.as_posix() == f"checkpoints/tiny/{child.id}"
    assert child.log.as_posix() == f"logs/tiny/train/{child.id}/seed-0.log"
    assert child.compute == plan.compute
    assert {job.id for job in jobs} == {cell.id for cell in plan.cells + plan.parents}


def test_a_job_of_several_plans_comes_once_and_changes_enter(plan, jobs):
    twice = read_jobs([plan, plan], {"threads": 7})
    assert short(twice) == short(jobs)
    assert {job.compute.threads for job in twice} == {7}


def test_a_plan_of_simulations_asks_for_no_training(plan):
    spec = SimulationSpec("logistic", "l2rw", 0.5, 4, 16, 3, aligned=False)
    simulation = made_up_cell("a/b", {"model": "logistic"}, spec=spec)
    assert read_jobs([replace(plan, cells=(simulation,), parents=())], {}) == []


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({}, [("baseline", 0), ("baseline+ft", 0), ("l2rw", 0)]),
        ({"only": ["l2rw", "base"]}, [("l2rw", 0), ("baseline", 0), ("baseline+ft", 0)]),
        ({"only": ["+ft"]}, [("baseline", 0), ("baseline+ft", 0)]),
        ({"only": ["l2rw"]}, [("l2rw", 0)]),
    ],
)
def test_seed_by_seed_is_the_order(jobs, options, order):
    expected = order + [(method, 1) for method, _ in order]
    assert short(select(jobs, **options)) == expected
    assert short(select(jobs, seeds=range(1, 4), **options)) == expected[len(order) :]
    by_cell = [(method, seed) for method, _ in order for seed in (0, 1)]
    assert short(select(jobs, order="cells", **options)) == by_cell


def test_parents_of_what_is_done_are_not_wanted(jobs):
    child = next(job for job in jobs if job.parents and job.seeds.start == 0)
    finish(child)
    assert ("baseline", 0) not in short(select(jobs, only=["+ft"]))


def test_what_no_cell_has_is_refused(jobs):
    with pytest.raises(UserError, match="No cell of the plans contains 'l2wr' in its id"):
        select(jobs, only=["l2rw", "l2wr"])
    with pytest.raises(UserError, match="no training jobs with these seeds"):
        select(jobs, seeds=range(5, 9))


def test_a_job_waits_for_its_parent_while_others_go_on(jobs):
    queue = Queue(select(jobs, seeds=range(1)))
    parent = queue.next()
    assert short([parent, queue.next()]) == [("baseline", 0), ("l2rw", 0)]
    assert queue.next() is None
    finish(parent)
    assert short([queue.next()]) == [("baseline+ft", 0)]
    assert not queue.waiting


def test_children_of_what_failed_are_skipped(jobs):
    queue = Queue(select(jobs))
    parent = queue.next()
    assert short(queue.fail(parent, "broke.")) == [("baseline+ft", 0)]
    assert short(queue.failures) == [("baseline", 0), ("baseline+ft", 0)]
    assert short(queue.waiting) == [("l2rw", 0), ("baseline", 1), ("baseline+ft", 1), ("l2rw", 1)]


def test_what_is_done_is_not_given_out(jobs):
    finish(jobs[0])
    queue = Queue(select(jobs))
    assert queue.done == [jobs[0]]
    assert jobs[0] not in queue.waiting
