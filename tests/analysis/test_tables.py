import re

import pandas as pd
import pytest

from l2rw.analysis.tables import to_html, to_markdown


@pytest.fixture
def table():
    index = pd.Index(["A & B", "C"], name="Error")
    return pd.DataFrame([["1", "2"], ["3", "4"]], index=index, columns=["x", "y"])


def test_markdown_has_a_header_and_a_line_for_each_row(table):
    assert to_markdown(table).splitlines() == [
        "| Error | x | y |",
        "| --- | --- | --- |",
        "| A & B | 1 | 2 |",
        "| C | 3 | 4 |",
    ]


def test_html_is_a_page_that_shows_caption_and_cells_as_they_are(table):
    page = to_html(table, "x < y")
    assert page.startswith("<!doctype html>")
    assert "<p>x &lt; y</p>" in page
    assert re.findall("<t[hd]>(.*?)</t[hd]>", page) == [
        *("Error", "x", "y"),
        *("A &amp; B", "1", "2"),
        *("C", "3", "4"),
    ]
