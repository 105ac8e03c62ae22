"""sep as a finder of sources: windows of a picture in, one table of detections out."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import find_sources, luma
from parhelion.measurement._field_settings import MeasureFieldSettings

#: Columns of a detection, in pixels of the picture and luma above the sky.
COLUMNS = ("x", "y", "a", "b", "theta", "flux", "peak", "npix")
_LEAST_MESH = 32  # cells of fewer pixels of a reduced picture would be galaxies rather than sky


@dataclass(frozen=True)
class SepFinder:
    """Finds sources by sep; the background's cells and the margin keep their size on the sky."""

    settings: MeasureFieldSettings
    zoom: float = 1.0

    columns = COLUMNS

    @property
    def tile(self) -> int:
        """Side of the tiles to search, in pixels of the zoomed picture."""
        return self.settings.tile

    @property
    def margin(self) -> int:
        """What is to be read around a tile, in pixels of the zoomed picture."""
        return round(self.settings.margin * self.zoom)

    @property
    def slack(self) -> float:
        """None: a center is in one tile."""
        return 0.0

    def zoomed(self, zoom: float) -> "SepFinder":
        """Return the same finder for another zoom."""
        return replace(self, zoom=zoom)

    def merge(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the detections as they are: each was counted in one tile."""
        return found

    def find(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], float]:
        """Return the sources of a window, ``(N, 8)`` float64, and the noise of its sky.

        Enlarging makes no information: of an enlarged picture's pixels only every ``zoom**2``-th
        counts as independent.
        """
        settings, zoom = self.settings, self.zoom
        sources = find_sources(
            luma(pixels),
            threshold=settings.threshold,
            min_area=settings.min_area,
            deblend_contrast=settings.deblend_contrast,
            mesh=max(round(settings.mesh * zoom), min(_LEAST_MESH, settings.mesh)),
        )
        table = sources.table
        rms = float(np.median(sources.rms))
        found = np.column_stack([table[name] for name in COLUMNS]).astype(np.float64)
        noise = rms * np.sqrt(table["npix"]) * max(zoom, 1.0)
        return found[table["flux"] >= settings.min_snr * noise], rms
