"""The text of the configuration that ``l2rw init`` writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from l2rw.data.kinds.base import DatasetKind
from l2rw.starting.choice import PER_CLASS, Choice


class Names(NamedTuple):
    """What things are called, and where they lie."""

    configuration: str
    """Results go to ``results/<configuration>``."""
    data_set: str
    out: Path
    """The configuration's file."""
    clean: Path | None
    """List of clean examples, which need not exist yet; None if true labels are known."""
    left_out: Path
    """List of what cannot be used."""


def document(names: Names, kind: DatasetKind, choice: Choice, *, images: bool, heading: str) -> str:
    """Return a configuration in YAML, with comments.

    Args:
        names: Of everything.
        kind: The data set; lists of examples included.
        choice: How networks are trained.
        images: Whether examples are images; else they are rows.
        heading: A line on what was seen.
    """
    name, what = names.data_set, "images" if images else "rows"
    lines = [
        f"# {heading}",
        "# Written by `l2rw init`. Change what you like: `l2rw run` trains what depends on it.",
        f"name: {names.configuration}  # results go to results/{names.configuration}",
        f"targets: [{name}, {name}_curves]",
        "",
        "data_sets:",
        f"  {name}:",
        *_data_set(names, kind),
        "",
        "noisy_labels:",
        f"  seeds: {choice.seeds}  # random splits; more of them make intervals narrower",
        f"  validation_size: {choice.validation_size}  # {what} held out, with their given labels",
        f"  fine_tuning_steps: {max(100, choice.steps // 10)}  # steps of the row baseline+ft",
        "",
        *_compute(choice),
        "experiments:",
        f"  {name}:",
        "    kind: table",
        f"    title: {json.dumps(_title(name))}",
        f"    datasets: [{name}]",
        f"    corruptions: [&labels {{name: given, clean_size: {choice.clean_size}}}]"
        + ("" if choice.clean_size else "  # 0: all examples of the clean list"),
        "    # gce and elr do not use the clean set; baseline+ft and glc use it in other ways "
        "than l2rw.",
        f"    rows: [{', '.join(choice.rows)}]",
        "    training: &training",
        *_training(choice.training, images=images),
        f"  {name}_curves:",
        "    kind: curves",
        f"    title: {json.dumps(f'{_title(name)}: training')}",
        f"    dataset: {name}",
        "    corruption: *labels",
        "    rows: [baseline, l2rw]",
        "    training: *training",
    ]
    return "\n".join(lines) + "\n"


COMMENTS = {
    "test_is_trusted": "set it to true once you have checked the test labels; until then, "
    "accuracy means little",
    "size": "side in pixels; larger images show more and take longer",
    "grey": "",
    "fit": "crop keeps the middle square, pad adds black, stretch ignores proportions",
    "ignore": "columns that are not features; remove what is one after all",
    "duplicates": "equal rows may be in both training and test part",
    "leave_out": "unreadable files and copies, with reasons; edit it as you like",
    "test_share": "",
}


def _data_set(names: Names, kind: DatasetKind) -> list[str]:
    options = {
        key: value
        for key, value in kind.options().items()
        if key not in ("clean", "test_is_trusted") and value not in (None, [], False)
    }
    if options.get("duplicates") == "refuse":
        del options["duplicates"]
    lines = [f"    kind: {kind.kind}"]
    for key, value in options.items():
        comment = f"  # {COMMENTS[key]}" if COMMENTS.get(key) else ""
        lines.append(f"    {key}: {_scalar(value)}{comment}")
    if not (kind.test_path or getattr(kind, "split_column", None)):
        lines.append("    test_share: 0.2  # share of each class that is drawn for testing")
    lines.append(f"    test_is_trusted: false  # {COMMENTS['test_is_trusted']}")
    if names.clean is not None:
        lines += [
            f"    # Examples whose labels are known to be right, {PER_CLASS} of each class:",
            f"    # `l2rw pick {names.out}` helps to choose them. Save the list under this name.",
            f"    clean: {_scalar(names.clean.as_posix())}",
        ]
    corrections = names.out.with_name(f"{names.out.stem}_corrections.csv").as_posix()
    lines += [
        "    # Your decisions in the review of the results; download the file, and remove the # "
        "below:",
        f"    # corrections: {_scalar(corrections)}",
    ]
    return lines


def _compute(choice: Choice) -> list[str]:
    if choice.stack == 1:
        return []
    return [
        "compute:",
        f"  seeds_per_job: {choice.stack}",
        f"  stack: {choice.stack}  # seeds that a GPU trains at the same time",
        "",
    ]


def _training(training: Mapping[str, Any], *, images: bool) -> list[str]:
    comments = {
        "learning_rate": "divided by ten at each of decay_at",
        "mirror": "set it to false if mirroring changes the class" if training["mirror"] else "",
    }
    if not images:
        training = {k: v for k, v in training.items() if k not in ("crop_padding", "mirror")}
        training = {**training, "crop_padding": 0, "mirror": False}
    return [
        f"      {key}: {_scalar(value)}" + (f"  # {comments[key]}" if comments.get(key) else "")
        for key, value in training.items()
    ]


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _scalar(value: Any) -> str:
    """Write a value in YAML, whose flow style is JSON."""
    if isinstance(value, float):
        return f"{value:g}" if "e" not in f"{value:g}" else f"{value:f}".rstrip("0")
    return json.dumps(value, ensure_ascii=False)
