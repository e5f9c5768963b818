"""Training of a few seeds on digits."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from tests.plans import COMPUTE, made_up_cell

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.methods import METHODS
from l2rw.methods.mentor import initial_mentor
from l2rw.training.engine.loop import Training
from l2rw.training.engine.network import Network, build_network
from l2rw.training.engine.runs import Start
from l2rw.training.job import Job
from l2rw.training.spec import RunSpec

Values = tuple[Parameters, Tensors]


@pytest.fixture
def prepare(
    digits: Dataset, corruptions: dict[str, Corruption], make_split: Callable[..., Split]
) -> Callable[..., Training]:
    """Prepare to train a stack of seeds; where they need parents, any networks will do."""

    def prepare(
        spec: RunSpec,
        *seeds: int,
        corruption: str = "imbalance",
        parents: Sequence[Values | None] | None = None,
        dataset: Dataset = digits,
        compiled: bool = False,
        device: str = "cpu",
        network: type[Network] = Network,
    ) -> Training:
        classes = corruptions[corruption].classes
        built = build_network(spec, digits.info.image_shape, classes, network)
        waits = spec.fine_tunes or METHODS[spec.method].after
        starts = []
        for place, seed in enumerate(seeds):
            any_network = built.initial_values(seed + 50) if waits else None
            parent = parents[place] if parents else any_network
            own = METHODS[spec.method].after == "mentor"
            mentor = {n: torch.tensor(v) for n, v in initial_mentor(seed, classes).items()}
            starts.append(Start(seed, make_split(seed, corruption), parent, mentor if own else {}))
        place = torch.device(device)
        return Training(spec, built, dataset, classes, starts, place, compiled=compiled)

    return prepare


@pytest.fixture
def settings_of_the_process():
    """Puts back what a job sets in PyTorch."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = torch.get_num_threads(), matmul.allow_tf32, cudnn.allow_tf32
    yield
    threads, matmul.allow_tf32, cudnn.allow_tf32 = before
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def make_job(settings_of_the_process, tmp_path, digits, make_split, corruptions):
    """A job of seeds 2, 3 and 4 in stacks of two, unless others are named."""
    digits.save(tmp_path / "digits.npz")

    def make(spec, corruption="imbalance", seeds=range(2, 5), parents=()):
        splits = [tmp_path / f"{corruption}-{seed}.npz" for seed in seeds]
        for seed, path in zip(seeds, splits, strict=True):
            make_split(seed, corruption).save(path)
        cell = made_up_cell(
            f"split/{spec.method}",
            {"row": spec.method},
            [seeds],
            spec,
            corruption=corruptions[corruption],
            parent=parents[0].cell.id if parents else None,
        )
        folder = tmp_path / f"{spec.method}-{seeds[0]}"
        return Job(
            cell=cell,
            compute=replace(COMPUTE, stack=2),
            seeds=seeds,
            data=tmp_path / "digits.npz",
            splits=splits,
            parents=[parent.out / "network.safetensors" for parent in parents],
            out=folder / "out",
            checkpoints=folder / "checkpoints",
            status=folder / "log.status.json",
        )

    return make
