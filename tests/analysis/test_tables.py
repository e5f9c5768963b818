import re

import pandas as pd
import pytest

from l2rw.analysis.tables import to_html, to_latex, to_markdown
from l2rw.config.load import parse_config
from l2rw.config.paper import EXPERIMENTS
from l2rw.planning.plan import Plan


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


@pytest.fixture
def grouped():
    """Two data sets, and a column that belongs to neither."""
    columns = [("", "clean set"), ("CIFAR_10", "ours"), ("CIFAR_10", "paper"), ("digits", "ours")]
    cells = [["yes", "1.00 ± 0.50", "–", "50 %"]]
    return pd.DataFrame(
        cells, index=pd.Index(["A & B"], name="Error"), columns=pd.MultiIndex.from_tuples(columns)
    )


def test_markdown_joins_two_levels_of_columns(grouped):
    head, _, row = to_markdown(grouped).splitlines()
    assert head == "| Error | clean set | CIFAR_10, ours | CIFAR_10, paper | digits, ours |"
    assert row == "| A & B | yes | 1.00 ± 0.50 | – | 50 % |"


def test_html_puts_the_first_level_above_the_second(grouped):
    page = to_html(grouped, "caption")
    assert re.findall('<th colspan="2"[^>]*>(.*?)</th>', page) == ["CIFAR_10"]
    assert page.index("CIFAR_10") < page.index("ours")


def test_latex_has_a_caption_a_label_and_booktabs_rules(table):
    assert to_latex(table, "50 % of x_i", "figure2").splitlines() == [
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}",
        r"\centering",
        r"\caption{50 \% of x\_i}",
        r"\label{tab:figure2}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Error & x & y \\",
        r"\midrule",
        r"A \& B & 1 & 2 \\",
        r"C & 3 & 4 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_latex_puts_common_titles_above_columns(grouped):
    lines = to_latex(grouped, "caption", "x").splitlines()
    top = lines.index(r"\toprule")
    assert lines[top + 1 : top + 6] == [
        r" &  & \multicolumn{2}{c}{CIFAR\_10} & \multicolumn{1}{c}{digits} \\",
        r"\cmidrule(lr){3-4} \cmidrule(lr){5-5}",
        r"Error & clean set & ours & paper & ours \\",
        r"\midrule",
        r"A \& B & yes & 1.00 $\pm$ 0.50 & -- & 50 \% \\",
    ]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_captions_of_the_paper_are_plain_latex(experiment):
    (planned,) = Plan(parse_config({"targets": [experiment]})).experiments.values()
    text = to_latex(pd.DataFrame(index=pd.Index([], name="x")), planned.caption, experiment)
    assert text.isascii()


def test_latex_escapes_what_it_would_read_as_commands():
    table = pd.DataFrame(index=pd.Index([], name="x"))
    text = to_latex(table, r"\ ~ ^ & % $ # _ { } < >", "x")
    words = r"\textbackslash{} \textasciitilde{} \textasciicircum{}"
    assert rf"\caption{{{words} \& \% \$ \# \_ \{{ \}} $<$ $>$}}" in text
