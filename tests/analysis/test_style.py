from itertools import product

import pytest

from l2rw.analysis import paper
from l2rw.analysis.style import PINNED, QUOTED, look, name_of
from l2rw.methods import METHODS

NAMED = [*METHODS, *QUOTED]


def test_every_method_has_its_own_look():
    looks = [look(method) for method in NAMED]
    assert len({one.label for one in looks}) == len(looks)
    assert len({(one.colour, one.marker) for one in looks}) == len(looks)


def test_the_papers_methods_differ_in_colour_and_in_marker():
    assert len({colour for colour, _ in PINNED.values()}) == len(PINNED)
    assert len({marker for _, marker in PINNED.values()}) == len(PINNED)


def test_every_row_of_the_paper_has_a_look():
    for experiment in ("table1", "table2", "sanity"):
        for row in paper.numbers(experiment)["row"]:
            assert look(row).label


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ("s_model_conf+es+ft", "S-Model +Conf +ES +FT"),
        ("reed_soft+es", "Reed Soft +ES"),
        ("clean_only", "Clean Only"),
        ("weighted", "Weighted"),
        ("mentornet+ft", "MentorNet +FT"),
        ("gce+es, q=0.5", "GCE, q=0.5 +ES"),
    ],
)
def test_rows_are_named_by_method_and_variants(row, label):
    assert look(row).label == label


def test_variants_share_colour_and_marker_and_differ_in_their_line():
    looks = [look(f"baseline{variant}") for variant in ("", "+es", "+ft", "+es+ft")]
    assert len({(one.colour, one.marker) for one in looks}) == 1
    assert [one.line for one in looks] == ["-", "--", ":", "-."]
    assert [one.hollow for one in looks] == [False, False, True, True]


def test_no_two_rows_are_drawn_alike():
    rows = [
        f"{method}{variant}" for method, variant in product(NAMED, ("", "+es", "+ft", "+es+ft"))
    ]
    styles = [tuple(look(row).style.items()) for row in rows]
    assert len(set(styles)) == len(rows)


def test_things_without_a_name_for_people_keep_theirs():
    assert name_of("cifar100") == "CIFAR-100"
    assert name_of("digits") == "digits"
