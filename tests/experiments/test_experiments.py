"""The plan of the whole paper, against transcriptions of its tables, curves and schedules.

The checks of the theory, which the paper does not have, are planned beside it.
"""

from itertools import groupby

import pytest
from tests.planning.test_plan import OTHER_TRAINING

from l2rw.config.load import Config, keys, parse_config
from l2rw.config.shared import NoisyLabels, Theory
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError

PAPER = Plan(Config())
SIMULATED = ("theorem2", "lemma1")
OURS = (*SIMULATED, "gradient_norm")
NOISY = [name for name in PAPER.experiments if name not in ("figure2", *OURS)]
TRAINED = [cell for cell in PAPER.cells.values() if cell.kind == "training"]

# As printed. The numbers of MentorNet are quoted there and need no runs.
TABLE_1 = """
Baseline
Reed-Hard
S-Model
Random
Clean Only
Baseline +FT
Random +FT
L2RW
"""
TABLE_2 = """
Baseline
Baseline +ES
Random
Weighted
Reed Soft +ES
Reed Hard +ES
S-Model
S-Model +Conf
S-Model +Conf +ES
Clean Only
Baseline +FT
Baseline +ES +FT
Weighted +FT
S-Model +Conf +FT
S-Model +Conf +ES +FT
L2RW
"""
FIGURE_4 = """
Baseline +FT
Baseline +ES +FT
L2RW
"""
FIGURE_5 = """
Baseline
Baseline +ES
Baseline +FT
Baseline +ES +FT
S-Model +Conf +ES
S-Model +Conf +ES +FT
L2RW
"""
FIGURE_6 = """
Baseline
L2RW
"""
FIGURE_7 = """
Baseline
S-Model
L2RW
"""
METHODS = {
    "Baseline": "baseline",
    "Clean Only": "clean_only",
    "L2RW": "l2rw",
    "Random": "random",
    "Reed Hard": "reed_hard",
    "Reed Soft": "reed_soft",
    "Reed-Hard": "reed_hard",
    "S-Model": "s_model",
    "S-Model+Conf": "s_model_conf",
    "Weighted": "weighted",
}
BOTH = ("cifar10", "cifar100")


def rows(printed):
    """The rows of a table or the curves of a figure, as the configuration writes them."""
    lines = (line.replace(" +Conf", "+Conf").split(" +") for line in printed.strip().splitlines())
    return ["+".join([METHODS[method], *map(str.lower, added)]) for method, *added in lines]


def over(column, values, printed):
    return [{column: value, "row": row} for value in values for row in rows(printed)]


def simulation(weighting, limit_fraction, model="logistic", batches="random"):
    return {
        "model": model,
        "weighting": weighting,
        "batches": batches,
        "limit_fraction": limit_fraction,
    }


@pytest.mark.parametrize(
    ("experiment", "settings"),
    [
        (
            "figure2",
            [
                {"majority_share": share, "row": method}
                for share in (0.9, 0.95, 0.98, 0.99, 0.995)
                for method in (
                    *("baseline", "proportion", "resample"),
                    *("hard_mining", "random", "l2rw"),
                )
            ],
        ),
        ("table1", over("dataset", BOTH, TABLE_1)),
        ("table2", over("dataset", BOTH, TABLE_2)),
        (
            "sanity",
            [
                {"dataset": dataset, "model": model, "row": "baseline"}
                for dataset in BOTH
                for model in ("resnet32", "wrn28_10")
            ],
        ),
        ("figure3", [{"row": "l2rw"}]),
        ("figure4", over("clean_size", (15, 50, 100, 200, 500, 1000, 2000), FIGURE_4)),
        ("figure5", over("noise", (0, 0.1, 0.2, 0.3, 0.4, 0.5), FIGURE_5)),
        ("figure6", over("corruption", ("uniform_flip", "background_flip"), FIGURE_6)),
        ("figure7", [{"row": row} for row in rows(FIGURE_7)]),
        (
            "theorem2",
            [
                *(simulation("l2rw", fraction) for fraction in (0.25, 0.5, 0.75)),
                *(simulation("ascent", 0.5), simulation("l2rw", 2.0, "huber", "copies")),
            ],
        ),
        (
            "lemma1",
            [
                *(simulation("l2rw", 1.0), simulation("l2rw", 1.0, batches="copies")),
                *(simulation("ascent", 0.5), simulation("unguided", 0.5)),
                simulation("l2rw", 2.0, "huber", "copies"),
            ],
        ),
        (
            "gradient_norm",
            [
                {"corruption": corruption, "network": network, "row": row}
                for corruption, network in (
                    ("imbalance", "lenet"),
                    ("background_flip", "resnet32"),
                )
                for row in ("baseline", "l2rw")
            ],
        ),
    ],
)
def test_every_row_and_every_curve_of_the_paper_is_planned(experiment, settings):
    assert [planned.setting for planned in PAPER.experiments[experiment].cells] == settings


