"""The main command: ``run`` produces all results of a configuration."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command


def _run_options(run: ArgumentParser) -> None:
    run.add_argument("config", type=Path, help="configuration file, such as config/demo.yaml")
    run.add_argument("--cores", default="all", help="number of CPU cores to use, or all")
    run.add_argument(
        "--profile",
        type=Path,
        help="Snakemake profile, such as profiles/slurm; this machine runs all jobs if not given",
    )
    run.add_argument("--dry-run", action="store_true", help="only show what would be done")
    run.add_argument(
        "--yes", action="store_true", help="start it even if the estimated time is long"
    )
    run.add_argument(
        "--unlock",
        action="store_true",
        help="remove the lock that a killed run left, and do nothing else",
    )


def _run(arguments: Namespace) -> None:
    from l2rw.running.run import Request, run

    request = Request(
        config=arguments.config,
        cores=arguments.cores,
        profile=arguments.profile,
        dry_run=arguments.dry_run,
        unlock=arguments.unlock,
        yes=arguments.yes,
    )
    if code := run(request):
        raise SystemExit(code)


COMMANDS = (Command("run", "produce all results of a configuration", _run, _run_options),)
