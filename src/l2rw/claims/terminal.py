"""The ledger on a terminal, from its tidy table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from l2rw.analysis.tables import to_markdown
from l2rw.claims.entries import read_entries
from l2rw.claims.words import COUNTED, hours_in_words, verdict_in_words
from l2rw.store.checksums import seals, verified
from l2rw.store.console import Console
from l2rw.store.errors import UserError, why
from l2rw.store.paths import ALL_RESULTS, CLAIMS, PAGE, record_of

COLOURS = {
    "reproduced": "green",
    "partly": "yellow",
    "undecided": "cyan",
    "not reproduced": "red",
    "not tested": "bright_black",
}


def print_ledgers(
    folders: Sequence[Path], console: Console | None = None, *, markdown: bool = False
) -> None:
    """Print the ledgers of some results, coloured where the terminal is and wants to be.

    Args:
        folders: Of results; all of ``results`` that have a ledger if empty.
        markdown: Whether to print the paper's claims alone, for a page such as the README.
        console: Where to print; standard output if None. It heeds ``NO_COLOR``.

    Raises:
        UserError: There is no ledger, or one cannot be read.
    """
    folders = folders or sorted(path.parent for path in ALL_RESULTS.glob(f"*/{CLAIMS}"))
    if not folders:
        raise UserError(
            f"There is no ledger: no results/*/{CLAIMS}.", "make one, such as by `make demo`."
        )
    console = console or Console()
    for folder in folders:
        lines = _read(folder / CLAIMS)
        if markdown:
            console.out(_in_markdown(lines), highlight=False)
        else:
            console.print(_table(folder, lines))


def _in_markdown(lines: pd.DataFrame) -> str:
    papers = lines[lines["whose"] == "the paper's"].drop_duplicates("claim")
    cells = {
        "verdict": list(map(verdict_in_words, papers["verdict"], papers["scale"])),
        "we found": [
            f"{found}; {hours_in_words(float(hours))}" if verdict == "not tested" else found
            for verdict, found, hours in papers[["verdict", "found", "hours"]].to_numpy()
        ],
    }
    claims = pd.Index(papers["says"], name="The paper says")
    return to_markdown(pd.DataFrame(cells, index=claims)).rstrip()


def _read(path: Path) -> pd.DataFrame:
    try:
        lines = read_entries(path)
        _ = lines[["configuration", "claim", "title", "verdict", "scale", "found", "whose"]]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read as a ledger ({why(error)}).",
            "name a folder of results that has one, such as results/demo.",
        ) from None
    if seals(record_of(path)):  # those published before ledgers were sealed do not
        verified(path)
    return lines


def _table(folder: Path, lines: pd.DataFrame) -> Table:
    claims = lines.drop_duplicates("claim")
    papers = claims[claims["whose"] == "the paper's"]
    counted = papers[papers["scale"].isin(COUNTED)]
    table = Table(
        title=f"{folder}: {len(counted)} of {len(papers)} claims of the paper tested at its scale",
        title_justify="left",
        caption=f"Everything: {folder / PAGE}",
        caption_justify="left",
    )
    table.add_column("claim")
    table.add_column("verdict", no_wrap=True)
    table.add_column("we found")
    for _, rows in claims.groupby("whose", sort=False):
        them: list[Any] = list(rows.itertuples())
        for claim in them:
            verdict = verdict_in_words(claim.verdict, claim.scale)
            faint = "" if claim.scale in COUNTED else "dim "
            style = faint + COLOURS[claim.verdict]
            table.add_row(claim.title, Text(verdict, style), Text(claim.found))
        table.add_section()
    return table