# What a row takes, first to last: methods and steps; "ft" is training on the clean set alone that
# goes on from the run before.
TABLE_1_RUNS = {
    "baseline": "baseline 60K",
    "reed_hard": "reed_hard 60K",
    "s_model": "s_model 60K",
    "random": "random 60K",
    "clean_only": "clean_only 2K",
    "baseline+ft": "baseline 60K, ft 5K",
    "random+ft": "random 60K, ft 5K",
    "l2rw": "l2rw 60K",
}
TABLE_2_RUNS = {
    "baseline": "baseline 80K",
    "baseline+es": "baseline 60K",
    "random": "random 80K",
    "weighted": "weighted 80K",
    "reed_soft+es": "reed_soft 60K",
    "reed_hard+es": "reed_hard 60K",
    "s_model": "s_model 80K",
    "s_model_conf": "baseline 80K, s_model_conf 80K",
    "s_model_conf+es": "baseline 60K, s_model_conf 60K",
    "clean_only": "clean_only 2K",
    "baseline+ft": "baseline 80K, ft 5K",
    "baseline+es+ft": "baseline 60K, ft 5K",
    "weighted+ft": "weighted 80K, ft 5K",
    "s_model_conf+ft": "baseline 80K, s_model_conf 80K, ft 5K",
    "s_model_conf+es+ft": "baseline 60K, s_model_conf 60K, ft 5K",
    "l2rw": "l2rw 80K",
}
WRN_RUNS, RESNET_RUNS = ("wrn28_10", TABLE_1_RUNS), ("resnet32", TABLE_2_RUNS)


def runs_of(cell):
    return ", ".join(
        f"{'ft' if one.spec.fine_tunes else one.spec.method} {one.spec.steps // 1000}K"
        for one in cell.ancestry
    )


def expected_runs(experiment, setting):
    """The network of a cell, and the runs that it takes."""
    if experiment == "figure3":
        return "resnet32", "l2rw 40K"
    uniform = experiment == "table1" or setting.get("corruption") == "uniform_flip"
    network, runs = WRN_RUNS if uniform or setting.get("model") == "wrn28_10" else RESNET_RUNS
    return network, runs[setting["row"]]


@pytest.mark.parametrize("experiment", NOISY)
def test_a_row_takes_the_runs_that_the_paper_says(experiment):
    for planned in PAPER.experiments[experiment].cells:
        network, runs = expected_runs(experiment, planned.setting)
        assert runs_of(planned.cell) == runs
        assert {one.spec.model for one in planned.cell.ancestry} == {network}
        assert {one.split for one in planned.cell.ancestry} == {planned.cell.split}


SCHEDULES = {
    80_000: [(40_000, 0.1), (20_000, 0.01), (20_000, 0.001)],
    60_000: [(40_000, 0.1), (10_000, 0.01), (10_000, 0.001)],
    40_000: [(40_000, 0.1)],
    5_000: [(5_000, 0.001)],
    2_000: [(2_000, 0.1)],
}
"""By the number of steps: how many at which learning rate."""


def schedule(spec):
    """The same of a run, given that rates change at multiples of a thousand only."""
    first_and_last = [step for k in range(0, spec.steps, 1000) for step in (k, k + 999)]
    rates = groupby(round(spec.learning_rate_at(step), 12) for step in first_and_last)
    return [(500 * len(list(group)), rate) for rate, group in rates]


def test_learning_rates_fall_when_the_paper_says():
    for cell in TRAINED:
        if cell.spec.model == "lenet":
            assert schedule(cell.spec) == [(8_000, 0.001)]
        else:
            assert schedule(cell.spec) == SCHEDULES[cell.spec.steps]


