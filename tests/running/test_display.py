"""What is said of a workflow that fails."""

import pytest

from l2rw.running.display import refused


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "PermissionError: [Errno 13] Permission denied: 'results/a b/seed-1'",
            "results/a b/seed-1: permission denied. Hint: ask its owner, or work in a folder of "
            "your own.",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "No space left on device. Hint: free some space.",
        ),
        (
            "snakemake: error: unrecognized arguments: --nonsense=3",
            "Snakemake refuses its options (unrecognized arguments: --nonsense=3 more). "
            "Hint: correct its profile.",
        ),
    ],
)
def test_what_the_system_refuses_to_snakemake_is_a_sentence(line, told):
    assert str(refused(["WorkflowError:", line, "more"])) == told


def test_other_mistakes_of_snakemake_are_left_as_they_are():
    assert refused(["WorkflowError:", "Rule a is ambiguous", "KeyError: 13"]) is None
