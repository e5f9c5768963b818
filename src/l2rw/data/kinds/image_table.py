"""A table of image files and labels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from l2rw.data.kinds.base import Examples, option, require_folder
from l2rw.data.kinds.images import ImageKind
from l2rw.data.kinds.problems import counted
from l2rw.data.kinds.tables import TableKind
from l2rw.store.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ImageTable(ImageKind, TableKind):
    """A CSV or parquet file that names an image file and a label in every row."""

    kind: ClassVar[str] = "image_table"

    image_column: str = option(
        "Column with the names of image files, relative to `image_root`.", "path"
    )
    image_root: str | None = option(
        "Folder that image files are relative to; by default the folder of the table.",
        None,
        names_files=True,
    )

    def files(self) -> Mapping[str, Path]:
        """Return the tables and all image files that they name."""
        images = {name: self.file_of(name) for name in self._images()}
        if missing := [name for name, path in images.items() if not path.is_file()]:
            raise UserError(
                f"{counted(missing, 'image', 'images')} that {self.path} names cannot be found in "
                f"{self._root()}.",
                "correct the names, or set image_root to the folder of the images.",
            )
        tables = {f"table:{half}": path for half, path in self.tables().items()}
        return tables | {f"image:{name}": path for name, path in images.items()}

    def examples(self, digests: Mapping[str, str]) -> Examples:
        """Return the images; without a column of ids, the id is the file as the table names it."""
        frame, images = self.read(), self._images()
        about = self.about(frame)
        if not self.id_column:
            about["ids"] = images
            if twice := [name for name, count in Counter(images).items() if count > 1]:
                raise UserError(
                    f"{self.path} names {counted(twice, 'image', 'images')} more than once.",
                    "keep one row for each image.",
                )
        return Examples(
            **about, contents=[digests[f"image:{name}"] for name in images], source=images
        )

    def file_of(self, source: str) -> Path:
        """Return the file of an example, given its name in the table."""
        return self._root() / source

    def _root(self) -> Path:
        if self.image_root is not None:
            return require_folder(self.image_root)
        return self.tables()["train"].parent

    def _images(self) -> list[str]:
        return self._filled(self.read(), self.image_column)

    def _named_columns(self) -> list[str]:
        return [*super()._named_columns(), self.image_column]
