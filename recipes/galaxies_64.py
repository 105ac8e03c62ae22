"""Make the training catalogs of the weights that ship, from EFIGI and Galaxy Zoo images.

    python recipes/galaxies_64.py --data DIR --out CATALOGS
    parhelion train gan --data CATALOGS/galaxies-zoo --config galaxies-64 --out RUN
    parhelion train gan --data CATALOGS/galaxies-efigi --config galaxies-64 --out RUN

`DIR` holds `galaxies-efigi` and `galaxies-zoo`, a folder of images to a class. Both are taken in
and split together, by groups of near-duplicates; then Galaxy Zoo's images are cut to their central
half, so that the galaxy fills the frame as in EFIGI, and both sets' classes get common names.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog, decode, image_id, ingest, row, split, write_catalog
from parhelion.provenance import write_image

#: Survey as the generator is asked for it, and the share of each side that is kept.
SURVEYS = {"galaxies-efigi": ("EFIGI", 1.0), "galaxies-zoo": ("Galaxy Zoo", 0.5)}
CLASSES = {
    "spiral_early": "spiral",
    "spiral_late": "spiral",
    "spiral": "spiral",
    "barred_spiral": "spiral",
    "edge_view_spiral": "edge_on",
    "elliptical": "elliptical",
    "dwarf_elliptical": "elliptical",
    "lenticular": "lenticular",
    "irregular": "irregular",
    "no_label": "unlabeled",
    "unlabelled": "unlabeled",
}


def main() -> None:
    """Take in, split, cut and name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    taken = {name: chosen.out / "taken" / name for name in SURVEYS}
    for name, place in taken.items():
        if not (place / "catalog.parquet").exists():
            ingest([chosen.data / name], place)
    catalogs = split(list(taken.values()))
    for (name, (survey, share)), catalog in zip(SURVEYS.items(), catalogs, strict=True):
        root = chosen.out / name
        write_catalog(root, _cut(catalog, root, survey, share), rejected=[])


def _cut(catalog: Catalog, out: Path, survey: str, share: float) -> list[dict[str, object]]:
    rows = []
    for item, file in zip(catalog.rows(), catalog.files(), strict=True):
        pixels = center(decode(file)[0].pixels, share)
        path = f"images/{item['image_id'][:24]}.png"
        if not (out / path).exists():
            write_image(
                out / path, pixels, recipe={"operation": "center", "share": share}, made=False
            )
        rows.append(
            row(
                image_id=image_id(pixels),
                path=path,
                width=pixels.shape[1],
                height=pixels.shape[0],
                format="PNG",
                label=CLASSES[item["label"]],
                source=survey,
                group_id=item["group_id"],
                split=item["split"],
            )
        )
    return rows


def center(pixels: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the central `share` of each side of ``(H, W, C)`` pixels."""
    height, width = (round(side * share) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


if __name__ == "__main__":
    main()
