# From splits to results.
#
# In:  data and splits
# Out: <results>/runs/{cell}/seed-{seeds}/result.json            final figures, their provenance
#      <results>/runs/{cell}/seed-{seeds}/metrics.csv            the training curves
#      <results>/runs/{cell}/seed-{seeds}/suspects.csv           training examples by mean weight
#      <results>/runs/{cell}/seed-{seeds}/network.safetensors    the trained networks
#      <results>/runs/{cell}/seed-{seeds}/probe.csv              weights of Figure 3
#      <results>/runs/{cell}/seed-{seeds}/detectors.csv          examples' scores by detectors
#
# A cell is a method at a setting. One job trains compute.seeds_per_job of its seeds. It keeps
# checkpoints beside the declared outputs, which Snakemake would delete, and continues from them. It
# replaces its shell (exec), because SIGTERM would kill the shell before `l2rw train` can react.
# Some rows, such as +ft and s_model_conf, depend on the trained networks of another cell.


rule train:
    """Train some seeds of a cell."""
    input:
        plan=ancient(plan_of),
        data=ancient(while_due(data_of, *RUN_FILES)),
        splits=ancient(while_due(splits_of_job, *RUN_FILES)),
        parents=ancient(while_due(parents_of_job, *RUN_FILES)),
    output:
        result="<results>/runs/{cell}/seed-{seeds}/result.json",
        metrics="<results>/runs/{cell}/seed-{seeds}/metrics.csv",
        suspects="<results>/runs/{cell}/seed-{seeds}/suspects.csv",
        network="<results>/runs/{cell}/seed-{seeds}/network.safetensors",
    log:
        "<logs>/train/{cell}/seed-{seeds}.log",
    benchmark:
        "<benchmarks>/train/{cell}/seed-{seeds}.tsv"
    conda:
        "../../environment.yml"
    threads: config["compute"]["threads"]
    resources:
        gpu=gpus_per_job(),
        mem_mb=memory_of_job,
        runtime=minutes_of_job,
    params:
        out=subpath(output.result, parent=True),
        checkpoints=f"checkpoints/{config['name']}/{{cell}}",
    shell:
        "exec l2rw train --plan {input.plan:q} --cell {wildcards.cell:q} --seeds {wildcards.seeds}"
        " --data {input.data:q} --splits {input.splits:q} --parents {input.parents:q}"
        " --threads {threads}"
        " --checkpoints {params.checkpoints:q} --status {log:q}.status.json"
        " --out {params.out:q} &> {log:q}"


rule probe:
    """Compute the weights of hyper-validation images with a trained network."""
    input:
        plan=ancient(plan_of),
        data=ancient(while_due(data_of, PROBE, PROBE_RECORD)),
        splits=ancient(while_due(splits_of_job, PROBE, PROBE_RECORD)),
        network=ancient("<results>/runs/{cell}/seed-{seeds}/network.safetensors"),
    output:
        probe="<results>/runs/{cell}/seed-{seeds}/probe.csv",
        checksum="<results>/runs/{cell}/seed-{seeds}/probe.json",
    log:
        "<logs>/probe/{cell}/seed-{seeds}.log",
    benchmark:
        "<benchmarks>/probe/{cell}/seed-{seeds}.tsv"
    conda:
        "../../environment.yml"
    threads: config["compute"]["threads"]
    resources:
        gpu=gpus_per_job(),
        mem_mb=memory_of_job,
        runtime=30,
    shell:
        "exec l2rw probe --plan {input.plan:q} --cell {wildcards.cell:q} --seeds {wildcards.seeds}"
        " --data {input.data:q} --splits {input.splits:q} --network {input.network:q}"
        " --threads {threads} --out {output.probe:q} &> {log:q}"


rule detect:
    """Score examples with detectors of wrong labels and a trained network."""
    input:
        plan=ancient(plan_of),
        data=ancient(while_due(data_of, DETECTORS, DETECTORS_RECORD)),
        splits=ancient(while_due(splits_of_job, DETECTORS, DETECTORS_RECORD)),
        network=ancient("<results>/runs/{cell}/seed-{seeds}/network.safetensors"),
        suspects=ancient("<results>/runs/{cell}/seed-{seeds}/suspects.csv"),
    output:
        scores="<results>/runs/{cell}/seed-{seeds}/detectors.csv",
        checksum="<results>/runs/{cell}/seed-{seeds}/detectors.json",
    log:
        "<logs>/detect/{cell}/seed-{seeds}.log",
    benchmark:
        "<benchmarks>/detect/{cell}/seed-{seeds}.tsv"
    conda:
        "../../environment.yml"
    threads: config["compute"]["threads"]
    resources:
        gpu=gpus_per_job(),
        mem_mb=memory_of_job,
        runtime=60,
    shell:
        "exec l2rw detect --plan {input.plan:q} --cell {wildcards.cell:q} --seeds {wildcards.seeds}"
        " --data {input.data:q} --splits {input.splits:q} --network {input.network:q}"
        " --threads {threads} --out {output.scores:q} &> {log:q}"
