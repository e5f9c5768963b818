# From runs of L2RW on a user's own data to the page on which people decide about its labels.
#
# In:  the user's files, trained networks, weights
# Out: <results>/review/{dataset}/index.html       the page, in one file
#      <results>/review/{dataset}/suspects.csv     all training examples, most suspicious first
#      <results>/review/{dataset}/labels.csv       given and current labels of all examples
#      <results>/review/{dataset}/review.json      what they were made from
#      <results>/review/{dataset}/outcomes/        accuracies under these labels and former ones
#
# The plan file is newer than what was made from another plan, see src/l2rw/planning/outputs.py.


rule review:
    """Make the page on which people decide about suspicious labels."""
    input:
        plan=file_of_review("<results>/plan/{plan}"),
        table=file_of_review("<results>/tables/{experiment}.csv"),
        data=ancient(
            lambda wildcards: f"<results>/data/{PLAN.data_file(wildcards.dataset)}"
        ),
        networks=ancient(networks_of_review),
    output:
        page=report(
            "<results>/review/{dataset}/index.html",
            category="Labels",
            labels={"data set": "{dataset}"},
        ),
        suspects="<results>/review/{dataset}/suspects.csv",
        labels="<results>/review/{dataset}/labels.csv",
        record="<results>/review/{dataset}/review.json",
    log:
        "<logs>/review/{dataset}.log",
    benchmark:
        "<benchmarks>/review/{dataset}.tsv"
    conda:
        "../../environment.yml"
    threads: config["compute"]["threads"]
    resources:
        gpu=gpus_per_job(),
        mem_mb=memory_of_fetch,
        runtime=60,
    params:
        cell=lambda wildcards: PLAN.reviews[wildcards.dataset][1].id,
        options=fetch_options,
        runs=f"results/{config['name']}/runs",
        out=subpath(output.page, parent=True),
    shell:
        "l2rw review --plan {input.plan:q} --cell {params.cell:q} {params.options:q}"
        " --data {input.data:q} --runs {params.runs:q} --table {input.table:q}"
        " --threads {threads} --out {params.out:q} &> {log:q}"
