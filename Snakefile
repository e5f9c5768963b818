"""Learning to Reweight Examples for Robust Deep Learning, reproduced: all figures and tables.

snakemake --cores all                                   the paper
snakemake --cores all --configfile config/demo.yaml     in miniature, in minutes
"""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


configfile: Path(workflow.basedir, "config/config.yaml")


include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


pathvars:
    results=f"results/{config['name']}",
    logs=f"logs/{config['name']}",
    benchmarks=f"logs/{config['name']}/benchmarks",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/outputs.smk"
include: "workflow/rules/review.smk"
include: "workflow/rules/claims.smk"


rule all:
    """Everything that the configuration targets."""
    default_target: True
    input:
        tables=expand(
            "<results>/tables/{experiment}.{suffix}",
            experiment=PLAN.experiments,
            suffix=["csv", "md", "tex", "html", "json"],
        ),
        figures=expand(
            "<results>/figures/{experiment}.{suffix}",
            experiment=PLAN.experiments,
            suffix=["pdf", "svg", "png", "csv", "json"],
        ),
        metrics="<results>/metrics.json",
        ledger=multiext("<results>/REPRODUCTION", ".md", ".html"),
        claims=multiext("<results>/claims", ".csv", ".json"),
        page="<results>/index.html",
        reviews=expand("<results>/review/{dataset}/index.html", dataset=PLAN.reviews),
