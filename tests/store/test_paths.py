import re
import subprocess
import sys
from pathlib import Path

import pytest

from l2rw.store import paths
from l2rw.store.paths import Results, done_in, seeds_name, seeds_of

RULES = Path(__file__).parents[2] / "workflow" / "rules"
THERE = Results(Path("<results>"))
RUN, SIMULATION = (THERE.run("{cell}", f"{{{seeds}}}") for seeds in ("seeds", "seed"))
OUTPUTS = {
    "fetch": {THERE.data("{dataset}-{content}.npz")},
    "corrupt": {THERE.split("{split}", "{seed}")},
    "train": {RUN / name for name in paths.RUN_FILES},
    "probe": {RUN / paths.PROBE, RUN / paths.PROBE_RECORD},
    "detect": {RUN / paths.DETECTORS, RUN / paths.DETECTORS_RECORD},
    "simulate": {SIMULATION / name for name in (paths.CHECKS, paths.BOUND, paths.TRAJECTORY)},
    "tabulate": {
        THERE.table("{experiment}", suffix) for suffix in ("csv", "md", "tex", "html", "json")
    },
    "draw": {
        THERE.figure("{experiment}", suffix) for suffix in ("pdf", "svg", "png", "csv", "json")
    },
    "metrics": {THERE.folder / paths.METRICS_OF_ALL},
    "review": {
        getattr(THERE.review("{dataset}"), name)
        for name in ("page", "suspects", "labels", "record")
    },
    "bench": {THERE.bench("{networks}-{how}.json")},
    "judge": {
        THERE.folder / name
        for name in (paths.PAGE, paths.HTML, paths.INDEX, paths.CLAIMS, paths.CLAIMS_RECORD)
    },
}


def declared():
    """Return what the rules declare as outputs, by rule."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.smk")))
    _, *rules = re.split(r"^rule (?=\w+:)", text, flags=re.MULTILINE)
    outputs = {}
    for rule in rules:
        name, _, body = rule.partition(":")
        block = re.search(r"^    output:\n((?: {8}.*\n)+)", body, re.MULTILINE)
        outputs[name] = {Path(path) for path in re.findall(r'"(<results>/[^"]*)"', block[1])}
    return outputs


def test_the_rules_declare_what_is_spelled_here():
    assert declared() == OUTPUTS


def test_the_rules_use_nothing_that_is_spelled_otherwise():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.smk")))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    inputs = (
        THERE.plan("{}"),
        THERE.bench("{}"),
        THERE.bench("{}-{}.json"),
        THERE.data("{}"),
        THERE.run("{}", "{}") / "{}",
    )
    known = {re.sub("{.*?}", "{}", str(path)) for path in set().union(inputs, *OUTPUTS.values())}
    used = {re.sub("{.*?}", "{}", path) for path in re.findall(r'"(<results>[^"]*)"', code)}
    assert used <= known


@pytest.mark.parametrize("experiment", ["suspects", "metrics", "claims", "index", "bound"])
def test_an_experiment_may_be_called_as_a_file_of_a_run(experiment):
    for file in (THERE.table(experiment), THERE.figure(experiment, "svg")):
        assert paths.record_of(file) == file.with_name(f"{experiment}.json")
    assert paths.record_of(RUN / paths.SUSPECTS) == RUN / paths.RESULT


def test_configurations_lie_beside_one_another_with_checkpoints_and_logs_outside(tmp_path):
    results = Results.of("demo", tmp_path)
    assert results.folder == tmp_path / "results" / "demo"
    assert results.checkpoints("split/cell") == tmp_path / "checkpoints/demo/split/cell"
    assert results.log("split/cell", "0-4") == tmp_path / "logs/demo/train/split/cell/seed-0-4.log"
    assert Results.of("demo").log("a/b", "0") == Path("logs/demo/train/a/b/seed-0.log")


def test_checkpoints_and_logs_lie_where_the_rules_have_them():
    text = (RULES / "train.smk").read_text(encoding="utf-8")
    results = Results.of("{config['name']}")
    assert f'checkpoints=f"{results.checkpoints("{{cell}}")}"' in text
    logs = results.log("{cell}", "{seeds}").relative_to("logs/{config['name']}")
    assert f'"<logs>/{logs}"' in text


@pytest.mark.parametrize(("name", "seeds"), [("seed-3", range(3, 4)), ("seed-0-4", range(5))])
def test_seeds_are_read_from_names(name, seeds):
    assert seeds_of(name) == seeds
    assert seeds_name(name.removeprefix("seed-")) == name


def test_what_is_done_is_seen_by_the_result_and_strangers_are_not_read(tmp_path):
    for name in ("seed-0", "seed-1-3", "seed-old", "seed-", "notes"):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / paths.RESULT).touch()
    (tmp_path / "a" / "seed-9").mkdir()
    assert sorted(done_in(tmp_path, "a"), key=min) == [range(1), range(1, 4)]
    assert not list(done_in(tmp_path, "b"))


def test_all_files_lie_in_the_places_of_a_configuration(tmp_path):
    results = Results.of("x", tmp_path)
    files = [
        *(results.data("d"), results.split("s", 0), results.run("a/b", "0"), results.plan("p")),
        *(results.table("t"), results.figure("f", "csv"), results.bench("b")),
        results.checkpoints("a/b"),
    ]
    assert [[place in file.parents for place in results.places].count(True) for file in files] == [
        1
    ] * len(files)


def test_paths_need_no_library():
    program = (
        "import sys, l2rw.store.paths, l2rw.store.files\n"
        "sys.exit(', '.join({'torch', 'pydantic', 'numpy'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
