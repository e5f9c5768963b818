import signal

import pytest
import torch
from tests.runs import assert_same_runs

from l2rw.core.weights import WeightedGradient
from l2rw.training.checkpoints import Checkpoints, Monitor, Stop, stop_on_sigterm
from l2rw.training.engine.network import ForwardOutput
from l2rw.training.history import Means
from l2rw.training.progress import Progress


@pytest.fixture
def state(make_spec, prepare):
    state = prepare(make_spec(), 0).state
    state.tally.add(1, step_with_loss(1.0), torch.zeros(1, 2, dtype=torch.int64))
    return state


def step_with_loss(loss):
    return WeightedGradient(
        {}, torch.ones(1, 2) / 2, torch.full((1, 2), loss), ForwardOutput(torch.zeros(1, 2, 2), {})
    )


@pytest.mark.parametrize(("interval", "now", "kept"), [(0, False, True), (3600, False, False)])
def test_checkpoints_are_kept_when_it_is_time(tmp_path, state, interval, now, kept):
    checkpoints = Checkpoints(tmp_path / "a.safetensors", "run", interval)
    checkpoints.keep(state, now=now)
    assert checkpoints.path.exists() == kept
    checkpoints.keep(state, now=True)
    assert checkpoints.path.exists()
    checkpoints.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def told(caplog):
    """What the log says."""
    caplog.set_level("INFO", "l2rw")
    return lambda: caplog.messages


def test_without_a_checkpoint_a_run_starts_at_its_beginning(tmp_path, state, told):
    Checkpoints(tmp_path / "a.safetensors", "run", 0).resume(state)
    assert state.step == 0
    assert told() == []


def test_a_checkpoint_is_where_a_run_goes_on(tmp_path, state, make_spec, prepare, told):
    state.step = 4
    Checkpoints(tmp_path / "a.safetensors", "run", 0).keep(state, now=True)
    fresh = prepare(make_spec(), 0).state
    Checkpoints(tmp_path / "a.safetensors", "run", 0).resume(fresh)
    assert fresh.step == 4
    assert told() == ["a: continues after step 4"]


def test_seconds_are_those_of_all_attempts(tmp_path, state, make_spec, prepare, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("l2rw.training.checkpoints.time.monotonic", lambda: clock[0])
    first = Checkpoints(tmp_path / "a.safetensors", "run", 0)
    clock[0] += 7
    first.keep(state, now=True)
    fresh = prepare(make_spec(), 0).state
    second = Checkpoints(tmp_path / "a.safetensors", "run", 0)
    second.resume(fresh)
    assert (first.seconds_before, second.seconds_before) == (0, 7)
    clock[0] += 5
    second.keep(fresh, now=True)
    third = Checkpoints(tmp_path / "a.safetensors", "run", 0)
    third.resume(prepare(make_spec(), 0).state)
    assert third.seconds_before == 12


def test_a_diverged_run_is_not_kept(tmp_path, state):
    state.tally.add(2, step_with_loss(float("nan")), torch.zeros(1, 2, dtype=torch.int64))
    checkpoints = Checkpoints(tmp_path / "a.safetensors", "run", 0)
    checkpoints.keep(state, now=True)
    assert not checkpoints.path.exists()


class TestWatch:
    @pytest.fixture
    def checkpoints(self, tmp_path):
        return Checkpoints(tmp_path / "a.safetensors", "run", interval=3600)

    def watch(self, checkpoints, stop=None, progress=lambda step, means: None):
        return Monitor(6, 12, progress, checkpoints, stop or Stop())

    def test_tells_how_far_all_stacks_of_the_job_are(self, state, checkpoints):
        told = []
        watch = self.watch(checkpoints, progress=lambda step, means: told.append((step, means())))
        state.step = 2
        watch(state)
        assert told == [(14, [Means(1.0, 0.0, 0.0)])]

    def test_keeps_a_checkpoint_after_the_last_step(self, state, checkpoints):
        state.step = 5
        self.watch(checkpoints)(state)
        assert not checkpoints.path.exists()
        state.step = 6
        self.watch(checkpoints)(state)
        assert checkpoints.path.exists()

    def test_keeps_a_checkpoint_and_ends_the_process_when_asked_to(self, state, checkpoints):
        stop = Stop()
        stop.asked = True
        with pytest.raises(SystemExit) as end:
            self.watch(checkpoints, stop)(state)
        assert end.value.code == 143
        assert checkpoints.path.exists()

    def test_asked_while_it_decides_it_ends_after_the_next_step(self, state, checkpoints):
        stop = Stop()

        class AskedMeanwhile(Checkpoints):
            def keep(self, state, *, now):
                super().keep(state, now=now)
                stop.asked = True

        meanwhile = AskedMeanwhile(checkpoints.path, "run", 3600)
        watch = self.watch(meanwhile, stop)
        watch(state)
        assert not checkpoints.path.exists()
        with pytest.raises(SystemExit):
            watch(state)
        assert checkpoints.path.exists()


def test_a_signal_to_end_is_heeded_only_within_the_block():
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_sigterm() as stop:
        assert not stop.asked
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
    assert signal.getsignal(signal.SIGTERM) == before
    with stop_on_sigterm() as stop:
        assert not stop.asked


def test_a_terminated_run_leaves_a_checkpoint_and_no_status(tmp_path, make_spec, prepare):
    spec = make_spec(steps=5, evaluations=1)
    checkpoints = Checkpoints(tmp_path / "a.safetensors", "run", 3600)
    status = tmp_path / "status.json"

    def train():
        training = prepare(spec, 0)
        checkpoints.resume(training.state)
        with stop_on_sigterm() as stop, Progress("job", 5, status) as progress:
            watch = Monitor(5, 0, progress, checkpoints, stop)

            def terminated_at_step_3(state):
                if state.step == 3:
                    signal.raise_signal(signal.SIGTERM)
                watch(state)

            return training.run(terminated_at_step_3)

    with pytest.raises(SystemExit):
        train()
    assert checkpoints.path.exists()
    assert not status.exists()
    assert_same_runs(train(), prepare(spec, 0).run(lambda state: None))


@pytest.mark.slow
def test_a_network_of_another_library_goes_on_bit_for_bit(tmp_path, make_spec, prepare):
    spec = make_spec("l2rw", model="resnet18", steps=4, learning_rate=1e-3, evaluations=1)
    undisturbed = prepare(spec, 0, corruption="uniform_flip")
    checkpoints = Checkpoints(tmp_path / "a.safetensors", "run", 0)

    def keep_half_way(state):
        if state.step == 2:
            checkpoints.keep(state, now=True)

    runs = undisturbed.run(keep_half_way)
    again = prepare(spec, 0, corruption="uniform_flip")
    checkpoints.resume(again.state)
    assert again.state.step == 2
    assert_same_runs(again.run(lambda state: None), runs)
