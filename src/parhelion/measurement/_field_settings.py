"""Settings of `measure_field`; light, since the command line reads them for its help."""

from dataclasses import dataclass
from typing import Literal

from parhelion._settings import require


@dataclass(frozen=True)
class MeasureFieldSettings:
    """How to find the sources of a wide view, and when one counts as found."""

    threshold: float = 2.5
    """Isophote of a detection, in background RMS."""
    min_area: int = 9
    """Fewest connected pixels above the isophote."""
    min_snr: float = 10.0
    """Least flux of a detection, in units of the noise of as many independent pixels. The sky's are
    not independent: of its noise alone, some 6 detections to a megapixel pass 10 on a sky like the
    Hubble Deep Field's, and 170 pass 7."""
    deblend_contrast: float = 0.02
    """Least share of the flux that a blended neighbor has; 1 never deblends."""
    radius: float = 1.0
    """Farthest that a detection may be from its object, in the object's semi-major axes."""
    min_radius: float = 2.0
    """The same for small objects, in pixels (those of the zoomed picture, where it is reduced)."""
    limit_snr: float = 10.0
    """Galaxies that should stand out by this much count for the completeness above the limit."""
    bins: int = 8
    """Bins of figures against flux and size, each with equally many objects."""
    zoom: tuple[float, ...] = (1, 2, 4)
    """Factors by which the view is enlarged (2, 3, ...) or reduced (0.5, 0.25, ...) before sources
    are sought again, as one who zooms sees it: reduced the whole, enlarged the middle of the view.
    The whole view as it is (1) is always measured."""
    zoom_size: int = 4096
    """Largest side of an enlarged picture, in its own pixels; it shows that much of the middle."""
    overlay: int = 960
    """Side of the pictures with found, missed and spurious sources outlined, one to each zoom, in
    pixels; enlarged ones show no more than --zoom-size."""
    onnx: str | None = None
    """ONNX file of a detector of the YOLO kind, which is measured beside sep (extra `onnx`)."""
    onnx_layout: Literal["auto", "yolov5", "yolov8", "end2end"] = "auto"
    """What the network returns: yolov5 (1, N, 5+C), with objectness (YOLOv5, v7); yolov8
    (1, 4+C, N), without (YOLOv8, v11); end2end (1, N, 6), corners, score and class. Auto tells by
    the shapes."""
    onnx_size: int = 640
    """Side of the network's input, where the file leaves it open."""
    onnx_tile: int | None = None
    """Side of what the network sees at a time, in pixels of the view; it is scaled to the network's
    input. Default: the input's side, so that nothing is scaled."""
    onnx_overlap: float = 0.2
    """Share of its side that a tile has in common with the next; wider than a galaxy."""
    onnx_confidence: float = 0.25
    """Least score of a detection."""
    onnx_iou: float = 0.45
    """Two boxes of which so much is common (intersection over union) are one detection."""
    onnx_classes: tuple[int, ...] = ()
    """Numbers of the classes that count; default: all."""
    onnx_logits: bool = False
    """The network's scores are logits: a sigmoid comes after it."""
    tile: int = 1024
    """Side of the tiles in which sources are found, in pixels."""
    margin: int = 128
    """Overlap of the tiles to each side, in pixels; more than a galaxy's radius."""
    mesh: int = 64
    """Side of the cells in which the background is measured, in pixels."""
    workers: int | None = None
    """Processes that search tiles at the same time; default: one to a CPU, where there are 64 tiles
    or more. The result does not depend on it."""

    def __post_init__(self) -> None:
        require(self.threshold > 0, "threshold", self.threshold, "be above 0")
        require(self.min_area >= 1, "min-area", self.min_area, "be 1 or more")
        require(self.min_snr >= 0, "min-snr", self.min_snr, "be 0 or more")
        require(
            0 <= self.deblend_contrast <= 1,
            "deblend-contrast",
            self.deblend_contrast,
            "be in 0 to 1",
        )
        require(self.radius > 0, "radius", self.radius, "be above 0")
        require(self.min_radius > 0, "min-radius", self.min_radius, "be above 0")
        require(self.limit_snr > 0, "limit-snr", self.limit_snr, "be above 0")
        require(self.bins >= 1, "bins", self.bins, "be 1 or more")
        for zoom in self.zoom:
            whole = zoom if zoom >= 1 else 1 / zoom if zoom > 0 else 0.5
            require(
                abs(whole - round(whole)) < 1e-3 and whole <= 64,
                "zoom",
                zoom,
                "be a whole number up to 64, or one over such a number",
            )
        require(self.zoom_size >= 256, "zoom-size", self.zoom_size, "be 256 or more")
        require(128 <= self.overlay <= 4096, "overlay", self.overlay, "be in 128 to 4,096")
        require(
            self.onnx_layout in ("auto", "yolov5", "yolov8", "end2end"),
            "onnx-layout",
            self.onnx_layout,
            "be auto, yolov5, yolov8 or end2end",
        )
        require(self.onnx_size >= 32, "onnx-size", self.onnx_size, "be 32 or more")
        require(
            self.onnx_tile is None or self.onnx_tile >= 32,
            "onnx-tile",
            self.onnx_tile,
            "be 32 or more",
        )
        require(0 <= self.onnx_overlap < 0.9, "onnx-overlap", self.onnx_overlap, "be in 0 to 0.9")
        require(
            0 < self.onnx_confidence <= 1,
            "onnx-confidence",
            self.onnx_confidence,
            "be above 0, and 1 at most",
        )
        require(0 < self.onnx_iou <= 1, "onnx-iou", self.onnx_iou, "be above 0, and 1 at most")
        require(self.tile >= 64, "tile", self.tile, "be 64 or more")
        require(self.margin >= 0, "margin", self.margin, "be 0 or more")
        require(self.mesh >= 8, "mesh", self.mesh, "be 8 or more")
        require(self.workers is None or self.workers >= 1, "workers", self.workers, "be 1 or more")

    @property
    def zooms(self) -> tuple[float, ...]:
        """The factors besides 1, each once: whole numbers, or one over a whole number."""
        exact = (round(z) if z >= 1 else 1 / round(1 / z) for z in self.zoom)
        return tuple(dict.fromkeys(float(z) for z in exact if z != 1))
