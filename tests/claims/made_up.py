"""Made-up tables, as a ledger is judged on."""

from typing import Any

import pandas as pd

MADE = {"commit": "c0ffee", "source": "abc", "device": "cpu", "precision": "float32"}


def accuracies(column: str, percent: dict[tuple[Any, str], list[float]]) -> pd.DataFrame:
    """Return a table with a swept column: accuracies by (swept value, row), seed by seed."""
    return pd.DataFrame(
        [
            {
                column: value,
                "row": row,
                "seed": seed,
                "test_error": 1 - accuracy / 100,
                "cell": f"split-{value}/{row}",
                **MADE,
            }
            for (value, row), seeds in percent.items()
            for seed, accuracy in enumerate(seeds)
        ]
    )


def without_results(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of the plan that asks for these results: a line for each cell."""
    return table.drop(columns=["seed", "test_error", *MADE]).drop_duplicates()


def curves(percent: dict[str, list[list[float]]], decay_at: int = 2) -> pd.DataFrame:
    """Return the table of Figure 7: validation accuracies by row, seed by seed, step by step."""
    return pd.DataFrame(
        [
            {
                "row": row,
                "seed": seed,
                "step": 100 * step,
                "learning_rate": 0.1 if step < decay_at else 0.01,
                "validation_error": 1 - accuracy / 100,
                "cell": f"split/{row}",
                **MADE,
            }
            for row, seeds in percent.items()
            for seed, steps in enumerate(seeds)
            for step, accuracy in enumerate(steps)
        ]
    )


def weights(flipped: list[list[float]], clean: list[list[float]]) -> pd.DataFrame:
    """Return the table of Figure 3: weights of flipped and clean images, seed by seed."""
    return pd.DataFrame(
        [
            {"panel": panel, "seed": seed, "clean": right, "weight": weight, "cell": "split/l2rw"}
            | MADE
            for panel in ("mixed", "single class")
            for right, seeds in ((False, flipped), (True, clean))
            for seed, of_seed in enumerate(seeds)
            for weight in of_seed
        ]
    )


def timings(ms: dict[str, list[float]], network: str = "lenet") -> pd.DataFrame:
    """Return the table of the bench: milliseconds of each way, round by round."""
    return pd.DataFrame(
        [
            {"model": network, "cell": f"bench/{network}", "way": way, "round": n, "ms": one} | MADE
            for way, rounds in ms.items()
            for n, one in enumerate(rounds)
        ]
    )


def simulated(**columns: list[Any]) -> pd.DataFrame:
    """Return a table of simulations: L2RW at two step sizes, and two controls."""
    return pd.DataFrame(
        {
            "model": ["logistic", "logistic", "logistic", "huber"],
            "weighting": ["l2rw", "l2rw", "ascent", "l2rw"],
            "batches": ["random", "copies", "random", "copies"],
            "limit_fraction": [1.0, 1.0, 0.5, 2.0],
            "cell": [f"split/{i}" for i in range(4)],
            "seed": 0,
            **columns,
            **MADE,
        }
    )
