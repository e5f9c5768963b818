"""The figures and tables of the paper, and what we add to them, as experiments of their kinds."""

from collections.abc import Mapping

from l2rw.config.schema import Training, as_rows
from l2rw.config.sections import (
    Confusion,
    Corrupted,
    Curves,
    ExperimentSection,
    GradientNorm,
    Lemma1,
    Sweep,
    Table,
    Theorem2,
    Weights,
)

UNIFORM, BACKGROUND = Corrupted(name="uniform_flip"), Corrupted(name="background_flip")


def _corrupted(name: str, **parameters: object) -> Corrupted:
    return Corrupted.model_validate({"name": name, **parameters})


EXPERIMENTS: Mapping[str, ExperimentSection] = {
    "figure2": Sweep(
        title="Figure 2",
        seeds=10,
        baselines_see_clean=True,
        training=Training(),
        dataset="mnist",
        corruption=_corrupted("imbalance", minority=4, majority=9, train_size=5000, clean_size=10),
        sweep={"majority_share": (0.9, 0.95, 0.98, 0.99, 0.995)},
        rows=as_rows("baseline", "proportion", "resample", "hard_mining", "random", "l2rw"),
        quantity="error",
        spacing="equal",
    ),
    "table1": Table(
        title="Table 1",
        corruptions=(UNIFORM,),
        rows=as_rows(
            "baseline",
            "reed_hard",
            "s_model",
            "random",
            "clean_only",
            "baseline+ft",
            "random+ft",
            "l2rw",
        ),
    ),
    "table2": Table(
        title="Table 2",
        corruptions=(BACKGROUND,),
        rows=as_rows(
            "baseline",
            "baseline+es",
            "random",
            "weighted",
            "reed_soft+es",
            "reed_hard+es",
            "s_model",
            "s_model_conf",
            "s_model_conf+es",
            "clean_only",
            "baseline+ft",
            "baseline+es+ft",
            "weighted+ft",
            "s_model_conf+ft",
            "s_model_conf+es+ft",
            "l2rw",
        ),
    ),
    "sanity": Table(
        title="Accuracy without noise",
        corruptions=(
            _corrupted("background_flip", noise=0.0),
            _corrupted("uniform_flip", noise=0.0),
        ),
        told_apart_by="model",
        rows=as_rows("baseline"),
    ),
    "figure3": Weights(title="Figure 3"),
    "figure4": Sweep(
        title="Figure 4",
        corruption=_corrupted("background_flip", background_classes=[3]),
        sweep={"clean_size": (15, 50, 100, 200, 500, 1000, 2000)},
        rows=as_rows("baseline+ft", "baseline+es+ft", "l2rw"),
        spacing="log",
    ),
    "figure5": Sweep(
        title="Figure 5",
        sweep={"noise": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)},
        rows=as_rows(
            "baseline",
            "baseline+es",
            "baseline+ft",
            "baseline+es+ft",
            "s_model_conf+es",
            "s_model_conf+es+ft",
            "l2rw",
        ),
    ),
    "figure6": Confusion(title="Figure 6", corruptions=(UNIFORM, BACKGROUND)),
    "figure7": Curves(title="Figure 7", rows=as_rows("baseline", "s_model", "l2rw")),
    "theorem2": Theorem2(title="Theorem 2"),
    "lemma1": Lemma1(title="Lemma 1"),
    "gradient_norm": GradientNorm(title="Norm of the clean gradient"),
}
