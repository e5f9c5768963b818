"""The ``l2rw`` command: one subcommand for each rule of the workflow, and a few for people.

Subcommands import what they need when they run: most of them are done before PyTorch would load.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from l2rw.commands.pipeline import explained_if_absent
from l2rw.data.datasets.catalog import CATALOG
from l2rw.store.errors import UserError
from l2rw.store.seeds import parse_seeds

if TYPE_CHECKING:
    from l2rw.training.plan_file import CellEntry, Compute

Arguments = argparse.Namespace
BENCH = Path("bench.json")
"""Where `l2rw bench` writes to, if not told otherwise, and `l2rw plan` looks."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; return 2 after a mistake that its user can mend."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("l2rw").setLevel(logging.INFO)
    arguments = _parser().parse_args(argv)
    try:
        with explained_if_absent():
            arguments.run(arguments)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def _fetch(arguments: Arguments) -> None:
    from l2rw.data.datasets.sources import fetch

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    fetch(
        arguments.dataset,
        arguments.root,
        download=not arguments.offline,
        cache=arguments.cache,
    ).save(arguments.out)


def _corrupt(arguments: Arguments) -> None:
    from l2rw.data.datasets.dataset import Dataset
    from l2rw.training.plan_file import read_plan

    corruption = read_plan(arguments.plan).cell_of_split(arguments.split).corruption
    dataset = Dataset.load(arguments.data)
    split = corruption.split(dataset.train_labels, dataset.test_labels, arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    split.save(arguments.out)


def _train(arguments: Arguments) -> None:
    cell, compute = _cell_to_run(arguments)
    with _device(compute):
        from l2rw.training.job import Job, run_job

        run_job(
            Job(
                cell=cell,
                compute=compute,
                seeds=arguments.seeds,
                data=arguments.data,
                splits=arguments.splits,
                parents=arguments.parents,
                out=arguments.out,
                checkpoints=arguments.checkpoints,
                status=arguments.status,
            )
        )


def _probe(arguments: Arguments) -> None:
    cell, compute = _cell_to_run(arguments)
    with _device(compute):
        from l2rw.training.probe import run_probe

        run_probe(
            cell,
            compute,
            arguments.seeds,
            arguments.data,
            arguments.splits,
            arguments.network,
            arguments.out,
        )


def _run_for(arguments: Arguments) -> None:
    from l2rw.away.inputs import Inputs
    from l2rw.away.jobs import read_jobs, select
    from l2rw.away.packing import Limits, require_no_parts
    from l2rw.away.run_for import Deadline, RunFor
    from l2rw.training.plan_file import read_plan

    deadline = Deadline.after(arguments.minutes * 60, arguments.margin)
    given = {"device": arguments.device, "threads": arguments.threads}
    changes = {name: value for name, value in given.items() if value is not None}
    jobs = read_jobs([read_plan(path) for path in arguments.plans], changes)
    wanted = select(jobs, only=arguments.only, seeds=arguments.seeds, order=arguments.order)
    if arguments.pack:
        require_no_parts(arguments.pack)
    call = RunFor(wanted, Inputs(arguments.root), deadline, arguments.jobs)
    try:
        call.train()
    finally:
        if arguments.pack:
            call.pack(arguments.pack, Limits(int(arguments.part_mib * 2**20)))
        call.report()
    if call.failures:
        sys.exit(1)


def _adopt(arguments: Arguments) -> None:
    from l2rw.away.adopt import adopt

    adopt(arguments.files, arguments.results, arguments.root)


def _cell_to_run(arguments: Arguments) -> "tuple[CellEntry, Compute]":
    """Return the cell of a job, and how to compute."""
    from l2rw.training.plan_file import read_plan

    plan = read_plan(arguments.plan)
    return plan.cell(arguments.cell), replace(plan.compute, threads=arguments.threads)


def _device(compute: "Compute") -> AbstractContextManager[object]:
    """Return the context in which a job has its device to itself. CUDA must not be awake yet."""
    from l2rw.training.gpus import gpu_slot

    return nullcontext() if compute.device == "cpu" else gpu_slot(compute.jobs_per_gpu)


def _simulate(arguments: Arguments) -> None:
    from l2rw.theory.job import run_simulation
    from l2rw.training.plan_file import read_plan

    spec = read_plan(arguments.plan).cell(arguments.cell).simulation_spec
    run_simulation(spec, arguments.data, arguments.split, arguments.seed, arguments.out)


def _tabulate(arguments: Arguments) -> None:
    from l2rw.analysis.outputs import tabulate
    from l2rw.commands.plans import read_own_plan

    arguments.out.mkdir(parents=True, exist_ok=True)
    tabulate(read_own_plan(arguments.plan), arguments.runs, arguments.out)


def _draw(arguments: Arguments) -> None:
    from l2rw.analysis.outputs import draw
    from l2rw.commands.plans import read_own_plan

    arguments.out.mkdir(parents=True, exist_ok=True)
    draw(read_own_plan(arguments.plan), arguments.table, arguments.out)


def _status(arguments: Arguments) -> None:
    from l2rw.training.status import print_status

    print_status(arguments.logs)


def _doctor(arguments: Arguments) -> None:
    from l2rw.commands.doctor import print_diagnosis

    print_diagnosis(arguments.root)


def _bench(arguments: Arguments) -> None:
    from l2rw.bench.run import bench
    from l2rw.bench.settings import Settings

    given = {name: getattr(arguments, name) for name in Settings.__dataclass_fields__}
    bench(Settings(**given), arguments.plan, arguments.out)


def _gpu_check(arguments: Arguments) -> None:
    from l2rw.bench.gpu_check import gpu_check, run_stage

    small = arguments.small
    if arguments.stage:
        fine = run_stage(arguments.stage, small=small, rows=arguments.rows)
    else:
        fine = gpu_check(small=small, minutes=arguments.minutes, out=arguments.out)
    if not fine:
        raise SystemExit(1)


def _metrics(arguments: Arguments) -> None:
    from l2rw.analysis.metrics import write_metrics

    write_metrics(arguments.summaries, arguments.out)


def _judge(arguments: Arguments) -> None:
    from l2rw.claims.files import write_ledger
    from l2rw.claims.paper import paper
    from l2rw.commands.plans import read_own_plan

    plans = [read_own_plan(path) for path in arguments.plans]
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_ledger(plans, arguments.bench, arguments.results, paper(), arguments.out)


def _claims(arguments: Arguments) -> None:
    from l2rw.claims.terminal import print_ledgers

    print_ledgers(arguments.results, markdown=arguments.markdown)


def _publish(arguments: Arguments) -> None:
    from l2rw.claims.publish import publish
    from l2rw.planning.table import read_config

    publish(read_config(arguments.config), arguments.out)


def _plan(arguments: Arguments) -> None:
    from l2rw.planning.table import print_plan

    print_plan(arguments.config, arguments.bench, arguments.teraflops, with_cells=arguments.cells)


def _prune(arguments: Arguments) -> None:
    from l2rw.planning.plan import Plan
    from l2rw.planning.prune import print_unused
    from l2rw.planning.table import read_config

    config = read_config(arguments.config)
    print_unused(Plan(config, config.results), Path(), remove=arguments.remove)


def _costs(arguments: Arguments) -> None:
    from l2rw.bench.operations import write_costs

    write_costs()


def _config(arguments: Arguments) -> None:
    from l2rw.config.documents import DOCUMENTS

    for path, render in DOCUMENTS.items():
        path.write_text(render())
        print(f"wrote {path}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="l2rw", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Arguments], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    _add_data_options(
        command("fetch", _fetch, "find or download a data set and verify it"),
        command("corrupt", _corrupt, "draw the split of one seed"),
    )
    _add_training_options(
        command("train", _train, "train the runs of one job"),
        command("probe", _probe, "weigh hyper-validation images by a trained network"),
    )
    _add_away_options(
        command("run-for", _run_for, "train what plans ask for, for limited time, and pack it"),
        command("adopt", _adopt, "take in what run-for has packed"),
    )
    _add_simulation_options(
        command("simulate", _simulate, "check the theory on a problem with known constants")
    )
    _add_output_options(
        command("tabulate", _tabulate, "collect an experiment's results into its table"),
        command("draw", _draw, "draw an experiment's figure from its table"),
    )
    metrics = command("metrics", _metrics, "gather the numbers of all figures and tables")
    metrics.add_argument("summaries", type=Path, nargs="+", help="what draw wrote (.csv)")
    metrics.add_argument("--out", type=Path, required=True, help="file to write (.json)")
    _add_ledger_options(
        command("judge", _judge, "judge the paper's claims on tables of results"),
        command("claims", _claims, "show the verdicts on the paper's claims"),
    )
    _add_plan_options(
        command("plan", _plan, "show the cells, runs, steps and hours of a configuration")
    )
    prune = command("prune", _prune, "list results that a configuration does not use any more")
    publish = command(
        "publish", _publish, "copy what a reader wants of finished results, and judge it anew"
    )
    for of_configuration in (prune, publish):
        of_configuration.add_argument(
            "config",
            type=Path,
            nargs="*",
            help="overlays such as config/demo.yaml; the paper if none",
        )
    publish.add_argument("--out", type=Path, required=True, help="folder to write to")
    prune.add_argument("--remove", action="store_true", help="remove them")
    status = command("status", _status, "show the training jobs that run now")
    status.add_argument("logs", type=Path, nargs="?", default=Path("logs"))
    doctor = command("doctor", _doctor, "show versions, device and data sets")
    doctor.add_argument("--root", type=Path, help="folder with the source files")
    _add_bench_options(command("bench", _bench, "time a training step by every way of weighting"))
    _add_gpu_check_options(
        command("gpu-check", _gpu_check, "check and time everything on a GPU, in minutes")
    )
    command("costs", _costs, "find what a step of every network costs, and write costs.csv anew")
    command("config", _config, "write config/README.md and the JSON schema anew")
    return parser


def _add_data_options(fetch: argparse.ArgumentParser, corrupt: argparse.ArgumentParser) -> None:
    fetch.add_argument("dataset", choices=list(CATALOG), help="name of the data set")
    fetch.add_argument("--root", type=Path, help="folder with the source files")
    fetch.add_argument("--cache", type=Path, default=Path("data/raw"), help="keeps downloads")
    fetch.add_argument("--offline", action="store_true", help="download nothing")
    fetch.add_argument("--out", type=Path, required=True, help="file to write (.npz)")
    corrupt.add_argument("--plan", type=Path, required=True, help="plan file of an experiment")
    corrupt.add_argument("--split", required=True, help="id of a split in the plan")
    corrupt.add_argument("--seed", type=int, required=True)
    corrupt.add_argument("--data", type=Path, required=True, help="what fetch wrote")
    corrupt.add_argument("--out", type=Path, required=True, help="file to write (.npz)")


def _add_training_options(train: argparse.ArgumentParser, probe: argparse.ArgumentParser) -> None:
    for job in (train, probe):
        job.add_argument("--plan", type=Path, required=True, help="plan file of an experiment")
        job.add_argument("--cell", required=True, help="id of a cell in the plan")
        job.add_argument("--seeds", type=parse_seeds, required=True, help="such as 0 or 0-4")
        job.add_argument("--data", type=Path, required=True, help="what fetch wrote")
        job.add_argument(
            "--splits", type=Path, nargs="+", required=True, help="what corrupt wrote, seed by seed"
        )
        job.add_argument("--threads", type=int, default=1, help="CPU threads")
    train.add_argument(
        "--parents", type=Path, nargs="*", default=[], help="trained networks that the cell needs"
    )
    train.add_argument(
        "--checkpoints", type=Path, required=True, help="folder to go on from if interrupted"
    )
    train.add_argument("--status", type=Path, help="file to keep up to date while training")
    train.add_argument("--out", type=Path, required=True, help="folder to write to")
    probe.add_argument("--network", type=Path, required=True, help="trained networks of the cell")
    probe.add_argument("--out", type=Path, required=True, help="file to write (.csv)")


def _add_away_options(run_for: argparse.ArgumentParser, adopt: argparse.ArgumentParser) -> None:
    run_for.add_argument("minutes", type=_positive, help="after which the command has ended")
    run_for.add_argument("plans", type=Path, nargs="+", help="plan files of experiments")
    run_for.add_argument(
        "--order", choices=["seeds", "cells"], default="seeds", help="seed by seed, or cell by cell"
    )
    run_for.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="only cells with one of these in their ids, in this order, and what they wait for",
    )
    run_for.add_argument("--seeds", type=parse_seeds, help="only jobs of these, such as 0-2")
    run_for.add_argument("--jobs", type=_count, default=1, help="how many train at the same time")
    run_for.add_argument("--root", type=Path, help="folder with the source files of data sets")
    run_for.add_argument("--device", choices=["auto", "cpu", "cuda"], help="if not the plan's")
    run_for.add_argument("--threads", type=_count, help="CPU threads of a job, if not the plan's")
    run_for.add_argument(
        "--margin", type=float, default=20.0, help="seconds at the end to stop jobs and to pack"
    )
    run_for.add_argument("--pack", type=Path, metavar="FOLDER", help="pack what was trained here")
    run_for.add_argument(
        "--part-mib", type=_positive, default=15.0, help="size of a packed file, at most (of 8)"
    )
    adopt.add_argument("files", type=Path, nargs="+", help="all parts of a pack")
    adopt.add_argument("--root", type=Path, help="folder with the source files of data sets")
    adopt.add_argument("--results", type=Path, default=Path("results"), help="folder of results")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _add_simulation_options(simulate: argparse.ArgumentParser) -> None:
    simulate.add_argument("--plan", type=Path, required=True, help="plan file of an experiment")
    simulate.add_argument("--cell", required=True, help="id of a cell in the plan")
    simulate.add_argument("--seed", type=int, required=True)
    simulate.add_argument("--data", type=Path, required=True, help="what fetch wrote")
    simulate.add_argument("--split", type=Path, required=True, help="what corrupt wrote")
    simulate.add_argument("--out", type=Path, required=True, help="folder to write to")


