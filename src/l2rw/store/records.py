"""Records: what others need to know of a method, a network, a data set, and so on.

A record is plain data that names its implementation as text, so planning reads it without importing
PyTorch. Packages bring records of their own by an entry point::

    [project.entry-points."l2rw.records"]
    mine = "my_package.records:RECORDS"    # a list of records of any kinds
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from l2rw.store.errors import UserError

GROUP = "l2rw.records"
LONGEST_NAME = 100
"""In letters: names of files, which the system limits to 255, contain two names and more."""
NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
"""What a name in configurations and paths looks like."""
NAMES = f"at most {LONGEST_NAME} small letters, digits and underscores, a letter first"
"""The same in words."""
REFERENCE = re.compile(r"\w+(\.\w+)+(:\w+)?")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records say."""

    name: str
    """In configurations and paths; see :data:`NAME`."""
    label: str
    """For people."""
    implementation: str
    """What the record describes, as ``module:attribute``."""
    revision: int = 0
    """Part of a result's identity unless 0. Raise it when the implementation's results change."""

    def references(self) -> Iterator[str]:
        """Yield what the record names as ``module:attribute`` or ``module``."""
        values = (getattr(self, f.name) for f in fields(self) if f.name not in ("name", "label"))
        yield from (v for v in values if isinstance(v, str) and REFERENCE.fullmatch(v))


AnyRecord = TypeVar("AnyRecord", bound=Record)


class Records(Mapping[str, AnyRecord], Generic[AnyRecord]):
    """All records of a kind by name: the package's, then those of other packages."""

    def __init__(self, kind: type[AnyRecord], built_in: Iterable[AnyRecord]) -> None:
        """Args: ``kind`` is the class that other packages make their records of."""
        self._kind = kind
        self._built_in = {record.name: record for record in built_in}

    @property
    def built_in(self) -> Mapping[str, AnyRecord]:
        """Those of the package itself."""
        return self._built_in

    @property
    def added(self) -> Mapping[str, AnyRecord]:
        """Those of other packages.

        Raises:
            UserError: One of them is incomplete, or has a name that is taken.
        """
        result: dict[str, AnyRecord] = {}
        for origin, record in _added():
            if isinstance(record, self._kind):
                if record.name in self._built_in or record.name in result:
                    raise _refusal(origin, f"the name {record.name!r} is taken")
                result[record.name] = record
        return result

    def load(self, name: str) -> Any:
        """Import what the record of a name describes."""
        return load(self[name].implementation)

    def __getitem__(self, name: str) -> AnyRecord:
        return self._built_in[name] if name in self._built_in else self.added[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self.added

    def __len__(self) -> int:
        return len(self._built_in) + len(self.added)


def load(reference: str) -> Any:
    """Import what a record names as ``module:attribute`` or ``module``."""
    module, _, attribute = reference.partition(":")
    imported = import_module(module)
    return getattr(imported, attribute) if attribute else imported


@cache
def _added() -> list[tuple[str, Record]]:
    return [
        (_origin(entry), record)
        for entry in entry_points(group=GROUP)
        for record in _records_of(entry)
    ]


def _records_of(entry: EntryPoint) -> Iterator[Record]:
    try:
        records = list(entry.load())
    except Exception as error:  # whatever other people's code raises
        raise _refusal(_origin(entry), f"{type(error).__name__}: {error}") from None
    for record in records:
        if problem := _problem(record):
            raise _refusal(_origin(entry), problem)
        yield record


def _problem(record: object) -> str | None:
    """Say what is wrong with a record, if anything, without importing what it names."""
    if not isinstance(record, Record):
        return f"{record!r} is no record"
    if not NAME.fullmatch(record.name):
        return f"{record.name!r} is no name: take {NAMES}"
    missing = [reference for reference in record.references() if not _exists(reference)]
    return f"{record.name} names {missing[0]}, which does not exist" if missing else None


def _exists(reference: str) -> bool:
    """Whether there is a module, and it has an attribute, as far as its source says."""
    module, _, attribute = reference.partition(":")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    if not attribute or spec.origin is None or not spec.origin.endswith(".py"):
        return True
    names = set()
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return attribute in names


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else "a package"
    return f"{package} ({entry.name} = {entry.value})"


def _refusal(origin: str, problem: str) -> UserError:
    return UserError(
        f"The records that {origin} adds cannot be used: {problem}.",
        "correct that package or uninstall it; docs/extending.md shows complete records.",
    )
