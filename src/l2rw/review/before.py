"""What corrections changed: accuracies now, and when fewer labels were corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from l2rw.analysis.statistics import NOTHING, mean_with_interval, plus_minus
from l2rw.analysis.style import look
from l2rw.data.datasets.facts import Facts, score_in_words
from l2rw.data.kinds.lists import REMOVE, WRONG, Decision
from l2rw.data.kinds.survey import Survey
from l2rw.store.checksums import FILES, read_result, reading, seals, write_record
from l2rw.store.files import read_json
from l2rw.store.identity import digest
from l2rw.store.paths import ReviewFiles


@dataclass(frozen=True)
class Outcome:
    """How rows of methods did on a data set under its labels of a time."""

    corrected: int
    """Labels that decisions change."""
    removed: int
    clean: int
    """Examples that the user trusts."""
    accuracies: Mapping[str, Sequence[float]]
    """Of rows of methods on the test part, in [0, 1], seed by seed."""

    @classmethod
    def of(
        cls, found: Survey, decisions: Sequence[Decision], runs: pd.DataFrame, name: str
    ) -> "Outcome":
        """Return that of a table of runs, which may be on several data sets."""
        mine = runs[runs["dataset"] == name] if "dataset" in runs else runs
        return cls(
            corrected=sum(d.decision == WRONG for d in decisions),
            removed=sum(d.decision == REMOVE for d in decisions),
            clean=len(found.layout.clean),
            accuracies={
                str(row): (1 - lines["test_error"]).round(6).tolist()
                for row, lines in mine.groupby("row", sort=False)
            },
        )

    @property
    def label(self) -> str:
        """What was corrected, for people."""
        if not self.corrected + self.removed:
            return f"as given, {self.clean:,} clean"
        return f"{self.corrected:,} corrected, {self.removed:,} removed, {self.clean:,} clean"


def compared(now: Outcome, facts: Facts, files: ReviewFiles) -> list[list[str]]:
    """Keep an outcome beside those of other labels, and return all as a table.

    Args:
        now: Under today's labels.
        facts: Of the data set under them.
        files: Of the review. What was kept of other labels is compared with.

    Returns:
        A head and lines, the fewest corrections first; nothing if there is nothing to compare.
    """
    identity = digest(dict(facts.sha256))
    write_record(files.outcome(identity), {"data": identity, **asdict(now)})
    outcomes = [_read(path) for path in files.outcomes()]
    known = [one for one in outcomes if set(one.accuracies) & set(now.accuracies)]
    if len(known) < 2:
        return []
    known.sort(key=lambda one: (one.corrected + one.removed, one.clean))
    rows = list(now.accuracies)
    what = score_in_words([facts.test_is_trusted])
    head = [f"{what} (%), ± over seeds", *(look(row).label for row in rows)]
    lines = [
        [one.label + " (now)" * (one == now), *(_accuracy(one, row) for row in rows)]
        for one in known
    ]
    return [head, *lines]


def _accuracy(outcome: Outcome, row: str) -> str:
    values = 100 * np.asarray(outcome.accuracies.get(row, []))
    return plus_minus(*mean_with_interval(values)) if len(values) else NOTHING


def _read(path: Path) -> Outcome:
    """Return an outcome, sealed unless an earlier version wrote it."""
    content = read_result(path) if seals(path) else read_json(path)
    with reading(path, "an outcome"):
        if content.pop("data", path.stem) != path.stem:
            raise ValueError("it belongs to other labels")
        content.pop(FILES, None)
        return Outcome(**content)
