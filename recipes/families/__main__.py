"""Make the detector's training set: real images, and images of many kinds made from them.

    python recipes/galaxies_64.py --data DIR --out CATALOGS
    parhelion train gan --data CATALOGS/galaxies-zoo --config galaxies-64 --upsampling shuffle \\
        --images 40000 --seed 5 --out GAN
    parhelion train gan --data CATALOGS/galaxies-zoo --config galaxies-64 --image-size 128 \\
        --images 22000 --seed 6 --out LARGE
    python recipes/families --data DIR --pictures PICTURES --out OUT --gan GAN --large-gan LARGE

`DIR` holds `galaxies-efigi`, `galaxies-zoo` (a folder of images to a class) and
`reconstructed-taef2` (a folder to each set, file names those of the source), `PICTURES` what
`recipes/free_pictures.py` wrote. Real catalogs are written to `OUT/real`, as small as the
generators' galaxies to `OUT/small`, and one catalog to each family of made images to `OUT/made`.
What is there is not made again.

Generators learn from the train part alone. What is reconstructed or enlarged keeps the group and
the split of the image that it was made from, so that what is shown cannot tell the classes apart.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from autoencoders import UPSAMPLINGS, autoencoder, enlarger, given
from diffusion import diffusion, native_diffusion
from pixels import SURVEYS, Real, Row, real_catalogs, small
from samples import dcgan, shipped, vae

from parhelion.catalog import write_catalog

#: Makes a family's images from real ones into a folder, and tells of each.
Maker = Callable[[Real, Path], Iterator[Row]]

FAMILIES: dict[str, list[tuple[str, Maker]]] = {
    "lightweight-gan": [
        ("nearest-zoo", partial(shipped, name="galaxies-64")),
        ("nearest-efigi", partial(shipped, name="galaxies-64-efigi")),
        ("shuffle", partial(shipped, name=None)),
        ("nearest-128", partial(shipped, name=None)),
    ],
    "dcgan": [("transposed", dcgan)],
    "vae": [("bilinear", vae)],
    "diffusion": [("unet", diffusion), ("native", native_diffusion)],
    "autoencoders": [
        (f"{upsampling}-{factor}", partial(autoencoder, upsampling=upsampling, factor=factor))
        for factor in (4, 8)
        for upsampling in UPSAMPLINGS
    ],
    "upscalers": [
        ("shuffle-2", partial(enlarger, upsampling="shuffle", factor=2)),
        ("transposed-2", partial(enlarger, upsampling="transposed", factor=2)),
        ("nearest-4", partial(enlarger, upsampling="nearest", factor=4)),
    ],
    "taef2": [("given", given)],
}

_SMALL = 64  # pixels to a side of the galaxies that generators draw


def main() -> None:
    """Take in what is real, then make family after family."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--gan", type=Path, help="run of `train gan --upsampling shuffle`")
    parser.add_argument("--large-gan", type=Path, help="run of `train gan --image-size 128`")
    parser.add_argument("--share", type=float, default=1.0, help="of all steps and images")
    chosen = parser.parse_args()
    catalogs = real_catalogs(chosen.data, chosen.pictures, chosen.out / "real")
    real = Real(catalogs, chosen.data, chosen.share)
    for name, catalog in real.catalogs.items():
        place = chosen.out / "small" / name
        if not (place / "catalog.parquet").is_file():
            write_catalog(place, list(small(catalog, SURVEYS[name], _SMALL, place)), rejected=[])
    runs = {"shuffle": ("--gan", chosen.gan), "nearest-128": ("--large-gan", chosen.large_gan)}
    for family in chosen.only:
        for member, make in FAMILIES[family]:
            place = chosen.out / "made" / family / member
            if (place / "catalog.parquet").is_file():
                print(f"{family} {member}: done before", flush=True)
                continue
            if member in runs:
                option, run = runs[member]
                if run is None:
                    print(f"{family} {member}: left out; give its run with {option}", flush=True)
                    continue
                make = partial(shipped, name=str(run))
            catalog = write_catalog(place, list(make(real, place)), rejected=[])
            print(f"{family} {member}: {len(catalog)} images", flush=True)


if __name__ == "__main__":
    main()
