"""The kinds of experiments that compare rows of methods: tables, sweeps, curves, and so on."""

from collections.abc import Iterable, Mapping
from typing import Any

from l2rw.config.load import Config
from l2rw.config.sections import (
    Compared,
    Confusion,
    Corrupted,
    Curves,
    Detectors,
    Suspects,
    Sweep,
    Table,
    Weights,
)
from l2rw.data.datasets.facts import UNTRUSTED_TESTS, score_in_words
from l2rw.experiments.captions import (
    SWEPT,
    describe_clean_set,
    describe_corruption,
    describe_setups,
    describe_truth,
    describe_variants,
    over_splits,
    sentences,
    splits,
)
from l2rw.experiments.cells import Experiment, PlannedCell
from l2rw.experiments.setups import Setup, setup
from l2rw.methods import METHODS
from l2rw.methods.rows import Row
from l2rw.store.errors import UserError
from l2rw.store.paths import DETECTORS, METRICS, PROBE, SUSPECTS


def table(config: Config, name: str) -> Experiment:
    """Return the cells of a table of accuracies."""
    section = _section(config, name, Table)
    setups = _setups(config, section)
    cells = [
        planned
        for one in setups
        for planned in _rows(one, section.rows, dataset=one.split.dataset, **_group(section, one))
    ]
    caption = sentences(
        f"{_scores(setups)} (%) when {_corruptions(setups)}: "
        f"{over_splits(_seeds(config, section))}.",
        _each(
            describe_clean_set(one.split.corruption) for one in setups[: len(section.corruptions)]
        ),
        describe_setups(setups),
        _papers_training(name, setups),
        describe_variants(config.noisy_labels, section.rows),
    )
    return _experiment(config, name, caption, cells)


def sweep(config: Config, name: str) -> Experiment:
    """Return the cells of a sweep: every row at every value of what is swept."""
    section = _section(config, name, Sweep)
    key, values = section.swept, section.sweep[section.swept]
    setups = [
        setup(config, section, section.dataset, section.corruption, {key: value})
        for value in values
    ]
    cells = [
        planned
        for one, value in zip(setups, values, strict=True)
        for planned in _rows(one, section.rows, **{key: getattr(one.split.corruption, key, value)})
    ]
    corruption = setups[0].split.corruption
    caption = sentences(
        f"{_scores(setups, errors=section.quantity == 'error')} (%) on {section.dataset} against "
        f"{SWEPT.get(key, key.replace('_', ' '))}: {over_splits(_seeds(config, section))}; "
        f"{describe_corruption(corruption, swept=key)}.",
        "" if key == "clean_size" else describe_clean_set(corruption),
        describe_setups(setups[:1]),
        describe_variants(config.noisy_labels, section.rows),
    )
    return _experiment(config, name, caption, cells)


def curves(config: Config, name: str) -> Experiment:
    """Return the cells of curves of training."""
    section = _section(config, name, Curves)
    one = setup(config, section, section.dataset, section.corruption)
    one.require_validation(section.title or f"Experiment {name}")
    caption = sentences(
        f"Training curves on {section.dataset}: {describe_corruption(one.split.corruption)}. "
        f"Accuracy under the given, noisy labels: solid on the hyper-validation set "
        f"({config.noisy_labels.validation_size} images), dotted in training; means over "
        f"{splits(_seeds(config, section))} with 95 % confidence bands.",
        describe_setups([one]),
    )
    return _experiment(config, name, caption, _rows(one, section.rows), results_file=METRICS)


