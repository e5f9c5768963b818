from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from l2rw.theory import batches as batches_module
from l2rw.theory import record as record_module
from l2rw.theory.batches import Batches
from l2rw.theory.constants import constants_of
from l2rw.theory.record import grid_of
from l2rw.theory.simulate import Walk, simulate
from tests.theory import plain

STEPS = 40


def run(problem, spec, seed=0):
    return simulate(problem, spec, constants_of(problem, spec), seed)


def plain_trajectory(problem, spec, trajectory, weigh):
    """G, ‖∇G‖² and 𝒯_t at every step, on parameters, shape (steps + 1, 3)."""
    step_size = constants_of(problem, spec).step_size
    drawn = Batches(spec, problem.training_size, seed=0).take(0, spec.steps + 1)
    theta, seen = plain.start_of(problem), []
    for positions in drawn[:, trajectory]:
        batch = torch.from_numpy(positions) + problem.first_training
        after, alignment = plain.step(problem, theta, batch, step_size, weigh)
        squared = plain.clean_gradient(problem, theta).square().sum()
        seen.append(torch.stack([plain.clean_loss(problem, theta), squared, alignment]))
        theta = after
    return torch.stack(seen).numpy()


@pytest.mark.parametrize(
    ("model", "changes", "weigh"),
    [
        ("logistic", {}, lambda u: u.clamp(min=0)),
        ("softmax", {}, lambda u: u.clamp(min=0)),
        ("huber", {"limit_fraction": 1.4}, lambda u: u.clamp(min=0)),
        ("logistic", {"aligned": True, "limit_fraction": 3.0}, lambda u: u.clamp(min=0)),
        ("logistic", {"weighting": "ascent"}, lambda u: -u.clamp(min=0)),
        ("logistic", {"weighting": "unguided"}, torch.ones_like),
        ("softmax", {"weighting": "unguided"}, lambda u: torch.full_like(u, 2)),
    ],
)
def test_trajectories_are_those_of_the_update_as_defined(
    problems, simulation, model, changes, weigh
):
    problem = problems[model]
    spec = simulation(model=model, steps=STEPS, trajectories=2, **changes)
    record = run(problem, spec)
    expected = np.stack([plain_trajectory(problem, spec, s, weigh) for s in range(2)], axis=1)
    seen = [record.clean_loss, record.squared_gradient, record.alignment]
    np.testing.assert_allclose(np.stack(seen, axis=-1), expected[record.grid], rtol=1e-9)
    np.testing.assert_allclose(record.mean_squared_gradient, expected[..., 1].mean(1), rtol=1e-9)
    np.testing.assert_allclose(record.total_alignment, expected[..., 2].sum(0), rtol=1e-9)
    least = expected[..., 2].mean(1).min()
    assert record.smallest_mean_alignment == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize("changes", [{}, {"aligned": True, "limit_fraction": 4.0}])
def test_every_step_is_counted(logistic, simulation, changes):
    spec = simulation(steps=STEPS, **changes)
    constants, descent = constants_of(logistic, spec), run(logistic, spec).descent
    all_of = [plain_trajectory(logistic, spec, s, lambda u: u.clamp(min=0)) for s in range(3)]
    losses, _, alignment = np.stack(all_of).T
    growth = np.diff(losses, axis=0)
    assert descent.steps == growth.size == STEPS * 3
    assert descent.growths == (growth > 1e-12).sum()
    assert descent.largest_growth == pytest.approx(max(growth.max(), 0))
    if descent.growths:
        assert descent.largest_growth_at == growth.max(1).argmax()
    for slack in (descent.corrected, descent.as_printed):
        expected = -growth - slack.kappa * alignment[:-1]
        assert slack.smallest == pytest.approx(expected.min(), abs=1e-14)
        assert slack.breaches == (expected < -1e-12).sum()
    assert descent.corrected.kappa == constants.kappa
    assert descent.as_printed.kappa == constants.kappa_as_printed


