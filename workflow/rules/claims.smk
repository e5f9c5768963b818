# From tables and figures to verdicts on the paper's claims.
#
# In:  tables and figures of all experiments; for the page, also data and runs behind some of them
# Out: <results>/bench/{networks}-{how}.json       how long a step takes by each algorithm
#      <results>/REPRODUCTION.md, .html            every claim: what we found, with the runs
#      <results>/index.html                        the results page, in one file
#      <results>/claims.csv                        every part of every claim, tidy
#      <results>/claims.json                       which plans they were made from
#
# Records of figures are dated like their summaries, see `date` in src/l2rw/planning/outputs.py.


localrules:
    judge,


rule bench:
    """Time a training step of some networks, while no other job runs."""
    output:
        timings="<results>/bench/{networks}-{how}.json",
    log:
        "<logs>/bench/{networks}-{how}.log",
    benchmark:
        "<benchmarks>/bench/{networks}-{how}.tsv"
    conda:
        "../../environment.yml"
    # So that nothing disturbs the clock; the steps use compute.threads of them.
    threads: all_cores()
    resources:
        gpu=gpus_per_job(),
        mem_mb=8000,
        runtime=30,
    params:
        networks=lambda wildcards: wildcards.networks.split("-"),
        threads=config["compute"]["threads"],
        device=config["compute"]["device"],
        # Miniatures show how it is done; their times say nothing about the paper.
        rounds=lambda wildcards: 30 if "_8x8" not in wildcards.networks else 10,
    shell:
        "l2rw bench --model {params.networks:q} --device {params.device} --three-passes"
        " --threads {params.threads} --rounds {params.rounds} --out {output.timings:q} &> {log:q}"


rule judge:
    """Judge the paper's claims by all tables and figures."""
    input:
        plans=ancient(
            [f"<results>/plan/{PLAN.file(name)}" for name in PLAN.experiments]
        ),
        tables=ancient(
            expand("<results>/tables/{experiment}.csv", experiment=PLAN.experiments)
        ),
        figures=expand(
            "<results>/figures/{experiment}.json", experiment=PLAN.experiments
        ),
        bench=ancient([f"<results>/bench/{PLAN.bench_file}"] if PLAN.bench_file else []),
        shown=ancient(shown_files),
    output:
        page="<results>/REPRODUCTION.md",
        html=report(
            "<results>/REPRODUCTION.html",
            category="Claims",
            labels={"ledger": "the paper's claims, judged"},
        ),
        index="<results>/index.html",
        claims="<results>/claims.csv",
        record="<results>/claims.json",
    log:
        "<logs>/judge.log",
    benchmark:
        "<benchmarks>/judge.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        bench=lambda wildcards, input: f"--bench {input.bench}" if input.bench else "",
        results=subpath(output.page, parent=True),
    shell:
        "l2rw judge --plans {input.plans:q} {params.bench} --results {params.results:q}"
        " --out {params.results:q} &> {log:q}"
