"""What a user's folder or file is: a kind of data set and its options."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2rw.data.kinds.image_folder import TEST, TRAIN
from l2rw.data.kinds.images import image_suffixes
from l2rw.data.kinds.problems import counted, some
from l2rw.data.kinds.tables import TABLE_SUFFIXES, has_decimal_commas, is_table, separator_of
from l2rw.starting.columns import Columns, guess, read_examples, require_classes
from l2rw.store.errors import UserError, why

if TYPE_CHECKING:
    import pandas as pd

HALVES = {TRAIN: ("train", "training"), TEST: ("test", "testing")}
"""How folders of the halves are called."""
HELD_OUT = ("val", "valid", "validation", "dev")
PHONES = (".heic", ".heif")
PROBED = 20
"""Files of a table that are looked for to find the folder of all of them."""


@dataclass(frozen=True)
class Source:
    """A kind of data set, by name, with the options that the files ask for."""

    kind: str
    options: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    """What was guessed, in sentences."""

    @property
    def has_images(self) -> bool:
        """Whether its examples are images."""
        return self.kind.startswith("image")


def find_source(path: Path, label: str | None) -> Source:
    """Return what a folder or a file is.

    Args:
        path: Of the user.
        label: Column of the labels, if it is a table; guessed if None.

    Raises:
        UserError: It is nothing that can be learned from, or nobody can tell what it is.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist.", "name a folder of images, or a table.")
    if path.is_file():
        return _of_table(path, label)
    if label is not None:
        raise UserError(
            f"{path} is a folder, which has no column {label!r}.", "name the table itself."
        )
    return _of_folder(path)


def _of_folder(folder: Path) -> Source:
    below = _folders(folder)
    halves = {
        half: found
        for half, names in HALVES.items()
        if (found := next((one for one in below if one.name.lower() in names), None))
    }
    if len(halves) == 2 and all(_classes(one) for one in halves.values()):
        return _of_halves(halves, below)
    if len(_classes(folder)) >= 2:
        notes = [*_folders_of_folders(folder), *_photos_of_phones(folder)]
        return Source("image_folder", {"path": folder}, notes)
    tables = [
        one for one in sorted(folder.iterdir()) if is_table(one) and not one.name.startswith(".")
    ]
    if len(tables) == 1:
        source = _of_table(tables[0], None)
        note = f"The folder has one table, {tables[0].name}."
        return Source(source.kind, source.options, [note, *source.notes])
    raise _no_classes(folder, below, tables)


def _of_halves(halves: dict[str, Path], below: list[Path]) -> Source:
    notes = [f"Networks train on {halves[TRAIN].name}/ and are tested on {halves[TEST].name}/."]
    others = [one.name for one in below if one not in halves.values()]
    if others:
        notes.append(
            f"{some([f'{one}/' for one in others])} beside them "
            f"{'is' if len(others) == 1 else 'are'} not used"
            + (": a validation part is drawn from the training part." if _held_out(others) else ".")
        )
    return Source("image_folder", {"path": halves[TRAIN], "test_path": halves[TEST]}, notes)


def _held_out(names: list[str]) -> bool:
    return any(name.lower() in HELD_OUT for name in names)


def _no_classes(folder: Path, below: list[Path], tables: list[Path]) -> UserError:
    """Return the sentence on a folder that has no folders of classes."""
    if len(tables) > 1:
        return UserError(
            f"{folder} holds {len(tables)} tables ({some([one.name for one in tables])}).",
            "name the one with the labels.",
        )
    if deeper := next((one for one in below if len(_classes(one)) >= 2), None):
        return UserError(
            f"{folder} has one folder with images in it, which is one class.",
            f"did you mean {deeper}?",
        )
    if one := _classes(folder):
        return UserError(
            f"{folder} has images of only one class ({one[0].name}).",
            "a network needs at least two classes: put the images of each into its own folder.",
        )
    if any(_images_in(folder)):
        return UserError(
            f"The images of {folder} are not in folders of classes.",
            "put the images of each class into a folder with its name, or name a table of files "
            "and labels.",
        )
    phones = _photos_of_phones(folder)
    return UserError(
        f"There are no images in {folder} that can be read, and no table.",
        phones[0] if phones else "name a folder with a folder of images for each class.",
    )


