"""`lightweight-gan` 1.2.1 as it is, on a machine that need not have the GPU it asks for."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor


class _Torch(ModuleType):
    """The module torch, but for `device`, which answers the CPU whatever is asked for."""

    def __init__(self) -> None:
        super().__init__("torch")

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def device(*_: Any) -> torch.device:
        return torch.device("cpu")


def need_peer() -> None:
    """End with one line where the peer is not installed."""
    if find_spec("lightweight_gan") is None:
        raise SystemExit("lightweight-gan is not installed; pip install 'parhelion[bench]'")


def peer_trainer(
    work: Path, batches: Iterator[Tensor], *, gpu: bool = False, **settings: Any
) -> Any:
    """Return the peer's own `Trainer`, fed with `batches` and told not to write anything.

    Its code is untouched; without a GPU, what asks for one is answered with the CPU.

    Parameters
    ----------
    work : Path
        Folder for what it creates.
    batches : iterator of Tensor
        ``(N, 3, H, W)`` float in [0, 1].
    gpu : bool
        Compute on a GPU.
    **settings : Any
        `Trainer`'s settings; the others are its defaults.
    """
    with mock.patch("torch.cuda.is_available", return_value=True):
        import lightweight_gan.lightweight_gan as peer
    if not gpu:
        peer.torch = _Torch()
        torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
        torch.nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    trainer = peer.Trainer(base_dir=work, use_aim=False, **settings)
    trainer.loader = batches
    trainer.save = trainer.evaluate = lambda *_, **__: None
    trainer.init_GAN()
    return trainer
