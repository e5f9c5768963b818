from pathlib import Path

from l2rw.running.display import failure, last_sentence
from l2rw.running.events import Counted, Failed, Finished, Said, Started, read_events

# As Snakemake 9.27 prints it.
PRINTED = """\
Using workflow specific profile profiles/default for setting default command line arguments.
Provided cores: 2
[Thu Nov 26 22:23:22 2026]
rule train:
    input: results/tiny/plan/figure2-1.json, results/tiny/data/digits-2.npz
    output: results/tiny/runs/a/b/seed-0/result.json
    log: logs/tiny/train/a/b/seed-0.log
    jobid: 7
    reason: Missing output files: results/tiny/runs/a/b/seed-0/result.json
    wildcards: cell=a/b, seeds=0
    resources: tmpdir=/tmp, gpu=0
[Thu Nov 26 22:23:23 2026]
localrule corrupt:
    output: results/tiny/splits/a/seed-0.npz
    jobid: 3
    wildcards: split=a, seed=0

[Thu Nov 26 22:23:24 2026]
Finished jobid: 3 (Rule: corrupt)
1 of 4 steps (25%) done
[Thu Nov 26 22:23:25 2026]
Error in rule train:
    message: None
    jobid: 7
    output: results/tiny/runs/a/b/seed-0/result.json
    log: logs/tiny/train/a/b/seed-0.log (check log file(s) for error details)
    shell:
        exec l2rw train --plan results/tiny/plan/figure2-1.json
        (command exited with non-zero exit code)
Exiting because a job execution failed. Look below for error messages
"""


def test_events_are_read_from_what_snakemake_prints():
    assert list(read_events(PRINTED.splitlines(keepends=True))) == [
        Said(
            "Using workflow specific profile profiles/default for setting default command line "
            "arguments."
        ),
        Said("Provided cores: 2"),
        Started("train", "train a/b 0"),
        Started("corrupt", "corrupt a 0"),
        Finished("corrupt a 0"),
        Counted(1, 4),
        Failed("train a/b 0", Path("logs/tiny/train/a/b/seed-0.log")),
        Said("Exiting because a job execution failed. Look below for error messages"),
    ]


def test_a_failed_job_says_its_error_and_where_its_log_is(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("12:00:00 step 3\nError: The loss is no number. Hint: lower the rate.\nbye\n")
    assert last_sentence(log) == "The loss is no number. Hint: lower the rate."
    said = failure(Failed("train a/b 0", log))
    assert (
        said == f"Failed: train a/b 0: The loss is no number. Hint: lower the rate.\n  log: {log}"
    )


def test_a_log_without_an_error_says_its_last_line(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("one\n\ntwo\n\n")
    assert last_sentence(log) == "two"
    log.write_text("\n")
    assert last_sentence(log) is None
    assert last_sentence(tmp_path / "absent.log") is None
