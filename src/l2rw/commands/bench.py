"""Commands that time this machine: ``bench`` and ``gpu-check``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, add_plan, count, file, positive, seed
from l2rw.commands.training import cell_to_run

BENCH = Path("bench.json")
"""Where `l2rw bench` writes to, if not told otherwise, and `l2rw plan` looks."""


def _bench_options(bench: ArgumentParser) -> None:
    bench.add_argument(
        "--model", dest="models", nargs="+", default=["lenet"], metavar="MODEL", help="names"
    )
    bench.add_argument("--device", default="auto", help="auto, cpu or cuda")
    bench.add_argument("--precision", default="float32", help="float32, tf32 or bf16")
    bench.add_argument("--stack", type=count, default=1, help="seeds trained at once")
    bench.add_argument("--threads", type=count, default=1, help="CPU threads")
    bench.add_argument("--batch-size", type=count, default=100, help="training examples")
    bench.add_argument(
        "--clean-batch-size",
        type=count,
        help="clean examples; 10 for LeNets, 100 for others if not given",
    )
    bench.add_argument("--rounds", type=count, default=20, help="measurements of each way")
    bench.add_argument("--steps", type=count, default=1, help="steps of a way in each round")
    bench.add_argument("--compile", action="store_true", help="compile the gradients")
    bench.add_argument(
        "--three-passes", action="store_true", help="add Algorithm 1 in plain autograd"
    )
    bench.add_argument(
        "--peers", action="store_true", help="add L2RW by other libraries, as installed"
    )
    bench.add_argument(
        "--contiguous", action="store_true", help="all ways in contiguous memory format, too"
    )
    bench.add_argument(
        "--plan",
        type=file,
        nargs="+",
        default=[],
        help="plan files to estimate; the whole paper if none",
    )
    bench.add_argument("--out", type=Path, default=BENCH, help="file to write (.json)")


def _bench(arguments: Namespace) -> None:
    from l2rw.bench.run import bench
    from l2rw.bench.settings import Settings

    given = {name: getattr(arguments, name) for name in Settings.__dataclass_fields__}
    bench(Settings(**given), arguments.plan, arguments.out)


def _bench_run_options(run: ArgumentParser) -> None:
    add_plan(run, "cell", "cell")
    run.add_argument("--seed", type=seed, default=0)
    run.add_argument("--data", type=file, required=True, help="what fetch wrote")
    run.add_argument("--split", type=file, required=True, help="what corrupt wrote for the seed")
    run.add_argument("--steps", type=count, default=2000, help="how many to time")
    run.add_argument("--threads", type=count, default=1, help="CPU threads")
    run.add_argument("--out", type=Path, required=True, help="file to write (.json)")


def _bench_run(arguments: Namespace) -> None:
    from l2rw.bench.first_steps import bench_run

    cell, compute = cell_to_run(arguments)
    out = arguments.out
    bench_run(cell, compute, arguments.seed, arguments.data, arguments.split, arguments.steps, out)


def _gpu_check_options(check: ArgumentParser) -> None:
    check.add_argument("--small", action="store_true", help="on the CPU, with tiny networks")
    check.add_argument("--minutes", type=positive, default=5.0, help="for all stages together")
    check.add_argument("--out", type=Path, default=Path("gpu-check.md"), help="file to write (.md)")
    check.add_argument("--stage", help="run this stage alone, in this process")
    check.add_argument("--rows", type=Path, help="file for the rows of a stage (.jsonl)")


def _gpu_check(arguments: Namespace) -> None:
    from l2rw.bench.gpu_check import gpu_check, run_stage

    small = arguments.small
    if arguments.stage:
        fine = run_stage(arguments.stage, small=small, rows=arguments.rows)
    else:
        fine = gpu_check(small=small, minutes=arguments.minutes, out=arguments.out)
    if not fine:
        raise SystemExit(1)


COMMANDS = (
    Command("bench", "time a training step by every way of weighting", _bench, _bench_options),
    Command(
        "bench-run", "time a run's first steps beside plain SGD", _bench_run, _bench_run_options
    ),
    Command(
        "gpu-check",
        "check and time everything on a GPU, in minutes",
        _gpu_check,
        _gpu_check_options,
    ),
)