def confusion(config: Config, name: str) -> Experiment:
    """Return the cells of confusion matrices, under each corruption those of each row."""
    section = _section(config, name, Confusion)
    setups = [
        setup(config, section, section.dataset, corruption) for corruption in section.corruptions
    ]
    cells = [
        planned
        for one in setups
        for planned in _rows(one, section.rows, corruption=one.split.corruption.name)
    ]
    told = "; ".join(
        f"{describe_corruption(one.split.corruption)}{_background(one)}, {one.training.model}"
        for one in setups
    )
    caption = (
        f"Confusion matrices on the test part of {section.dataset}, first random split, top to "
        f"bottom: {told}."
    )
    # Means over splits would smear the background class, which differs between them.
    return _experiment(config, name, caption, cells, seeds=1)


def weights(config: Config, name: str) -> Experiment:
    """Return the cell whose half-trained network weighs right and flipped labels."""
    section = _section(config, name, Weights)
    if section.corruption.name != "background_flip":
        raise UserError(
            f"Experiment {name}: weights are shown under background_flip alone, not under "
            f"{section.corruption.name}.",
            "name that corruption, or make it an experiment of the kind `suspects`.",
        )
    one = setup(config, section, section.dataset, section.corruption)
    one.require_validation(section.title or f"Experiment {name}")
    cell = one.half_way("l2rw")
    caption = (
        f"Example weights (1 is plain averaging's) of rightly labelled and of flipped images of "
        f"the hyper-validation set of {section.dataset}, "
        f"{describe_corruption(one.split.corruption)}, by L2RW after {cell.spec.steps} steps of "
        f"{one.training.model} without decay of the learning rate. Left: batches of "
        f"{one.training.batch_size} images of all classes. Right: batches of images of a single "
        f"class, not the background, over all such classes. All batches of "
        f"{splits(_seeds(config, section))}."
    )
    cells = [PlannedCell(cell, {"row": "l2rw"})]
    return _experiment(config, name, caption, cells, results_file=PROBE)


def suspects(config: Config, name: str) -> Experiment:
    """Return the cells whose training examples are ranked by their mean weight."""
    section = _section(config, name, Suspects)
    one = _with_truth(config, name, section)
    caption = sentences(
        f"Which labels are wrong? Training images of {section.dataset} by their mean weight over "
        f"training, least first: share of wrong labels among the first, "
        f"{over_splits(_seeds(config, section))}; {describe_corruption(one.split.corruption)}. "
        "Estimated: the share of wrong labels that the confident joint counts on the "
        "hyper-validation set, without knowing the truth.",
        describe_clean_set(one.split.corruption),
        describe_setups([one]),
    )
    return _experiment(config, name, caption, _rows(one, section.rows), results_file=SUSPECTS)


def detectors(config: Config, name: str) -> Experiment:
    """Return the cells whose networks detectors use to examine labels."""
    section = _section(config, name, Detectors)
    one = _with_truth(config, name, section)
    for row in section.rows:
        if not METHODS[row.method].one_network:
            raise UserError(
                f"Experiment {name}: detectors need a single network, but row {row!s} trains "
                "several.",
                "remove it from rows.",
            )
    caption = sentences(
        f"Which labels are wrong? Detectors on {section.dataset}, "
        f"{describe_corruption(one.split.corruption)}: {over_splits(_seeds(config, section))}. "
        "AUC is the probability that a wrong label scores higher than a right one, recall the "
        "share of the wrong labels among as many highest scores as there are wrong labels. Held "
        "out: images of the hyper-validation set, which the network was not trained on; their "
        "weight is the mean over ten passes of L2RW without a step. Trained on: training "
        "images; their weight is the mean in training. Costs are those of the scores, in seconds "
        "and in units of an SGD run of the same steps; what training the network took comes on "
        "top.",
        describe_clean_set(one.split.corruption),
        describe_setups([one]),
    )
    return _experiment(config, name, caption, _rows(one, section.rows), results_file=DETECTORS)


def _with_truth(config: Config, name: str, section: Suspects | Detectors) -> Setup:
    """Return what rows are compared on; raise :class:`UserError` unless wrong labels are known."""
    one = setup(config, section, section.dataset, section.corruption)
    if not one.split.corruption.knows_truth(one.split.data):
        raise UserError(
            f"Experiment {name} counts wrong labels among suspects, but nobody knows which labels "
            f"of {section.dataset} are wrong.",
            "leave it out; suspects.csv of every run of a table lists the suspects.",
        )
    return one


