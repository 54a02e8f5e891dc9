"""How long cardium takes to start: ``import cardium`` and ``cardium --help``.

Each is a fresh interpreter; the median of several, and the ratio to ``import numpy`` in
the same run. Run it with bytecode compiled, which is Python's default.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "import cardium": [sys.executable, "-c", "import cardium"],
    "cardium --help": [sys.executable, "-m", "cardium", "--help"],
}
ROUNDS = 7


def seconds(command: list[str]) -> float:
    """Wall seconds of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Alternate the commands and print the medians."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        seconds(command)
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bare = statistics.median(times["import numpy"])
    print(f"{'command':<18}{'median s':>10}{'/ import numpy':>16}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<18}{median:>10.3f}{median / bare:>16.2f}")


if __name__ == "__main__":
    main()