def test_all_else_in_training_is_the_same_for_all_rows():
    for cell in TRAINED:
        if cell.spec.model == "lenet":
            continue
        alone = cell.spec.fine_tunes or cell.spec.method == "clean_only"
        assert cell.spec.trains_on == ("clean" if alone else "noisy")
        assert cell.spec.clean_batch_size == (100 if cell.spec.method == "l2rw" else None)
        assert (cell.spec.batch_size, cell.spec.momentum, cell.spec.weight_decay) == (
            100,
            0.9,
            2e-4,
        )
        assert (cell.spec.crop_padding, cell.spec.mirror) == (4, True)


BACKGROUNDS = {"cifar10": (0, 1, 3, 5, 7), "cifar100": (7, 12, 41, 62, 85)}


def expected_corruption(experiment, setting):
    dataset = setting.get("dataset", "cifar10")
    classes = {"cifar10": 10, "cifar100": 100}[dataset]
    noise = 0.0 if experiment == "sanity" else setting.get("noise", 0.4)
    if expected_runs(experiment, setting)[0] == "wrn28_10":
        return UniformFlip(classes, noise, 1000, 5000, False)
    backgrounds = (3,) if experiment == "figure4" else BACKGROUNDS[dataset]
    clean_size = setting.get("clean_size", 10 * classes)
    return BackgroundFlip(classes, noise, clean_size, 5000, False, backgrounds)


@pytest.mark.parametrize("experiment", NOISY)
def test_labels_are_corrupted_as_the_paper_says(experiment):
    for planned in PAPER.experiments[experiment].cells:
        split = planned.cell.split
        assert split.dataset == planned.setting.get("dataset", "cifar10")
        assert split.corruption == expected_corruption(experiment, planned.setting)


K = 1000


@pytest.mark.parametrize(
    ("experiment", "cells", "runs", "steps"),
    [
        ("figure2", 30, 300, 2_400 * K),
        ("table1", 16, 80, 3_120 * K),
        ("table2", 32, 160, 7_470 * K),
        ("sanity", 4, 20, 1_400 * K),
        ("figure3", 1, 5, 200 * K),
        ("figure4", 35, 175, 8_050 * K),
        ("figure5", 42, 210, 8_850 * K),
        ("figure6", 4, 4, 280 * K),
        ("figure7", 3, 15, 1_200 * K),
        ("theorem2", 5, 5, 5_000 * K),
        ("lemma1", 5, 5, 100 * K),
        ("gradient_norm", 4, 20, 880 * K),
    ],
)
def test_what_an_experiment_takes_with_all_that_it_waits_for(experiment, cells, runs, steps):
    planned = PAPER.experiments[experiment]
    seeds = len(planned.seeds)
    assert len(planned.all_cells) == cells
    assert cells * seeds == runs
    assert seeds * sum(cell.spec.steps for cell in planned.all_cells.values()) == steps


def test_what_the_paper_takes_with_what_experiments_share_once():
    seeds = {key: len(PAPER.jobs(cell)) for key, cell in PAPER.cells.items()}
    assert len(PAPER.cells) == 152 + 10
    assert sum(seeds.values()) == 910 + 10
    assert sum(seeds[cell.id] * cell.spec.steps for cell in TRAINED) == 29_615 * K
    assert len(TRAINED) == 152


@pytest.mark.parametrize("experiment", SIMULATED)
def test_simulations_are_of_one_problem_and_one_split(experiment):
    planned = PAPER.experiments[experiment]
    assert planned.seeds == (0,)
    (split,) = {one.cell.split for one in planned.cells}
    assert split.dataset == "mnist"
    assert split.corruption == Imbalance(4, 9, 0.9, train_size=200, clean_size=20)
    for one in planned.cells:
        spec, setting = one.cell.spec, one.setting
        assert (spec.batch_size, spec.trajectories) == (10, 20)
        assert spec.steps == {"theorem2": 1_000_000, "lemma1": 20_000}[experiment]
        assert (spec.model, spec.weighting) == (setting["model"], setting["weighting"])
        assert spec.limit_fraction == setting["limit_fraction"]
        assert spec.aligned == (setting["batches"] == "copies")


def ids(experiment, *rows, **setting):
    """The cells of an experiment, with what they wait for: all, or those in a place."""
    wanted = setting.items()
    return {
        one.id
        for planned in PAPER.experiments[experiment].cells
        if wanted <= planned.setting.items() and (not rows or planned.setting["row"] in rows)
        for one in planned.cell.ancestry
    }


