import re
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
