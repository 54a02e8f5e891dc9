"""Weights of each network of records, and the time of a training step and of an answer.

Run ``python benchmarks/ecg_networks.py``; add ``--json`` for a machine. A step is
forwards, backwards and AdamW on 32 crops of 2.5 s of 12 leads at 100 Hz, 71 classes, as
the benchmark of PTB-XL trains (Strodthoff et al., 2021). An answer is of one record of
10 s, by overlapping windows where the network has them. The networks take turns in
every round, so whatever slows the machine slows them all; each time is the median of
the rounds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from cardium.fit._tensors import InputFormat
from cardium.fit._windows import answer_records
from cardium.models import MODELS

NAMES = ("resnet_1d", "resnet1d_wang", "xresnet1d101", "inception1d", "lstm", "s4d")
LEADS, CLASSES, CROPS, SAMPLES, RATE = 12, 71, 32, 250, 100


def stepper(network: nn.Module) -> Callable[[], None]:
    """Return what takes one training step."""
    chance = torch.Generator().manual_seed(0)
    records = torch.randn(CROPS, LEADS, SAMPLES, generator=chance)
    truth = (torch.rand(CROPS, CLASSES, generator=chance) < 0.1).float()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)

    def step() -> None:
        network.train()
        optimizer.zero_grad(set_to_none=True)
        binary_cross_entropy_with_logits(network(records), truth).backward()
        optimizer.step()

    return step


def answerer(network: nn.Module, crop: float) -> Callable[[], None]:
    """Return what answers one record of 10 s."""
    form = InputFormat(1, seconds=10.0, rate=float(RATE), crop=crop)
    record, length = torch.randn(1, LEADS, form.samples), torch.tensor([form.samples])

    @torch.inference_mode()
    def answer() -> None:
        answer_records(network.eval(), record, length, form, "multilabel")

    return answer


def timed(call: Callable[[], None]) -> float:
    """Time one call [ms]."""
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    networks = {name: MODELS.find(name).build(LEADS, CLASSES) for name in NAMES}
    steps = {name: stepper(network) for name, network in networks.items()}
    answers = {
        name: answerer(network, float(MODELS.find(name).settings["crop"]))
        for name, network in networks.items()
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for round_ in range(options.rounds + 1):
        for name in NAMES:
            pair = timed(steps[name]), timed(answers[name])
            if round_:  # the first one warms up
                times[name].append(pair)
    rows = [
        {
            "network": name,
            "weights": sum(p.numel() for p in networks[name].parameters()),
            "step_ms": round(median(step for step, _ in times[name]), 1),
            "answer_ms": round(median(answer for _, answer in times[name]), 1),
        }
        for name in NAMES
    ]
    if options.json:
        print(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1))
        return
    print(f"{'network':14} {'weights':>9} {'step [ms]':>10} {'answer [ms]':>12}")
    for row in rows:
        print(
            f"{row['network']:14} {row['weights']:>9,} {row['step_ms']:>10} "
            f"{row['answer_ms']:>12}"
        )


if __name__ == "__main__":
    main()
