"""Numbers that others published, from ``published.csv``: for sanity, beside tables of accuracies.

Nobody else has our settings exactly, and numbers depend on schedules. So a number never stands
without its source and without what differs.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import pandas as pd

from l2rw.analysis import paper
from l2rw.analysis.style import name_of

MEANT: dict[str, dict[str, Any]] = {
    "uniform_flip": {"noise": 0.4},
    "long_tail": {"imbalance": 100.0},
    "given": {},
}
"""Parameters of the corruptions that the numbers were published for."""
DRAWN_FROM_ALL = "all_classes"
"""From what all of them drew the labels of ``uniform_flip``: 36 % are wrong, not 40."""


def numbers(experiment: str, settings: Mapping[str, Any], datasets: Iterable[str]) -> pd.DataFrame:
    """Return what was published of the data sets under the corruption of a table.

    There is nothing if the paper has all rows of the table that others have, or under several
    corruptions.

    Args:
        experiment: The table's name.
        settings: The table's.
        datasets: Names.

    Returns:
        ``dataset``, ``row``, ``accuracy`` in percent as printed, ``network``, ``evaluated`` (empty
        where the source is not known to say it), ``source``, and ``mark``, a letter for each
        source.
    """
    with (files("l2rw.analysis") / "published.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    corruption = _corruption(settings)
    name, wanted = corruption["name"], set(datasets)
    applies = name in MEANT and all(corruption[key] == v for key, v in MEANT[name].items())
    table = table[(table["corruption"] == name) & table["dataset"].isin(wanted) & applies]
    rows = set(settings.get("rows", ())) - set(paper.numbers(experiment)["row"])
    if not rows.intersection(table["row"]):
        table = table.iloc[:0]
    marks = {source: chr(ord("a") + i) for i, source in enumerate(table["source"].unique())}
    marked: pd.DataFrame = table.assign(mark=table["source"].map(marks))
    return marked.drop(columns="corruption")


def column(table: pd.DataFrame, dataset: str, rows: Sequence[str]) -> list[str]:
    """Return what was published of rows on a data set, as in ``88.28 (a), 87.1 (b)``; "" if none.

    Args:
        table: As :func:`numbers` returns it.
        dataset: Name.
        rows: As they are written.
    """
    texts = (table["accuracy"] + " (" + table["mark"] + ")").where(table["dataset"] == dataset)
    return [", ".join(texts[table["row"] == row].dropna()) for row in rows]


def notes(experiment: str, settings: Mapping[str, Any], datasets: Iterable[str]) -> list[str]:
    """Return sentences that say where the numbers are from, and what differs; none without any."""
    if settings.get("kind") != "table":
        return []
    table = numbers(experiment, settings, datasets)
    if table.empty:
        return []
    columns = ["mark", "source", "network", "evaluated"]
    sources = table.drop_duplicates("source")[columns].astype(str).to_numpy().tolist()
    told = [f"({mark}) {', '.join(filter(None, facts))}" for mark, *facts in sources]
    corruption, model = _corruption(settings), name_of(_training(settings)["model"])
    differ = [mark for mark, _, network, _ in sources if network not in ("", model)]
    whose = [f"of {', '.join(differ)} the network ({model} here)"] if differ else []
    if corruption["name"] == "uniform_flip" and corruption["drawn_from"] != DRAWN_FROM_ALL:
        whose.append("the share of wrong labels, 36 % there, as labels were drawn from all classes")
    whose.append("the schedule, which is each source's own")
    return [
        f"Published elsewhere: {'; '.join(told)}.",
        f"Not the same as here: {'; '.join(whose)}.",
    ]


def _corruption(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return name and parameters of a table's one corruption; no name if it has several."""
    if len(settings.get("corruptions", ())) != 1:
        return {"name": ""}
    (given,) = settings["corruptions"]
    own = {"name": given} if isinstance(given, str) else dict(given)
    shared = settings.get("noisy_labels", {}).get(own["name"], {})
    defaults = {"drawn_from": "other_classes", "noise": shared.get("noise"), "imbalance": None}
    return defaults | own


def _training(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    shared = settings.get("noisy_labels", {})
    of_corruption = shared.get(_corruption(settings)["name"], {})
    training: Mapping[str, Any] = settings.get("training") or of_corruption["training"]
    return training
