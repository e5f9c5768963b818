"""Columns of a table as features of a network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.dataset import Features
from l2rw.data.kinds.problems import counted
from l2rw.store.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 256
"""Values that a column of categories may have; each becomes a feature."""
LARGEST = float(np.finfo(np.float32).max)
MISSING = "missing"


@dataclass(frozen=True)
class Column:
    """How a column becomes features, as the training part has it."""

    name: str
    categories: tuple[str, ...] | None
    """Values that become a feature each; None for numbers."""
    has_missing: bool
    """Whether an additional feature marks missing values."""
    mean: float = 0.0
    deviation: float = 1.0

    @property
    def features(self) -> list[str]:
        """Names of the features."""
        missing = [f"{self.name} {MISSING}"] if self.has_missing else []
        if self.categories is None:
            return [self.name, *missing]
        return [*(f"{self.name}={value}" for value in self.categories), *missing]


def numbers_of(values: "pd.Series[Any]") -> NDArray[np.float64] | None:
    """Return a column's numbers, NaN where there is none; None if it holds anything else."""
    import pandas as pd

    parsed = pd.to_numeric(values, errors="coerce")
    if (parsed.isna() & values.notna()).any():
        return None
    return parsed.to_numpy(dtype=np.float64, na_value=np.nan)


def holds_lists(values: "pd.Series[Any]") -> bool:
    """Whether cells hold several values each, as those of a parquet file may."""
    return any(isinstance(one, list | dict | np.ndarray) for one in values.tolist())


def require_kind_of_column(values: "pd.Series[Any]", is_category: bool, path: str) -> None:
    """Raise :class:`UserError` unless a column holds numbers, or not too many categories."""
    import pandas as pd

    where = f"Column {values.name!r} of {path}"
    if pd.api.types.is_datetime64_any_dtype(values):
        raise UserError(f"{where} contains dates.", "turn them into numbers, or list it in ignore.")
    if holds_lists(values):
        raise UserError(
            f"{where} holds lists or records.",
            "give each of their values a column of its own, or list it in ignore.",
        )
    if is_category or (numbers := numbers_of(values)) is None:
        _require_categories(values, is_category, where)
    elif count := int((np.abs(numbers) > LARGEST).sum()):
        raise UserError(
            f"{where} has {count:,} numbers that are infinite or above {LARGEST:.1e}.",
            "leave these cells empty.",
        )


def _require_categories(values: "pd.Series[Any]", is_category: bool, where: str) -> None:
    import pandas as pd

    there = values.dropna()
    odd = there[pd.to_numeric(there, errors="coerce").isna()].astype(str)
    if not is_category and 2 * len(odd) < len(there):
        raise UserError(
            f"{where} holds numbers, but for {counted(sorted(set(odd)), 'value', 'values')} in "
            f"{len(odd):,} rows.",
            "leave these cells empty, or list the column in categories.",
        )
    if (count := there.astype(str).nunique()) > MOST_CATEGORIES:
        raise UserError(
            f"{where} has {count:,} different values, too many for categories.",
            "list it in ignore, or turn it into numbers.",
        )


def fit_column(train: "pd.Series[Any]", *, is_category: bool) -> Column:
    """Return how a column becomes features, given its values in the training part."""
    name, has_missing = str(train.name), bool(train.isna().any())
    if is_category:
        return Column(name, tuple(sorted(set(train.dropna().astype(str)))), has_missing)
    numbers = numbers_of(train)
    assert numbers is not None
    there = numbers[np.isfinite(numbers)]
    if not len(there) or (deviation := float(there.std())) == 0:
        return Column(name, None, has_missing, float(there.mean()) if len(there) else 0.0)
    return Column(name, None, has_missing, float(there.mean()), deviation)


def encode(column: Column, values: "pd.Series[Any]") -> Features:
    """Return the features of some values (n,), shape (n, features).

    A category that the training part lacks is none of the known ones: all its features are 0.
    """
    missing = np.asarray(values.isna())
    if column.categories is None:
        numbers = numbers_of(values)
        assert numbers is not None
        scaled = (numbers - column.mean) / column.deviation
        blocks = [np.where(missing, 0.0, scaled)[:, None]]
    else:
        texts = np.asarray(values.astype(str))
        known = np.asarray(column.categories)[None]
        blocks = [(texts[:, None] == known) & ~missing[:, None]]
    if column.has_missing:
        blocks.append(missing[:, None])
    with np.errstate(over="ignore"):  # far from all of training, a number becomes infinite
        return np.concatenate(blocks, axis=1, dtype=np.float32, casting="unsafe")
