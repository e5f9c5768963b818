import re
import subprocess
import sys

import pytest
import yaml

from l2rw.config.documents import DOCUMENTS, REPOSITORY
from l2rw.config.load import Config, keys, parse_config
from l2rw.config.schema import Section, Training
from l2rw.config.shared import RESNET, WRN
from l2rw.methods import METHODS
from l2rw.methods.rows import parse_row
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError

FILES = sorted((REPOSITORY / "config").glob("*.yaml"))


def read(path):
    return yaml.safe_load(path.read_text())


def figure2(**settings):
    """Digits with some settings of figure2 changed."""
    corruption = {"train_size": 100, "clean_size": 4}
    corruption |= {name: settings.pop(name) for name in IMBALANCE if name in settings}
    small = {"dataset": "digits", "corruption": corruption, "sweep": {"majority_share": [0.8]}}
    return {"targets": ["figure2"], "experiments": {"figure2": small | settings}}


IMBALANCE = ("minority", "majority", "train_size", "clean_size", "minorty")
MINE = {"kind": "sweep", "dataset": "digits", "sweep": {"noise": [0.2]}}


def background_class(label):
    return {"name": "background_flip", "background_classes": [label]}


def shares(*values):
    return figure2(sweep={"majority_share": list(values)})


def mine(name="mine", **settings):
    """An experiment of a user's own."""
    shared = {"validation_size": 60, "background_flip": {"background_classes": {"digits": [1]}}}
    section = {key: value for key, value in (MINE | settings).items() if value is not None}
    return {"targets": [name], "noisy_labels": shared, "experiments": {name: section}}


def one(experiment, **settings):
    """One experiment with some settings changed."""
    return {"targets": [experiment], "experiments": {experiment: settings}}


def noisy(experiment="table2", **settings):
    """One experiment with some settings of noisy_labels changed."""
    return {"targets": [experiment], "noisy_labels": settings}


def uniform(**settings):
    return noisy("table1", uniform_flip=settings)


def background(**settings):
    return noisy("table2", background_flip=settings)


def theory(**settings):
    """Theorem 2 with some settings of its problem changed."""
    return {"targets": ["theorem2"], "theory": settings}


def test_config_yaml_spells_out_every_default():
    assert read(REPOSITORY / "config" / "config.yaml") == Config().model_dump(mode="json")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_configuration_file_can_be_planned(path):
    assert Plan(parse_config(read(path))).cells


