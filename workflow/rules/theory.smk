# From splits to checks of the theory.
#
# In:  data and a split
# Out: <results>/runs/{cell}/seed-{seed}/checks.json       constants and verdicts
#      <results>/runs/{cell}/seed-{seed}/bound.csv         the mean of ‖∇G‖² beside its bounds
#      <results>/runs/{cell}/seed-{seed}/trajectory.csv    what every trajectory did
#
# Linear models with vectorised trajectories: minutes on one CPU thread.


rule simulate:
    """Check Lemma 1 and Theorem 2 on a problem whose constants are known."""
    input:
        plan=ancient(plan_of),
        data=ancient(while_due(data_of, CHECKS, BOUND, TRAJECTORY)),
        split=ancient(while_due(split_of_simulation, CHECKS, BOUND, TRAJECTORY)),
    output:
        checks="<results>/runs/{cell}/seed-{seed}/checks.json",
        bound="<results>/runs/{cell}/seed-{seed}/bound.csv",
        trajectory="<results>/runs/{cell}/seed-{seed}/trajectory.csv",
    log:
        "<logs>/simulate/{cell}/seed-{seed}.log",
    benchmark:
        "<benchmarks>/simulate/{cell}/seed-{seed}.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        out=subpath(output.checks, parent=True),
    shell:
        "exec l2rw simulate --plan {input.plan:q} --cell {wildcards.cell:q} --seed {wildcards.seed}"
        " --data {input.data:q} --split {input.split:q} --out {params.out:q} &> {log:q}"
