"""The edge of a model: uint8 pixels in, float tensors inside, uint8 pixels out."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_model(pixels: NDArray[np.uint8] | Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Turn ``(N, H, W, C)`` uint8 into ``(N, C, H, W)`` float32 in [-1, 1], channels last."""
    tensor = torch.as_tensor(pixels).to(device)
    return tensor.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def store(values: NDArray[Any], device: torch.device) -> Tensor:
    """Return a data set where batches are best taken from.

    That is the GPU if it takes no more than a quarter of the free memory there, else pinned
    memory, from which copies to a GPU are fastest.
    """
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor
    free, _ = torch.cuda.mem_get_info(device)
    return tensor.to(device) if tensor.nbytes <= free // 4 else tensor.pin_memory()


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """Turn ``(N, C, H, W)`` float in [-1, 1] (clipped) into ``(N, H, W, C)`` uint8."""
    scaled = images.detach().float().clamp(-1, 1).add(1).mul(127.5).round()
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def grid(images: NDArray[np.uint8], columns: int | None = None, gap: int = 2) -> NDArray[np.uint8]:
    """Lay images out on a dark sheet.

    Parameters
    ----------
    images : ndarray
        ``(N, H, W, C)`` uint8.
    columns : int, optional
        Images in a row; by default as many as make the sheet about square.
    gap : int
        Dark pixels between images.

    Returns
    -------
    sheet : ndarray
        ``(rows * (H + gap) - gap, columns * (W + gap) - gap, C)`` uint8.
    """
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, 24, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet
