"""What a measurement ran on."""

import os
import platform
from pathlib import Path

from parhelion._cores import cores


def machine() -> str:
    """Return the processor, its cores and the load of the last minute, in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        model = next(lines, model).partition(":")[2].strip() or model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {cores()} cores{load}, Python {platform.python_version()}"
