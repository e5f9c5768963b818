import math
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from l2rw.bench import device_checks
from l2rw.bench.check_report import Outcome, failures, markdown, table
from l2rw.bench.check_rows import Row
from l2rw.bench.gpu_check import Stage, run_stage, run_stages, stages
from l2rw.bench.trial import (
    CPU,
    DoubleNetwork,
    Trial,
    advance,
    difference,
    methods_of,
    one_of_each_family,
)
from l2rw.commands.main import main
from l2rw.methods import METHODS
from l2rw.store.provenance import PACKAGE
from l2rw.training.engine import batches, optimizers


def program(**by_stage):
    """Stages that run a line of Python each, in which ROWS is the name of the file for rows."""

    def command(stage, rows):
        return [sys.executable, "-c", f"ROWS = {os.fspath(rows)!r}; {by_stage[stage.name]}"]

    return [Stage(name, 10) for name in by_stage], command


def tells(n, ok=True):
    return (
        f"import json; open(ROWS, 'w').write(json.dumps({{'cells': {{'n': '{n}'}}, 'ok': {ok}}}))"
    )


def test_a_stage_that_fails_is_reported_and_the_next_one_runs(tmp_path):
    todo, command = program(
        parity=f"{tells('told')}; raise SystemExit(3)",
        resume="import os; os.abort()",
        bench=tells("next"),
    )
    out = tmp_path / "deep" / "check.md"
    outcomes = run_stages(todo, command, time.monotonic() + 60, out)
    assert [o.ended for o in outcomes] == ["failed (exit code 3)", "failed (exit code -6)", "ok"]
    assert [o.rows for o in outcomes] == [[({"n": "told"}, True)], [], [({"n": "next"}, True)]]
    assert failures(outcomes) == [
        "parity: failed (exit code 3)",
        "resume: failed (exit code -6)",
    ]
    assert out.read_text().endswith("- resume: failed (exit code -6)\n")


