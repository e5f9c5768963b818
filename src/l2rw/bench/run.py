"""Measure, print tables, write everything to a file."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from l2rw.bench import machine
from l2rw.bench.measure import measure
from l2rw.bench.report import table, table_of_hours
from l2rw.bench.settings import Settings
from l2rw.planning.hours import Row, estimate, times_of
from l2rw.store.checksums import WRITTEN_AS, write_record
from l2rw.store.provenance import provenance
from l2rw.training.device import choose_device, device_facts, set_up_torch
from l2rw.training.plan_file import PlanFile, read_plan


def bench(settings: Settings, plan_files: Sequence[Path], out: Path) -> None:
    """Measure every model, print its rows and the hours of plans, write all numbers as JSON."""
    settings.check()
    plans = [read_plan(path) for path in plan_files] or paper_plans()
    device = choose_device(settings.device)
    set_up_torch(settings.precision, settings.threads)
    peak, rows = _measure(settings, device)
    report = {
        WRITTEN_AS: out.name,
        "settings": asdict(settings),
        "provenance": provenance(),
        "device": device_facts(device) | {"precision": settings.precision, "peak_flops": peak},
        "rows": rows,
    }
    hours = estimate(plans, times_of(rows, settings.batch_size)) if plans else None
    # First of all: who reads what is printed may stop, and measuring takes long.
    write_record(out, report | ({"hours": hours._asdict()} if hours else {}))
    print(table(rows, stack=settings.stack, cuda=device.type == "cuda"))
    if peak is not None:
        print(f"Peak: {peak / 1e12:.1f} TFLOP/s, a large matrix product in {settings.precision}.")
    if hours:
        print(f"\n{table_of_hours(hours)}")
        if device.type == "cuda":
            print(
                "The host launches every kernel here; training captures its steps and takes less."
            )


def paper_plans() -> list[PlanFile]:
    """Return the plans of the whole paper, or none where the configuration's libraries lack."""
    try:
        from l2rw.config.load import Config
        from l2rw.planning.plan import Plan
    except ImportError:
        return []
    paper = Plan(Config())
    return [paper.describe(experiment) for experiment in paper.experiments]


def _measure(settings: Settings, device: torch.device) -> tuple[float | None, list[Row]]:
    peak = None
    if device.type == "cuda":
        peak = machine.matmul_flops_per_second(device, settings.precision)
    return peak, [
        row for model in settings.models for row in measure(model, settings, device, peak)
    ]
