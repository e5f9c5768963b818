# From results to tables and figures.
#
# In:  an experiment's plan file and the results of its runs
# Out: <results>/tables/{experiment}.{csv,md,tex,html,json}    runs; summary; what made them
#      <results>/figures/{experiment}.{pdf,svg,png,csv,json}   figure; what it draws; what made it
#      <results>/metrics.json                                  the numbers of all of them
#
# The plan file is newer than what was made from another plan, see `date` in src/l2rw/planning/outputs.py.


localrules:
    tabulate,
    draw,
    metrics,


rule tabulate:
    """Collect the runs of an experiment into its table."""
    input:
        plan=plan_of,
        results=ancient(results_of),
    output:
        runs="<results>/tables/{experiment}.csv",
        markdown="<results>/tables/{experiment}.md",
        latex="<results>/tables/{experiment}.tex",
        html=report(
            "<results>/tables/{experiment}.html",
            category="Tables",
            caption="../report/caption.rst",
            labels={"experiment": "{experiment}"},
        ),
        record="<results>/tables/{experiment}.json",
    log:
        "<logs>/tabulate/{experiment}.log",
    benchmark:
        "<benchmarks>/tabulate/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        caption=lambda wildcards: PLAN.experiments[wildcards.experiment].caption,
        runs=f"results/{config['name']}/runs",
        out=subpath(output.runs, parent=True),
    shell:
        "l2rw tabulate --plan {input.plan:q} --runs {params.runs:q} --out {params.out:q} &> {log:q}"


rule draw:
    """Draw the figure of an experiment."""
    input:
        plan=plan_of,
        runs="<results>/tables/{experiment}.csv",
    output:
        pdf="<results>/figures/{experiment}.pdf",
        svg=report(
            "<results>/figures/{experiment}.svg",
            category="Figures",
            caption="../report/caption.rst",
            labels={"experiment": "{experiment}"},
        ),
        png="<results>/figures/{experiment}.png",
        summary="<results>/figures/{experiment}.csv",
        record="<results>/figures/{experiment}.json",
    log:
        "<logs>/draw/{experiment}.log",
    benchmark:
        "<benchmarks>/draw/{experiment}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        caption=lambda wildcards: PLAN.experiments[wildcards.experiment].caption,
        out=subpath(output.pdf, parent=True),
    shell:
        "l2rw draw --plan {input.plan:q} --table {input.runs:q} --out {params.out:q} &> {log:q}"


rule metrics:
    """Gather the numbers of all figures and tables."""
    input:
        summaries=expand(
            "<results>/figures/{experiment}.csv", experiment=PLAN.experiments
        ),
    output:
        metrics="<results>/metrics.json",
    log:
        "<logs>/metrics.log",
    benchmark:
        "<benchmarks>/metrics.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        "l2rw metrics {input.summaries:q} --out {output.metrics:q} &> {log:q}"
