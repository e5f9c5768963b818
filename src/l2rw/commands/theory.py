"""The command that checks the paper's theory: ``simulate``."""

from argparse import ArgumentParser, Namespace

from l2rw.commands.parser import Command, add_plan, file, folder_to_write, seed


def _simulate_options(simulate: ArgumentParser) -> None:
    add_plan(simulate, "cell", "cell")
    simulate.add_argument("--seed", type=seed, required=True, help="seed of the split")
    simulate.add_argument(
        "--data", type=file, required=True, help="data set that fetch wrote (.npz)"
    )
    simulate.add_argument(
        "--split", type=file, required=True, help="split of the seed that corrupt wrote (.npz)"
    )
    simulate.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to write the results to"
    )


def _simulate(arguments: Namespace) -> None:
    from l2rw.store.paths import split_name
    from l2rw.theory.job import JobNames, run_simulation
    from l2rw.training.plan_file import read_plan

    cell, seed = read_plan(arguments.plan).cell(arguments.cell), arguments.seed
    names = JobNames(cell.id, cell.data_name, split_name(cell.split, seed))
    spec = cell.simulation_spec
    run_simulation(spec, arguments.data, arguments.split, seed, arguments.out, names)


COMMANDS = (
    Command(
        "simulate",
        "check the theory on a problem with known constants",
        _simulate,
        _simulate_options,
    ),
)
