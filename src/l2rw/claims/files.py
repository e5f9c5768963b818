"""The files of a ledger: a page, the same for a browser, a tidy table, and its record."""

from collections.abc import Sequence
from pathlib import Path

from l2rw.analysis.collect import write_table
from l2rw.analysis.inputs import inputs_of_ledger
from l2rw.claims.entries import Paper, make_ledger, to_table
from l2rw.claims.evidence import read_evidence
from l2rw.claims.page import to_html, to_markdown
from l2rw.store.checksums import digests_of, write_record
from l2rw.store.files import write_text
from l2rw.store.paths import CLAIMS, CLAIMS_RECORD, HTML, PAGE, Results
from l2rw.training.plan_file import PlanFile


def write_ledger(
    plans: Sequence[PlanFile], bench: Path | None, results: Path, paper: Paper, out: Path
) -> None:
    """Judge all claims and write the ledger: page, table, record.

    Args:
        plans: Plan files of the experiments that there are.
        bench: What ``l2rw bench`` wrote, or None.
        results: Folder of the results.
        paper: What the paper's configuration asks for.
        out: Folder to write to.

    Raises:
        UserError: A table or figure is missing, changed, or was made from another plan.
    """
    ledger = make_ledger(read_evidence(plans, bench, results), paper)
    page = to_markdown(ledger, out)
    html = to_html(page, out)  # needs the figures: before anything is overwritten
    record = {
        "plan": {plan.experiment: plan.digest for plan in plans},
        "inputs": digests_of(inputs_of_ledger(plans, bench, Results(results))),
        "configuration": ledger.evidence.configuration,
        "confidence": ledger.level,
        "verdicts": {
            entry.judged.claim.id: [entry.judged.verdict, entry.judged.scale]
            for entry in ledger.entries
        },
    }
    write_text(out / PAGE, page)
    write_text(out / HTML, html)
    write_table(to_table(ledger), out / CLAIMS)
    write_record(out / CLAIMS_RECORD, record, [out / file for file in (PAGE, HTML, CLAIMS)])
