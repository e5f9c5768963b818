import pytest
from tests.config.test_config import figure2

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.planning.targets import check_targets
from l2rw.store.errors import UserError

PLAN = Plan(parse_config(figure2() | {"name": "mine"}))
CELL = next(iter(PLAN.cells))
SPLIT = next(iter(PLAN.splits))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("results/demo/tables/figure2.csv", "not a result of the configuration mine"),
        ("results/mine/tables/figure9.csv", "plans no experiment 'figure9'. Hint: did you mean"),
        ("results/mine/figures/table1.svg", "plans no experiment 'table1'"),
        ("results/mine/runs/a/b/seed-0/result.json", "plans no cell 'a/b'"),
        ("results/mine/runs/a", "plans no cell 'a'"),
        (f"results/mine/runs/{CELL}/seed-4-1/result.json", "'seed-4-1' names no seeds"),
        (f"results/mine/runs/{CELL}/result.json", "names no seeds"),
        ("results/mine/splits/a/seed-0.npz", "plans no split 'a'"),
        (f"results/mine/splits/{SPLIT}/seed-x.npz", "'seed-x' names no seeds"),
    ],
)
def test_what_is_not_planned_is_named(word, said):
    with pytest.raises(UserError, match=word) as told:
        check_targets(PLAN, ["-n", word])
    assert said in str(told.value)


def test_what_is_planned_may_be_asked_for():
    check_targets(
        PLAN,
        [
            "snakemake",
            "-n",
            "results/mine/tables/figure2.csv",
            f"results/mine/runs/{CELL}/seed-7/result.json",
            f"results/mine/splits/{SPLIT}/seed-0.npz",
            "results/other/report.html",
            "results/mine/metrics.json",
        ],
    )
