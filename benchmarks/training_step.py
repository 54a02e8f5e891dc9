"""One training step of the published 3-D U-Net, with and without what makes it fast.

Run ``python benchmarks/training_step.py``; add ``--json`` for a machine, ``--profile``
to see where the time goes, ``--compile`` for compiled networks too, which takes
minutes, ``--full`` for the paper's sizes, which want a GPU. The peer is the same
network from torch's textbook modules: replicate-padded convolutions, InstanceNorm3d,
PReLU. Its loss is compared first. Contenders take turns in every round, so whatever
slows the machine slows them all; each time is the median of the rounds. On the CPU it
is the time of the processor, summed over threads. The step of the optimiser, which all
of them take, is timed by itself as well.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from cardium.clip_models import temporal_unet
from cardium.clip_models._paper_unet import Convolution
from cardium.fit.optimizers import AdamMuon

CLIP = {True: (4, 33, 256), False: (2, 17, 128)}
"""Clips, frames, and rows and columns of a batch; the paper's, and less."""

PEER = "textbook, float32"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def batch_of(clips: int, frames: int, size: int) -> dict[str, Tensor]:
    """Make a batch of noise with targets of noise."""
    chance = torch.Generator().manual_seed(0)
    target = torch.rand(clips, 1, frames - 1, size, size, generator=chance) - 0.5
    batch = {
        "input": torch.rand(clips, 1, frames, size, size, generator=chance),
        "target": 0.2 * target,
        "scale": torch.full((clips,), 0.02),
        "limit": torch.full((clips,), 0.16),
    }
    return {name: value.to(DEVICE) for name, value in batch.items()}


def textbook(network: nn.Module) -> nn.Module:
    """Put torch's own modules into a network, with the same weights."""
    plain = copy.deepcopy(network)
    for layer in list(plain.modules()):
        for name, child in layer.named_children():
            if isinstance(child, Convolution):
                other: nn.Module = nn.Conv3d(
                    child.in_channels,
                    child.out_channels,
                    child.kernel_size,  # type: ignore[arg-type]
                    child.stride,  # type: ignore[arg-type]
                    tuple(extent // 2 for extent in child.kernel_size),  # type: ignore[arg-type]
                    groups=child.groups,
                    padding_mode="replicate",
                )
                other.load_state_dict(child.state_dict())
            elif isinstance(child, nn.PReLU):
                rectifier = nn.PReLU()
                rectifier.load_state_dict(child.state_dict())
                before = getattr(layer, "enlarge", None) or layer.convolve
                normalize = nn.InstanceNorm3d(before.out_channels)
                other = nn.Sequential(normalize, rectifier)
            else:
                continue
            setattr(layer, name, other.to(DEVICE))
    return plain


def stepper(
    network: nn.Module, batch: dict[str, Tensor], *, mixed: bool
) -> Callable[[], float]:
    """Return what takes one training step and returns its loss."""
    optimizer = AdamMuon(network.parameters(), 1e-4)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, torch.bfloat16, enabled=mixed):
            loss = network.loss(batch)  # type: ignore[operator]
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def contenders(
    network: nn.Module, batch: dict[str, Tensor], *, compiled: bool
) -> dict[str, Callable[[], float]]:
    """Return what is timed, by name."""
    last = torch.channels_last_3d
    clips_last = batch | {"input": batch["input"].to(memory_format=last)}
    running = {}
    for kind in ("float32", "bfloat16"):
        mixed = kind == "bfloat16"
        plain, own = textbook(network), copy.deepcopy(network)
        moved = copy.deepcopy(network).to(memory_format=last)
        running[f"textbook, {kind}"] = stepper(plain, batch, mixed=mixed)
        running[f"cardium, {kind}"] = stepper(own, batch, mixed=mixed)
        running[f"cardium, {kind}, channels last"] = stepper(
            moved, clips_last, mixed=mixed
        )
        if compiled:
            for name, layout, clips in (
                ("compiled", torch.contiguous_format, batch),
                ("channels last, compiled", last, clips_last),
            ):
                made = textbook(network).to(memory_format=layout)
                made.unet.compile()  # type: ignore[operator, union-attr]
                running[f"textbook, {kind}, {name}"] = stepper(made, clips, mixed=mixed)
    return running


def optimizer_alone(network: nn.Module) -> Callable[[], float]:
    """Return what takes a step of the optimiser."""
    optimizer = AdamMuon(network.parameters(), 1e-4)
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)

    def step() -> float:
        optimizer.step()
        return 0.0

    return step


def check(running: dict[str, Callable[[], float]]) -> None:
    """Take a step with each, and refuse one whose loss is another."""
    peer = running[PEER]()
    for name, step in running.items():
        loss = peer if name == PEER else step()
        allowed = 1e-4 if "float32" in name else 2e-2
        if abs(loss - peer) > allowed * peer:
            raise SystemExit(f"{name}: its loss is {loss}, the peer's {peer}")


def measure(
    running: dict[str, Callable[[], float]], rounds: int
) -> list[dict[str, Any]]:
    """Time all contenders in turn."""
    clock = time.process_time if DEVICE == "cpu" else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, step in running.items():
            start = clock()
            step()
            times[name].append((clock() - start) * 1000)
    middle = {name: median(values) for name, values in times.items()}
    return [
        {"contender": name, "ms": middle[name], "times_as_fast": middle[PEER] / ms}
        for name, ms in middle.items()
    ]


def show_profile(name: str, step: Callable[[], float]) -> None:
    """Print which operators take the time of one step."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        step()
    table = seen.key_averages().table(
        sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40
    )
    print(f"{name}\n{table}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (5)")
    parser.add_argument("--full", action="store_true", help="the paper's sizes")
    parser.add_argument("--compile", action="store_true", help="compiled ones too")
    parser.add_argument("--profile", action="store_true", help="where time goes")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    size = CLIP[arguments.full]
    torch.manual_seed(0)
    network = temporal_unet.build("tissue_velocity", "beamspace").to(DEVICE)
    running = contenders(network, batch_of(*size), compiled=arguments.compile)
    check(running)
    running["the optimiser alone"] = optimizer_alone(network)
    if arguments.profile:
        for name in (PEER, "cardium, float32", "cardium, bfloat16"):
            show_profile(name, running[name])
    rows = measure(running, arguments.rounds)
    about = {
        "python": platform.python_version(),
        "torch": version("torch"),
        "device": DEVICE,
        "threads": str(torch.get_num_threads()),
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print(f"batch of {size[0]} clips, {size[1]} frames of {size[2]} x {size[2]}")
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    for row in rows:
        print(f"{row['contender']:44} {row['ms']:9.0f} ms {row['times_as_fast']:7.2f}")


if __name__ == "__main__":
    main()
