"""Measure an upscaler: what it gives back of images that were made smaller, and what it moves."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter

from parhelion._files import write_json
from parhelion._progress import progress
from parhelion._settings import require
from parhelion.augmentation import (
    Observation,
    UpscalerSettings,
    enlarge,
    load_upscaler,
    observed_smaller,
)
from parhelion.catalog import Catalog, decode, luma, open_catalog
from parhelion.errors import InputError
from parhelion.measurement._bootstrap import percentile_interval, resample_groups
from parhelion.measurement._likeness import perceptual_distance, structural_similarities
from parhelion.measurement._photometry import border_sky

UPSCALER_FILE = "upscaler.json"
Pixels = NDArray[np.uint8]

#: What is measured of each enlarged image against the one that was made smaller.
FIGURES = {
    "psnr": "peak signal-to-noise ratio, dB",
    "ssim": "structural similarity",
    "ms_ssim": "structural similarity at several scales (five, or as many as the image holds)",
    "lpips": "learned perceptual distance, where its network is given; less is better",
    "flux": "flux above the sky within the object's grown isophote, over the true one",
    "centroid": "shift of the object's centroid, pixels of the large image",
}
_LEAST = 16  # pixels of a side that is worth measuring
_RESAMPLES = 500
_SMOOTH = 2.0  # pixels: standard deviation of the filter before the isophote is drawn
#: Pixels by which it is grown: light that the point-spread function moved out is not lost.
_GROWN = 4


def measure_upscaler(
    model: Path | str,
    data: Sequence[Catalog | Path | str],
    out: Path | str | None = None,
    *,
    split: str | None = "test",
    count: int | None = None,
    plain: bool = False,
    lpips: Path | None = None,
    seed: int = 0,
    device: str = "auto",
) -> dict[str, Any]:
    """Make observed images smaller, enlarge them again, and compare with bicubic and Lanczos.

    Parameters
    ----------
    model : Path or str
        See `parhelion.augmentation.load_upscaler`.
    data : sequence of Catalog or Path
        Only observed images are used.
    out : Path, optional
        Folder for ``upscaler.json``.
    split : {"test", "validation", "train"} or None
        Part of the catalogs; None takes every row.
    count : int, optional
        Most images of a catalog, evenly spaced.
    plain : bool
        Make images smaller with a bicubic filter, as the field does; else as a smaller telescope
        would, see `parhelion.augmentation.observed_smaller`.
    lpips : Path, optional
        Weights of torchvision's ``squeezenet1_1`` (safetensors), for the perceptual distance
        (Zhang et al. 2018); it needs the package lpips. Not measured when not given.
    seed : int
        Of the noise and the bootstrap.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.

    Returns
    -------
    figures : dict
        ``images``, ``scale``, and for ``ours``, ``bicubic`` and ``lanczos`` each figure of
        `FIGURES` as mean and 95 % interval (bootstrap of groups); ``gain`` holds the differences
        of PSNR, in dB, with theirs; and ``stored`` the gain over bicubic where the small image was
        a JPEG, and where it was kept exactly, each with its number of ``images``.

    Raises
    ------
    SettingsError
        If `count` is below 1.
    InputError
        If there is no observed image of 16 small pixels a side.
    ModelError, MissingExtraError
        If the network of the perceptual distance cannot be had.
    """
    require(count is None or count >= 1, "count", count, "be at least 1")
    distance = None if lpips is None else perceptual_distance(lpips)
    upscaler = load_upscaler(model, device)
    settings = UpscalerSettings(scale=4 if upscaler.scale == 4 else 2)
    ways: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
        "ours": lambda small: enlarge(upscaler, small),
        "bicubic": lambda small: _resized(small, upscaler.scale, Image.Resampling.BICUBIC),
        "lanczos": lambda small: _resized(small, upscaler.scale, Image.Resampling.LANCZOS),
    }
    chosen = _chosen(data, split, count, _LEAST * upscaler.scale)
    values: dict[str, list[list[float]]] = {name: [] for name in ways}
    is_jpeg = np.zeros(len(chosen), bool)
    for number, (path, _) in enumerate(progress(chosen, total=len(chosen), what="measuring")):
        large = _fitting(decode(path)[0].pixels, upscaler.scale)
        if plain:
            small = _resized(large, 1 / upscaler.scale, Image.Resampling.BICUBIC)
        else:
            rng = np.random.default_rng([seed, number])
            observation = Observation.drawn(settings, rng)
            is_jpeg[number] = observation.quality is not None
            small = observed_smaller(large, upscaler.scale, observation, rng)
        for name, way in ways.items():
            values[name].append(_compared(way(small), large, distance))
    groups = np.unique([group for _, group in chosen], return_inverse=True)[1].astype(np.int64)
    table = {name: np.array(rows) for name, rows in values.items()}
    figures: dict[str, Any] = {
        "model_id": upscaler.model_id,
        "scale": upscaler.scale,
        "made_smaller": "bicubic" if plain else "telescope",
        "split": split,
        "images": len(chosen),
    }
    weights = list(
        resample_groups(
            groups,
            np.zeros(int(groups.max()) + 1, np.int64),
            _RESAMPLES,
            np.random.default_rng([seed, 1]),
        )
    )
    for name, rows in table.items():
        columns = zip(FIGURES, rows.T, strict=True)
        figures[name] = {figure: _mean(column, weights) for figure, column in columns}
    gains = {
        f"over_{name}": table["ours"][:, 0] - table[name][:, 0] for name in ("bicubic", "lanczos")
    }
    figures["gain"] = {name: _mean(gain, weights) for name, gain in gains.items()}
    figures["stored"] = {
        name: {
            "images": int(which.sum()),
            **_mean(np.where(which, gains["over_bicubic"], np.nan), weights),
        }
        for name, which in (("jpeg", is_jpeg), ("exact", ~is_jpeg))
    }
    if out is not None:
        write_json(Path(out) / UPSCALER_FILE, figures)
    return figures


def _chosen(
    data: Sequence[Catalog | Path | str], split: str | None, count: int | None, least: int
) -> list[tuple[Path, str]]:
    """Return file and group of what is measured."""
    chosen: list[tuple[Path, str]] = []
    for item in data:
        catalog = item if isinstance(item, Catalog) else open_catalog(item)
        catalog = catalog.select(origin="observed", **({"split": split} if split else {}))
        mine = [
            (path, row["group_id"])
            for path, row in zip(catalog.files(), catalog.rows(), strict=True)
            if min(row["width"], row["height"]) >= least
        ]
        chosen += mine[:: max(1, -(-len(mine) // count))] if count else mine
    if not chosen:
        part = f"in the {split} part " if split else ""
        raise InputError(
            f"no observed image of at least {least} pixels a side {part}of "
            f"{', '.join(str(getattr(item, 'root', item)) for item in data)}"
        )
    return chosen


def _fitting(pixels: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return an image in color whose sides are multiples of the scale."""
    height, width = (side // scale * scale for side in pixels.shape[:2])
    part = pixels[:height, :width]
    return np.repeat(part, 3, -1) if part.shape[-1] == 1 else part


def _resized(pixels: NDArray[np.uint8], scale: float, kind: Image.Resampling) -> NDArray[np.uint8]:
    height, width = (round(side * scale) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), kind), np.uint8)


