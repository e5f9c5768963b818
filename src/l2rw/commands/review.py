"""Commands for people who look at their own data: ``pick`` and ``review``."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from l2rw.commands.data import described_kind
from l2rw.commands.parser import Command, add_plan, count, file, folder_to_write, seed
from l2rw.commands.plans import read_own_plan
from l2rw.commands.training import device_of


def _pick_options(pick: ArgumentParser) -> None:
    pick.add_argument("config", type=Path, help="configuration file with your own data sets")
    pick.add_argument("--data-set", help="name of one of them; all if not given")
    pick.add_argument(
        "--per-class",
        type=count,
        help="number of examples to choose in each class; if not given, as many as the "
        "configuration uses, or else 10",
    )
    pick.add_argument(
        "--spares",
        type=count,
        help="number of further examples in each class, in place of those that you skip; as many "
        "as --per-class if not given",
    )
    pick.add_argument("--seed", type=seed, default=0, help="seed of the random draw")


def _pick(arguments: Namespace) -> None:
    from l2rw.planning.table import read_config
    from l2rw.review.pick import Wish, write_pick
    from l2rw.store.errors import UserError, closest

    config = read_config([arguments.config])
    if not config.data_sets:
        raise UserError(
            f"{arguments.config} describes no data set of your own.", "see docs/own_data.md."
        )
    names = config.data_sets if arguments.data_set is None else [arguments.data_set]
    wish = Wish(arguments.per_class, arguments.spares, arguments.seed)
    for name in names:
        if name not in config.data_sets:
            raise UserError(
                f"{arguments.config} has no data set {name!r} of your own.",
                closest(name, config.data_sets),
            )
        print(f"Open in a browser: {write_pick(config, arguments.config, name, wish)}")


def _review_options(review: ArgumentParser) -> None:
    add_plan(review, "cell", "cell of L2RW")
    review.add_argument(
        "--described",
        required=True,
        help="description of the data set as under data_sets, in JSON or YAML",
    )
    review.add_argument(
        "--content", help="digest that its files must have; not checked if not given"
    )
    review.add_argument("--data", type=file, required=True, help="data set that fetch wrote (.npz)")
    review.add_argument(
        "--runs", type=Path, required=True, help="folder with the runs of the configuration"
    )
    review.add_argument(
        "--table", type=file, required=True, help="table that tabulate wrote (.csv)"
    )
    review.add_argument("--threads", type=count, default=1, help="number of CPU threads")
    review.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to write the review to"
    )


def _review(arguments: Namespace) -> None:
    plan = read_own_plan(arguments.plan)
    cell, compute = plan.cell(arguments.cell), replace(plan.compute, threads=arguments.threads)
    with device_of(compute):
        from l2rw.data.datasets.dataset import Dataset
        from l2rw.data.kinds.survey import look_at, require_content
        from l2rw.review.opinions import opinions_of
        from l2rw.review.review import Reviewed, write_review
        from l2rw.store.paths import ReviewFiles

        kind = described_kind(cell.dataset, arguments.described)
        found = look_at(cell.dataset, kind)
        require_content(found.facts, arguments.content)
        dataset = Dataset.load(arguments.data, cell.data_name)
        opinions = opinions_of(cell, compute, plan.seeds, dataset, arguments.runs)
        one = Reviewed(cell.dataset, kind, found, dataset, opinions)
        write_review(one, plan, cell, arguments.runs, arguments.table, ReviewFiles(arguments.out))


COMMANDS = (
    Command(
        "pick",
        "write a page on which you choose examples whose labels are right",
        _pick,
        _pick_options,
    ),
    Command(
        "review",
        "write the page on which you decide about suspicious labels",
        _review,
        _review_options,
    ),
)
