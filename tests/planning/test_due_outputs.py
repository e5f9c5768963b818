"""Every output is due when one of its inputs has changed, and not when nothing else has."""

import shutil

import pytest
from tests.config.test_config import figure2

from l2rw.config.load import parse_config
from l2rw.experiments import cells
from l2rw.planning import plan as planning
from l2rw.planning.outputs import outputs, write_plan
from l2rw.planning.plan import Plan
from l2rw.store.checksums import digests_of, write_record
from l2rw.store.paths import RESULT, Results

TARGETS = {"targets": ["figure2", "theorem2"]}
THEORY = {"theory": {"dataset": "digits", "train_size": 40, "clean_size": 4}}


def plan(threads=1, **settings):
    compute = {"compute": {"threads": threads}}
    return Plan(parse_config(figure2(seeds=2, **settings) | TARGETS | THEORY | compute))


def make(plan, folder):
    """Leave made-up runs, and outputs that say they were made from them by a plan."""
    there = Results(folder)
    for cell in plan.cells.values():
        for job in plan.jobs(cell):
            there.run(cell.id, job).mkdir(parents=True)
            write_record(there.run(cell.id, job) / cell.result, {"cell": cell.id})
    write_record(there.bench(plan.bench_file), {"rows": []})
    for output in outputs(plan, folder):
        output.record.parent.mkdir(exist_ok=True)
        files = [output.record.with_name(name) for name in output.files]
        for file in files:
            file.write_text(f"made: {file.name}")
        inputs = digests_of(output.inputs)
        assert inputs.keys() == output.inputs.keys()
        write_record(output.record, {"plan": output.plan, "inputs": inputs}, files)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make(plan(), folder)
    return folder


@pytest.fixture
def made(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "made")


def due(folder, **settings):
    """Names of the outputs that are due."""
    found = (o for o in outputs(plan(**settings), folder) if not o.is_current)
    return {output.record.relative_to(folder).with_suffix("").as_posix() for output in found}


EVERYTHING = {f"{kind}/{name}" for kind in ("tables", "figures") for name in TARGETS["targets"]}
EVERYTHING |= {"metrics", "claims"}


def test_nothing_is_due_once_all_is_made_whatever_the_times_and_the_place(made, tmp_path):
    assert due(made) == set()
    (made / "notes.txt").write_text("mine")
    shutil.copytree(made, tmp_path / "moved", copy_function=shutil.copyfile)
    shutil.rmtree(made)
    assert due(tmp_path / "moved") == set()


def test_every_input_of_every_output_makes_it_due(made):
    for output in outputs(plan(), made):
        for name, path in output.inputs.items():
            content = path.read_bytes()
            path.write_bytes(content + b" ")
            assert not output.is_current, f"{name} of {output.record}"
            path.write_bytes(content)
            assert output.is_current


def test_a_run_that_was_made_anew_makes_its_own_table_due_and_no_other(made):
    cell = next(cell for cell in plan().cells.values() if cell.result == RESULT)
    write_record(Results(made).run(cell.id, "0") / RESULT, {"cell": cell.id, "again": True})
    assert due(made) == {"tables/figure2"}  # and what is made from that, once it is made


def test_what_is_lost_makes_due_what_is_made_from_it_but_not_where_no_run_is_at_hand(made):
    Results(made).bench(plan().bench_file).unlink()
    assert due(made) == {"claims"}
    cell = next(cell for cell in plan().cells.values() if cell.result == RESULT)
    shutil.rmtree(Results(made).run(cell.id, "0"))
    assert due(made) == {"tables/figure2", "claims"}
    shutil.rmtree(Results(made).runs)
    assert due(made) == set()


def test_every_file_of_every_output_makes_it_due(made):
    for output in outputs(plan(), made):
        for name in (output.record.name, *output.files):
            path = output.record.with_name(name)
            content = path.read_bytes()
            for damaged in (content[:-3], b"", bytes([content[0] ^ 1]) + content[1:]):
                path.write_bytes(damaged)
                assert not output.is_current, path
            path.unlink()
            assert not output.is_current, path
            path.write_bytes(content)


def test_settings_and_code_make_due_what_they_are_of(made, monkeypatch):
    assert due(made, title="another") == {"tables/figure2", "figures/figure2", "metrics", "claims"}
    monkeypatch.setattr(cells, "analysis_hash", lambda: "edited")
    assert due(made) == EVERYTHING


def test_code_and_settings_that_were_timed_name_the_timings(monkeypatch):
    timed = plan().bench_file
    assert plan(title="another").bench_file == timed
    assert plan(threads=2).bench_file != timed
    monkeypatch.setattr(planning, "source_hash", lambda rooms: "edited")
    assert plan().bench_file != timed


class TestDates:
    """Snakemake goes by times: 1 where nothing is due, else now."""

    @staticmethod
    def dates(made, **settings):
        one = plan(**settings)
        write_plan(one, made)
        there = Results(made)
        return {
            "plan": there.plan(one.file("figure2")).stat().st_mtime,
            "table": there.table("figure2").stat().st_mtime,
            "summary": there.figure("figure2", "csv").stat().st_mtime,
            "record": there.figure("figure2", "json").stat().st_mtime,
        }

    def new(self, made, **settings):
        return {name for name, date in self.dates(made, **settings).items() if date > 1}

    def test_are_the_beginning_of_time_where_all_is_current(self, made):
        assert self.new(made) == set()
        assert self.new(made) == set()  # with the plan file there already

    @pytest.mark.parametrize(
        ("file", "new"),
        [
            ("tables/figure2.json", {"plan", "table", "record"}),
            ("figures/figure2.csv", {"plan", "table"}),
            ("figures/figure2.svg", {"plan", "table"}),
            ("metrics.json", {"summary"}),
            ("REPRODUCTION.md", {"record"}),
            ("index.html", {"record"}),
        ],
    )
    def test_are_now_where_something_is_due(self, made, file, new):
        (made / file).write_text("{}")
        assert self.new(made) == new

    def test_are_now_as_soon_as_the_plan_changes(self, made):
        assert self.new(made) == set()
        assert "plan" in self.new(made, title="another")


def test_all_code_that_outputs_are_made_by_is_digested():
    """What analysis, claims and page import, directly or not, is in the rooms of the hash."""
    import ast

    from l2rw.store.provenance import PACKAGE

    def path_of(module):
        place = PACKAGE.parent.joinpath(*module.split("."))
        found = [p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()]
        return found[0] if found else None

    rooms = ("analysis", "claims", "page")
    todo = [path for room in rooms for path in (PACKAGE / room).glob("*.py")]
    seen = set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("l2rw."):
                names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            todo += filter(None, map(path_of, names))
    hashed = tuple(str(PACKAGE / name) for name in cells.PACKAGES_OF_OUTPUTS)
    assert {p for p in seen if not str(p).startswith(hashed)} <= {PACKAGE / "__init__.py"}
