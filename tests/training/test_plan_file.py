import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plans import RUN, made_up_cell, made_up_plan

from l2rw.away.inputs import Inputs
from l2rw.away.jobs import read_jobs
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.store.errors import UserError
from l2rw.store.identity import digest
from l2rw.theory.spec import SimulationSpec
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import read_plan

PUBLISHED = Path(__file__).parents[2] / "docs" / "reproduction"

BASELINE = replace(RUN, method="baseline", clean_batch_size=None, decay_at=(3, 5))
FLIP = BackgroundFlip(
    classes=10,
    noise=0.4,
    clean_size=20,
    validation_size=100,
    authors_code=False,
    background_classes=(3, 8),
)
IMBALANCE = Imbalance(minority=4, majority=9, majority_share=0.8, train_size=60, clean_size=6)
SIMULATION = SimulationSpec("logistic", "l2rw", 0.5, 4, 16, 3, aligned=False)
JOBS = [range(2), range(2, 3)]
PLAN = made_up_plan(
    "figure",
    [
        made_up_cell("split/tuned", {"noise": 0.4}, JOBS, corruption=FLIP, parent="split/base"),
        made_up_cell("other/simulated", {"model": "logistic"}, spec=SIMULATION),
    ],
    [made_up_cell("split/base", {}, JOBS, BASELINE, corruption=IMBALANCE)],
    seeds=3,
    settings={"noisy_labels": {"seeds": 3, "rows": ["l2rw"]}, "caption": "± 95 %"},
)


def write(folder, content, name=None):
    """Write what is said to be a plan file, by the name that fits its content; return its place."""
    path = folder / (name or f"figure-{digest(content)}.json")
    path.write_text(json.dumps(content))
    return path


def test_a_plan_file_is_read_as_it_was_written(tmp_path):
    PLAN.write(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == PLAN.file_name
    assert read_plan(path) == PLAN
    assert read_plan(path).to_json() == json.loads(path.read_text())


def test_a_data_set_of_the_configuration_is_known_by_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = made_up_cell("split/l2rw", {"noise": 0.4}, JOBS, dataset="mine")
    made_up_plan("figure", [replace(cell, data_file="mine-1234.npz")]).write(tmp_path)
    (path,) = tmp_path.iterdir()
    plan = read_plan(path)
    assert plan.cells[0].data_file == "mine-1234.npz"
    job = read_jobs([plan], {})[0]
    assert job.data == Path("results/made-up/data/mine-1234.npz")
    with pytest.raises(UserError, match=r"mine belongs to your configuration, and .* is missing"):
        Inputs(None).make(job)
    with pytest.raises(UserError, match="there is no data set 'mine'"):
        read_plan(write(tmp_path, made_up_plan("figure", [cell]).to_json()))


def test_cells_are_found_by_their_id_or_their_split():
    assert [PLAN.cell(cell.id) for cell in PLAN.cells + PLAN.parents] == [
        *PLAN.cells,
        *PLAN.parents,
    ]
    assert PLAN.cell_of_split("other") == PLAN.cells[1]
    assert PLAN.cell_of_split("split") == PLAN.cells[0]
    assert [cell.id for cell, _ in PLAN.training()] == ["split/tuned", "split/base"]
    with pytest.raises(UserError, match=r"no cell 'split/bsae'\. Hint: did you mean 'split/base'"):
        PLAN.cell("split/bsae")
    with pytest.raises(UserError, match=r"figure-\w+\.json has no split 'x'\. Hint: choose one of"):
        PLAN.cell_of_split("x")


def test_a_cell_does_what_it_is_planned_for():
    trained, simulated = PLAN.cells
    assert (trained.run_spec, simulated.simulation_spec) == (RUN, SIMULATION)
    with pytest.raises(UserError, match="is training"):
        _ = trained.simulation_spec
    with pytest.raises(UserError, match="is a simulation"):
        _ = simulated.run_spec


def test_the_cells_of_published_results_are_read_and_written_as_they_stand():
    results = sorted(PUBLISHED.glob("*/runs/**/result.json"))
    assert results
    for path in results:
        recorded = json.loads(path.read_text())["cell"]
        cell = CellEntry.from_json(recorded)
        assert cell.id == path.parent.parent.relative_to(path.parents[3]).as_posix()
        assert json.dumps(cell.to_json()) == json.dumps(recorded)


def edited(*keys, to):
    """Return the plan's content with another value under nested keys; no value if it is None."""
    content = json.loads(json.dumps(PLAN.to_json()))
    *above, last = keys
    place = content
    for key in above:
        place = place[key]
    if to is None:
        del place[last]
    else:
        place[last] = to
    return content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (edited("parents", to=None), "the plan lacks 'parents'"),
        (edited("cells", 0, "training", to=None), "a cell lacks 'training'"),
        (edited("cells", 0, "setting", to=None), "cell 'split/tuned' lacks 'setting'"),
        (edited("colour", to="red"), "the plan has an unknown 'colour'"),
        (edited("cells", to={}), "'cells' of the plan is {}, which is not of type list"),
        (edited("seeds", 1, to=True), "a seed is True, which is not of type int"),
        (edited("cells", 0, "jobs", to=["4-1"]), "'4-1' is not a range of seeds"),
        (edited("cells", 0, "dataset", to="mnits"), "there is no data set 'mnits'"),
        (edited("cells", 0, "corruption", to="flip"), "there is no corruption 'flip'"),
        (edited("cells", 0, "training", "method", to="l2"), "there is no method 'l2'"),
        (edited("cells", 0, "training", "model", to="net"), "there is no model 'net'"),
        (edited("cells", 0, "training", "steps", to=1.5), "steps of RunSpec is 1.5"),
        (edited("cells", 0, "parameters", "classes", to=None), "BackgroundFlip lacks classes"),
        (edited("compute", "device", to="tpu"), "device of Compute is 'tpu'"),
        (edited("compute", "stack", to=True), "stack of Compute is True, which is not of type int"),
        (edited("parents", to=[]), "the parents of cell 'split/tuned' are not all listed"),
        (edited("parents", 0, "parent", to="split/tuned"), "are not all listed"),
        ([1], "the plan is [1], which is not of type dict"),
    ],
)
def test_what_is_no_plan_is_told_in_a_sentence(tmp_path, content, why):
    path = write(tmp_path, content)
    with pytest.raises(UserError) as refusal:
        read_plan(path)
    assert str(refusal.value).startswith(f"{path} cannot be read as a plan file: ")
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Expecting value"),
        (b"\xff{}", "not UTF-8 text"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"seeds": NaN}', "NaN is not a number"),
        (b'{"seeds": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
def test_what_is_no_json_is_told_likewise(tmp_path, content, why):
    path = tmp_path / "figure-0000.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path} cannot be read as a plan file: .*{why}"):
        read_plan(path)


