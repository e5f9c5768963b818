"""Steps of a model, timed in interleaved rounds: what disturbs the machine disturbs all ways."""

from typing import NamedTuple

import numpy as np
import torch

from l2rw.bench import machine
from l2rw.bench.gradient_algorithms import GRADIENT_ALGORITHMS, Examples
from l2rw.bench.peers import PEERS, installed
from l2rw.bench.plain import PlainTraining
from l2rw.bench.settings import Settings
from l2rw.bench.workload import Workload, lay_out, random_examples
from l2rw.planning.hours import PLAIN_SGD, SGD, THREE_PASSES, Row
from l2rw.training.spec import LAYER_WISE

WARM_UP = 3  # rounds that count for nothing


class Variant(NamedTuple):
    """A way in a memory format."""

    way: str
    channels_last: bool

    @property
    def name(self) -> str:
        """As the table has it."""
        return self.way if self.channels_last else f"{self.way}, contiguous"


def variants(settings: Settings, *, independent: bool) -> list[Variant]:
    """List what is measured of a model: every way, and SGD in both memory formats.

    Args:
        settings: What to measure.
        independent: Whether the model's examples are independent, as layer-wise weights ask for.
    """
    ways = [PLAIN_SGD, *GRADIENT_ALGORITHMS, *(installed() if settings.peers else ())]
    if not settings.three_passes:
        ways.remove(THREE_PASSES)
    if not independent:
        ways.remove(LAYER_WISE)
    if settings.stack > 1 or settings.compile:  # neither of which plain autograd can be
        ways = [way for way in ways if way not in (PLAIN_SGD, LAYER_WISE)]
    both = (PLAIN_SGD, SGD)
    contiguous = [Variant(way, False) for way in ways if way in both or settings.contiguous]
    return contiguous + [Variant(way, True) for way in ways]


def measure(model: str, settings: Settings, device: torch.device, peak: float | None) -> list[Row]:
    """Return a row for each variant of a model.

    Ratios are to SGD in plain PyTorch, or if that is not measured in ours, in its faster memory
    format. Operations of layer-wise weights are those of a batch without weights of zero.

    Args:
        model: Its name.
        settings: What to measure.
        device: Where.
        peak: Operations each second that the device can reach, for CUDA devices.
    """
    bench = _Bench(model, settings, device)
    samples = bench.rounds()
    flops = {way: bench.flops(way) for way in {variant.way for variant in samples}}
    over = PLAIN_SGD if PLAIN_SGD in flops else SGD
    median = {variant: float(np.median(ms)) for variant, ms in samples.items()}
    sgd = min(ms for variant, ms in median.items() if variant.way == over)
    rows = []
    for variant, ms in samples.items():
        first, third = np.quantile(ms, [0.25, 0.75])
        row: Row = {
            "model": model,
            "way": variant.name,
            "ms": median[variant],
            "iqr_ms": float(third - first),
            "ratio": median[variant] / sgd,
            "floor": flops[variant.way] / flops[SGD],
            "ms_per_seed": median[variant] / settings.stack,
            "flops_per_seed": flops[variant.way],
            "samples_ms": ms,
        }
        if peak is not None:
            row["peak_mib"] = bench.peak_bytes(variant) / 2**20
            row["share_of_peak"] = row["flops_per_seed"] / (1e-3 * row["ms_per_seed"]) / peak
        rows.append(row)
    return rows


class _Bench:
    """A model in both memory formats."""

    def __init__(self, model: str, settings: Settings, device: torch.device) -> None:
        self._model, self._settings, self._device = model, settings, device
        precision, formats = settings.precision, (False, True)
        self._workloads = {
            last: Workload(
                model,
                precision,
                settings.stack,
                device,
                channels_last=last,
                compiled=settings.compile,
            )
            for last in formats
        }
        kinds: dict[str, type[PlainTraining]] = {PLAIN_SGD: PlainTraining, **PEERS}
        self._plain = {
            Variant(way, last): training(model, precision, device, channels_last=last)
            for way, training in kinds.items()
            for last in formats
        }

    def _examples(self, stack: int) -> Examples:
        clean = self._settings.clean_batch_size_of(self._model)
        return random_examples(self._model, stack, self._settings.batch_size, clean, self._device)

    def rounds(self) -> dict[Variant, list[float]]:
        """Return milliseconds of a step by round: fresh examples each, the order turning."""
        independent = self._workloads[True].examples_are_independent
        measured = variants(self._settings, independent=independent)
        samples: dict[Variant, list[float]] = {variant: [] for variant in measured}
        for n in range(WARM_UP + self._settings.rounds):
            examples = self._examples(self._settings.stack)
            seen = {last: lay_out(examples, channels_last=last) for last in self._workloads}
            order = list(samples)
            for variant in order[n % len(order) :] + order[: n % len(order)]:
                ms = self._time(variant, seen[variant.channels_last])
                if n >= WARM_UP:
                    samples[variant].append(ms)
        return samples

    def _time(self, variant: Variant, seen: Examples) -> float:
        steps = self._settings.steps

        def run() -> None:
            for _ in range(steps):
                self._step(variant, seen)

        return machine.milliseconds(run, self._device) / steps

    def _step(self, variant: Variant, seen: Examples) -> None:
        if variant in self._plain:
            self._plain[variant].step(seen)
        else:
            self._workloads[variant.channels_last].step(GRADIENT_ALGORITHMS[variant.way], seen)

    def peak_bytes(self, variant: Variant) -> int:
        """Return the most memory that a step takes, with network, momentum and examples."""
        seen = lay_out(self._examples(self._settings.stack), channels_last=variant.channels_last)
        taken = machine.peak_bytes(lambda: self._step(variant, seen), self._device)
        return taken + self._workloads[variant.channels_last].resident_bytes(seen)

    def flops(self, way: str) -> int:
        """Count the operations of a step of one seed, on tensors that have shapes but no values.

        They are the same in every precision, and PyTorch 2.11 has no autocast for such tensors.
        """
        counted = SGD if way == PLAIN_SGD else THREE_PASSES if way in PEERS else way
        gradient, meta = GRADIENT_ALGORITHMS[counted], torch.device("meta")
        one = Workload(self._model, "float32", 1, meta, channels_last=True)
        clean = self._settings.clean_batch_size_of(self._model)
        examples = random_examples(self._model, 1, self._settings.batch_size, clean, meta)
        return one.flops(gradient, examples)
