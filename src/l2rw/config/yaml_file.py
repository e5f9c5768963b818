"""Configurations as files: YAML in which no key stands twice."""

import re
from pathlib import Path
from typing import Any

import yaml

from l2rw.store.errors import UserError
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
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except RecursionError:
        reason = "it is nested too deeply"
    except (ValueError, TypeError, yaml.YAMLError) as error:
        reason = one_line(error)
    raise UserError(
        f"{path} cannot be read as a configuration ({reason}).",
        "name YAML files such as config/demo.yaml.",
    )
