"""What columns of odd tables are taken for."""

from pathlib import Path

import pandas as pd
import pytest

from l2rw.data.kinds.encoding import require_kind_of_column
from l2rw.starting.columns import guess
from l2rw.store.errors import UserError

FILE, ROWS = Path("t.csv"), 60


def table(**columns):
    base = {"a": [f"{row % 7}.5" for row in range(ROWS)], "label": ["x", "y"] * (ROWS // 2)}
    return pd.DataFrame(base | columns)


@pytest.mark.parametrize(
    "written",
    [
        [f"{row + 1},{row + 100}" for row in range(ROWS)],
        [f"{row % 30}%" for row in range(ROWS)],
        [f"${row + 1},000.50" for row in range(ROWS)],
    ],
    ids=["thousands", "percent", "dollars"],
)
def test_numbers_as_people_write_them_are_neither_ids_nor_categories(written):
    found = guess(table(price=written), FILE, None)
    assert found.id is None
    ((name, why),) = found.ignored
    assert (name, why) == (
        "price",
        "Column 'price' holds numbers with commas or signs; it is a feature without them.",
    )


@pytest.mark.parametrize("cell", [[1.0, 2.0], {"x": 1}])
def test_lists_in_cells_are_no_features(cell):
    found = guess(table(embedding=[cell] * ROWS), FILE, None)
    assert found.ignored == (("embedding", "Column 'embedding' holds lists."),)
    with pytest.raises(UserError, match=r"Column 'embedding' of t\.csv holds lists"):
        guess(table(embedding=[cell] * ROWS), FILE, "embedding")
    with pytest.raises(UserError, match=r"'v' of t\.parquet holds lists or records"):
        require_kind_of_column(pd.Series([cell], name="v"), is_category=False, path="t.parquet")


def test_names_with_a_number_in_them_are_categories():
    assert guess(table(grade=[f"T{row % 4}" for row in range(ROWS)]), FILE, None).ignored == ()


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("parts", [["train", "val", "test"], ["Train", "Test"]])
def test_a_column_that_tells_parts_in_other_words_is_no_feature(parts, image):
    frame = table(fold=[parts[row % len(parts)] for row in range(ROWS)])
    if image:
        frame["file"] = [f"{row}.png" for row in range(ROWS)]
    found = guess(frame, FILE, None)
    assert found.split is None
    ((name, why),) = found.ignored
    assert name == "fold"
    assert "write train or test into every row" in why
