"""Run one measurement and print it; the last line is one JSON object with ``--json``."""

import argparse
import inspect
import json
import os
import pkgutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import benchmarks


def main(arguments: list[str] | None = None) -> int:
    """Run the measurement that the command line names."""
    names = sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if not module.name.startswith("_")
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", type=Path, help="folder of real data; drawn when not given")
    parser.add_argument("--large", action="store_true", help="the largest size too; takes long")
    chosen = parser.parse_args(arguments)
    if chosen.data is not None and not chosen.data.is_dir():
        parser.error(f"--data (={chosen.data}) must be a folder")
    # In memory where that is possible: what the disk is doing is not what is measured.
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="benchmark-") as work:
        run = import_module(f"benchmarks.{chosen.name.replace('-', '_')}").run
        if chosen.large and "large" not in inspect.signature(run).parameters:
            parser.error(f"{chosen.name} has no --large")
        options = {"large": True} if chosen.large else {}
        result = run(chosen.data, Path(work), **options)
    print(json.dumps(result) if chosen.json else _text(result))
    return 0


def _text(result: dict[str, Any]) -> str:
    cases = result.get("cases", [result])
    return "\n".join(
        f"{case['name']}: {case['ours']:.4g} against {case['peer']:.4g} {case['unit']}, "
        f"ratio {case['ratio']:.2f} ({case['measured_on']})"
        for case in cases
    )


if __name__ == "__main__":
    sys.exit(main())
