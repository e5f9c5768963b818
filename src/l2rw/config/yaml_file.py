"""Configurations as files: YAML in which no key stands twice."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from l2rw.store.errors import UserError, why
from l2rw.store.text import one_line

OTHER_BASE = re.compile(r"[-+]?0[0-7_]+|.*:.*")
"""Whole numbers that YAML takes for octal ones, or for minutes and seconds."""


class _Loader(yaml.SafeLoader):
    """Reads YAML and refuses what its user cannot have meant."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            name, line = key.value, key.start_mark.line + 1
            # `<<` takes over other keys, as often as one likes.
            if key.tag != "tag:yaml.org,2002:merge" and isinstance(name, str):
                if name in seen:
                    raise ValueError(f"{name} occurs in line {seen[name]} and in line {line}")
                seen[name] = line
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        number: int = super().construct_yaml_int(node)
        if OTHER_BASE.fullmatch(node.value):
            line = node.start_mark.line + 1
            raise ValueError(f"{node.value} in line {line} is {number} in YAML: write {number}")
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: It is absent, is no YAML, or a key stands in it twice.
    """
    what = f"{path} cannot be read as a configuration"
    with _refusing(what, "name YAML files such as config/demo.yaml."):
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def parse_yaml(text: str, what: str, hint: str) -> Any:
    """Return what a text in YAML says.

    Raises:
        UserError: It is no YAML, or a key stands in it twice; ``what`` names the text.
    """
    with _refusing(f"{what} is not YAML", hint):
        return yaml.load(text, _Loader)


@contextmanager
def _refusing(problem: str, hint: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = why(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except (ValueError, TypeError, yaml.YAMLError) as error:
        reason = one_line(error)
    else:
        return
    raise UserError(f"{problem} ({reason}).", hint)
