from pathlib import Path

from l2rw.commands.main import main

REPOSITORY = Path(__file__).parents[1]


def test_the_readme_has_the_ledger_as_it_is_published(capsys):
    """If this fails because another ledger was published, take over what the command prints."""
    published = REPOSITORY / "docs" / "reproduction" / "mnist"
    assert main(["claims", "--markdown", str(published)]) == 0
    assert capsys.readouterr().out in (REPOSITORY / "README.md").read_text()
