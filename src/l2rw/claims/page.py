"""The ledger as a page in Markdown, and the same page for a browser, figures inside."""

import base64
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
from markdown_it import MarkdownIt

from l2rw.analysis import tables
from l2rw.analysis.collect import MADE
from l2rw.analysis.inputs import BENCH
from l2rw.analysis.outputs import drawing_of
from l2rw.analysis.statistics import NOTHING
from l2rw.claims.entries import Entry, Ledger
from l2rw.claims.evidence import runs_of
from l2rw.claims.verdicts import Judged
from l2rw.claims.words import (
    COUNTED,
    SIGNS,
    effect_in_words,
    found_in_words,
    hours_in_words,
    scale_in_words,
    seeds_in_words,
    verdict_in_words,
)
from l2rw.store.checksums import verified
from l2rw.store.paths import Results

DOCS = Path(__file__).parents[3] / "docs"
COMPARED = ("table1", "table2", "sanity")
"""Experiments that have numbers of the paper."""
AGREEMENTS = ("agrees", "higher", "lower")
STYLE = """\
body { max-width: 75em }
th, td { text-align: left; vertical-align: top }
img { max-width: 34em; width: 100%; display: block; margin: 1em 0 }
code { font-size: 90% }
summary { cursor: pointer }
"""


def to_markdown(ledger: Ledger, out: Path) -> str:
    """Write the page; its links are relative to ``out``, the folder where it will lie."""
    page = _Page(ledger, out)
    papers, ours = (
        [entry for entry in ledger.entries if entry.judged.claim.ours == own]
        for own in (False, True)
    )
    blocks = [
        f"# The paper's claims, judged: {ledger.evidence.configuration}",
        *page.summary(papers),
        "## Claims of the paper",
        page.overview(papers),
        "## Claims of this project",
        "Not the paper's, and no evidence about it.",
        page.overview(ours),
        "## Claim by claim",
        *(block for entry in ledger.entries for block in page.claim(entry)),
        "## Tables, cell by cell",
        *page.cells(),
        "## Provenance",
        *page.provenance(),
    ]
    return "\n\n".join(block.rstrip("\n") for block in blocks) + "\n"


def to_html(page: str, out: Path) -> str:
    """Turn the page into HTML that stands alone: images are embedded.

    Raises:
        UserError: An image is missing.
    """
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(page)
    for image in (child for token in tokens for child in token.children or ()):
        if image.type == "image":
            path = Path(os.path.normpath(out / str(image.attrs["src"])))  # out may not be there yet
            content = base64.b64encode(verified(path).read_bytes()).decode()
            image.attrs["src"] = f"data:image/svg+xml;base64,{content}"
    body = parser.renderer.render(tokens, parser.options, {})
    return f"<!doctype html>\n<meta charset=utf-8>\n<style>\n{tables.STYLE}{STYLE}</style>\n{body}"