def _add_output_options(tabulate: argparse.ArgumentParser, draw: argparse.ArgumentParser) -> None:
    for job in (tabulate, draw):
        job.add_argument("--plan", type=Path, required=True, help="plan file of the experiment")
        job.add_argument("--out", type=Path, required=True, help="folder to write to")
    tabulate.add_argument("--runs", type=Path, required=True, help="folder of the results")
    draw.add_argument("--table", type=Path, required=True, help="what tabulate wrote (.csv)")


def _add_ledger_options(judge: argparse.ArgumentParser, claims: argparse.ArgumentParser) -> None:
    judge.add_argument(
        "--plans", type=Path, nargs="+", required=True, help="plan files of the experiments"
    )
    judge.add_argument("--bench", type=Path, help="step times that l2rw bench wrote (.json)")
    judge.add_argument("--results", type=Path, required=True, help="folder of tables and figures")
    judge.add_argument("--out", type=Path, required=True, help="folder to write to")
    claims.add_argument(
        "results", type=Path, nargs="*", help="folders such as results/demo; all that there are"
    )
    claims.add_argument("--markdown", action="store_true", help="as a table in Markdown")


def _add_plan_options(plan: argparse.ArgumentParser) -> None:
    plan.add_argument(
        "config", type=Path, nargs="*", help="overlays such as config/demo.yaml; the paper if none"
    )
    plan.add_argument(
        "--bench",
        type=Path,
        default=BENCH if BENCH.exists() else None,
        help="step times that l2rw bench wrote; bench.json if that is there",
    )
    plan.add_argument(
        "--teraflops", type=float, default=10.0, help="sustained by the device, without --bench"
    )
    plan.add_argument("--cells", action="store_true", help="list the cells, too")