def test_figures_show_runs_of_tables_wherever_they_can():
    assert ids("figure6", corruption="uniform_flip") < ids("table1")
    assert ids("figure6", corruption="background_flip") < ids("table2")
    assert ids("figure7") < ids("table2")
    assert ids("figure5", noise=0.4) < ids("table2")
    assert ids("figure5", "baseline", noise=0.0) == ids(
        "sanity", dataset="cifar10", model="resnet32"
    )


def test_no_other_runs_are_shared():
    tables = ids("table1") | ids("table2")
    assert ids("figure5") & tables == ids("figure5", noise=0.4)
    assert ids("figure5") & ids("sanity") == ids("figure5", "baseline", noise=0.0)
    for alone in ("figure2", "figure3", "figure4", *SIMULATED):
        others = set(PAPER.experiments) - {alone, "gradient_norm"}
        assert not ids(alone) & set().union(*map(ids, others))
    assert not ids("table1") & ids("table2")


def test_the_decay_of_the_clean_gradient_is_seen_in_runs_of_figure_2_and_table_2():
    lenet, resnet = ids("gradient_norm", network="lenet"), ids("gradient_norm", network="resnet32")
    assert lenet == {
        planned.cell.id
        for planned in PAPER.experiments["figure2"].cells
        if planned.setting["row"] in ("baseline", "l2rw")
        and planned.setting["majority_share"] == 0.995
    }
    assert resnet == ids("table2", "baseline", "l2rw", dataset="cifar10")
    # And their seeds, too.
    assert PAPER.seeds_of(min(lenet)) == 10
    assert PAPER.experiments["gradient_norm"].seeds == PAPER.experiments["table2"].seeds


def test_controls_of_both_checks_are_simulated_once_if_they_go_equally_far():
    steps = {name: {"steps": 500} for name in SIMULATED}
    plan = Plan(parse_config({"targets": SIMULATED, "experiments": steps}))
    assert len(plan.cells) == 10 - 2


def test_figures_6_and_7_alone_train_what_the_tables_would():
    raw = {"targets": ["figure6", "figure7"]}
    assert set(Plan(parse_config(raw)).cells) == ids("figure6") | ids("figure7")


@pytest.mark.parametrize("experiment", PAPER.experiments)
def test_captions_are_sentences(experiment):
    caption = PAPER.experiments[experiment].caption
    assert caption.endswith(".")
    assert "  " not in caption


@pytest.mark.parametrize("row", ["baseline", "baseline+es", "baseline+ft"])
def test_a_caption_tells_of_the_variants_that_it_shows(row):
    raw = {"targets": ["table2"], "experiments": {"table2": {"rows": [row]}}}
    caption = Plan(parse_config(raw)).experiments["table2"].caption
    assert caption.endswith(".")
    assert ("+ES: 60000 steps" in caption) == (row == "baseline+es")
    assert ("+FT: 5000 further steps" in caption) == (row == "baseline+ft")


T1 = {("table1", row) for row in rows(TABLE_1)}
T2 = {("table2", row) for row in rows(TABLE_2)}
ALL = T1 | T2
EARLY_STOPPED = {place for place in ALL if "+es" in place[1]}
FINE_TUNED = {place for place in ALL if "+ft" in place[1]}
CLEAN_ONLY = {place for place in ALL if place[1] == "clean_only"}
L2RW = {place for place in ALL if place[1] == "l2rw"}


def tables(change):
    """The ids of the cells of Tables 1 and 2, given other values for keys of ``noisy_labels``."""
    section = {}
    for key, value in change.items():
        *path, last = key.split(".")
        inner = section
        for name in path:
            inner = inner.setdefault(name, {})
        inner[last] = value
    both = {"table1": {"datasets": ["cifar10"]}, "table2": {"datasets": ["cifar10"]}}
    raw = {"targets": list(both), "experiments": both, "noisy_labels": section}
    return {
        (name, planned.setting["row"]): planned.cell.id
        for name, experiment in Plan(parse_config(raw)).experiments.items()
        for planned in experiment.cells
    }


def training(section, rows):
    """A changed value for every key of a section's training, and the rows that depend on it."""
    changed = OTHER_TRAINING | {"steps": 60_001, "mirror": False}
    del changed["schedule"]
    dependent = dict.fromkeys(changed, rows)
    dependent["clean_batch_size"] = rows & L2RW
    dependent["steps"] = dependent["decay_at"] = rows - EARLY_STOPPED - CLEAN_ONLY
    return {f"{section}.training.{key}": (changed[key], dependent[key]) for key in changed}