class _Page:
    """Writes the blocks of the page."""

    def __init__(self, ledger: Ledger, out: Path) -> None:
        self._ledger, self._evidence, self._out = ledger, ledger.evidence, out

    def summary(self, papers: Sequence[Entry]) -> Iterator[str]:
        """Yield what a reader must know first: counts, how to read them, what to beware of."""
        tested = [entry.judged for entry in papers if entry.judged.findings]
        counted = [one for one in tested if one.scale in COUNTED]
        verdicts = Counter(one.verdict for one in counted)
        counts = ", ".join(f"{SIGNS[v]} {v}: {verdicts[v]}" for v in SIGNS if verdicts[v])
        yield (
            f"**Tested at the paper's scale: {len(counted)} of {len(papers)} claims of the paper"
            f"{f' ({counts})' if counts else ''}.**{_on_theory(counted)}"
        )
        if others := len(tested) - len(counted):
            yield (
                f"Tried at another scale: {others}, with other data, shorter training, other "
                f"sweeps, or only part of what the paper compares. Those verdicts show what the "
                f"machinery does; they are no evidence about the paper."
            )
        together = sum(bool(entry.judged.findings) for entry in self._ledger.entries)
        yield (
            f"Effects are means over seeds, methods compared seed by seed, in percentage points "
            f"unless marked ×; of timings, medians over rounds. *A - B* says by how much A is more "
            f"accurate than B, *from … to …* how much accuracy is lost. Intervals have the level "
            f"{100 * self._ledger.level:.2f} %, which is 95 % for all {together} claims tested "
            f"here together. A part of a claim *holds* if its interval lies within the claimed "
            f"region, *fails* if it lies outside entirely, and is *undecided* otherwise. Hours are "
            f"those of a GPU that sustains 10 TFLOP/s; small networks take longer there, waiting "
            f"for kernels. [How claims are judged]({self._docs('verdicts.md')}); [where we depart "
            f"from the paper]({self._docs('deviations.md')})."
        )
        if mixed := [entry for entry in self._ledger.entries if len(entry.sources) > 1]:
            named = ", ".join(_link(entry) for entry in mixed)
            yield f"**Beware:** results of different source versions are mixed in {named}."

    def overview(self, entries: Iterable[Entry]) -> str:
        """Return the table of claims."""
        columns = [
            *("claim", "it says", "we found", "verdict"),
            *("data and scale", "seeds", "figure"),
        ]
        lines = [
            [
                _link(entry),
                entry.judged.claim.says,
                found_in_words(entry.judged),
                verdict_in_words(entry.judged.verdict, entry.judged.scale),
                _scale(entry),
                seeds_in_words(entry.judged),
                self._figure_link(entry),
            ]
            for entry in entries
        ]
        return _table(columns, lines)

    def claim(self, entry: Entry) -> Iterator[str]:
        """Yield what there is to know of a claim."""
        judged, claim = entry.judged, entry.judged.claim
        yield f'<a id="{claim.id}"></a>\n\n### {claim.title}'
        yield f"{claim.where}. {claim.says}"
        verdict = f"**{verdict_in_words(judged.verdict, judged.scale)}**"
        if judged.findings:
            yield f"{verdict}; {_scale(entry)}."
            yield _table(
                ["part", "effect", "claimed", "outcome", "seeds"],
                [
                    [
                        finding.comparison.name,
                        effect_in_words(finding),
                        finding.part.region,
                        finding.outcome,
                        str(finding.seeds),
                    ]
                    for finding in judged.findings
                ],
            )
        else:
            yield f"{verdict}; missing: {judged.missing}."
        if entry.hours is not None:
            more = "At the paper's scale" if judged.scale not in COUNTED else "With more seeds"
            yield f"{more}: `{entry.command}`, {hours_in_words(entry.hours)}."
        if len(entry.sources) > 1:
            yield f"**Beware:** made by different source versions: {', '.join(entry.sources)}."
        if claim.departures:
            numbers = ", ".join(map(str, claim.departures))
            yield f"Departures that matter: [{numbers}]({self._docs('deviations.md')})."
        if figure := self._figure(entry):
            yield f"![{claim.shown_by}]({figure})"

    def cells(self) -> Iterator[str]:
        """Yield the tables that have numbers of the paper beside ours."""
        shown = 0
        for name in COMPARED:
            if name not in self._evidence.tables:
                continue
            drawing = drawing_of(name, self._evidence.plans[name].settings)
            summary = drawing.summary(self._evidence.tables[name])
            if summary["paper_accuracy_percent"].isna().all():
                continue
            shown += 1
            yield f"### {name}"
            counts = summary["agreement"].value_counts()
            words = ", ".join(f"{word}: {counts.get(word, 0)}" for word in AGREEMENTS)
            own = set(self._evidence.tables[name]["cell"]) <= set(self._ledger.paper[name]["cell"])
            yield f"{words}. {'All' if own else '**Not all**'} cells have the paper's settings."
            yield tables.to_markdown(drawing.format_table(summary))
        if shown:
            yield (
                "Differences are ours less the paper's, each with its own 95 % interval (Welch's, "
                "five splits behind each of the paper's): of twenty cells that truly agree, one is "
                "expected to look different."
            )
        else:
            yield "None: no table here has a data set of the paper's."

    def provenance(self) -> Iterator[str]:
        """Yield what made the runs of every experiment, each linked to its result."""
        yield (
            "Seeds are linked to their results, which hold all settings, versions and checksums. A "
            "commit with + had changes that were not committed; the source is a digest of all code "
            "that computes."
        )
        for name, plan in self._evidence.plans.items():
            made = self._evidence.made([cell.id for cell in plan.cells], [name])
            by_cell = dict(iter(made.groupby("cell")))
            links: dict[str, list[str]] = {}
            for cell, seeds, file in runs_of(plan):
                seed = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
                links.setdefault(cell, []).append(
                    f"[{seed}]({self._to(self._evidence.folder / file)})"
                )
            lines = [
                [f"`{cell}`", ", ".join(of), *(_all(by_cell[cell][column]) for column in MADE)]
                for cell, of in links.items()
            ]
            sources = sorted(made["source"].dropna().unique())
            note = f"**mixed sources:** {', '.join(sources)}" if len(sources) > 1 else ""
            yield _folded(
                f"{name}: {len(links)} cells {note}".strip(),
                _table(["cell", "seeds", *MADE], lines),
            )
        if BENCH in self._evidence.tables:
            timed = self._evidence.tables[BENCH].groupby("model", sort=False)
            lines = [[str(model), *(_all(of[column]) for column in MADE)] for model, of in timed]
            yield _folded(BENCH, _table(["network", *MADE], lines))

    def _figure(self, entry: Entry) -> str | None:
        shown_by = entry.judged.claim.shown_by
        if shown_by is None or not entry.judged.findings:
            return None
        return self._to(Results(self._evidence.folder).figure(shown_by, "svg"))

    def _figure_link(self, entry: Entry) -> str:
        figure = self._figure(entry)
        return f"[{entry.judged.claim.shown_by}]({figure})" if figure else NOTHING

    def _docs(self, name: str) -> str:
        return self._to(DOCS / name)

    def _to(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._out)).as_posix()


def _link(entry: Entry) -> str:
    return f"[{entry.judged.claim.title}](#{entry.judged.claim.id})"


def _on_theory(counted: Sequence[Judged]) -> str:
    count = sum(one.claim.theorem for one in counted)
    return f" Of these, on theory, on a problem of our choice: {count}." if count else ""


def _scale(entry: Entry) -> str:
    judged = entry.judged
    return scale_in_words(entry.data, judged.scale, theorem=judged.claim.theorem)


def _all(values: pd.Series) -> str:
    return ", ".join(values.fillna("unknown").astype(str).unique())


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n</details>"


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [columns, ["---"] * len(columns), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
