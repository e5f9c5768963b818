"""Tables for people, from data frames of formatted cells."""

import html

import pandas as pd

STYLE = """\
body { font: 15px sans-serif; margin: 2em; max-width: 50em }
table { border-collapse: collapse; margin-top: 1em }
th, td { padding: .35em .9em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 2px solid #000 }
"""


def to_markdown(table: pd.DataFrame) -> str:
    """Write a table in Markdown; its index is the first column."""
    rows = [[table.index.name, *table.columns], ["---"] * (len(table.columns) + 1)]
    rows += [[index, *row] for index, row in zip(table.index, table.to_numpy(), strict=True)]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def to_html(table: pd.DataFrame, caption: str) -> str:
    """Write a table as a page of its own, for the report."""
    body = table.reset_index().to_html(index=False, border=0)
    return (
        f"<!doctype html>\n<meta charset=utf-8>\n<style>\n{STYLE}</style>\n"
        f"<p>{html.escape(caption)}</p>\n{body}\n"
    )
