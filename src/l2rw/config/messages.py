"""What is wrong with a value, in the words of whoever writes a configuration."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

Made = TypeVar("Made")

NUMBERS = {int, float}
FLAG, LIST, NUMBER, TEXT = "true or false", "a list", "a number", "text"
SECTION, WHOLE = "a section", "a whole number"
WANTED = {
    "bool_parsing": FLAG,
    "bool_type": FLAG,
    "dict_type": SECTION,
    "finite_number": "a finite number",
    "float_parsing": NUMBER,
    "float_type": NUMBER,
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": f"{WHOLE} of fewer digits",
    "int_type": WHOLE,
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "list_type": LIST,
    "literal_error": "one of {expected}",
    "mapping_type": SECTION,
    "model_attributes_type": SECTION,
    "model_type": SECTION,
    "string_pattern_mismatch": "made of letters, digits, - and _, a letter or digit first",
    "string_too_long": "at most {max_length} letters long",
    "string_type": TEXT,
    "string_unicode": TEXT,
    "too_short": "a list of at least {min_length}",
    "tuple_type": LIST,
}
"""What should be there, by pydantic's name for what is not as it should be."""


def in_words(error: Mapping[str, Any]) -> str:
    """Say what a value should be, given pydantic's error."""
    wanted = WANTED.get(error["type"])
    if wanted is None:
        return "which it cannot be"
    return f"but it should be {wanted.format_map(error.get('ctx', {}))}"


def shown(value: Any) -> str:
    """Return a value as it is quoted in a sentence: not at any length."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]} …"


def made_of(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """Return a dataclass made of values as they were read from YAML.

    Raises:
        ValueError: One of them is of another type or range than its field.
    """
    hints = get_type_hints(kind)
    for key, value in values.items():
        if is_boolean_for_number(hints[key], value):
            raise ValueError(f"{key} is {shown(value)}, but it should be {NUMBER}.")
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "value_error":
            raise ValueError(str(first["ctx"]["error"])) from None
        place = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            raise ValueError(f"it needs {place}. Hint: add it.") from None
        raise ValueError(f"{place} is {shown(first['input'])}, {in_words(first)}.") from None


def is_boolean_for_number(annotation: Any, value: Any) -> bool:
    """Whether a value is or holds true or false where numbers belong; pydantic takes them for 0, 1.

    Args:
        annotation: Of the value.
        value: As it was read from YAML.
    """
    kinds = _kinds(annotation)
    return bool(kinds & NUMBERS) and bool not in kinds and _holds_boolean(value)


def _kinds(annotation: Any) -> set[Any]:
    """Return what an annotation is made of in the end."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, tuple, list, dict):
        return set().union(*map(_kinds, get_args(annotation))) - {NoneType, ...}
    return set() if get_origin(annotation) is Literal else {annotation}


def _holds_boolean(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_boolean, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_boolean, value))
    return isinstance(value, bool)
