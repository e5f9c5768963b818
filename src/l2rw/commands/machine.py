"""Commands on this machine: ``status`` of what runs, and ``doctor`` on what there is."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, folder


def _status_options(status: ArgumentParser) -> None:
    status.add_argument("logs", type=folder, nargs="?", default=Path("logs"))


def _status(arguments: Namespace) -> None:
    from l2rw.training.status import print_status

    print_status(arguments.logs)


def _doctor_options(doctor: ArgumentParser) -> None:
    doctor.add_argument(
        "config", type=Path, nargs="*", help="configurations whose own data sets to look at"
    )
    doctor.add_argument("--root", type=folder, help="folder with the source files")


def _doctor(arguments: Namespace) -> None:
    from l2rw.commands.doctor import print_diagnosis

    print_diagnosis(arguments.root, overlays=arguments.config)


COMMANDS = (
    Command("status", "show the training jobs that run now", _status, _status_options),
    Command("doctor", "show versions, device and data sets", _doctor, _doctor_options),
)
