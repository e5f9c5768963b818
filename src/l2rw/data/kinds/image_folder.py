"""A folder with a folder of images for each class, at any depth."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from l2rw.data.kinds.base import Examples, option, require_folder
from l2rw.data.kinds.images import ImageKind, image_suffixes
from l2rw.data.kinds.problems import counted
from l2rw.store.errors import UserError

TRAIN, TEST = "train", "test"


@dataclass(frozen=True, kw_only=True)
class ImageFolder(ImageKind):
    """A folder of images by class. Hidden files are no images."""

    kind: ClassVar[str] = "image_folder"

    group_by: str | None = option(
        "Regular expression that matches the group in a file's name (relative to `path`), "
        r"such as `patient\d+`. Images of a group stay in the same part.",
        None,
    )

    def __post_init__(self) -> None:
        """Check what types do not."""
        import re

        super().__post_init__()
        if self.group_by is not None:
            try:
                re.compile(self.group_by)
            except re.error as error:
                raise ValueError(
                    f"group_by is not a regular expression ({error}). Hint: try `[^_]+`."
                ) from None

    def files(self) -> Mapping[str, Path]:
        """Return all image files as ``train/class/…``, or ``test/class/…``."""
        return {
            f"{half}/{path}": root / path
            for half, root in self._roots().items()
            for path in files_below(root)
            if _is_image(path)
        }

    def examples(self, digests: Mapping[str, str]) -> Examples:
        """Return the images; their ids are their paths below ``path`` (or ``test_path``)."""
        names = list(digests)
        halves, inside = (
            zip(*(name.split("/", 1) for name in names), strict=True) if names else ((), ())
        )
        if loose := [path for path in inside if "/" not in path]:
            raise UserError(
                f"{counted(loose, 'image {} is', 'images {} are')} not in the folder of a class.",
                f"put each into a folder of {self.path} that is called as its class.",
            )
        labels = [path.split("/", 1)[0] for path in inside]
        roots = self._roots()
        ids = [
            path if half == TRAIN else f"{roots[TEST].name}/{path}"
            for half, path in zip(halves, inside, strict=True)
        ]
        classes = {one.name for one in _folders(roots[TRAIN])}
        return Examples(
            ids=ids,
            labels=labels,
            contents=list(digests.values()),
            source=names,
            in_test=np.array([half == TEST for half in halves]) if TEST in roots else None,
            groups=None if self.group_by is None else [self._group(path) for path in inside],
            empty_classes=sorted(classes - set(labels)),
            notes=_notes(roots),
        )

    def file_of(self, source: str) -> Path:
        """Return the file of an example, given its name among the files."""
        half, path = source.split("/", 1)
        return self._roots()[half] / path

    def _roots(self) -> dict[str, Path]:
        roots = {TRAIN: require_folder(self.path)}
        return roots | ({TEST: require_folder(self.test_path)} if self.test_path else {})

    def _group(self, path: str) -> str:
        import re

        found = re.search(self.group_by or "", path)
        if found is None:
            raise UserError(
                f"group_by {self.group_by!r} does not match the name {path}.",
                "write an expression that matches the name of every file.",
            )
        return found[0]


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in image_suffixes()  # noqa: PTH122


def files_below(root: Path) -> list[str]:
    """Return all files, sorted, but hidden ones, as paths below ``root``.

    Links are followed, except to folders that contain them. Paths are text here: 50,000 objects
    would take seconds.
    """
    found: list[str] = []
    around = {str(root): frozenset({os.path.realpath(root)})}
    for folder, below, names in os.walk(root, followlinks=True):
        inside = Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        found += [prefix + name for name in names if not name.startswith(".")]
        parents, entered = around.pop(folder), []
        for name in below:
            path = os.path.join(folder, name)  # noqa: PTH118
            real = os.path.realpath(path)
            if not name.startswith(".") and real not in parents:
                entered.append(name)
                around[path] = parents | {real}
        below[:] = entered
    return sorted(found)


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _notes(roots: Mapping[str, Path]) -> list[str]:
    others = [path for root in roots.values() for path in files_below(root) if not _is_image(path)]
    words = "file {} is no image", "files {} are no images"
    return [f"{counted(others, *words)}."] if others else []