def _add_bench_options(bench: argparse.ArgumentParser) -> None:
    bench.add_argument(
        "--model", dest="models", nargs="+", default=["lenet"], metavar="MODEL", help="names"
    )
    bench.add_argument("--device", default="auto", help="auto, cpu or cuda")
    bench.add_argument("--precision", default="float32", help="float32, tf32 or bf16")
    bench.add_argument("--stack", type=int, default=1, help="seeds trained at once")
    bench.add_argument("--threads", type=int, default=1, help="CPU threads")
    bench.add_argument("--batch-size", type=int, default=100, help="training examples")
    bench.add_argument(
        "--clean-batch-size",
        type=int,
        help="clean examples; 10 for LeNets, 100 for others if not given",
    )
    bench.add_argument("--rounds", type=int, default=20, help="measurements of each way")
    bench.add_argument("--steps", type=int, default=1, help="steps of a way in each round")
    bench.add_argument("--compile", action="store_true", help="compile the gradients")
    bench.add_argument(
        "--three-passes", action="store_true", help="add Algorithm 1 in plain autograd"
    )
    bench.add_argument(
        "--contiguous", action="store_true", help="all ways in contiguous memory format, too"
    )
    bench.add_argument(
        "--plan",
        type=Path,
        nargs="+",
        default=[],
        help="plan files to estimate; the whole paper if none",
    )
    bench.add_argument("--out", type=Path, default=BENCH, help="file to write (.json)")


def _add_gpu_check_options(check: argparse.ArgumentParser) -> None:
    check.add_argument("--small", action="store_true", help="on the CPU, with tiny networks")
    check.add_argument("--minutes", type=float, default=5.0, help="for all stages together")
    check.add_argument("--out", type=Path, default=Path("gpu-check.md"), help="file to write (.md)")
    check.add_argument("--stage", help="run this stage alone, in this process")
    check.add_argument("--rows", type=Path, help="file for the rows of a stage (.jsonl)")
