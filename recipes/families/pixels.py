"""Real images of several surveys, crops of them to learn from, and catalogs of what was made."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import (
    MADE_ORIGINS,
    Catalog,
    decode,
    image_id,
    ingest,
    open_catalog,
    resize,
    row,
    split,
)
from parhelion.provenance import write_image

Pixels = NDArray[np.uint8]
Row = dict[str, Any]

#: The sets, and the share of each side in the middle that a generator of whole galaxies sees.
SURVEYS = {
    "galaxies-efigi": 1.0,
    "galaxies-zoo": 0.5,
    "free-sky": 1.0,
    "free-photographs": 1.0,
}
_GALAXIES, _PICTURES = ("galaxies-efigi", "galaxies-zoo"), ("free-sky", "free-photographs")
_PARTS = ("train",) * 8 + ("validation", "test")


def real_catalogs(data: Path, pictures: Path, out: Path) -> dict[str, Catalog]:
    """Take the real images in, and split them by groups of near-duplicates."""
    # Galaxies are split together, as for the weights of the GANs that ship; so are the pictures.
    for names, folder in ((_GALAXIES, data), (_PICTURES, pictures)):
        places = [out / name for name in names]
        for place in places:
            if not (place / "catalog.parquet").is_file():
                ingest([folder / place.name], place)
        if not any(open_catalog(places[0]).column("split")):
            split(places)
    return {name: open_catalog(out / name) for name in SURVEYS}


@dataclass(frozen=True)
class Real:
    """The real images, and how much is to be made of them."""

    catalogs: dict[str, Catalog]
    data: Path
    share: float

    @cached_property
    def train(self) -> list[Pixels]:
        """Every image of the train parts, ``(H, W, 3)`` at its own size."""
        return [
            _color(decode(file)[0].pixels)
            for catalog in self.catalogs.values()
            for file in catalog.select(split="train").files()
        ]

    def galaxies(self, size: int) -> NDArray[np.uint8]:
        """Return the galaxies of the train parts, filling the frame: ``(N, size, size, 3)``.

        None is enlarged: a generator must learn what its size holds.
        """
        found = []
        for name in _GALAXIES:
            for file in self.catalogs[name].select(split="train").files():
                pixels = center(decode(file)[0].pixels, SURVEYS[name])
                if min(pixels.shape[:2]) >= size:
                    found.append(resize(pixels, size))
        return np.stack(found)

    def some(self, count: int, seed: int) -> list[tuple[Row, Pixels]]:
        """Return rows and pixels of at most `count` images, as many of each set that has them."""
        rng = np.random.default_rng([seed, 77])
        sets = len(self.catalogs)
        count = max(sets, round(count * self.share))
        chosen = []
        for number, catalog in enumerate(self.catalogs.values()):
            mine = count * (number + 1) // sets - count * number // sets
            rows, files = catalog.rows(), catalog.files()
            places = np.sort(rng.choice(len(rows), min(mine, len(rows)), replace=False))
            chosen += [(rows[at], _color(decode(files[at])[0].pixels)) for at in places]
        return chosen

    def steps(self, count: int) -> int:
        """Return how many steps of a run to take."""
        return max(20, round(count * self.share))

    def counts(self, count: int, most: int = 50) -> list[int]:
        """Return how many images to draw at a time: `most`, until there are `count`."""
        count = max(10, round(count * self.share))
        return [min(most, count - start) for start in range(0, count, most)]


def small(catalog: Catalog, share: float, side: int, out: Path) -> Iterator[Row]:
    """Write the central `share` of a catalog's images, made smaller, with their group and split.

    Of the validation and test parts: what was made at that size is calibrated and judged beside
    observed images of no other size.
    """
    judged = (catalog.select(split=part) for part in ("validation", "test"))
    pairs = (pair for part in judged for pair in zip(part.rows(), part.files(), strict=True))
    made = ((item, _small(file, share, side)) for item, file in pairs)
    return derived(out, made, {"operation": "smaller", "share": share, "side": side}, "augmented")


def _small(file: Path, share: float, side: int) -> Pixels:
    return resize(center(_color(decode(file)[0].pixels), share), side)


def crops(images: Sequence[Pixels], size: int, batch: int, seed: int) -> Iterator[Pixels]:
    """Yield batches ``(batch, size, size, 3)`` of crops, the fullest of three tries each.

    Images are drawn by their number of pixels.
    """
    rng = np.random.default_rng([seed, 78])
    large = [image for image in images if min(image.shape[:2]) >= size]
    areas = np.cumsum([image.shape[0] * image.shape[1] for image in large])
    while True:
        found = np.empty((batch, size, size, 3), np.uint8)
        for place in range(batch):
            image = large[np.searchsorted(areas, rng.integers(areas[-1]), side="right")]
            tries = []
            for _ in range(3):
                top = rng.integers(image.shape[0] - size + 1)
                left = rng.integers(image.shape[1] - size + 1)
                tries.append(image[top : top + size, left : left + size])
            found[place] = max(tries, key=lambda part: float(part.std()))
            if rng.integers(2):
                found[place] = found[place][:, ::-1]
        yield found


def center(pixels: Pixels, share: float) -> Pixels:
    """Return the central `share` of each side."""
    height, width = (round(side * share) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def whole(pixels: Pixels, factor: int, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Change an image as one whose sides are multiples of `factor`, and cut it to its own size."""
    height, width = pixels.shape[:2]
    wide = np.pad(pixels, [(0, -height % factor), (0, -width % factor), (0, 0)], "reflect")
    return np.ascontiguousarray(change(wide)[:height, :width])


def derived(
    out: Path,
    made: Iterator[tuple[Row, Pixels]],
    recipe: Row,
    origin: str = "reconstructed",
) -> Iterator[Row]:
    """Write images made from real ones; each stays in its source's group and split."""
    for number, (source, pixels) in enumerate(made):
        inherited = {name: source[name] for name in ("group_id", "split", "label")}
        mine = {**recipe, "of": source["image_id"]}
        name = f"derived-{number:06d}"
        yield _write(out, name, pixels, mine, origin, parent_id=source["image_id"], **inherited)


def samples(out: Path, made: Iterator[Pixels], recipe: Row, origin: str) -> Iterator[Row]:
    """Write images made from nothing but random numbers; every tenth one is tested on."""
    for number, pixels in enumerate(made):
        mine = {**recipe, "number": number}
        part = _PARTS[number % len(_PARTS)]
        yield _write(out, f"sample-{number:06d}", pixels, mine, origin, split=part)


def _write(out: Path, name: str, pixels: Pixels, recipe: Row, origin: str, **values: Any) -> Row:
    path = f"images/{name}.png"
    write_image(out / path, pixels, recipe=recipe, made=origin in MADE_ORIGINS)
    height, width = pixels.shape[:2]
    return row(
        image_id=image_id(pixels),
        path=path,
        width=width,
        height=height,
        format="PNG",
        origin=origin,
        recipe=recipe,
        source="/".join(out.parts[-2:]),
        **values,
    )


def _color(pixels: Pixels) -> Pixels:
    return np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