CHANGES = {
    "seeds": (4, set()),
    "validation_size": (4000, ALL),
    "baselines_see_clean": (True, ALL - L2RW - CLEAN_ONLY),
    "fine_tuning_steps": (4000, FINE_TUNED),
    "clean_only_steps": (1000, CLEAN_ONLY),
    "authors_code": (True, ALL),
    "uniform_flip.noise": (0.3, T1),
    "uniform_flip.clean_size": (500, T1),
    **training("uniform_flip", T1),
    "background_flip.noise": (0.3, T2),
    "background_flip.clean_per_class": (20, T2),
    "background_flip.background_classes": ({"cifar10": [2]}, T2),
    **training("background_flip", T2),
    "background_flip.early_stopping.steps": (50_001, EARLY_STOPPED),
    "background_flip.early_stopping.decay_at": ([30_000], EARLY_STOPPED),
}
"""A changed value for every key of ``noisy_labels``, and the rows that depend on it."""


def test_every_setting_of_noisy_labels_is_tried_below():
    sections = {name for name, *_ in keys(NoisyLabels())}
    leaves = {name for name in sections if not any(key.startswith(f"{name}.") for key in sections)}
    apart = {f"{section}.training.schedule" for section in ("uniform_flip", "background_flip")}
    assert set(CHANGES) | apart == leaves


@pytest.mark.parametrize("key", CHANGES)
def test_a_setting_of_noisy_labels_changes_the_rows_that_depend_on_it(key):
    value, dependent = CHANGES[key]
    before, after = tables({}), tables({key: value})
    assert {place for place in before if before[place] != after[place]} == dependent


def on_a_cosine(rows, schedule="cosine"):
    """The cells of Table 2 by row, without decay or along a cosine."""
    training = {"schedule": schedule, "decay_at": []}
    raw = {
        "targets": ["table2"],
        "experiments": {"table2": {"datasets": ["cifar10"], "rows": rows}},
        "noisy_labels": {"background_flip": {"training": training}},
    }
    planned = Plan(parse_config(raw)).experiments["table2"].cells
    return {one.setting["row"]: one.cell for one in planned}


def test_a_cosine_is_that_of_the_rows_with_a_schedule_however_short():
    rows = ["baseline", "baseline+es", "l2rw", "clean_only"]
    constant, cosine = on_a_cosine(rows, "step"), on_a_cosine(rows)
    assert {row for row in rows if cosine[row].id != constant[row].id} == {*rows} - {"clean_only"}
    for row, steps in (("baseline", 80_000), ("baseline+es", 60_000)):
        spec = cosine[row].spec
        assert spec.steps == steps
        assert spec.learning_rate_at(0) == 0.1
        assert spec.learning_rate_at(steps // 2) == pytest.approx(0.05)
        assert spec.learning_rate_at(steps - 1) < 1e-8
    assert cosine["clean_only"].spec.learning_rate_at(1999) == 0.1


def test_nothing_is_fine_tuned_at_a_learning_rate_of_zero():
    with pytest.raises(UserError, match=r"Row baseline\+ft .*cosine.* Hint: leave out \+ft"):
        on_a_cosine(["baseline+ft"])


def test_the_background_classes_of_one_data_set_are_no_matter_of_another():
    assert tables({"background_flip.background_classes": {"cifar100": [2]}}) == tables({})


def test_a_short_run_on_clean_images_is_evaluated_at_most_after_every_step():
    change = {"clean_only_steps": 3, "fine_tuning_steps": 2}
    plan = Plan(parse_config({"targets": ["table2"], "noisy_labels": change}))
    seen = {(cell.spec.steps, cell.spec.evaluations) for cell in plan.cells.values()}
    assert seen == {(3, 3), (2, 1), (80_000, 80), (60_000, 80)}


THEORY_CHANGES = {
    "dataset": "digits",
    "minority": 3,
    "majority": 8,
    "majority_share": 0.8,
    "train_size": 110,
    "clean_size": 10,
    "model": "softmax",
    "batch_size": 5,
    "trajectories": 10,
}
"""A changed value for every key of ``theory``."""


def test_every_setting_of_theory_is_tried_below():
    assert set(THEORY_CHANGES) == set(Theory.model_fields)


@pytest.mark.parametrize("key", THEORY_CHANGES)
def test_a_setting_of_theory_changes_all_simulations_and_nothing_else(key):
    sizes = {"train_size": 120}  # which digits have, too
    before = Plan(parse_config({"theory": sizes}))
    after = Plan(parse_config({"theory": sizes | {key: THEORY_CHANGES[key]}}))
    changed = {cell.id for cell in before.cells.values() if cell.id not in after.cells}
    assert changed == {
        cell.id
        for cell in before.cells.values()
        if cell.kind == "simulation" and (key != "model" or cell.spec.model != "huber")
    }
    same = set(before.experiments) - set(SIMULATED)
    for name in same:
        assert before.experiments[name].digest == after.experiments[name].digest


@pytest.mark.parametrize(
    ("experiment", "change", "changed", "added"),
    [
        ("theorem2", {"steps": 999}, 5, 5),
        ("theorem2", {"limit_fractions": [0.25, 0.5]}, 1, 0),
        ("theorem2", {"limit_fractions": [0.75, 0.2, 0.5, 0.25]}, 0, 1),
        ("lemma1", {"steps": 999}, 5, 5),
    ],
)
def test_a_setting_of_a_check_changes_its_simulations_only(experiment, change, changed, added):
    plan = Plan(parse_config({"experiments": {experiment: change}}))
    before, after = set(PAPER.cells), set(plan.cells)
    assert len(before - after) == changed
    assert len(after - before) == added
    assert before - after <= ids(experiment)


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        ({"model": "softmax"}, "Softmax regression on mnist"),
        ({"majority_share": 0.995, "train_size": 4000}, "majority share 0.995"),
    ],
)
def test_captions_of_checks_tell_the_problem(shared, words):
    plan = Plan(parse_config({"targets": SIMULATED, "theory": shared}))
    for experiment in plan.experiments.values():
        assert words in experiment.caption


