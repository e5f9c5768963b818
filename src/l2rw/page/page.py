"""Make the page of a template and of what a configuration's results say."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import jinja2

from l2rw.page.contents import contents
from l2rw.store.files import write_text
from l2rw.store.paths import Results
from l2rw.training.plan_file import PlanFile

TEMPLATE = files("l2rw.page") / "template.html"


def write_page(plans: Sequence[PlanFile], results: Path) -> None:
    """Write the page of finished results, beside their ledger.

    Args:
        plans: Plan files of the experiments, in the order of the page.
        results: Folder of the results, the ledger among them.

    Raises:
        UserError: A table or figure is missing or damaged.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    write_text(Results(results).page, template.render(contents(plans, results)))
