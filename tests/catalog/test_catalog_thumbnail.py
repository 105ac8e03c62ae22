"""Thumbnails: roots of the mean of each area, the same from pixels and from a Pillow image."""

import numpy as np
import pytest
from PIL import Image

from drawn_galaxy import draw_galaxy
from parhelion.catalog import decode_bytes, thumbnail
from parhelion.catalog._decode import iterate
from parhelion.catalog._settings import DecodeSettings
from parhelion.catalog._thumbnail import ROOT, SIDE, thumbnail_of


def levels(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)


@pytest.mark.parametrize("level", [0, 1, 8, 100, 255])
def test_a_byte_is_the_root_of_a_level(level: int) -> None:
    flat = np.full((50, 70, 1), level, np.uint8)
    expected = round(ROOT * ((level + 1) ** 0.5 - 1))
    assert (levels(thumbnail(flat)) == expected).all()
    assert (levels(thumbnail(np.repeat(flat, 3, 2))) == expected).all()


def test_each_byte_is_the_mean_of_its_area() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    large = np.kron(tiles, np.ones((3, 2), np.uint8))[..., None]
    expected = np.rint(ROOT * (np.sqrt(tiles + 1.0) - 1))
    assert np.abs(levels(thumbnail(large)) - expected).max() <= 1


@pytest.mark.parametrize(("size", "most"), [(64, 0), (96, 0), (75, 1)])
def test_turning_the_image_turns_the_thumbnail(size: int, most: float) -> None:
    pixels = draw_galaxy(3, size)
    upright = levels(thumbnail(pixels)).astype(int)
    turned = levels(thumbnail(np.rot90(pixels)))
    # Where areas do not end with pixels, those on their edges are on one side or the other.
    assert np.abs(np.rot90(upright) - turned).mean() <= most


def test_decoding_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    buffer = io.BytesIO()
    Image.fromarray(draw_galaxy(2, 60)).save(buffer, "JPEG")
    (image,) = iterate(io.BytesIO(buffer.getvalue()), DecodeSettings(), thumbnails=True)
    (plain,) = decode_bytes(buffer.getvalue(), "drawn")
    assert plain.thumbnail is None
    assert image.thumbnail == thumbnail(plain.pixels)  # type: ignore[union-attr]


def test_large_images_are_reduced_first() -> None:
    pixels = np.tile(draw_galaxy(1, 100), (15, 12, 1))
    direct = Image.fromarray(pixels).convert("F").resize((SIDE, SIDE), Image.Resampling.BOX)
    expected = ROOT * (np.sqrt(np.asarray(direct) + 1) - 1)
    found = levels(thumbnail_of(Image.fromarray(pixels)))
    assert np.abs(found - expected).max() <= 3
