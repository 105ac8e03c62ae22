"""The standard augmentations that FLARE takes, each a function of one random generator."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parhelion.augmentation._settings import CHANGES, AugmentSettings

Pixels = NDArray[np.uint8]

#: Standard deviation of a blur below which 8 bits show little of it, in pixels.
_FAINTEST = 0.4
#: How far outside an image a perspective may look, in sides: further out its horizon is near.
_FARTHEST = 1.0
#: Pixels more than are seen: bilinear interpolation takes neighbors.
_BESIDE = 2


def draw_change(
    change: str, shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what one change will do to an image, as plain numbers: the recipe's part.

    Parameters
    ----------
    change : str
        One of `CHANGES`.
    shape : tuple of int
        The image's, ``(H, W, C)``.
    settings : AugmentSettings
        How strong.
    rng : numpy.random.Generator
        The image's own stream.
    """
    return {"change": change, **_DRAW[change](shape, settings, rng)}


def apply_change(pixels: Pixels, drawn: Mapping[str, Any]) -> Pixels:
    """Return ``(H, W, C)`` uint8 after a change that `draw_change` drew; same shape.

    What comes into view from outside the image is its border's color continued by reflection.
    """
    values = {name: value for name, value in drawn.items() if name != "change"}
    image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
    changed = _APPLY[drawn["change"]](image, **values)
    return np.ascontiguousarray(changed.permute(1, 2, 0).numpy())


def _draw_flip(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    # One of the three that change something.
    kind = int(rng.integers(3))
    return {"across": kind != 1, "down": kind != 0}


def _flip(image: torch.Tensor, across: bool, down: bool) -> torch.Tensor:
    return image.flip([axis for axis, wanted in ((2, across), (1, down)) if wanted])


def _draw_color(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    names = ("brightness", "contrast", "saturation")
    factors = 1 + settings.color * rng.uniform(-1, 1, 3)
    hue = settings.hue * rng.uniform(-1, 1)
    return {name: float(f) for name, f in zip(names, factors, strict=True)} | {"hue": float(hue)}


def _color(
    image: torch.Tensor, brightness: float, contrast: float, saturation: float, hue: float
) -> torch.Tensor:
    from torchvision.transforms.v2 import functional as change

    image = change.adjust_contrast(change.adjust_brightness(image, brightness), contrast)
    if len(image) == 3:
        image = change.adjust_hue(change.adjust_saturation(image, saturation), hue)
    return image


def _draw_crop(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    # Area and aspect as in torchvision's resized crop (Szegedy et al. 2015).
    area = shape[0] * shape[1] * rng.uniform(settings.crop, 1)
    aspect = float(np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))))
    height = int(np.clip(round(np.sqrt(area / aspect)), 1, shape[0]))
    width = int(np.clip(round(np.sqrt(area * aspect)), 1, shape[1]))
    top, left = rng.integers(shape[0] - height + 1), rng.integers(shape[1] - width + 1)
    return {"top": int(top), "left": int(left), "height": height, "width": width}


def _crop(image: torch.Tensor, top: int, left: int, height: int, width: int) -> torch.Tensor:
    from torchvision.transforms.v2 import functional as change

    size = list(image.shape[1:])
    found: torch.Tensor = change.resized_crop(image, top, left, height, width, size, antialias=True)
    return found


