"""What the figures and tables of the paper need: from the configuration to cells."""

from collections.abc import Callable

from l2rw.config.load import Config
from l2rw.experiments import imbalance, noisy_labels, theory
from l2rw.experiments.cells import Experiment

EXPANSIONS: dict[str, Callable[[Config], Experiment]] = {
    "figure2": imbalance.figure2,
    "table1": noisy_labels.table1,
    "table2": noisy_labels.table2,
    "sanity": noisy_labels.sanity,
    "figure3": noisy_labels.figure3,
    "figure4": noisy_labels.figure4,
    "figure5": noisy_labels.figure5,
    "figure6": noisy_labels.figure6,
    "figure7": noisy_labels.figure7,
    "theorem2": theory.theorem2,
    "lemma1": theory.lemma1,
    "decay": theory.decay,
}
"""By the name of the figure or table."""
