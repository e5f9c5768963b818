# What the rules need to know about the configuration: the plan, and the files that jobs depend on.

import json
import os
import sys

from l2rw.analysis.inputs import shown_by_page
from l2rw.config.load import parse_config
from l2rw.config.yaml_file import read_yaml
from l2rw.planning.costs import limits
from l2rw.planning.hours import relative_size
from l2rw.planning.outputs import write_plan
from l2rw.planning.plan import Plan
from l2rw.planning.table import remaining_work
from l2rw.planning.targets import check_targets, is_dry_run
from l2rw.running.checks import check_plan
from l2rw.running.snakemake import end_without_deadlock
from l2rw.store.ending import told_in_a_sentence
from l2rw.store.errors import UserError
from l2rw.store.paths import (
    BOUND,
    CHECKS,
    DETECTORS,
    DETECTORS_RECORD,
    PROBE,
    PROBE_RECORD,
    RUN_FILES,
    TIMINGS,
    TRAJECTORY,
    Results,
)
from l2rw.store.seeds import parse_seeds
from l2rw.training.gpus import count_slots

# Whether jobs run on this machine, whose GPUs are then divided here; else a scheduler divides them.
LOCAL = workflow.resource_settings.nodes is None

with told_in_a_sentence():
    # Rules name environment.yml to document, also in the report, what they need. But they need this
    # package as well, which Snakemake would not find beside its copy of that file.
    if any(m.name == "CONDA" for m in workflow.deployment_settings.deployment_method):
        raise UserError(
            "Jobs run in Snakemake's own environment: it cannot create a conda environment for them.",
            "leave that option out; `conda env create -f environment.yml` creates one for all jobs.",
        )
    MAIN = workflow.is_main_process
    if MAIN:
        end_without_deadlock()
        for path in workflow.overwrite_configfiles:
            read_yaml(Path(path))
    # A job of this workflow relies on what planning found in the files of configured data sets.
    configuration = parse_config(config, rescan=MAIN)
    PLAN = Plan(configuration, configuration.results)
    # As many jobs of this machine may use a GPU as its GPUs can take.
    slots = count_slots(PLAN.config.compute.jobs_per_gpu) if LOCAL else None
    if MAIN:
        check_targets(PLAN, sys.argv[1:])
        check_plan(PLAN, here=LOCAL, runs=not is_dry_run(sys.argv))
        has_gpu = PLAN.config.compute.device != "cpu" and slots != 0
        cores = workflow.resource_settings.cores or 1
        told = remaining_work(PLAN, TIMINGS, gpu=has_gpu, cores=cores)
        write_plan(PLAN, PLAN.config.results)
        if told:
            print(told, file=sys.stderr)
    else:
        PLAN.create(PLAN.config.results)

# Rules see the resolved configuration, defaults included.
config.update(PLAN.config.model_dump(mode="json"))
if LOCAL:
    workflow.global_resources.setdefault("gpu", slots)

# Jobs of one workflow on one machine share the processes that train; see l2rw.training.workers.
os.environ.pop("L2RW_WORKERS", None)
if LOCAL and MAIN:
    os.environ.update(L2RW_WORKERS=str(os.getpid()))

# Jobs find the `l2rw` command beside the Python that runs Snakemake, activated or not.
os.environ.update(
    PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH')}"
)


wildcard_constraints:
    dataset="[a-z0-9_]+",
    content="[0-9a-f]+",
    how="[0-9a-f]+",
    split="[^/]+",
    cell="[^/]+/[^/]+",
    seed=r"\d+",
    seeds=r"\d+(-\d+)?",
    experiment="[a-z0-9_]+",


def fetch_options(wildcards):
    """How a configured data set is read; for others, the folder and whether to download."""
    if wildcards.dataset in PLAN.config.data_sets:
        content = PLAN.datasets[wildcards.dataset].sha256["files"]
        described = json.dumps(config["data_sets"][wildcards.dataset])
        return ["--described", described, "--content", content]
    data = config["data"]
    root = ["--root", data["root"]] if data["root"] else []
    return root if data["download"] else [*root, "--offline"]


def memory_of_fetch(wildcards):
    """Megabytes: both halves of the data set, the file that they are written to, and libraries."""
    return 1500 + PLAN.datasets[wildcards.dataset].megabytes * 2


