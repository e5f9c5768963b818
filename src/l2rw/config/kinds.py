"""The kinds of experiments: what a configuration says of each.

An experiment of a known kind is a few lines of YAML. A new kind is a section, a function that
plans, a drawing, and one record here or in a package of your own.
"""

from dataclasses import dataclass

from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class KindRecord(Record):
    """What the configuration, the plan and the outputs need to know of a kind of experiment.

    Its implementation is a function from a :class:`~l2rw.config.load.Config` and the name of an
    experiment to an :class:`~l2rw.experiments.cells.Experiment`.
    """

    section: str
    """What is configured: a subclass of :class:`~l2rw.config.sections.ExperimentSection`."""
    drawing: str
    """How it becomes a table and a figure: a module or object that is a
    :class:`~l2rw.analysis.outputs.Drawing`, or a function that makes one of an experiment's name
    and settings."""


KINDS = Records(
    KindRecord,
    [
        KindRecord(
            name="table",
            label="Table of accuracies",
            implementation="l2rw.experiments.compared:table",
            section="l2rw.config.sections:Table",
            drawing="l2rw.analysis.accuracies:table_of",
        ),
        KindRecord(
            name="sweep",
            label="Accuracy or error against one setting",
            implementation="l2rw.experiments.compared:sweep",
            section="l2rw.config.sections:Sweep",
            drawing="l2rw.analysis.sweep:sweep_of",
        ),
        KindRecord(
            name="curves",
            label="Curves of training",
            implementation="l2rw.experiments.compared:curves",
            section="l2rw.config.sections:Curves",
            drawing="l2rw.analysis.curves",
        ),
        KindRecord(
            name="confusion",
            label="Confusion matrices",
            implementation="l2rw.experiments.compared:confusion",
            section="l2rw.config.sections:Confusion",
            drawing="l2rw.analysis.confusion",
        ),
        KindRecord(
            name="weights",
            label="Weights of right and wrong labels",
            implementation="l2rw.experiments.compared:weights",
            section="l2rw.config.sections:Weights",
            drawing="l2rw.analysis.weights",
        ),
        KindRecord(
            name="suspects",
            label="Which labels are probably wrong",
            implementation="l2rw.experiments.compared:suspects",
            section="l2rw.config.sections:Suspects",
            drawing="l2rw.analysis.suspects",
        ),
        KindRecord(
            name="detectors",
            label="Detectors of wrong labels",
            implementation="l2rw.experiments.compared:detectors",
            section="l2rw.config.sections:Detectors",
            drawing="l2rw.analysis.detectors",
        ),
        KindRecord(
            name="theorem2",
            label="Theory: the rate of convergence",
            implementation="l2rw.experiments.theory:theorem2",
            section="l2rw.config.sections:Theorem2",
            drawing="l2rw.analysis.theorem2",
        ),
        KindRecord(
            name="lemma1",
            label="Theory: monotone descent",
            implementation="l2rw.experiments.theory:lemma1",
            section="l2rw.config.sections:Lemma1",
            drawing="l2rw.analysis.lemma1",
        ),
        KindRecord(
            name="gradient_norm",
            label="Theory: the clean gradient along training",
            implementation="l2rw.experiments.theory:gradient_norm",
            section="l2rw.config.sections:GradientNorm",
            drawing="l2rw.analysis.gradient_norm",
        ),
    ],
)
