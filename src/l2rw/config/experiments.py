"""The experiments: figures and tables. A new one is one file and one record here, or elsewhere."""

from dataclasses import dataclass

from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class ExperimentRecord(Record):
    """What the configuration, the plan and the outputs need to know of an experiment.

    Its implementation is a function from a :class:`~l2rw.config.load.Config` to an
    :class:`~l2rw.experiments.cells.Experiment`.
    """

    section: str
    """Its section of the configuration, a :class:`~l2rw.config.schema.Section`."""
    drawing: str
    """How it becomes a table and a figure: a :class:`~l2rw.analysis.outputs.Drawing`, as
    ``module:object``, or a module."""
    value: str | None = None
    """Column of its summary with the numbers that ``metrics.json`` holds; None for none."""
    named_by: tuple[str, ...] = ()
    """Columns that name these numbers; of lines with equal names the last one counts."""


ACCURACY = "accuracy_percent"

EXPERIMENTS = Records(
    ExperimentRecord,
    [
        ExperimentRecord(
            name="figure2",
            label="Figure 2",
            implementation="l2rw.experiments.imbalance:figure2",
            section="l2rw.config.sections:Figure2",
            drawing="l2rw.analysis.sweep:FIGURE2",
            value="error_percent",
            named_by=("majority_share", "method"),
        ),
        ExperimentRecord(
            name="table1",
            label="Table 1",
            implementation="l2rw.experiments.noisy_labels:table1",
            section="l2rw.config.sections:Table1",
            drawing="l2rw.analysis.accuracies:TABLE1",
            value=ACCURACY,
            named_by=("dataset", "row"),
        ),
        ExperimentRecord(
            name="table2",
            label="Table 2",
            implementation="l2rw.experiments.noisy_labels:table2",
            section="l2rw.config.sections:Table2",
            drawing="l2rw.analysis.accuracies:TABLE2",
            value=ACCURACY,
            named_by=("dataset", "row"),
        ),
        ExperimentRecord(
            name="sanity",
            label="Accuracy without noise",
            implementation="l2rw.experiments.noisy_labels:sanity",
            section="l2rw.config.sections:Sanity",
            drawing="l2rw.analysis.accuracies:SANITY",
            value=ACCURACY,
            named_by=("dataset", "model"),
        ),
        ExperimentRecord(
            name="figure3",
            label="Figure 3",
            implementation="l2rw.experiments.noisy_labels:figure3",
            section="l2rw.config.sections:Figure3",
            drawing="l2rw.analysis.figure3",
            value="mean",
            named_by=("panel", "label", "quantity"),
        ),
        ExperimentRecord(
            name="figure4",
            label="Figure 4",
            implementation="l2rw.experiments.noisy_labels:figure4",
            section="l2rw.config.sections:Figure4",
            drawing="l2rw.analysis.sweep:FIGURE4",
            value=ACCURACY,
            named_by=("clean_size", "row"),
        ),
        ExperimentRecord(
            name="figure5",
            label="Figure 5",
            implementation="l2rw.experiments.noisy_labels:figure5",
            section="l2rw.config.sections:Figure5",
            drawing="l2rw.analysis.sweep:FIGURE5",
            value=ACCURACY,
            named_by=("noise", "row"),
        ),
        ExperimentRecord(
            name="figure6",
            label="Figure 6",
            implementation="l2rw.experiments.noisy_labels:figure6",
            section="l2rw.config.sections:Figure6",
            drawing="l2rw.analysis.figure6",
        ),
        ExperimentRecord(
            name="figure7",
            label="Figure 7",
            implementation="l2rw.experiments.noisy_labels:figure7",
            section="l2rw.config.sections:Figure7",
            drawing="l2rw.analysis.figure7",
            value=ACCURACY,
            named_by=("row", "quantity"),
        ),
        ExperimentRecord(
            name="theorem2",
            label="Theorem 2",
            implementation="l2rw.experiments.theory:theorem2",
            section="l2rw.config.sections:Theorem2",
            drawing="l2rw.analysis.theorem2",
            value="smallest_ratio",
            named_by=("model", "weighting", "limit_fraction"),
        ),
        ExperimentRecord(
            name="lemma1",
            label="Lemma 1",
            implementation="l2rw.experiments.theory:lemma1",
            section="l2rw.config.sections:Lemma1",
            drawing="l2rw.analysis.lemma1",
            value="growths",
            named_by=("model", "weighting", "batches", "limit_fraction"),
        ),
        ExperimentRecord(
            name="gradient_norm",
            label="Norm of the clean gradient",
            implementation="l2rw.experiments.theory:gradient_norm",
            section="l2rw.config.sections:GradientNorm",
            drawing="l2rw.analysis.gradient_norm",
            value="exponent",
            named_by=("corruption", "network", "row"),
        ),
    ],
)
