"""Gather free pictures of many telescopes and cameras, for a detector to learn from.

    apt-get download stellarium-data mate-backgrounds \\
        lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    for package in *.deb; do dpkg-deb -x $package ROOT; done
    python recipes/free_pictures.py --root ROOT --out DIR

`ROOT` is where these packages of Debian 12 lie unpacked (`/` where they are installed). All are in
Debian's main archive, whose pictures anybody may use, change and pass on; who made each is in
`usr/share/doc/PACKAGE`. To them come the photographs that scikit-image brings along. Written are
`DIR/free-sky` (nebulae, galaxies and clusters through many telescopes, a few maps of moons and
planets) and `DIR/free-photographs`, as PNG.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import skimage
from PIL import Image

_SKY = "usr/share/stellarium/nebulae/default/*.png"
#: Of the maps those that were put together of pictures, not drawn or shaded.
_MAPS = "callisto dione enceladus europa ganymede iapetus io jupiter mars mercury moon rhea tethys"
_PHOTOGRAPHS = (
    "usr/share/backgrounds/mate/nature/*.jpg",
    "usr/share/backgrounds/*_by_*.jpg",
)
_PAINTED = ("Infinite-Sea", "Painting-Colors", "Aqua", "Blinds", "Fossa", "umang")
_PACKAGED = (
    "astronaut.png brick.png camera.png cell.png chelsea.png coffee.png coins.png grass.png "
    "gravel.png hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png retina.jpg rocket.jpg"
)
_SKY_SIDE, _PHOTOGRAPH_SIDE = 512, 1024  # pixels, at most


def main() -> None:
    """Write both folders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    if not any(chosen.root.glob(_SKY)):
        parser.error(f"--root (={chosen.root}) has no {_SKY}; unpack the packages there")
    for name, pictures in {
        "free-sky": _sky(chosen.root),
        "free-photographs": _photographs(chosen.root),
    }.items():
        place = chosen.out / name
        place.mkdir(parents=True, exist_ok=True)
        for stem, picture in pictures:
            picture.save(place / f"{stem}.png")
        print(f"{name}: {len(list(place.iterdir()))} pictures")


def _sky(root: Path) -> Iterator[tuple[str, Image.Image]]:
    for path in sorted(root.glob(_SKY)):
        picture = _read(path)
        if picture.mode == "P":  # of 256 colors: half the size takes the dots away
            if picture.width < _SKY_SIDE:
                continue
            picture = picture.convert("RGBA").convert("RGB").reduce(2)
        if picture.mode == "RGB":
            yield path.stem, _at_most(picture, _SKY_SIDE)
    for name in _MAPS.split():
        for path in root.glob(f"usr/share/stellarium/textures/{name}.png"):
            yield f"map-{name}", _at_most(_read(path), _SKY_SIDE)


def _photographs(root: Path) -> Iterator[tuple[str, Image.Image]]:
    for pattern in _PHOTOGRAPHS:
        for path in sorted(root.glob(pattern)):
            if not path.name.startswith(_PAINTED):
                yield path.stem, _at_most(_read(path), _PHOTOGRAPH_SIDE)
    for name in _PACKAGED.split():
        path = Path(skimage.__file__).parent / "data" / name
        yield path.stem, _at_most(_read(path), _PHOTOGRAPH_SIDE)


def _read(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.copy()


def _at_most(picture: Image.Image, side: int) -> Image.Image:
    picture = picture.convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


if __name__ == "__main__":
    main()
