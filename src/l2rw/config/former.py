"""Keys that configurations once had, so that older ones still work."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from l2rw.config.paper import EXPERIMENTS
from l2rw.store.errors import UserError

Place = tuple[str, ...]

FORMER: dict[str, dict[str, tuple[Place, Callable[[Any], Any]]]] = {
    "figure2": {
        **{
            name: (("corruption", name), lambda value: value)
            for name in ("minority", "majority", "train_size", "clean_size")
        },
        "majority_shares": (("sweep", "majority_share"), lambda value: value),
        "methods": (("rows",), lambda value: value),
    },
    "figure4": {
        "clean_sizes": (("sweep", "clean_size"), lambda value: value),
        "background_class": (("corruption", "background_classes"), lambda value: [value]),
    },
    "figure5": {"noise_levels": (("sweep", "noise"), lambda value: value)},
}
"""By experiment and former key: where its value stands today, and as what."""


def with_todays_keys(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with former keys in their places of today.

    Raises:
        UserError: A former key and that of today ask for different things.
    """
    experiments = raw.get("experiments")
    if not isinstance(experiments, Mapping):
        return dict(raw)
    renewed = {
        name: _renewed(name, given) if name in FORMER and isinstance(given, Mapping) else given
        for name, given in experiments.items()
    }
    return {**raw, "experiments": renewed}


def _renewed(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    former = FORMER[name]
    if not given.keys() & former.keys():
        return dict(given)
    papers = EXPERIMENTS[name].model_dump(mode="json")
    result = {key: value for key, value in given.items() if key not in former}
    for key in given.keys() & former.keys():
        place, as_today = former[key]
        value = as_today(given[key])
        # The paper's value gives way: Snakemake lays every configuration over the paper's.
        if _at(given, place) not in (None, value, _at(papers, place)):
            today = ".".join(place)
            raise UserError(
                f"Configuration: experiments.{name} has both {today} and {key}, its former name.",
                f"keep {today} alone.",
            )
        _put(result, place, value)
    return result


def _at(section: Any, place: Place) -> Any:
    """Return the value at a place, None if there is none."""
    return reduce(lambda at, key: at.get(key) if isinstance(at, Mapping) else None, place, section)


def _put(section: dict[str, Any], place: Place, value: Any) -> None:
    """Write a value to a place; sections on the way are copied, not changed."""
    (*above, last) = place
    for key in above:
        section[key] = dict(section.get(key) or {})
        section = section[key]
    section[last] = value
