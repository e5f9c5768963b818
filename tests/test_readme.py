import json
import re
from collections import defaultdict
from pathlib import Path

from l2rw.commands.main import main

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_the_readme_has_five_verdicts_as_they_are_published(capsys):
    """If this fails because another ledger was published, take over what the command prints."""
    published = REPOSITORY / "docs" / "reproduction" / "mnist"
    assert main(["claims", "--markdown", str(published)]) == 0
    head, rule, *verdicts = capsys.readouterr().out.splitlines()
    shown = README[README.index(f"{head}\n{rule}\n") :].split("\n\n")[0].splitlines()[2:]
    assert len(shown) == 5
    assert set(shown) <= set(verdicts)
    assert f"five of the paper's {len(verdicts)} claims" in README


def test_every_link_of_the_readme_leads_to_a_file():
    for link in LINK.findall(README):
        assert (REPOSITORY / link).exists(), link


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
