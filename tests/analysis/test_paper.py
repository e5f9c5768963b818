import pytest

from l2rw.analysis import paper
from l2rw.analysis.style import look, name_of

# Copied from the paper, not from paper.csv.
TABLES = {
    "table1": """
| Baseline | 67.97 ± 0.62 | 50.66 ± 0.24 |
| Reed Hard | 69.66 ± 1.21 | 51.34 ± 0.17 |
| S-Model | 70.64 ± 3.09 | 49.10 ± 0.58 |
| MentorNet (quoted) | 76.6 | 56.9 |
| Random | 86.06 ± 0.32 | 58.01 ± 0.37 |
| Clean Only | 46.64 ± 3.90 | 9.94 ± 0.82 |
| Baseline +FT | 78.66 ± 0.44 | 54.52 ± 0.40 |
| MentorNet +FT (quoted) | 78 | 59 |
| Random +FT | 86.55 ± 0.24 | 58.54 ± 0.52 |
| L2RW | 86.92 ± 0.19 | 61.34 ± 2.06 |
""",
    "table2": """
| Baseline | 59.54 ± 2.16 | 37.82 ± 0.69 |
| Baseline +ES | 64.96 ± 1.19 | 39.08 ± 0.65 |
| Random | 69.51 ± 1.36 | 36.56 ± 0.44 |
| Weighted | 79.17 ± 1.36 | 36.56 ± 0.44 |
| Reed Soft +ES | 63.47 ± 1.05 | 38.44 ± 0.90 |
| Reed Hard +ES | 65.22 ± 1.06 | 39.03 ± 0.55 |
| S-Model | 58.60 ± 2.33 | 37.02 ± 0.34 |
| S-Model +Conf | 68.93 ± 1.09 | 46.72 ± 1.87 |
| S-Model +Conf +ES | 79.24 ± 0.56 | 54.50 ± 2.51 |
| Clean Only | 15.90 ± 3.32 | 8.06 ± 0.76 |
| Baseline +FT | 82.82 ± 0.93 | 54.23 ± 1.75 |
| Baseline +ES +FT | 85.19 ± 0.46 | 55.22 ± 1.40 |
| Weighted +FT | 85.98 ± 0.47 | 53.99 ± 1.62 |
| S-Model +Conf +FT | 81.90 ± 0.85 | 53.11 ± 1.33 |
| S-Model +Conf +ES +FT | 85.86 ± 0.63 | 55.75 ± 1.26 |
| L2RW | 86.73 ± 0.48 | 59.30 ± 0.60 |
""",
    "sanity": """
| ResNet-32 | 92.5 | 68.1 |
| WRN-28-10 | 95.5 | 78.2 |
""",
}


def _printed(experiment):
    """Write the numbers as the paper does, from the data file."""
    rows = {}
    for line in paper.numbers(experiment).itertuples():
        label = name_of(line.model) if line.model else look(line.row).label
        label += " (quoted)" * line.quoted
        precise = line.ci95 == line.ci95
        cell = f"{line.accuracy:.2f} ± {line.ci95:.2f}" if precise else f"{line.accuracy:g}"
        rows.setdefault(label, {})[line.dataset] = cell
    return [
        f"| {label} | {cells['cifar10']} | {cells['cifar100']} |" for label, cells in rows.items()
    ]


@pytest.mark.parametrize("experiment", TABLES)
def test_every_number_is_the_papers(experiment):
    assert _printed(experiment) == TABLES[experiment].strip().splitlines()
    sources = set(paper.numbers(experiment)["source"])
    assert len(sources) == 1
    assert sources.pop().startswith("Ren et al. 2018, ")


def test_only_the_sanity_check_tells_networks_apart():
    for experiment in ("table1", "table2"):
        assert set(paper.numbers(experiment)["model"]) == {""}
    assert set(paper.numbers("sanity")["row"]) == {"baseline"}


def test_an_experiment_without_numbers_of_the_paper_has_none():
    assert paper.numbers("figure4").empty


def test_the_entry_that_occurs_twice_is_flagged_where_it_occurs():
    table = paper.numbers("table2")
    flagged = table[table["note"] != ""]
    assert set(flagged["dataset"]) == {"cifar100"}
    assert list(flagged["row"]) == ["random", "weighted"]
    assert set(flagged["accuracy"]) == {36.56}


def test_notes_are_told_once_and_only_for_the_data_sets_shown():
    (slip,) = paper.notes("table2", ["cifar10", "cifar100"])
    assert "36.56 ± 0.44" in slip
    assert paper.notes("table2", ["cifar10"]) == []
    (quoted,) = paper.notes("table1", ["cifar10", "digits"])
    assert "MentorNet" in quoted
    assert paper.notes("table1", ["digits"]) == []