def _section(config: Config, name: str, kind: type[Any]) -> Any:
    section = config.experiments[name]
    assert isinstance(section, kind)
    return section


def _rows(one: Setup, rows: Iterable[Row], **setting: Any) -> list[PlannedCell]:
    return [PlannedCell(one.cell(row), {**setting, "row": str(row)}) for row in rows]


def _group(section: Table, one: Setup) -> dict[str, str]:
    """Return what tells the lines of several corruptions apart."""
    if len(section.corruptions) == 1:
        return {}
    if section.told_apart_by == "model":
        return {"model": one.training.model}
    return {"corruption": one.split.corruption.name}


def _corruptions(setups: Iterable[Setup]) -> str:
    return _each((describe_corruption(one.split.corruption) for one in setups), "; or ")


def _setups(config: Config, section: Table) -> list[Setup]:
    return [
        setup(config, section, dataset, corruption)
        for dataset in section.datasets
        for corruption in section.corruptions
    ]


def _papers_training(name: str, setups: Iterable[Setup]) -> str:
    """Say how the paper trains, if its table has one of the data sets with other training."""
    papers = Config()
    section = papers.experiments.get(name)
    if not isinstance(section, Table):
        return ""
    ours, theirs = _training_by_data(setups), _training_by_data(_setups(papers, section))
    others = _each(theirs[key] for key in ours if theirs.get(key, ours[key]) != ours[key])
    return others and f"The paper trains at another scale, so its numbers do not compare: {others}"


def _training_by_data(setups: Iterable[Setup]) -> dict[tuple[str, str], str]:
    return {
        (one.split.dataset, one.split.corruption.name): describe_setups([one]) for one in setups
    }


def _scores(setups: Iterable[Setup], *, errors: bool = False) -> str:
    """Say what is compared: agreement, if test labels may be wrong."""
    return score_in_words((one.split.data.test_is_trusted for one in setups), errors=errors)


def _each(texts: Iterable[str], between: str = " ") -> str:
    return between.join(dict.fromkeys(texts))


def _background(one: Setup) -> str:
    """Say which class labels of the first split flip to."""
    if one.split.corruption.name != "background_flip":
        return ""
    corruption: Any = one.split.corruption
    return f", background class {corruption.background_class(0)}"


def _seeds(config: Config, section: Compared) -> int:
    return section.seeds or config.noisy_labels.seeds


def _experiment(
    config: Config,
    name: str,
    caption: str,
    cells: Iterable[PlannedCell],
    *,
    seeds: int | None = None,
    **more: Any,
) -> Experiment:
    """Return an experiment on all its seeds, or on the first few."""
    section = config.experiments[name]
    assert isinstance(section, Compared)
    settings: Mapping[str, Any] = section.model_dump(mode="json")
    if _depends_on_shared(section):
        settings = {**settings, "noisy_labels": config.noisy_labels.model_dump(mode="json")}
    shown, cells = tuple(range(seeds or _seeds(config, section))), tuple(cells)
    data = [planned.cell.split.data for planned in cells]
    if untrusted := list(dict.fromkeys(one.name for one in data if not one.test_is_trusted)):
        settings = {**settings, UNTRUSTED_TESTS: untrusted}
    caption = sentences(caption, describe_truth(planned.cell.split for planned in cells))
    return Experiment(name, caption, cells, shown, settings, **more)


def _depends_on_shared(section: Any) -> bool:
    """Whether this experiment depends on the settings that noisy labels share."""
    corruptions: Iterable[Corrupted] = getattr(section, "corruptions", None) or [section.corruption]
    return any(one.name != "imbalance" for one in corruptions)