def test_configuration_files_write_to_different_folders():
    names = [parse_config(read(path)).name for path in FILES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_what_the_configuration_says(path):
    assert path.read_text() == DOCUMENTS[path](), f"{path} is out of date: run `l2rw config`"


def test_every_key_is_described():
    assert [name for name, field, _ in keys() if not field.description] == []


LEAVES = [(name, default) for name, _, default in keys() if not isinstance(default, Section)]


def nested(name, value):
    """A configuration that says one thing, given its dotted key."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


@pytest.mark.parametrize("name", [name for name, _ in LEAVES])
def test_what_is_not_said_is_as_in_the_paper(name):
    """A section of which one key is given keeps the other defaults of its own place."""
    default = dict(LEAVES)[name]
    assert parse_config(nested(name, default)) == Config()


def test_what_is_said_changes_nothing_else():
    for section, own in (("uniform_flip", WRN), ("background_flip", RESNET)):
        raw = {"noisy_labels": {section: {"training": {"momentum": 0.5}}}}
        config = parse_config(raw)
        changed = getattr(config.noisy_labels, section).training
        assert changed == own.model_copy(update={"momentum": 0.5})
        assert config.experiments == Config().experiments
        assert raw == {"noisy_labels": {section: {"training": {"momentum": 0.5}}}}
    other = parse_config(figure2(training={"momentum": 0.5})).experiments["figure2"].training
    assert other == Training(momentum=0.5)


def test_former_keys_go_on_to_work():
    former = {
        "figure2": {"majority_shares": [0.7], "minority": 3, "clean_size": 4, "methods": ["l2rw"]},
        "figure4": {"clean_sizes": [20], "background_class": 5},
        "figure5": {"noise_levels": [0.3]},
    }
    today = {
        "figure2": {
            "sweep": {"majority_share": [0.7]},
            "corruption": {"minority": 3, "clean_size": 4},
            "rows": ["l2rw"],
        },
        "figure4": {"sweep": {"clean_size": [20]}, "corruption": {"background_classes": [5]}},
        "figure5": {"sweep": {"noise": [0.3]}},
    }
    assert parse_config({"experiments": former}) == parse_config({"experiments": today})
    assert parse_config({"experiments": former}) != Config()


def test_former_and_present_keys_may_not_contradict_each_other():
    papers = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())["experiments"]
    over_paper = {"figure2": papers["figure2"] | {"methods": ["l2rw"], "clean_size": 4}}
    alone = {"figure2": {"methods": ["l2rw"], "clean_size": 4}}
    assert parse_config({"experiments": over_paper}) == parse_config({"experiments": alone})
    for both in (
        {"figure2": {"methods": ["l2rw"], "rows": ["baseline"]}},
        {"figure2": {"majority_shares": [0.7], "sweep": {"majority_share": [0.8]}}},
        {"figure2": {"train_size": 70, "corruption": {"name": "imbalance", "train_size": 80}}},
    ):
        with pytest.raises(UserError, match="its former name"):
            parse_config({"experiments": both})


def test_the_experiment_in_the_reference_can_be_planned():
    block = re.search("```yaml\n(.*?)```", (REPOSITORY / "config" / "README.md").read_text(), re.S)
    plan = Plan(parse_config(yaml.safe_load(block[1])))
    (experiment,) = plan.experiments.values()
    assert [dict(planned.setting) for planned in experiment.cells] == [
        {"noise": noise, "row": row}
        for noise in (0.0, 0.2, 0.4)
        for row in ("baseline", "gce", "l2rw")
    ]


def test_what_an_experiment_does_not_say_of_training_is_as_for_its_corruption():
    for corruption, own in (("uniform_flip", WRN), ("background_flip", RESNET)):
        section = {"kind": "curves", "corruption": corruption, "training": {"momentum": 0.5}}
        config = parse_config({"experiments": {"mine": section}})
        assert config.experiments["mine"].training == own.model_copy(update={"momentum": 0.5})


def test_background_classes_of_further_data_sets_are_added():
    config = parse_config(background(background_classes={"digits": [2]}))
    backgrounds = config.noisy_labels.background_flip.background_classes
    assert backgrounds == {
        "cifar10": (0, 1, 3, 5, 7),
        "cifar100": (7, 12, 41, 62, 85),
        "digits": (2,),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("variants", ["", "+es", "+ft", "+es+ft", "+ema", "+es+ema+ft"])
def test_a_row_is_written_as_it_is_read(method, variants):
    text = method + variants
    several = not METHODS[method].one_network and variants not in ("", "+es")
    if several or (variants and method == "clean_only"):
        with pytest.raises(ValueError, match=" Hint: "):
            parse_row(text)
        return
    row = parse_row(text)
    assert str(row) == text
    assert row == (method, "es" in variants, "ft" in variants, (), "ema" in variants)


@pytest.mark.parametrize(
    ("raw", "key", "hint"),
    [
        ({"nme": "x"}, "nme", "'name'"),
        ({"name": "x" * 101}, "at most 100 letters", ""),
        ({"targets": ["\ud800", "\ud800"]}, "targets: '\\ud800' is listed twice", "once"),
        ({"compute": {"thread": 2}}, "compute.thread", "'threads'"),
        ({"data": {"rot": "x"}}, "data.rot", "'root'"),
        ({"experiments": {"figure8": {}}}, "experiments.figure8", "'figure"),
        (figure2(minorty=3), "'minorty'", "'minority'"),
        (figure2(training={"stps": 3}), "experiments.figure2.training.stps", "'steps'"),
        (figure2(rows=["l2rv"]), "experiments.figure2.rows.0", "'l2rw'"),
        (figure2(rows=["zzz"]), "experiments.figure2.rows.0", "baseline, proportion"),
        (figure2(rows=[]), "experiments.figure2.rows", ""),
        (figure2(rows=["l2rw", "l2rw"]), "experiments.figure2.rows", "once"),
        (figure2(rows=["l2rw+es"]), "Row l2rw+es", "leave out +es"),
        (figure2(rows=[{"method": "gce", "q": 7}]), "experiments.figure2.rows.0", "q above"),
        (figure2(rows=[{"method": "gce"}, "gce"]), "experiments.figure2.rows", "once"),
        (one("table1", rows=[{"method": "gce", "p": 7}]), "experiments.table1.rows.0", "one of q"),
        (figure2(training={"nesterov": True, "optimizer": "adam"}), "Nesterov", "false"),
        (background(training={"schedule": "cosine"}), "cosine", "decay_at to []"),
        (figure2(rows=["s_model_conf"]), "hyper-validation", "noisy labels"),
        (figure2(dataset="digit"), "experiments.figure2.dataset", "'digits'"),
        (figure2(training={"model": "lenett"}), "experiments.figure2.training.model", "'lenet'"),
        (shares(0), "share of 0", "at least 0.5"),
        (shares(0.8, 1), "share of 1.0", "below 1"),
        (shares(1.2), "share of 1.2", "below 1"),
        (shares(0.8, 0.8), "experiments.figure2.sweep.majority_share", "once"),
        (shares(), "experiments.figure2.sweep.majority_share", ""),
        (figure2(seeds=0), "experiments.figure2.seeds", ""),
        (figure2(seeds="many"), "experiments.figure2.seeds", ""),
        (figure2(clean_size=60), "clean_size", "lower clean_size"),
        (figure2(clean_size=5), "clean_size", "even"),
        (figure2(minority=10), "minority", "0 to 9"),
        (figure2(majority=10), "majority", "0 to 9"),
        (figure2(minority=-1), "minority", "0 to 9"),
        (figure2(minority=9), "majority", "different"),
        (figure2(train_size=1000), "train_size", "lower train_size"),
        (figure2(training={"steps": 5, "evaluations": 6}), "evaluations", "lower evaluations"),
        (figure2(training={"learning_rate": 0}), "experiments.figure2.training.learning_rate", ""),
        (figure2(training={"momentum": 1}), "experiments.figure2.training.momentum", ""),
        (noisy(sedes=3), "noisy_labels.sedes", "'seeds'"),
        (noisy(seeds=0), "noisy_labels.seeds", ""),
        (noisy(validation_size=-1), "noisy_labels.validation_size", ""),
        (noisy(validation_size=0), "Row s_model_conf", "noisy_labels.validation_size"),
        (noisy("figure3", validation_size=0), "Figure 3", "noisy_labels.validation_size"),
        (noisy("figure7", validation_size=0), "Figure 7", "noisy_labels.validation_size"),
        (noisy(fine_tuning_steps=0), "noisy_labels.fine_tuning_steps", ""),
        (noisy(clean_only_steps=0), "noisy_labels.clean_only_steps", ""),
        (noisy(authors_code="perhaps"), "noisy_labels.authors_code", ""),
        (noisy(uniform_flips={}), "noisy_labels.uniform_flips", "'uniform_flip'"),
        (noisy(background_flip=3), "noisy_labels.background_flip", ""),
        (uniform(noise=1.5), "noisy_labels.uniform_flip.noise", ""),
        (uniform(noise=1), "noisy_labels.uniform_flip.noise", ""),
        (uniform(noise=-0.1), "noisy_labels.uniform_flip.noise", ""),
        (uniform(noise=float("nan")), "noisy_labels.uniform_flip.noise", ""),
        (uniform(clean_size=45_000), "clean set of 45000", "lower clean_size"),
        (uniform(clean_size=0), "noisy_labels.uniform_flip.clean_size", ""),
        (uniform(clean_per_class=1), "uniform_flip.clean_per_class", "clean_size"),
        (uniform(training={"steps": 50_000}), "uniform_flip.training", "below the number of steps"),
        (uniform(training={"stps": 5}), "uniform_flip.training.stps", "'steps'"),
        (background(noise=1.5), "noisy_labels.background_flip.noise", ""),
        (background(clean_per_class=5000), "clean set of 50000", "lower clean_size"),
        (background(clean_per_class=420), "class 0", "lower clean_size"),
        (background(background_classes={"cifar10": [10]}), "class 10", "0 to 9"),
        (background(background_classes={"cifar10": [-1]}), "background_classes.cifar10.0", ""),
        (background(background_classes={"cifar10": []}), "background class", "0 to 9"),
        (background(background_classes={"cifar": [1]}), "background_classes.cifar:", "'cifar1"),
        (
            background(early_stopping={"steps": 45_000}),
            "early_stopping",
            "below the number of steps",
        ),
        (background(early_stopping={"decay_at": [5, 4]}), "early_stopping", "increasing steps"),
        (background(early_stopping={"step": 3}), "early_stopping.step", "'steps'"),
        (one("table1", datasets=["cifar11"]), "experiments.table1.datasets.0", "'cifar10"),
        (one("table1", datasets=[]), "experiments.table1.datasets", ""),
        (one("table1", datasets=["digits"]), "clean set of 1000", "lower clean_size"),
        (one("table1", datasets=["cifar10"] * 2), "experiments.table1.datasets", "once"),
        (one("table1", rows=["baseline+es"]), "baseline+es", "leave out +es"),
        (one("table1", rows=["l2rw", "l2rw"]), "experiments.table1.rows", "once"),
        (one("table1", rows=[]), "experiments.table1.rows", ""),
        (one("table2", datasets=["digits"]), "digits", "background_classes.digits"),
        (one("table2", rows=["s_modell"]), "experiments.table2.rows.0", "'s_model'"),
        (one("table2", rows=["l2rw", "s_modell+ft"]), "experiments.table2.rows.1", "'s_model'"),
        (one("table2", rows=["baseline+fft"]), "baseline+fft", "+ft"),
        (one("table2", rows=["baseline+ft+es"]), "baseline+ft+es", "+es+ft"),
        (one("table2", rows=["baseline+ft+ft"]), "baseline+ft+ft", "+es+ft"),
        (one("table2", rows=["baseline+"]), "baseline+", "or nothing"),
        (one("table2", rows=[""]), "experiments.table2.rows.0", "choose one of"),
        (one("table2", rows=["clean_only+ft"]), "clean_only", "'clean_only'"),
        (one("table2", rows=["clean_only+es"]), "clean_only", "'clean_only'"),
        (one("figure3", dataset="mnist"), "mnist", "background_classes.mnist"),
        (one("figure4", corruption=background_class(10)), "class 10", "0 to 9"),
        (one("figure4", corruption=background_class(-1)), "class -1", "0 to 9"),
        (one("figure4", corruption=background_class("a")), "background_classes.0 is 'a'", ""),
        (one("figure4", sweep={"clean_size": [15, 15]}), "figure4.sweep.clean_size", "once"),
        (one("figure4", sweep={"clean_size": [0]}), "clean set cannot have 0", "1 or more"),
        (one("figure4", sweep={"clean_size": [45_000]}), "clean set of 45000", "lower clean_size"),
        (one("figure5", sweep={"noise": [0.1, 1.0]}), "noise of 1.0", "below 1"),
        (one("figure5", sweep={"noise": [0, 0.0]}), "experiments.figure5.sweep.noise", "once"),
        (one("figure5", sweep={"clean_size": [5]}), "one setting", "experiment for each"),
        (one("figure5", kind="table"), "experiments.figure5", "another name"),
        (mine(sweep={"nose": [0.2]}), "no setting nose to sweep", "'noise'"),
        (mine(sweep={"steps": [0]}), "steps cannot be 0", ""),
        (mine(sweep={}), "experiments.mine", "experiment for each"),
        (mine(sweep=None), "experiments.mine.sweep", ""),
        (mine(dataset="digit"), "experiments.mine.dataset", "'digits'"),
        (mine(datsaet="digit"), "experiments.mine.datsaet", "'dataset'"),
        (mine(training={"stps": 3}), "experiments.mine.training.stps", "'steps'"),
        (mine(kind=None), "experiments.mine", "sweep"),
        (mine(kind="swep"), "experiments.mine", "'sweep'"),
        (mine("Mine"), "experiments.Mine", "small letters"),
        (mine("x" * 101), "experiments.xxx", "at most 100"),
        (mine(corruption="uniform_flp"), "experiments.mine.corruption", "'uniform_flip'"),
        (mine(corruption={"noise": 0.2}), "experiments.mine.corruption.name", ""),
        (mine(corruption={"name": "uniform_flip", "nois": 1}), "'nois'", "'noise'"),
        (mine(corruption="imbalance", sweep={"majority_share": [0.8]}), "minority", "minority"),
        (mine(kind="detectors", sweep=None, rows=["adaboost"]), "several", "from rows"),
        (mine(kind="weights", sweep=None, corruption="uniform_flip"), "weights", "suspects"),
        ({"experiments": 3}, "experiments", "the name of each"),
        ({"experiments": {"mine": 3}, "targets": ["mine"]}, "experiments.mine", ""),
        (one("figure6", rows=["baseline+es"]), "baseline+es", "leave out +es"),
        (one("figure7", rows=["l2rv"]), "experiments.figure7.rows.0", "'l2rw'"),
        (theory(dataset="minst"), "theory.dataset", "'mnist'"),
        (theory(trajectory=3), "theory.trajectory", "'trajectories'"),
        (theory(model="huber"), "theory.model", ""),
        (theory(majority_share=1), "theory.majority_share", ""),
        (theory(trajectories=0), "theory.trajectories", ""),
        (theory(minority=10), "minority class 10", "0 to 9"),
        (theory(minority=-1), "theory.minority", ""),
        (theory(majority=4), "same class", "different"),
        (theory(train_size=100_000), "class 4 needs 10000 images", "lower train_size"),
        (theory(clean_size=40), "clean set", "lower clean_size"),
        (theory(clean_size=15), "clean set", "even"),
        (theory(batch_size=201), "batch of 201 different images", "theory.batch_size"),
        (one("theorem2", limit_fractions=[0.5, 0.5]), "theorem2.limit_fractions", "once"),
        (one("theorem2", limit_fractions=[0.5, 1]), "theorem2.limit_fractions.1", ""),
        (one("theorem2", limit_fractions=[]), "theorem2.limit_fractions", ""),
        (one("theorem2", steps=0), "experiments.theorem2.steps", ""),
        (one("lemma1", step=5), "experiments.lemma1.step", "'steps'"),
        (one("gradient_norm", rows=["l2rv"]), "experiments.gradient_norm.rows.0", "'l2rw'"),
        (
            one("gradient_norm", rows=["baseline", "l2rw+es"]),
            "experiments.gradient_norm.rows.1",
            "'l2rw'",
        ),
        (
            one("gradient_norm", rows=["baseline+ft"]),
            "experiments.gradient_norm.rows.0",
            "'baseline'",
        ),
        (
            one("gradient_norm", rows=["s_model_conf"]),
            "hyper-validation",
            "experiments.gradient_norm.rows",
        ),
        (one("gradient_norm", dataset="mnist"), "mnist", "background_classes.mnist"),
        ({"targets": ["figure22"]}, "targets", "'figure2'"),
        ({"targets": ["figure2", "figure2"]}, "targets", "once"),
        ({"targets": []}, "targets", ""),
        ({"name": "../elsewhere"}, "name", ""),
        ({"name": ""}, "name", ""),
        ({"compute": {"device": "gpu"}}, "compute.device", ""),
        ({"compute": {"stack": 0}}, "compute.stack", ""),
        ({"data": None}, "data", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_refused_with_its_key_and_a_hint(raw, key, hint):
    with pytest.raises(UserError) as refusal:
        Plan(parse_config(raw))
    problem, separator, given_hint = str(refusal.value).partition(" Hint: ")
    assert separator
    assert given_hint
    assert "\n" not in str(refusal.value)
    assert hint in given_hint
    assert key in str(refusal.value)
    assert problem[0].isupper()


@pytest.mark.parametrize("module", ["l2rw.config.load", "l2rw.planning.plan", "l2rw.commands.main"])
def test_a_dry_run_does_not_wait_for_pytorch(module):
    check = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
