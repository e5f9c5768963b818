"""Commands about this machine: ``status`` shows running jobs, ``doctor`` what is installed."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, add_root, folder


def _status_options(status: ArgumentParser) -> None:
    status.add_argument(
        "logs", type=folder, nargs="?", default=Path("logs"), help="folder with the logs of jobs"
    )


def _status(arguments: Namespace) -> None:
    from l2rw.training.status import print_status

    print_status(arguments.logs)


def _doctor_options(doctor: ArgumentParser) -> None:
    doctor.add_argument(
        "config",
        type=Path,
        nargs="*",
        help="configuration files whose own data sets are inspected, too",
    )
    add_root(doctor)


def _doctor(arguments: Namespace) -> None:
    from l2rw.commands.doctor import print_diagnosis

    print_diagnosis(arguments.root, overlays=arguments.config)


COMMANDS = (
    Command("status", "show the training jobs that are running", _status, _status_options),
    Command("doctor", "show versions, device and data sets", _doctor, _doctor_options),
)