@pytest.mark.parametrize("n", [1, 3])
def test_the_conditional_expectation_is_the_mean_over_all_batches(logistic, simulation, n):
    problem = replace(
        logistic,
        features=logistic.features[:9],
        targets=logistic.targets[:, :9],
        start=logistic.start[:, :9],
    )
    record = run(problem, simulation(batch_size=n, steps=5, trajectories=1))
    for scores, expected in zip(record.points, record.expected_alignment[:, 0], strict=True):
        squares = problem.products(scores).clamp(min=0).square()
        sums = [squares[list(batch)].sum() for batch in combinations(range(9), n)]
        assert float(torch.stack(sums).mean()) == pytest.approx(expected)


def test_batches_are_drawn_from_the_training_examples_alone(logistic, simulation):
    apart = replace(logistic, contains_clean=False)
    spec = simulation(batch_size=14, steps=3)
    record = run(apart, spec)
    squares = apart.products(apart.start)[6:].clamp(min=0).square()
    np.testing.assert_allclose(record.alignment[0], float(squares.sum()))
    np.testing.assert_allclose(record.expected_alignment, record.alignment)


def everything(record):
    return {name: value for name, value in vars(record).items() if name != "points"}


def test_two_runs_are_the_same_and_seeds_differ(softmax, simulation):
    spec = simulation(model="softmax")
    one, two, other = (run(softmax, spec, seed) for seed in (0, 0, 1))
    np.testing.assert_equal(everything(one), everything(two))
    assert torch.equal(one.points, two.points)
    assert not np.array_equal(one.clean_loss, other.clean_loss)


def same(one, other):
    """Whether arrays are equal up to rounding."""
    return np.allclose(one, other, rtol=1e-12, atol=0)


def test_how_time_is_cut_changes_no_trajectory(logistic, simulation, monkeypatch):
    spec = simulation(steps=1300)
    whole = run(logistic, spec)
    walk = Walk(logistic, spec, constants_of(logistic, spec))
    drawn = Batches(spec, logistic.training_size, seed=0).take(0, 1300)
    for steps in np.split(drawn, [1, 10, 700, 1299]):
        walk.take(steps)
    assert torch.equal(walk.scores[0], whole.points[-1])

    monkeypatch.setattr(record_module, "GRID_POINTS", 5)
    coarse = run(logistic, spec)
    assert len(coarse.grid) < len(whole.grid)
    assert torch.equal(coarse.points[-1], whole.points[-1])
    # Not the trajectories, but sums over what was seen of them, may differ by rounding.
    assert same(coarse.mean_squared_gradient, whole.mean_squared_gradient)
    assert same(coarse.total_alignment, whole.total_alignment)
    assert coarse.descent.steps == whole.descent.steps == 3900


def test_a_longer_run_begins_as_a_shorter_one(logistic, simulation):
    short, long = (run(logistic, simulation(steps=steps)) for steps in (600, 1100))
    assert same(long.mean_squared_gradient[:601], short.mean_squared_gradient)


def test_trajectories_do_not_depend_on_those_beside_them(logistic, simulation):
    few, many = (run(logistic, simulation(trajectories=count)) for count in (2, 5))
    np.testing.assert_allclose(few.clean_loss, many.clean_loss[:, :2], rtol=1e-12)
    assert len(np.unique(many.clean_loss[-1])) == 5


@pytest.mark.parametrize("steps", [1, 7, 300, 10**6])
def test_the_grid_has_the_first_and_the_last_step_and_is_dense_early(steps):
    grid = grid_of(steps)
    assert (grid[0], grid[-1]) == (0, steps)
    assert (np.diff(grid) > 0).all()
    assert len(grid) <= 201
    if steps > 100:
        # Neighbours late on are at most as far apart as the spacing asks for.
        assert (grid[100:] / grid[99:-1]).max() < 1.2


def test_the_grid_ends_where_blocks_do(logistic, simulation, monkeypatch):
    block = batches_module.BLOCK
    for steps in (block - 1, block, block + 1):
        record = run(logistic, simulation(steps=steps))
        assert record.mean_squared_gradient.shape == (steps + 1,)
        assert len(record.clean_loss) == len(record.grid)
        assert record.descent.steps == 3 * steps