def test_decay_shows_as_many_seeds_as_both_of_its_experiments_have():
    for seeds, others, shown in ((2, 5, 2), (7, 3, 3)):
        raw = {
            "targets": ["gradient_norm"],
            "experiments": {"figure2": {"seeds": seeds}},
            "noisy_labels": {"seeds": others},
        }
        assert Plan(parse_config(raw)).experiments["gradient_norm"].seeds == tuple(range(shown))


@pytest.mark.parametrize(("steps", "half"), [(1, 1), (2, 1), (7, 3), (90_001, 45_000)])
def test_the_network_of_figure_3_is_trained_for_half_of_the_steps(steps, half):
    decay_at = [10_000] if steps > 10_000 else []
    short = {"steps": steps, "decay_at": decay_at, "evaluations": 1}
    raw = {"targets": ["figure3"], "noisy_labels": {"background_flip": {"training": short}}}
    (cell,) = Plan(parse_config(raw)).cells.values()
    assert (cell.spec.steps, cell.spec.decay_at) == (half, ())


def test_hard_mining_which_knows_two_classes_is_no_row():
    raw = {"targets": ["table2"], "experiments": {"table2": {"rows": ["hard_mining"]}}}
    with pytest.raises(UserError, match=r"minority and a majority class only.* Hint: "):
        Plan(parse_config(raw))


def test_the_convention_of_later_papers_is_named_and_is_another_split():
    def planned(**corruption):
        table = {"datasets": ["cifar10"], "corruptions": [{"name": "uniform_flip", **corruption}]}
        raw = {"targets": ["table1"], "experiments": {"table1": table | {"rows": ["baseline"]}}}
        return Plan(parse_config(raw)).experiments["table1"]

    papers, others = planned(noise=0.4), planned(noise=0.4, drawn_from="all_classes")
    assert "40% of the training labels flip to any other class" in papers.caption
    assert (
        "40% of the training labels are drawn from all classes, the true one incl" in others.caption
    )
    assert not papers.all_cells.keys() & others.all_cells.keys()
    assert planned(noise=1.0, drawn_from="all_classes").cells
    with pytest.raises(UserError, match=r"noise of 1\.0 cannot be a share"):
        planned(noise=1.0)


@pytest.mark.parametrize("steps", [80000, 8000])
def test_a_table_at_another_scale_says_how_the_paper_trains(steps):
    training = {"steps": steps, "decay_at": [steps // 2, steps * 3 // 4]}
    raw = {"noisy_labels": {"background_flip": {"training": training}}, "targets": ["table2"]}
    caption = Plan(parse_config(raw)).experiments["table2"].caption
    assert ("another scale" in caption) == (steps == 8000)
    assert caption.count("80000 steps") == 1
