import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from l2rw.commands.main import main

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
PAGES = [
    REPOSITORY / "README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
    *(REPOSITORY / folder / "README.md" for folder in ("config", "results", "docs/reproduction")),
]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")


def test_the_readme_has_six_verdicts_as_they_are_published(capsys):
    """If this fails because another ledger was published, take over what the command prints."""
    published = REPOSITORY / "docs" / "reproduction" / "mnist"
    assert main(["claims", "--markdown", str(published)]) == 0
    head, rule, *verdicts = capsys.readouterr().out.splitlines()
    shown = README[README.index(f"{head}\n{rule}\n") :].split("\n\n")[0].splitlines()[2:]
    assert len(shown) == 6
    assert set(shown) <= set(verdicts)
    assert f"six of the paper's {len(verdicts)} claims" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page):
    for link, anchor in LINK.findall(page.read_text()):
        target = page.parent / link if link else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), f"{link}#{anchor}"


def anchors_of(page):
    """The names that GitHub gives to the headings of a page."""
    text = re.sub("^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    headings = re.findall("^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_first_screen_says_what_to_type():
    first = "\n".join(README.splitlines()[:40])
    assert "make demo" in first
    assert "from l2rw import Reweighter" in first
    assert "pip install ." in first


def test_hours_of_the_published_runs_are_those_of_their_results():
    """By machine, of ratios and seeds whose six runs one machine made."""
    published = REPOSITORY / "docs" / "reproduction"
    hours, machines = defaultdict(list), defaultdict(set)
    for path in sorted(published.glob("mnist/runs/mnist-imbalance-*/*/seed-*/result.json")):
        result = json.loads(path.read_text())
        for run in result["runs"]:
            place = path.parts[-4], run["seed"]
            hours[place].append(result["made"]["seconds"] / 3600)
            machines[place].add(result["made"]["device"])
    whole = {place for place in hours if len(hours[place]) == 6 and len(machines[place]) == 1}
    by_machine = {
        machine: sorted(round(sum(hours[p]), 1) for p in whole if machines[p] == {machine})
        for machine in set().union(*machines.values())
    }
    (low, *_, high), (other, *_, same) = by_machine["AMD EPYC"], by_machine[INTEL]
    assert other == same
    said = f"took {low} to {high} hours of a thread on the first machine, {other} on the second"
    assert said in (published / "README.md").read_text()


INTEL = "Intel(R) Xeon(R) Processor"
