"""Device, precision and processes, through Lightning Fabric."""

import logging
import warnings
from datetime import timedelta
from typing import Any

import torch

from parhelion.errors import SettingsError

_PATIENCE = timedelta(minutes=5)
_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


def make_fabric(device: str = "auto", precision: str = "auto", processes: int = 1) -> Any:
    """Return a launched `lightning_fabric.Fabric`.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute; ``auto`` takes an accelerator where there is one.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` takes bfloat16 autocast where the hardware multiplies it natively.
    processes : int
        Devices (or CPU processes) to train on together.

    Raises
    ------
    SettingsError
        If the device is not there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy

    # It announces the precision, which the model's card says.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    accelerator = find_device(device)
    if precision == "auto":
        precision = "bf16" if native_bf16(accelerator) else "fp32"
    with warnings.catch_warnings():
        # Fabric inspects schedulers and plugins that are not used here.
        warnings.simplefilter("ignore")
        fabric = Fabric(
            accelerator=accelerator,
            devices=processes,
            precision=_PRECISIONS[precision],  # type: ignore[arg-type]
            # A process that waits this long for another waits for one that is lost.
            strategy=DDPStrategy(timeout=_PATIENCE) if processes > 1 else "auto",
        )
        fabric.launch()
    return fabric


def find_device(device: str) -> str:
    """Return the device that is meant: ``auto`` takes CUDA where there is one, else the CPU.

    Raises
    ------
    SettingsError
        If the device is not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    lacks_cuda = device == "cuda" and not torch.cuda.is_available()
    if lacks_cuda or (device == "mps" and not torch.backends.mps.is_available()):
        raise SettingsError(f"--device (={device}) is not available here; use cpu or auto")
    return device


def native_bf16(accelerator: str) -> bool:
    """Whether this hardware multiplies bfloat16 natively (else it is slower than float32)."""
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
