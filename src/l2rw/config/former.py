"""Keys that configurations once had, so that older ones still work."""

from collections.abc import Callable, Mapping
from typing import Any

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
    """Return a configuration with former keys in their places of today."""
    experiments = raw.get("experiments")
    if not isinstance(experiments, Mapping):
        return dict(raw)
    renewed = {
        name: _renewed(given, FORMER[name])
        if name in FORMER and isinstance(given, Mapping)
        else given
        for name, given in experiments.items()
    }
    return {**raw, "experiments": renewed}


def _renewed(
    given: Mapping[str, Any], former: Mapping[str, tuple[Place, Callable[[Any], Any]]]
) -> dict[str, Any]:
    result = {key: value for key, value in given.items() if key not in former}
    for key in given.keys() & former.keys():
        (*sections, last), as_today = former[key]
        place = result
        for section in sections:
            place[section] = dict(place.get(section) or {})
            place = place[section]
        place[last] = as_today(given[key])
    return result
