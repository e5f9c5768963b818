"""Tables for people, from data frames of formatted cells. Columns may have two levels."""

import html
from itertools import groupby

import pandas as pd

STYLE = """\
body { font: 15px sans-serif; margin: 2em; max-width: 50em }
table { border-collapse: collapse; margin-top: 1em }
th, td { padding: .35em .9em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 2px solid #000 }
"""

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
    "‖": r"$\|$",
    "∇": r"$\nabla$",
    "√": r"$\surd$",
    "Σ": r"$\Sigma$",
    "κ": r"$\kappa$",
    "σ": r"$\sigma$",
    "𝒯": r"$\mathcal{T}$",
    "²": "$^2$",
    "⁴": "$^4$",
    "₀": r"\textsubscript{0}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def to_markdown(table: pd.DataFrame) -> str:
    """Write a table in Markdown; its index is the first column."""
    heads = [", ".join(filter(None, levels)) for levels in _heads(table)]
    rows = [[str(table.index.name), *heads], ["---"] * (len(heads) + 1), *_rows(table)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def to_html(table: pd.DataFrame, caption: str) -> str:
    """Write a table as a page of its own, for the report."""
    body = table.reset_index().to_html(index=False, border=0)
    return (
        f"<!doctype html>\n<meta charset=utf-8>\n<style>\n{STYLE}</style>\n"
        f"<p>{html.escape(caption)}</p>\n{body}\n"
    )


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """Write a table for LaTeX with the package booktabs, to be included in a document.

    Args:
        table: Its index is the first column.
        caption: As plain text.
        label: Of the table, after ``tab:``.
    """
    lines = [
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(caption)}}}",
        rf"\label{{tab:{label.replace('_', '-')}}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        *_latex_heads(table),
        r"\midrule",
        *map(_latex_row, _rows(table)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _heads(table: pd.DataFrame) -> list[tuple[str, ...]]:
    return [head if isinstance(head, tuple) else (head,) for head in table.columns]


def _rows(table: pd.DataFrame) -> list[list[str]]:
    return [[index, *row] for index, row in zip(table.index, table.to_numpy(), strict=True)]


def _latex_heads(table: pd.DataFrame) -> list[str]:
    """Return the lines of the head, neighbours with the same first level under a common title."""
    heads = _heads(table)
    lines = [_latex_row([str(table.index.name), *(head[-1] for head in heads)])]
    if table.columns.nlevels == 1:
        return lines
    titles, rules, column = [""], [], 2
    for title, below in groupby(head[0] for head in heads):
        width = len(list(below))
        if title:
            titles.append(rf"\multicolumn{{{width}}}{{c}}{{{_latex(title)}}}")
            rules.append(rf"\cmidrule(lr){{{column}-{column + width - 1}}}")
        else:
            titles += [""] * width
        column += width
    return [" & ".join(titles) + r" \\", " ".join(rules), *lines]


def _latex_row(cells: list[str]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
