"""Commands on the paper's claims: ``judge`` and ``claims``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, file, folder_to_write
from l2rw.commands.plans import read_own_plan


def _judge_options(judge: ArgumentParser) -> None:
    judge.add_argument(
        "--plans", type=file, nargs="+", required=True, help="plan files of the experiments (.json)"
    )
    judge.add_argument(
        "--bench",
        type=file,
        help="step times that bench wrote (.json); claims about time are not tested if not given",
    )
    judge.add_argument(
        "--results",
        type=Path,
        required=True,
        help="folder with the tables and figures of the configuration",
    )
    judge.add_argument(
        "--out",
        type=folder_to_write,
        required=True,
        help="folder to write the ledger and the results page to",
    )


def _judge(arguments: Namespace) -> None:
    from l2rw.claims.files import write_ledger
    from l2rw.claims.paper import paper
    from l2rw.page.page import write_page
    from l2rw.store.checksums import add_to_record
    from l2rw.store.paths import CLAIMS_RECORD, Results

    plans = [read_own_plan(path) for path in arguments.plans]
    write_ledger(plans, arguments.bench, arguments.results, paper(), arguments.out)
    write_page(plans, arguments.out)
    add_to_record(arguments.out / CLAIMS_RECORD, [Results(arguments.out).page])


def _claims_options(claims: ArgumentParser) -> None:
    claims.add_argument(
        "results",
        type=Path,
        nargs="*",
        help="folders such as results/demo; all folders in results if not given",
    )
    claims.add_argument("--markdown", action="store_true", help="print a table in Markdown")


def _claims(arguments: Namespace) -> None:
    from l2rw.claims.terminal import print_ledgers

    print_ledgers(arguments.results, markdown=arguments.markdown)


COMMANDS = (
    Command(
        "judge",
        "judge the paper's claims by the results of a configuration",
        _judge,
        _judge_options,
    ),
    Command("claims", "show the verdicts on the paper's claims", _claims, _claims_options),
)