def _draw_perspective(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    # Each corner moves inwards by up to so much of half a side.
    moves = rng.uniform(0, settings.perspective / 2, (4, 2)) * [shape[1], shape[0]]
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    corners = _corners(shape[0], shape[1])
    farthest = _FARTHEST * np.array(shape[:2])
    # A strong one may be no perspective at all, or have its horizon in view: it is made weaker.
    while (
        min(shape[:2]) > 1
        and (_seen_around(corners + inwards * moves, *shape[:2]) > farthest).any()
    ):
        moves *= 0.8
    return {"corners": np.round(corners + inwards * moves, 3).tolist()}


def _perspective(image: torch.Tensor, corners: list[list[float]]) -> torch.Tensor:
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as change

    height, width = image.shape[1:]
    if min(height, width) == 1:
        return image  # its corners lie on a line, which no perspective keeps
    seen = _seen_around(np.array(corners), height, width)
    pad = _pad(np.minimum(seen, _FARTHEST * np.array([height, width])), height, width)
    around = _reflected(image, pad)
    move = np.array([pad[1], pad[0]])
    begin, end = _corners(height, width) + move, np.array(corners) + move
    found = change.perspective(
        around, begin.tolist(), end.tolist(), interpolation=InterpolationMode.BILINEAR
    )
    return _middle(found, pad, (height, width))


def _draw_rotation(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    return {"degrees": float(settings.rotation * rng.uniform(-1, 1))}


def _rotation(image: torch.Tensor, degrees: float) -> torch.Tensor:
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as change

    height, width = image.shape[1:]
    turn = np.abs([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    seen = np.array([turn @ (height, width) - height, turn @ (width, height) - width]) / 2
    pad = _pad(seen, height, width)
    found = change.rotate(_reflected(image, pad), degrees, interpolation=InterpolationMode.BILINEAR)
    return _middle(found, pad, (height, width))


def _draw_blur(
    shape: tuple[int, ...], settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    return {"sigma": float(rng.uniform(min(_FAINTEST, settings.blur), settings.blur))}


def _blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(image.numpy().astype(np.float32), (0, sigma, sigma), mode="mirror")
    return torch.from_numpy(np.rint(values).clip(0, 255).astype(np.uint8))


def _corners(height: int, width: int) -> NDArray[np.float64]:
    """Return x and y of the corner pixels, clockwise from the first."""
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)


def _seen_around(corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Return by how many rows and columns a perspective looks beyond an image, at most.

    Infinitely far where the horizon is in view, or where the corners, to which the image's own are
    moved, are no perspective's.
    """
    # Its eight numbers take a moved corner (x, y) back to its place (u, v):
    # u (g x + h y + 1) = a x + b y + c, v (g x + h y + 1) = d x + e y + f.
    equations, places = [], _corners(height, width)
    for (x, y), (u, v) in zip(corners, places, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    try:
        numbers = np.linalg.solve(np.array(equations), places.ravel())
    except np.linalg.LinAlgError:
        return np.full(2, np.inf)
    back = np.append(numbers, 1).reshape(3, 3)
    # torchvision counts pixels by their corners here, and by their centers above.
    x, y, depth = back @ np.column_stack([places + 0.5, np.ones(4)]).T
    if depth.min() <= 0:
        return np.full(2, np.inf)
    last = np.array([[height - 1], [width - 1]])
    seen = (
        np.stack([y, x]) / depth - 0.5
    )  # lines stay lines: between the corners nothing is further out
    beyond: NDArray[np.float64] = np.maximum(-seen, seen - last).max(1)
    return beyond


def _pad(seen: NDArray[np.float64], height: int, width: int) -> tuple[int, int]:
    """Return by how many rows and columns to continue an image: half a side, or what is seen."""
    rows, columns = (max(0, int(np.ceil(length))) + _BESIDE for length in seen)
    return max(height // 2, rows), max(width // 2, columns)


def _reflected(image: torch.Tensor, pad: tuple[int, int]) -> torch.Tensor:
    mode = "reflect" if min(image.shape[1:]) > 1 else "symmetric"
    around = [(0, 0), (pad[0], pad[0]), (pad[1], pad[1])]
    return torch.from_numpy(np.pad(image.numpy(), around, mode=mode))  # type: ignore[call-overload]


def _middle(image: torch.Tensor, pad: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    return image[:, pad[0] : pad[0] + size[0], pad[1] : pad[1] + size[1]]


_Draw = Callable[[tuple[int, ...], AugmentSettings, np.random.Generator], dict[str, Any]]

_DRAW: dict[str, _Draw] = dict(
    zip(
        CHANGES,
        (_draw_flip, _draw_color, _draw_crop, _draw_perspective, _draw_rotation, _draw_blur),
        strict=True,
    )
)
_APPLY: dict[str, Callable[..., torch.Tensor]] = dict(
    zip(CHANGES, (_flip, _color, _crop, _perspective, _rotation, _blur), strict=True)
)
