"""Deep-zoom tiles (DZI) of a view of any size, in parallel, interrupted and continued.

The view is rendered by blocks of 8 x 8 tiles. A block writes its tiles of the finest levels and
then a note with what is left of it for the coarser ones, and with what its galaxies got. A block
with a note need not be rendered again: that is all there is to resuming. When every block has
its note, the coarser levels follow from the notes, and the folder of tiles gets its name. The notes
stay until the view has its other files: `forget` removes them.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion._files import atomic_path, write_json, write_text
from parhelion._progress import bar
from parhelion.errors import InputError
from parhelion.provenance import encode_image
from parhelion.sky._reduce import halve
from parhelion.sky._render import Scene
from parhelion.sky._scratch import scratch_array
from parhelion.sky._strips import PREVIEW, in_order

DZI_FILE, TILES = "sky.dzi", "sky_files"
#: Where a view is written until it is whole.
UNFINISHED = ".sky_files.part"
_SCRATCH = "level.a", "level.b"
_PREVIEW_NOTE = "preview.npy"  # beside the notes, of tiles that are whole
_ACROSS = 8  # tiles to a block's side
_NOTED = 4  # levels that a block writes itself, at most
# Quality of the coarse levels: where the noise is averaged away, rounding of the colors would show.
_COARSE_QUALITY = 96


def forget(out: Path) -> None:
    """Remove what an unfinished view in a folder is continued from, if there is any."""
    # First the notes: none may be left that stands for tiles that are gone.
    for folder in (out / UNFINISHED / "notes", out / UNFINISHED):
        if folder.exists():
            shutil.rmtree(folder)


def _restore(scene: Scene, note: Mapping[str, NDArray[Any]]) -> None:
    """Give a scene what the galaxies of a block got when it was rendered."""
    for name in ("flux", "peak", "gain"):
        getattr(scene, name)[note["index"]] = note[name]


@dataclass(frozen=True)
class DeepZoom:
    """How tiles are written.

    Attributes
    ----------
    out : Path
        Folder of the view.
    size, channels : int
        Side of the view in pixels, and 1 or 3.
    tile : int
        Side of the tiles, in pixels.
    quality : int
        Of their JPEG.
    mark : dict
        Recipe that every tile carries.
    made : bool
        Whether a model made any of the galaxies.
    """

    out: Path
    size: int
    channels: int
    tile: int
    quality: int
    mark: dict[str, Any]
    made: bool

    @property
    def max_level(self) -> int:
        """Number of the finest level; level 0 is one pixel."""
        return int(np.ceil(np.log2(self.size)))

    @property
    def fine(self) -> int:
        """Levels that blocks write: down to where the whole makes a preview, if not fewer."""
        return min(_NOTED, max(0, int(np.ceil(np.log2(self.size / PREVIEW)))))

    def write(
        self, scene: Scene, *, block: int, workers: int, recipe: Mapping[str, Any]
    ) -> NDArray[np.uint8]:
        """Write tiles and ``sky.dzi``, from where an earlier call ended; return the preview.

        Of a view whose tiles are whole the notes are read, and nothing is rendered.

        Parameters
        ----------
        block : int
            Side of the parts that are rendered at a time, in pixels.
        recipe : mapping
            What pixels and tiles depend on: an interrupted view is continued only with the same.

        Raises
        ------
        InputError
            If there is an interrupted view of other settings.
        """
        part = self.out / UNFINISHED
        self._begin(part, recipe)
        side = _ACROSS * self.tile
        corners = range(0, self.size, side)
        places = [(y, x) for y in corners for x in corners]
        if (self.out / TILES).is_dir():
            for place in places:
                with np.load(self._note(*place)) as note:
                    _restore(scene, note)
            whole: NDArray[np.uint8] = np.load(part / _PREVIEW_NOTE)
            return whole
        kept = (part / "tiles").is_dir()
        missing = [place for place in places if not (kept and self._note(*place).is_file())]
        for level in range(self.max_level - self.fine + 1, self.max_level + 1):
            (part / "tiles" / str(level)).mkdir(parents=True, exist_ok=True)

        def work(y: int, x: int) -> None:
            self._block(scene, y, x, block)

        with bar(
            total=len(places), initial=len(places) - len(missing), what="painting", unit="blocks"
        ) as shown:
            for _ in in_order(work, missing, workers=workers, shown=shown):
                pass
        preview = self._coarse(scene, places)
        for name in _SCRATCH:
            (part / name).unlink()
        with atomic_path(part / _PREVIEW_NOTE) as temporary:
            np.save(temporary, preview)
        write_text(self.out / DZI_FILE, self._description())
        (part / "tiles").rename(self.out / TILES)
        return preview

    def _begin(self, part: Path, recipe: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps(dict(recipe), default=str))
        file = part / "recipe.json"
        if file.is_file():
            known = json.loads(file.read_text())
            if known != wanted:
                changed = sorted(k for k in known | wanted if known.get(k) != wanted.get(k))
                raise InputError(
                    f"{self.out} holds an interrupted view with another {changed[0]}; give the "
                    "same settings, or --overwrite"
                )
        (part / "notes").mkdir(parents=True, exist_ok=True)
        write_json(file, wanted)

    def _note(self, y: int, x: int) -> Path:
        return self.out / UNFINISHED / "notes" / f"{y}_{x}.npz"

    def _block(self, scene: Scene, y0: int, x0: int, side: int) -> None:
        """Render a block, write its tiles and then its note."""
        height = min(_ACROSS * self.tile, self.size - y0)
        width = min(_ACROSS * self.tile, self.size - x0)
        pixels = np.empty((height, width, self.channels), np.uint8)
        for y in range(0, height, side):
            for x in range(0, width, side):
                h, w = min(side, height - y), min(side, width - x)
                pixels[y : y + h, x : x + w] = scene.tile(y0 + y, x0 + x, h, w)
        for step in range(self.fine):
            self._tiles(pixels, self.max_level - step, y0 >> step, x0 >> step, quality=self.quality)
            pixels = halve(pixels, y0 >> (step + 1), x0 >> (step + 1))
        row, column = np.rint(scene.y).astype(int), np.rint(scene.x).astype(int)
        inside = (row >= y0) & (row < y0 + height) & (column >= x0) & (column < x0 + width)
        index = np.flatnonzero(inside)
        note = self._note(y0, x0)
        temporary = note.with_suffix(".tmp")
        with temporary.open("wb") as file:
            np.savez(
                file, pixels=pixels, index=index, flux=scene.flux[index],
                peak=scene.peak[index], gain=scene.gain[index],
            )  # fmt: skip
        os.replace(temporary, note)

    def _tiles(
        self, pixels: NDArray[np.uint8], level: int, y0: int, x0: int, *, quality: int
    ) -> None:
        """Write the tiles of one level that a part of it from (y0, x0) holds."""
        folder = self.out / UNFINISHED / "tiles" / str(level)
        for y in range(0, pixels.shape[0], self.tile):
            for x in range(0, pixels.shape[1], self.tile):
                data = encode_image(
                    np.ascontiguousarray(pixels[y : y + self.tile, x : x + self.tile]),
                    "JPEG", recipe=self.mark, made=self.made, quality=quality,
                )  # fmt: skip
                name = f"{(x0 + x) // self.tile}_{(y0 + y) // self.tile}.jpg"
                (folder / name).write_bytes(data)

    def _coarse(self, scene: Scene, places: list[tuple[int, int]]) -> NDArray[np.uint8]:
        """Write the levels that no block can, from the notes; return the preview."""
        part = self.out / UNFINISHED
        side = -(-self.size // 2**self.fine)
        # On disk, so that memory does not depend on the view.
        whole = self._scratch(part / _SCRATCH[0], side)
        for y, x in places:
            with np.load(self._note(y, x)) as note:
                pixels = note["pixels"]
                top, left = y >> self.fine, x >> self.fine
                whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
                _restore(scene, note)
        preview: NDArray[np.uint8] | None = None
        names = cycle(part / name for name in reversed(_SCRATCH))
        # A view that is one preview itself has only coarse levels, with all of the noise.
        quality = max(self.quality, _COARSE_QUALITY) if self.fine else self.quality
        for level in range(self.max_level - self.fine, -1, -1):
            (part / "tiles" / str(level)).mkdir(parents=True, exist_ok=True)
            if preview is None and side <= PREVIEW:
                preview = np.array(whole)
            half = -(-side // 2)
            smaller = self._scratch(next(names), half)
            for y in range(0, side, self.tile):
                band = np.asarray(whole[y : y + self.tile])
                self._tiles(band, level, y, 0, quality=quality)
                smaller[y // 2 : y // 2 + -(-len(band) // 2)] = halve(band, y // 2)
            whole, side = smaller, half
        assert preview is not None, "the last level is one pixel"
        return preview

    def _scratch(self, path: Path, side: int) -> NDArray[np.uint8]:
        return scratch_array(path, (side, side, self.channels))

    def _description(self) -> str:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
            f'Format="jpg" Overlap="0" TileSize="{self.tile}">'
            f'<Size Width="{self.size}" Height="{self.size}"/></Image>\n'
        )