def plan_of(wildcards):
    """The plan file of a job's experiment, or of the first that contains its split or cell."""
    if "experiment" in wildcards.keys():
        home = wildcards.experiment
    else:
        home = PLAN.owner(wildcards.get("cell") or wildcards.split)
    return f"<results>/plan/{PLAN.file(home)}"


def data_of(wildcards):
    """The data set file of a job's split or cell."""
    if "cell" in wildcards.keys():
        split = PLAN.cells[wildcards.cell].split
    else:
        split = PLAN.splits[wildcards.split]
    return f"<results>/data/{PLAN.data_file(split.dataset)}"


def splits_of_job(wildcards):
    """The split files of a training job, seed by seed."""
    split = PLAN.cells[wildcards.cell].split.id
    return [
        f"<results>/splits/{split}/seed-{s}.npz" for s in parse_seeds(wildcards.seeds)
    ]


def parents_of_job(wildcards):
    """The trained networks that a training job waits for."""
    jobs = PLAN.parents(wildcards.cell, parse_seeds(wildcards.seeds))
    return [
        f"<results>/runs/{cell}/seed-{seeds}/network.safetensors"
        for cell, seeds in jobs
    ]


def split_of_simulation(wildcards):
    """The split file of a simulation."""
    split = PLAN.cells[wildcards.cell].split.id
    return f"<results>/splits/{split}/seed-{wildcards.seed}.npz"


def while_due(inputs, *made):
    """The inputs of a job, but none of a finished one that lacks some, given the files it made.

    Where another job needs an input that is absent, Snakemake makes it, repeats every job that has
    it among its inputs, also as an `ancient` one, and begins with the removal of their results.
    """

    def found(wildcards):
        files = inputs(wildcards)
        paths = [files] if isinstance(files, str) else files
        seeds = wildcards.get("seeds") or wildcards.seed
        folder = Results(PLAN.config.results).run(wildcards.cell, seeds)
        # All of them begin with the pathvar that stands for the folder of results.
        here = [Path(PLAN.config.results, path.partition("/")[2]) for path in paths]
        done = all((folder / name).exists() for name in made)
        repeats = workflow.dag_settings.forceall or workflow.dag_settings.forcerun
        is_spared = done and not repeats and not all(map(Path.exists, here))
        return [] if is_spared else files

    return found


def results_of(wildcards):
    """The files of every run that an experiment's table is made from."""
    runs = PLAN.runs(wildcards.experiment)
    file = PLAN.experiments[wildcards.experiment].results_file
    return [f"<results>/runs/{cell}/seed-{seeds}/{file}" for cell, seeds in runs]


def shown_files(wildcards):
    """Data and files of runs that the results page shows."""
    plans, there = map(PLAN.describe, PLAN.experiments), Results(PLAN.config.results)
    return [str(path) for plan in plans for path in shown_by_page(plan, there)]


def gpus_per_job():
    """One GPU for a training job, unless it is to run on the CPU."""
    return int(config["compute"]["device"] != "cpu")


def all_cores():
    """All cores that jobs may use on this machine; on a cluster, those of any job."""
    cores = workflow.resource_settings.cores if LOCAL else None
    return cores or config["compute"]["threads"]


def limits_of(wildcards):
    """What a training job may take."""
    compute, cell = PLAN.config.compute, PLAN.cells[wildcards.cell]
    return limits(
        cell.spec,
        len(parse_seeds(wildcards.seeds)),
        stack=compute.stack,
        threads=compute.threads,
        gpu=compute.device != "cpu",
        larger=relative_size(cell.split.data, cell.spec.model),
    )


def memory_of_job(wildcards, attempt):
    """Megabytes, more of them at each attempt; the job continues from its checkpoint."""
    return limits_of(wildcards).mem_mb * attempt


def minutes_of_job(wildcards, attempt):
    """Minutes, likewise."""
    return limits_of(wildcards).runtime * attempt


def networks_of_review(wildcards):
    """The networks that a review uses."""
    experiment, cell = PLAN.reviews[wildcards.dataset]
    return [
        f"<results>/runs/{cell.id}/seed-{seeds}/network.safetensors"
        for seeds in PLAN.jobs(cell, PLAN.experiments[experiment].seeds)
    ]


def file_of_review(pattern):
    """A file of its experiment that a review is made from."""

    def file(wildcards):
        experiment, _ = PLAN.reviews[wildcards.dataset]
        return pattern.format(plan=PLAN.file(experiment), experiment=experiment)

    return file
