"""Commands that time this machine: ``bench`` and ``gpu-check``."""

from argparse import ArgumentParser, Namespace

from l2rw.commands.parser import Command, add_plan, count, file, file_to_write, positive, seed
from l2rw.commands.training import cell_to_run
from l2rw.store.paths import TIMINGS


def _bench_options(bench: ArgumentParser) -> None:
    bench.add_argument(
        "--model",
        dest="models",
        nargs="+",
        default=["lenet"],
        metavar="MODEL",
        help="networks to time, such as lenet or resnet32",
    )
    bench.add_argument("--device", default="auto", help="device: auto, cpu or cuda")
    bench.add_argument(
        "--precision",
        default="float32",
        help="precision of products and convolutions: float32, tf32 or bf16",
    )
    bench.add_argument(
        "--stack", type=count, default=1, help="number of seeds that train at the same time"
    )
    bench.add_argument("--threads", type=count, default=1, help="number of CPU threads")
    bench.add_argument(
        "--batch-size", type=count, default=100, help="number of training examples in a batch"
    )
    bench.add_argument(
        "--clean-batch-size",
        type=count,
        help="number of clean examples in a batch; if not given, 10 for LeNets and 100 for others",
    )
    bench.add_argument(
        "--rounds", type=count, default=20, help="number of measurements of each algorithm"
    )
    bench.add_argument("--steps", type=count, default=1, help="number of steps in one measurement")
    bench.add_argument(
        "--compile", action="store_true", help="compile the gradients with torch.compile"
    )
    bench.add_argument(
        "--three-passes",
        action="store_true",
        help="also time Algorithm 1 line by line in plain autograd",
    )
    bench.add_argument(
        "--peers",
        action="store_true",
        help="also time L2RW with the libraries higher and TorchOpt, if installed",
    )
    bench.add_argument(
        "--contiguous",
        action="store_true",
        help="also time all algorithms in the contiguous memory format",
    )
    bench.add_argument(
        "--plan",
        type=file,
        nargs="+",
        default=[],
        help="plan files whose hours to estimate (.json); the whole paper if not given",
    )
    bench.add_argument(
        "--out",
        type=file_to_write,
        default=str(TIMINGS),
        help="file to write the times to (.json)",
    )


def _bench(arguments: Namespace) -> None:
    from l2rw.bench.run import bench
    from l2rw.bench.settings import Settings

    given = {name: getattr(arguments, name) for name in Settings.__dataclass_fields__}
    bench(Settings(**given), arguments.plan, arguments.out)


def _bench_run_options(run: ArgumentParser) -> None:
    add_plan(run, "cell", "cell")
    run.add_argument("--seed", type=seed, default=0, help="seed of the run")
    run.add_argument("--data", type=file, required=True, help="data set that fetch wrote (.npz)")
    run.add_argument(
        "--split", type=file, required=True, help="split of the seed that corrupt wrote (.npz)"
    )
    run.add_argument("--steps", type=count, default=2000, help="number of steps to time")
    run.add_argument("--threads", type=count, default=1, help="number of CPU threads")
    run.add_argument(
        "--out", type=file_to_write, required=True, help="file to write the times to (.json)"
    )


def _bench_run(arguments: Namespace) -> None:
    from l2rw.bench.first_steps import bench_run

    cell, compute = cell_to_run(arguments)
    out = arguments.out
    bench_run(cell, compute, arguments.seed, arguments.data, arguments.split, arguments.steps, out)


def _gpu_check_options(check: ArgumentParser) -> None:
    check.add_argument(
        "--small", action="store_true", help="use the CPU and tiny networks, as a rehearsal"
    )
    check.add_argument(
        "--minutes",
        type=positive,
        default=5.0,
        help="time limit of all stages together, in minutes",
    )
    check.add_argument(
        "--out",
        type=file_to_write,
        default="gpu-check.md",
        help="file to write the tables to (.md)",
    )
    check.add_argument("--stage", help="run only this stage, in this process")
    check.add_argument(
        "--rows",
        type=file_to_write,
        help="file to write the results of --stage to (.jsonl); needed by gpu-check itself",
    )


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
    Command(
        "bench", "time a training step with every algorithm for the weights", _bench, _bench_options
    ),
    Command(
        "bench-run",
        "time the first steps of a run, alternating with plain SGD",
        _bench_run,
        _bench_run_options,
    ),
    Command(
        "gpu-check",
        "check and time everything on a GPU within minutes",
        _gpu_check,
        _gpu_check_options,
    ),
)
