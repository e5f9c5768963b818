# From splits to results.
#
# In:  data and splits
# Out: <results>/runs/{cell}/seed-{seeds}/result.json    final figures and their provenance
#      <results>/runs/{cell}/seed-{seeds}/metrics.csv    the training curves
#
# A cell is a method at a setting. One job trains compute.seeds_per_job of its seeds. It keeps
# checkpoints beside the declared outputs, which Snakemake would delete, and goes on from them.


rule train:
    """Train some seeds of a cell."""
    input:
        plan=ancient(plan_of),
        data=ancient(data_of),
        splits=ancient(splits_of_job),
    output:
        result="<results>/runs/{cell}/seed-{seeds}/result.json",
        metrics="<results>/runs/{cell}/seed-{seeds}/metrics.csv",
    log:
        "<logs>/train/{cell}/seed-{seeds}.log",
    benchmark:
        "<benchmarks>/train/{cell}/seed-{seeds}.tsv"
    conda:
        "../../environment.yml"
    threads: config["compute"]["threads"]
    resources:
        gpu=gpus_per_job(),
        mem_mb=4000,
        runtime=240,
    params:
        out=subpath(output.result, parent=True),
        checkpoints=f"checkpoints/{config['name']}/{{cell}}",
    shell:
        "l2rw train --plan {input.plan:q} --cell {wildcards.cell:q} --seeds {wildcards.seeds}"
        " --data {input.data:q} --splits {input.splits:q} --threads {threads}"
        " --checkpoints {params.checkpoints:q} --status {log:q}.status.json"
        " --out {params.out:q} &> {log:q}"
