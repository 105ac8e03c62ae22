"""Cut-outs: the sources of wide fields, each in an image of its own."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._progress import bar
from parhelion._settings import save_settings
from parhelion.catalog._cutout_settings import CutoutSettings
from parhelion.catalog._decode import decode
from parhelion.catalog._image_id import image_id
from parhelion.catalog._overlaps import overlap_groups
from parhelion.catalog._place import check_free, make_room
from parhelion.catalog._sources import MERGED, TRUNCATED, Sources, find_sources, luma
from parhelion.catalog._table import CATALOG_FILE, Catalog, open_catalog, row, write_catalog
from parhelion.catalog._wcs import celestial_wcs
from parhelion.errors import CatalogError, DecodeError, InputError
from parhelion.provenance import write_image

_SATURATED = 250


@dataclass(frozen=True)
class _Field:
    """A decoded field; `key` tells its files from those of other fields."""

    key: str
    name: str
    field_id: str
    pixels: NDArray[np.uint8]
    decoded: dict[str, Any] | None
    cards: dict[str, Any] | None


@dataclass(frozen=True)
class _Cutout:
    """Where a cut-out is: its row, and its box on the field and on the sky."""

    field: str
    row: dict[str, Any]
    box: tuple[int, int, int, int]
    sky: NDArray[np.float64] | None


def cutouts(
    fields: Sequence[Path | str], out: Path | str, settings: CutoutSettings | None = None
) -> Catalog:
    """Find the sources of wide fields and write a catalog of square cut-outs around them.

    A cut-out holds the pixels of the field as they are, its neighbors included; its recipe says
    where it lies (`box`, `x`, `y`, and `ra`, `dec` in degrees, ICRS, where the field has a
    WCS; then also `wcs`, that of the cut-out), how the source looks (`a`, `b`, `theta`, `flux`,
    `peak`, `area`, `background`, `rms`; see `Sources`) and whether it is `blended` with a
    neighbor or `shifted` off center.

    Cut-outs that share a pixel of a field are in one group, as are those of different fields
    whose circumscribed circles meet on the sky, so that a split by group shows nothing twice.
    What remains: fields without a WCS that overlap are not recognized, and neighboring
    cut-outs share the field's noise and point-spread function.

    Parameters
    ----------
    fields : sequence of Path
        Images or FITS files; each image in a file is a field.
    out : Path
        Folder of the new catalog.
    settings : CutoutSettings, optional
        Which sources, and how much around them.

    Returns
    -------
    catalog : Catalog
        Ordered by field, then as sep found the sources. Fields that cannot be read are in
        ``rejected.parquet``.

    Raises
    ------
    CatalogError
        If there is a catalog in `out`, and `settings.overwrite` is False, or a field lies in it.
    InputError
        If no field has a source that the settings accept.
    """
    settings = settings or CutoutSettings()
    out = Path(out)
    paths = [Path(field) for field in fields]
    rejected: list[dict[str, str]] = []
    skipped: Counter[str] = Counter()
    found: list[_Cutout] = []
    check_free(out, settings.overwrite)
    _check_fields(paths, out)
    make_room(out)
    for field in _read_fields(paths, rejected):
        found += _cut_field(field, out, settings, skipped)
    if not found:
        reasons = [f"{item['path']}: {item['reason']}" for item in rejected[:3]]
        reasons += [f"{count} sources {why}" for why, count in sorted(skipped.items())]
        raise InputError(
            f"no cut-outs in {', '.join(map(str, paths)) or 'no fields'} "
            f"({'; '.join(reasons) or 'no source above the sky'}); "
            "lower --threshold, --min-area or --min-snr"
        )
    rows = [cutout.row for cutout in found]
    groups = overlap_groups(
        [cutout.field for cutout in found],
        np.array([cutout.box for cutout in found]),
        [cutout.sky for cutout in found],
        [str(item["image_id"]) for item in rows],
    )
    for item, group in zip(rows, groups, strict=True):
        item["group_id"] = rows[group]["image_id"]
    save_settings(
        out, "cutouts", settings, fields=[str(path) for path in paths], skipped=dict(skipped)
    )
    return write_catalog(out, rows, rejected=rejected)


def _check_fields(paths: Sequence[Path], out: Path) -> None:
    """Refuse fields that go with the catalog that is replaced, or may be written over."""
    if not (out / CATALOG_FILE).exists():
        return
    replaced = {file.resolve() for file in open_catalog(out).files()} | {out.resolve() / "images"}
    for path in paths:
        field = path.resolve()
        if replaced & {field, *field.parents}:
            raise CatalogError(
                f"the field {path} lies in the catalog that --out (={out}) replaces; "
                "give another --out"
            )


def _read_fields(paths: Sequence[Path], rejected: list[dict[str, str]]) -> Iterator[_Field]:
    """Yield every image of every file once; what is not one goes to `rejected`."""
    seen: dict[str, str] = {}
    for index, path in enumerate(paths):
        try:
            images = decode(path)
        except (DecodeError, OSError) as error:
            rejected.append({"source": path.name, "path": str(path), "reason": str(error)})
            continue
        for part, image in enumerate(images):
            name = path.name if len(images) == 1 else f"{path.name}[{image.part}]"
            field_id = image_id(image.pixels)
            if field_id in seen:
                reason = f"the same pixels as {seen[field_id]}"
                rejected.append({"source": name, "path": str(path), "reason": reason})
                continue
            seen[field_id] = name
            key = f"{index:03d}-{part:02d}"
            yield _Field(key, name, field_id, image.pixels, image.recipe, image.wcs)


def _cut_field(
    field: _Field, out: Path, settings: CutoutSettings, skipped: Counter[str]
) -> list[_Cutout]:
    sources = find_sources(
        luma(field.pixels),
        threshold=settings.threshold,
        deblend_contrast=settings.deblend_contrast,
        mesh=settings.mesh,
    )
    made: list[_Cutout] = []
    with bar(total=len(sources), what=f"cutting {field.name}", unit="sources") as shown:
        for index in range(len(sources)):
            shown.update()
            why, box = judge(sources, index, field.pixels, settings)
            if why:
                skipped[why] += 1
            else:
                made.append(_cut(field, sources, index, box, out))
    return made


def judge(
    sources: Sources, index: int, pixels: NDArray[np.uint8], settings: CutoutSettings
) -> tuple[str, tuple[int, int, int, int]]:
    """Return why a source is left out, or an empty text, and its box x0, y0, x1, y1.

    A box is half open, in whole pixels; its center is within half a pixel of the source's.
    """
    source = sources.table[index]
    height, width = pixels.shape[:2]
    side = int(np.clip(round(settings.scale * source["a"]), settings.min_size, settings.max_size))
    # Pixel i covers i - 0.5 to i + 0.5, so that a box from x0 is centered on x0 + (side - 1) / 2.
    x0 = int(np.floor(source["x"] - (side - 1) / 2 + 0.5))
    y0 = int(np.floor(source["y"] - (side - 1) / 2 + 0.5))
    inside = 0 <= x0 <= width - side and 0 <= y0 <= height - side
    if settings.edges == "shift":
        x0, y0 = min(max(x0, 0), width - side), min(max(y0, 0), height - side)
    box = (x0, y0, x0 + side, y0 + side)
    if source["npix"] < settings.min_area:
        return "too small", box
    x, y = round(float(source["x"])), round(float(source["y"]))
    noise = float(sources.rms[y, x]) * float(source["npix"]) ** 0.5
    if source["flux"] < settings.min_snr * noise:
        return "too faint", box
    if source["flag"] & TRUNCATED or min(x0, y0) < 0 or not (inside or settings.edges == "shift"):
        return "at an edge", box
    frame = np.s_[source["ymin"] : source["ymax"] + 1, source["xmin"] : source["xmax"] + 1]
    own = sources.labels[frame] == index + 1
    if (luma(pixels[frame])[own] >= _SATURATED).mean() > settings.max_saturated:
        return "saturated", box
    frame = np.s_[y0 : y0 + side, x0 : x0 + side]
    lights = np.bincount(
        sources.labels[frame].ravel(), sources.light[frame].ravel(), minlength=index + 2
    )
    lights[[0, index + 1]] = 0
    if lights.max() > settings.neighbor * source["flux"]:
        return "beside a brighter neighbor", box
    return "", box


def _cut(
    field: _Field, sources: Sources, index: int, box: tuple[int, int, int, int], out: Path
) -> _Cutout:
    x0, y0, x1, y1 = box
    source = sources.table[index]
    pixels = np.ascontiguousarray(field.pixels[y0:y1, x0:x1])
    x, y = float(source["x"]), float(source["y"])
    center = round(y), round(x)
    recipe: dict[str, Any] = {
        "operation": "cutout",
        "field": field.name,
        "field_id": field.field_id,
        "box": [x0, y0, x1, y1],
        "x": x,
        "y": y,
        "a": float(source["a"]),
        "b": float(source["b"]),
        "theta": float(source["theta"]),
        "flux": float(source["flux"]),
        "peak": float(source["peak"]),
        "area": int(source["npix"]),
        "background": float(sources.background[center]),
        "rms": float(sources.rms[center]),
        "blended": bool(source["flag"] & MERGED),
        "shifted": bool(abs(x - (x0 + x1 - 1) / 2) > 0.5 or abs(y - (y0 + y1 - 1) / 2) > 0.5),
    }
    if field.decoded is not None:
        recipe["decoded"] = field.decoded
    sky = None
    if field.cards is not None:
        # The source's center, then the box's center and one of its corners.
        corners = [x, (x0 + x1 - 1) / 2, x0 - 0.5], [y, (y0 + y1 - 1) / 2, y0 - 0.5]
        places = celestial_wcs(field.cards).pixel_to_world(*corners).icrs
        recipe["ra"], recipe["dec"] = float(places.ra.deg[0]), float(places.dec.deg[0])
        recipe["wcs"] = _shifted(field.cards, x0, y0)
        sky = places.cartesian.xyz.value[:, 1:].T
    path = f"images/{field.key}-{index:06d}.png"
    write_image(out / path, pixels, recipe=recipe, made=False)
    made = row(
        image_id=image_id(pixels),
        path=path,
        width=x1 - x0,
        height=y1 - y0,
        format="PNG",
        recipe=recipe,
        source=field.name,
    )
    return _Cutout(field.key, made, box, sky)


def _shifted(cards: dict[str, Any], x0: int, y0: int) -> dict[str, Any]:
    """Return the WCS of the part of an image from (x0, y0)."""
    origin = {"CRPIX1": cards.get("CRPIX1", 0.0) - x0, "CRPIX2": cards.get("CRPIX2", 0.0) - y0}
    return {**cards, **origin}