def test_a_stage_that_hangs_is_cut_with_all_it_started_and_keeps_its_rows(tmp_path):
    child = tmp_path / "child"
    started = (
        "import subprocess; process = subprocess.Popen(['sleep', '60']); "
        f"open({os.fspath(child)!r}, 'w').write(str(process.pid))"
    )
    todo, command = program(
        parity=f"{tells('told')}; {started}; import time; time.sleep(60)", bench=tells("next")
    )
    todo[0] = Stage("parity", 3)
    start = time.monotonic()
    cut, after = run_stages(todo, command, start + 60, tmp_path / "check.md")
    assert time.monotonic() - start < 30
    assert (cut.ended, cut.rows) == ("cut after 3 s", [({"n": "told"}, True)])
    assert after.ended == "ok"
    deadline = time.monotonic() + 10
    while _runs(int(child.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(pid):
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip()[:1] not in ("", "Z")


def test_stages_that_find_no_time_left_are_named_as_skipped(tmp_path):
    todo, command = program(parity=tells("a"), bench=tells("b"))
    outcomes = run_stages(todo, command, time.monotonic() + 1, tmp_path / "check.md")
    assert [o.ended for o in outcomes] == ["skipped: no time left"] * 2
    assert failures(outcomes) == [f"{s}: skipped: no time left" for s in ("parity", "bench")]


def test_a_case_that_fails_is_a_row_and_the_next_one_runs(monkeypatch, tmp_path, capsys):
    def broken(trial, steps, device):
        if trial.method == "random":
            raise RuntimeError("no kernel | at all\nmore")
        return Row({"verdict": "OK"})

    monkeypatch.setattr(device_checks, "_parity", broken)
    assert not run_stage("parity", small=True, rows=tmp_path / "rows")
    told = capsys.readouterr().out.splitlines()
    assert (
        "model: lenet_8x8  method: random  verdict: fails: RuntimeError: no kernel / at all" in told
    )
    *_, last = one_of_each_family(methods_of("wrn_8x8"))
    assert told[-1] == f"model: wrn_8x8  method: {last}  verdict: OK"
    assert len((tmp_path / "rows").read_text().splitlines()) == len(told)


def test_a_run_is_itself_in_company(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 3)
    monkeypatch.setattr(device_checks, "BLOCK", 3)
    trial = Trial("resnet_8x8", "l2rw", batch_size=4)
    beside, alone = (device_checks._together(trial, count, CPU) for count in (2, 1))
    assert all(torch.equal(tensor, beside[name]) for name, tensor in alone.items())
    other = device_checks._together(replace(trial, seed=1), 1, CPU)
    assert not all(torch.equal(tensor, other[name]) for name, tensor in alone.items())


def test_parity_sees_a_wrong_momentum(monkeypatch):
    trial = Trial("lenet_8x8", "l2rw")
    assert device_checks._parity(trial, 20, CPU).ok
    right = optimizers.update

    def wrong(groups, variables, gradient, rate, step):
        if next(iter(gradient.values())).dtype == torch.float32:
            for velocity in variables.velocity.values():
                velocity.mul_(0.8)
        right(groups, variables, gradient, rate, step)

    monkeypatch.setattr(optimizers, "update", wrong)
    row = device_checks._parity(trial, 20, CPU)
    assert not row.ok
    assert row.cells["verdict"] == "differs"


def test_parity_sees_a_gradient_that_is_off_by_a_thousandth(monkeypatch):
    right = optimizers.update

    def wrong(groups, variables, gradient, rate, step):
        single = next(iter(gradient.values())).dtype == torch.float32
        gradient = {name: g * (1.001 if single else 1) for name, g in gradient.items()}
        right(groups, variables, gradient, rate, step)

    monkeypatch.setattr(optimizers, "update", wrong)
    assert not device_checks._parity(Trial("lenet_8x8", "baseline"), 1, CPU).ok


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8", "wrn_8x8"])
def test_the_reference_computes_in_float64(model):
    training = Trial(model, "l2rw", batch_size=4, dropout=False).training(CPU, DoubleNetwork)
    state = advance(training, 2)
    assert state.step == 2
    floating = [t for t in state.buffers.values() if t.is_floating_point()]
    for tensor in (*state.parameters.values(), *state.velocity.values(), *floating):
        assert tensor.dtype == torch.float64


def test_hard_mining_is_for_two_classes():
    assert set(METHODS) == set(methods_of("lenet"))
    assert set(METHODS) - set(methods_of("resnet32")) == {"hard_mining"}


@pytest.mark.parametrize("method", ["mentor", "mentornet_dd"])
def test_parity_of_mentor_and_pupil_is_checked_past_their_burn_in(method):
    trial = Trial("resnet_8x8", method, dropout=False)
    state = advance(trial.training(CPU), 1)
    weights = 8 * state.weight_tracker.sums[state.weight_tracker.times > 0]
    # Opinions, of which none is 1 or 0, and places that dropout takes away.
    assert ((weights > 0) & (weights < 1)).any()
    assert device_checks._parity(trial, 20, CPU).ok


def test_one_draw_in_which_rounding_turns_a_relu_does_not_fail_a_network(monkeypatch):
    compared = []

    def differs_at_first(trial, steps, device):
        compared.append(trial.seed)
        return Row({"verdict": "OK"}, ok=trial.seed == 1)

    monkeypatch.setattr(device_checks, "_compared", differs_at_first)
    assert device_checks._parity(Trial("resnet_8x8", "mentor"), 20, CPU).ok
    assert compared == [0, 1]
    monkeypatch.setattr(device_checks, "_compared", lambda *told: Row({}, ok=False))
    assert not device_checks._parity(Trial("resnet_8x8", "mentor"), 20, CPU).ok


def test_a_difference_is_relative_to_the_reference_or_to_how_far_it_moved():
    here, there = {"a": torch.tensor([3.0, 4.0])}, {"a": torch.tensor([3.0, 5.0])}
    assert difference(here, there) == pytest.approx(1 / math.sqrt(34))
    assert difference(here, there, {"a": torch.tensor([3.0, 3.0])}) == pytest.approx(0.5)
    assert difference(there, there) == 0
    zero = {"a": torch.zeros(2)}
    assert difference(zero, zero) == 0
    assert difference(here, zero) == math.inf
    assert math.isnan(difference({"a": torch.tensor([math.nan, 1])}, there))


def test_tables_hold_all_columns_the_verdict_last():
    lines = table([{"a": "1", "verdict": "fails"}, {"a": "2", "b": "3", "verdict": "OK"}])
    assert lines.splitlines() == [
        "| a | b | verdict |",
        "| --- | --- | --- |",
        "| 1 |  | fails |",
        "| 2 | 3 | OK |",
    ]


def test_the_report_names_the_device_and_ends_with_the_failures():
    machine = Outcome("machine", "ok", 1.0, [({"fact": "device", "value": "H100"}, True)])
    bad = Outcome("parity-x", "failed (exit code 1)", 2.0, [({"m": "x", "v": "differs"}, False)])
    assert markdown([machine]).startswith("## H100, 20")
    assert markdown([machine]).endswith("### Failures\n\nNone.\n")
    assert markdown([machine, bad]).endswith("### Failures\n\n- parity-x: x, differs\n")
    assert markdown([]).startswith("## unknown device, ")


def test_every_stage_has_a_name_of_its_own():
    for small in (True, False):
        names = [stage.name for stage in stages(small=small)]
        assert len(set(names)) == len(names)
        assert names[0] == "machine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--small", "--minutes", "0"], "--minutes: '0' is not a number above 0"),
        (["--small", "--out", "."], "is a folder"),
        (["--small", "--stage", "parit"], "did you mean 'parity'?"),
    ],
)
def test_what_cannot_be_checked_is_one_line_with_a_hint_and_exit_code_2(capsys, options, said):
    assert main(["gpu-check", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_the_small_check_is_offered(capsys, tmp_path):
    assert main(["gpu-check", "--out", os.fspath(tmp_path / "check.md")]) == 2
    assert "--small" in capsys.readouterr().err


@pytest.mark.slow
def test_the_small_check_runs_whole_without_the_configuration_s_libraries(tmp_path):
    absent = ("pydantic", "yaml", "snakemake", "dvc", "rich")
    # A module of that name that cannot be imported, in every process, as if not installed.
    for name in absent:
        (tmp_path / f"{name}.py").write_text("raise ImportError\n")
    source = os.fspath(PACKAGE.parent)
    path = os.pathsep.join([os.fspath(tmp_path), source])
    done = subprocess.run(
        [sys.executable, "-m", "l2rw", "gpu-check", "--small", "--minutes", "10"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = (tmp_path / "gpu-check.md").read_text()
    assert done.stdout.endswith(f"\n{report}\n")
    assert report.endswith("### Failures\n\nNone.\n")
    for title in ("Machine", "Parity", "Repeated", "Time", "Compiled", "Stages"):
        assert f"\n### {title}" in report
    for network in ("lenet_8x8", "resnet_8x8", "wrn_8x8"):
        assert report.count(f"| {network} | deterministic | equal | equal | OK |") == 1