def _compared(
    found: Pixels, aim: Pixels, distance: Callable[[Pixels, Pixels], float] | None = None
) -> list[float]:
    """Return the figures of one image; of its object NaN where it shows none."""
    # An image that is hit exactly has no finite ratio; a tenth of a level is as good.
    error = max(float(np.square(found.astype(float) - aim).mean()), 0.01)
    psnr = float(10 * np.log10(255**2 / error))
    ssim, ms_ssim = structural_similarities(found, aim)
    perceived = np.nan if distance is None else distance(found, aim)
    likeness = [psnr, ssim, ms_ssim, perceived]
    levels, sky, noise = border_sky(aim[None])
    light = levels[0] - sky[0]
    # Of the smoothed image: else pixels whose noise is high are chosen, and seem too bright.
    inside = gaussian_filter(light, _SMOOTH) > noise[0]
    inside = binary_dilation(inside, iterations=_GROWN)
    ours = luma(found) - sky[0]
    if not inside.any() or float(ours[inside].sum()) <= 0:
        return [*likeness, np.nan, np.nan]
    flux = float(ours[inside].sum() / light[inside].sum())
    shift = np.hypot(*(_center(ours, inside) - _center(light, inside)))
    return [*likeness, flux, float(shift)]


def _center(light: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(inside)
    weights = np.maximum(light[inside], 0)
    return np.array([np.average(rows, weights=weights), np.average(columns, weights=weights)])


def _mean(values: NDArray[np.float64], weights: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Return mean and 95 % interval over images for which there is a value."""
    known = np.isfinite(values)
    if not known.any():
        return {"mean": None, "interval": None}
    kept = values[known]
    resampled = [
        float(np.average(kept, weights=counts[known])) for counts in weights if counts[known].any()
    ]
    low, high = percentile_interval(resampled)
    return {"mean": round(float(kept.mean()), 4), "interval": [round(low, 4), round(high, 4)]}