def test_an_absent_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_plan(tmp_path / "nowhere.json")
    with pytest.raises(UserError, match="directory"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        edited("cells", 0, "training", "learning_rate", to=0.5),
        edited("caption", to="Other words"),
        edited("compute", "threads", to=2),
        edited("parents", 0, "training", "decay_at", to=[3, 4]),
    ],
)
def test_an_edited_plan_file_is_refused(tmp_path, content):
    path = write(tmp_path, content, PLAN.file_name)
    with pytest.raises(UserError, match=rf"{path} was edited, damaged or renamed: .* Hint: run"):
        read_plan(path)


def test_a_renamed_plan_file_is_refused(tmp_path):
    path = write(tmp_path, PLAN.to_json(), "plan.json")
    with pytest.raises(UserError, match=f"its content belongs to {PLAN.file_name}"):
        read_plan(path)


def test_an_edited_file_is_written_anew_and_a_whole_one_is_left(tmp_path):
    path = write(tmp_path, edited("caption", to="Other words"), PLAN.file_name)
    PLAN.write(tmp_path)
    assert read_plan(path) == PLAN
    before = path.stat()
    PLAN.write(tmp_path)
    assert path.stat() == before
    assert list(tmp_path.iterdir()) == [path]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["l2rw", "0-2", "split/base", "huber", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(content, above=()):
    """Yield the keys that lead to every value in a JSON value."""
    yield above
    pairs = content.items() if isinstance(content, dict) else ()
    for key, value in enumerate(content) if isinstance(content, list) else pairs:
        yield from places(value, (*above, key))


CONTENT = PLAN.to_json()
PLACES = list(places(CONTENT))


def put(content, keys, value):
    """Return a copy of a JSON value with another value at a place."""
    if not keys:
        return value
    copy = content.copy()
    copy[keys[0]] = put(content[keys[0]], keys[1:], value)
    return copy


def read_or_none(path):
    """Return the plan, or None if the file is refused; any other exception is a fault."""
    try:
        return read_plan(path)
    except UserError:
        return None


@given(st.sampled_from(PLACES), VALUES, st.booleans())
def test_a_plan_with_any_value_anywhere_is_read_or_refused(tmp_path_factory, keys, value, named):
    content = put(CONTENT, keys, value)
    name = None if named else PLAN.file_name
    plan = read_or_none(write(tmp_path_factory.mktemp("plan"), content, name))
    if plan is not None:
        assert plan.to_json() == content
    if not named:
        assert (plan is not None) == (digest(content) == digest(CONTENT))


TEXT = json.dumps(CONTENT).encode()


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 9), st.binary(max_size=4))
def test_a_damaged_plan_file_is_refused_unless_it_says_the_same(
    tmp_path_factory, first, length, between
):
    path = tmp_path_factory.mktemp("plan") / PLAN.file_name
    path.write_bytes(damaged := TEXT[:first] + between + TEXT[first + length :])
    try:
        says_the_same = digest(json.loads(damaged)) == digest(CONTENT)
    except ValueError:
        says_the_same = False
    assert read_or_none(path) == (PLAN if says_the_same else None)


@pytest.mark.parametrize("size", range(0, len(TEXT), 97))
def test_a_plan_file_that_was_cut_is_refused(tmp_path, size):
    path = tmp_path / PLAN.file_name
    path.write_bytes(TEXT[:size])
    assert read_or_none(path) is None


def test_reading_a_plan_needs_the_standard_library_and_numpy_alone(tmp_path):
    PLAN.write(tmp_path)
    program = f"""
import sys
sys.modules.update(dict.fromkeys(("torch", "pydantic", "yaml", "snakemake")))
from pathlib import Path
from l2rw.training.plan_file import read_plan
read_plan(Path("{PLAN.file_name}"))
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
