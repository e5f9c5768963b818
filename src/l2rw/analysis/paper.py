"""The paper's numbers, from ``paper.csv``."""

from collections.abc import Iterable
from importlib.resources import files

import pandas as pd

SPLITS = 5
"""Random splits behind a number of Tables 1 and 2."""


def numbers(experiment: str) -> pd.DataFrame:
    """Return the numbers that the paper gives for an experiment, in its order.

    Returns:
        ``dataset``, ``model`` (empty where the experiment has one), ``row``, ``accuracy`` and
        ``ci95`` (half the width of the 95 % interval, NaN where there is none) in percent,
        ``quoted`` (whether the paper quotes it from another), ``note`` (for people, or empty),
        ``source``.
    """
    with (files("l2rw.analysis") / "paper.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file)
    table = table[table["experiment"] == experiment].drop(columns="experiment")
    texts = {"model": "", "note": ""}
    return table.fillna(texts).astype(dict.fromkeys(texts, str)).reset_index(drop=True)


def notes(experiment: str, datasets: Iterable[str]) -> list[str]:
    """Return what a reader must know of the paper's numbers for some data sets."""
    table = numbers(experiment)
    shown = table.loc[table["dataset"].isin(set(datasets)), "note"]
    return [note for note in shown.unique() if note]
