import numpy as np
import pandas as pd
import pytest
from tests.analysis.simulated import ASCENT, BEYOND, make_up_simulations, place, seal
from tests.plans import made_up_cell, made_up_plan

from l2rw.analysis import lemma1, theorem2
from l2rw.analysis.collect import write_table
from l2rw.analysis.simulations import number, thousands
from l2rw.store.checksums import read_result
from l2rw.store.errors import UserError
from l2rw.theory.job import run_simulation
from l2rw.theory.spec import SimulationSpec

CHECKED_BY = {"theorem2": theorem2, "lemma1": lemma1}


@pytest.fixture(params=CHECKED_BY)
def made_up(request, tmp_path):
    """Return what collects an experiment, and the folder of its second simulation."""
    plan, runs = make_up_simulations(tmp_path, request.param, [place(), ASCENT])
    return lambda: CHECKED_BY[request.param].collect(plan, runs), runs / "split/1/seed-0"


def edit(folder, **changes):
    """Change a simulation's checks as if it had found them."""
    seal(folder, read_result(folder / "checks.json") | changes)


def test_a_missing_simulation_is_named(made_up):
    collected, folder = made_up
    (folder / "checks.json").unlink()
    with pytest.raises(UserError, match=rf"{folder}/checks.* Hint: delete {folder} and run again"):
        collected()


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"spec": ', b'{"spec": {}}', b"\xff\xfe\x00"])
def test_damaged_checks_are_named(made_up, content):
    collected, folder = made_up
    (folder / "checks.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"{folder}/checks.json cannot be read as a result"):
        collected()


def test_checks_that_somebody_changed_are_named(made_up):
    collected, folder = made_up
    path = folder / "checks.json"
    path.write_text(path.read_text().replace("400", "0"))
    with pytest.raises(UserError, match=rf"{path} is .* damaged or was changed"):
        collected()


@pytest.mark.parametrize("other", [{"spec": {"steps": 18}}, {"seed": 1}])
def test_checks_of_other_settings_are_refused(made_up, other):
    collected, folder = made_up
    edit(folder, **other)
    with pytest.raises(UserError, match=r"has other settings than split/1\. Hint: delete"):
        collected()


@pytest.mark.parametrize("other", [None, {}, []])
@pytest.mark.parametrize(
    ("experiment", "section"),
    [("theorem2", "theorem2"), ("theorem2", "links"), ("lemma1", "lemma1"), ("lemma1", "search")],
)
def test_checks_that_do_not_say_what_is_needed_are_named(tmp_path, experiment, section, other):
    plan, runs = make_up_simulations(tmp_path, experiment, [place()])
    edit(runs / "split/0/seed-0", **{section: other})
    with pytest.raises(UserError, match=r"checks.json cannot be read as checks of a simulation"):
        CHECKED_BY[experiment].collect(plan, runs)


@pytest.mark.parametrize("content", [None, "", "step,mean\n1,2\n", "\xff"])
def test_a_missing_or_damaged_curve_is_named(tmp_path, content):
    plan, runs = make_up_simulations(tmp_path, "theorem2", [place(), ASCENT])
    path = runs / "split/1/seed-0/bound.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content.encode("latin1"))
    with pytest.raises(UserError, match=rf"{path} is missing, damaged .* Hint: delete"):
        theorem2.collect(plan, runs)


def test_words_where_numbers_should_be_are_damage(tmp_path):
    plan, runs = make_up_simulations(tmp_path, "theorem2", [place()])
    path = runs / "split/0/seed-0/bound.csv"
    path.write_text(path.read_text().replace("0.9", "zero"))
    edit(path.parent)
    with pytest.raises(UserError, match=rf"{path} cannot be read as a table"):
        theorem2.collect(plan, runs)


def test_numbers_are_short_and_nothing_is_a_dash():
    assert [number(x) for x in (0.123456, 1234.5, 0.0, None, np.nan)] == [
        *("0.123", "1.23e+03", "0", "–", "–")
    ]
    assert [thousands(x) for x in (1e6, 12, None, np.nan)] == ["1,000,000", "12", "–", "–"]


REAL = {
    "l2rw": (SimulationSpec("logistic", "l2rw", 0.5, 4, 60, 3, aligned=False), place()),
    "ascent": (SimulationSpec("logistic", "ascent", 0.5, 4, 60, 3, aligned=False), ASCENT),
    "beyond": (SimulationSpec("huber", "l2rw", 2.0, 4, 60, 3, aligned=True), BEYOND),
}


@pytest.fixture(scope="module")
def real(digits, make_split, tmp_path_factory):
    """Return the plan of three simulations, and the folder of what they really leave."""
    folder = tmp_path_factory.mktemp("simulations")
    files = folder / "digits.npz", folder / "split.npz"
    digits.save(files[0])
    make_split(0).save(files[1])
    cells = []
    for name, (spec, setting) in REAL.items():
        run_simulation(spec, *files, seed=0, out=folder / f"runs/split/{name}/seed-0")
        cells.append(made_up_cell(f"split/{name}", setting, spec=spec))
    return made_up_plan("theorem2", cells, settings={"kind": "theorem2"}), folder / "runs"


@pytest.mark.parametrize("experiment", CHECKED_BY)
def test_what_simulations_really_leave_is_read_summarised_and_drawn(experiment, real, tmp_path):
    drawing = CHECKED_BY[experiment]
    write_table(drawing.collect(*real), tmp_path / "table.csv")
    summary = drawing.summary(pd.read_csv(tmp_path / "table.csv"))
    assert len(drawing.format_table(summary)) == 3
    assert len(drawing.draw(summary, {}).axes) == 2


def test_the_theorem_says_nothing_yet_after_a_few_real_steps(real):
    table = theorem2.format_table(theorem2.summary(theorem2.collect(*real)))
    assert list(table["verdict"]) == ["uninformative up to T = 60", *["not applicable"] * 2]
    assert table["informative from T"].iloc[0] == "–"
    # C is σ √(2 L (G₀ - G*) n) = √n for n copies, and ‖∇G‖² is 1 at either end.
    assert table["observed"].iloc[2] == "violated at T = 5"


def test_the_lemma_holds_for_real_and_its_controls_fail(real):
    table = lemma1.format_table(lemma1.summary(lemma1.collect(*real)))
    assert table["lemma", "corrected"].tolist() == ["holds", "not applicable", "not applicable"]
    assert table["lemma", "as printed"].tolist() == ["holds", "not applicable", "violated"]
    assert table["simulation", "G grew"].tolist() == ["0", "180", "90"]
