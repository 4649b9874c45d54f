"""All that only a GPU can show, in one command of under 8 minutes; JSON on standard output.

    python -m benchmarks.gpu_check [--out FILE] [--parts NAME ...] [--quick]

It needs torch, torchvision, pydantic and the project's own core; what is missing is said. A part that
fails says how and lets the others go on; the exit status counts the parts that failed. `--quick`
makes everything small, to see that the command itself works, also with `--device cpu`.
"""

import argparse
import importlib.util
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEEDED = ("torch", "torchvision", "pydantic", "numpy", "PIL", "filelock")


def missing() -> list[str]:
    """The packages that this command needs and does not find."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def run_parts(parts: dict[str, Callable[[], dict[str, Any]]], out: Path | None) -> dict[str, Any]:
    """Each part's figures, or how it failed; written after each, so that a stop loses nothing."""
    results: dict[str, Any] = {}
    for name, part in parts.items():
        began = time.perf_counter()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            results[name] = part()
        except Exception as error:  # noqa: BLE001  the next part is as good as this one
            traceback.print_exc()
            results[name] = {"failed": f"{type(error).__name__}: {error}"}
        results[name]["took_s"] = round(time.perf_counter() - began, 1)
        if out:
            out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def main() -> int:
    """Check and print; the number of parts that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--parts", nargs="+")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if gone := missing():
        print(f"gpu_check needs {', '.join(gone)}: install them, then run it again.", file=sys.stderr)
        return 1
    import torch

    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        print("gpu_check needs an NVIDIA GPU that torch can use; there is none here.", file=sys.stderr)
        return 1
    from benchmarks.gpu_parts import parts_for

    known = parts_for(torch.device(arguments.device), quick=arguments.quick)
    if unknown := set(arguments.parts or ()) - set(known):
        print(f"There is no part {', '.join(unknown)}; there are {', '.join(known)}.", file=sys.stderr)
        return 1
    results = run_parts({name: known[name] for name in arguments.parts or known}, arguments.out)
    print(json.dumps(results, indent=1))
    return sum("failed" in result for result in results.values())


if __name__ == "__main__":
    sys.exit(main())