def _of_table(file: Path, label: str | None) -> Source:
    if not is_table(file):
        is_image = file.suffix.lower() in image_suffixes()
        raise UserError(
            f"{file} is {'a single image' if is_image else 'no table'}.",
            f"name a file that ends in {', '.join(TABLE_SUFFIXES)}, or a folder of images.",
        )
    separator = separator_of(file)
    frame = read_examples(file, separator)
    # A table of Excel where a comma is the decimal sign has semicolons between its cells.
    decimal = "," if separator == ";" and _has_commas(frame) else "."
    if decimal == ",":
        frame = read_examples(file, separator, decimal)
    columns = guess(frame, file, label)
    require_classes(frame, columns.label, file)
    options: dict[str, Any] = {"path": file, "label_column": columns.label}
    if separator != ",":
        options["separator"] = separator
    if decimal != ".":
        options["decimal"] = decimal
    for key in ("id", "group", "split", "true_label"):
        if name := getattr(columns, key):
            options[f"{key}_column"] = name
    notes = [_guessed(columns, label), *(f"Not a feature: {why}" for _, why in columns.ignored)]
    if columns.image is None:
        if columns.id is None:
            notes.append(
                "Rows have no ids and are called by their numbers: keep their order as long as you "
                "use lists of them."
            )
        if columns.ignored:
            options["ignore"] = [name for name, _ in columns.ignored]
            notes.append("If one of these is a feature after all, take it off `ignore`.")
        if columns.doubtful:
            words = "column {} has", "columns {} have"
            notes.append(
                f"{counted(columns.doubtful, *words)} another whole number in every row: if these "
                "are ids, list them in `ignore`."
            )
        features = [name for name in map(str, frame.columns) if name not in columns.no_features]
        notes.append(f"Networks learn from {counted(features, 'column', 'columns')}.")
        # Rows of a table may well be equal.
        return Source("feature_table", options | {"duplicates": "keep"}, notes)
    options["image_column"] = columns.image
    names = frame[columns.image].dropna().astype(str).tolist()
    root = _root(file, names)
    if root != file.parent:
        options["image_root"] = root
        notes.append(f"Its images lie in {root}.")
    return Source("image_table", options, notes)


def _has_commas(frame: "pd.DataFrame") -> bool:
    return any(has_decimal_commas(frame[name]) for name in frame.columns)


def _guessed(columns: Columns, label: str | None) -> str:
    """Say what columns were taken for."""
    what = {
        "labels": None if label else columns.label,
        "image files": columns.image,
        "ids": columns.id,
        "groups that stay together": columns.group,
        "train or test": columns.split,
        "true labels": columns.true_label,
    }
    told = [f"{name!r} for {use}" for use, name in what.items() if name]
    word = "columns" if len(told) > 1 else "column"
    return f"`l2rw init` uses the {word} {', '.join(told)}." if told else ""


def _root(table: Path, names: list[str]) -> Path:
    """Return the folder that image files of a table are relative to: its own, or one in it."""
    probed = names[:: max(1, len(names) // PROBED)][:PROBED]
    folders = [table.parent, *_folders(table.parent)]
    found = {folder: sum((folder / name).is_file() for name in probed) for folder in folders}
    best = max(folders, key=lambda folder: found[folder])
    return best if found[best] else table.parent


def _classes(folder: Path) -> list[Path]:
    """Return the folders in a folder that have images."""
    return [one for one in _folders(folder) if any(_images_in(one, deep=True))]


def _folders_of_folders(folder: Path) -> list[str]:
    """Say so if each class looks like a data set of its own."""
    classes = _classes(folder)
    if all(not any(_images_in(one)) and len(_classes(one)) >= 2 for one in classes):
        return [f"Each class holds folders with images. Did you mean {classes[0]}?"]
    return []


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(o for o in folder.iterdir() if o.is_dir() and not o.name.startswith("."))
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read ({why(error)}).", "correct its permissions."
        ) from None


def _images_in(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    for one in folder.rglob("*") if deep else folder.iterdir():
        if one.suffix.lower() in image_suffixes() and not one.name.startswith("."):
            yield one


def _photos_of_phones(folder: Path) -> list[str]:
    """Return what to do with photos in a format that Pillow does not read, if there are any."""
    if PHONES[0] in image_suffixes():
        return []
    found = [one for one in folder.rglob("*") if one.suffix.lower() in PHONES]
    photos = "photo" if len(found) == 1 else "photos"
    return [f"Turn {len(found):,} HEIC {photos} into JPEG to use them."] if found else []
