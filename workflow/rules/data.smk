# From published files to splits.
#
# In:  the files of published data sets, found in data.root or L2RW_DATA, or downloaded; or files of
#      the user's, as data_sets describes them
# Out: <results>/data/{dataset}-{content}.npz      verified images and labels
#      <results>/splits/{split}/seed-{seed}.npz    indices, labels and truth masks, never images
#
# Inputs are `ancient`: a path contains the identity of its content, and times do not matter.


localrules:
    fetch,
    corrupt,


rule fetch:
    """Read a data set: verify a published one by SHA-256, measure a configured one."""
    output:
        data="<results>/data/{dataset}-{content}.npz",
    log:
        "<logs>/fetch/{dataset}-{content}.log",
    benchmark:
        "<benchmarks>/fetch/{dataset}-{content}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory_of_fetch,
        runtime=60,
    params:
        options=fetch_options,
    shell:
        "l2rw fetch {wildcards.dataset} {params.options:q} --cache data/raw --out {output.data:q}"
        " &> {log:q}"


rule corrupt:
    """Draw the split of one seed: the biased training set, the clean set, the test part."""
    input:
        plan=ancient(plan_of),
        data=ancient(data_of),
    output:
        split="<results>/splits/{split}/seed-{seed}.npz",
    log:
        "<logs>/corrupt/{split}/seed-{seed}.log",
    benchmark:
        "<benchmarks>/corrupt/{split}/seed-{seed}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        "l2rw corrupt --plan {input.plan:q} --split {wildcards.split:q} --seed {wildcards.seed}"
        " --data {input.data:q} --out {output.split:q} &> {log:q}"
