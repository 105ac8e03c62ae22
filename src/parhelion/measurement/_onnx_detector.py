"""A detector of the YOLO kind from an ONNX file, as a finder of sources in a wide view.

The network sees the view in overlapping tiles, scaled to its input; boxes that two tiles share are
merged. Layouts of its output: Jocher (2020), doi:10.5281/zenodo.3908559, with an objectness
(``yolov5``, also YOLOv7); without, and transposed (``yolov8``, also v9 and v11); suppressed inside
the network (``end2end``, such as YOLOv10, arXiv:2405.14458).
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree
from scipy.special import expit

from parhelion.catalog import luma
from parhelion.errors import InputError, MissingExtraError
from parhelion.measurement._field_settings import MeasureFieldSettings

Layout = Literal["auto", "yolov5", "yolov8", "end2end"]
Table = NDArray[np.float64]

COLUMNS = ("x", "y", "a", "b", "theta", "flux", "width", "height", "score", "class", "cut")
_WIDTH, _HEIGHT, _SCORE, _CUT = 6, 7, 8, 10
_MOST_END2END = 1000  # rows; networks that leave the suppression to others return more
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
# A box that its tile cut is the piece of another, if so much of it lies inside that one.
_INSIDE = 0.7


@dataclass(frozen=True)
class OnnxFinder:
    """Finds sources with a network; see `open_onnx`."""

    path: str
    settings: MeasureFieldSettings
    name: str
    """Of the network's input."""
    shape: tuple[int, int, int]
    """Channels, height and width of the network's input."""
    kind: str
    """Type of the network's input, as ONNX Runtime says it."""
    layout: Layout = "auto"
    zoom: float = 1.0

    columns = COLUMNS

    @property
    def side(self) -> int:
        """What the network sees at a time, in pixels of the zoomed picture."""
        return self.settings.onnx_tile or min(self.shape[1:])

    @property
    def margin(self) -> int:
        """What is read around a tile: half of what tiles share."""
        return round(self.side * self.settings.onnx_overlap / 2)

    @property
    def tile(self) -> int:
        """Side of a tile without its margin."""
        return self.side - 2 * self.margin

    @property
    def slack(self) -> float:
        """How far beyond its tile a box may have its center; twins are then merged."""
        return self.margin / 2

    def zoomed(self, zoom: float) -> "OnnxFinder":
        """Return the same finder for another zoom; the network sees as many pixels as before."""
        return replace(self, zoom=zoom)

    def find(self, pixels: NDArray[np.uint8]) -> tuple[Table, float]:
        """Return the boxes in a window, ``(N, 11)`` float64, and the noise of its sky.

        Flux is the light above the sky in the ellipse that fills the box.
        """
        settings = self.settings
        boxes, scores, classes = self._boxes(pixels)
        height, width = pixels.shape[:2]
        center = (boxes[:, :2] + boxes[:, 2:]) / 2
        chosen = (scores >= settings.onnx_confidence) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        chosen &= (center > -0.5).all(1) & (center < [width - 0.5, height - 0.5]).all(1)
        if settings.onnx_classes:
            chosen &= np.isin(classes, settings.onnx_classes)
        kept = np.flatnonzero(chosen)
        kept = kept[_suppress(boxes[kept], scores[kept], settings.onnx_iou)]
        boxes, scores, classes, center = boxes[kept], scores[kept], classes[kept], center[kept]
        sides = boxes[:, 2:] - boxes[:, :2]
        cut = (boxes[:, :2] < 0.5).any(1) | (boxes[:, 2:] > [width - 1.5, height - 1.5]).any(1)
        a, b = sides.max(1, initial=0) / 2, sides.min(1, initial=np.inf) / 2
        theta = np.where(sides[:, 0] >= sides[:, 1], 0.0, np.pi / 2)
        flux, rms = self._light(pixels, center, a, b, theta)
        return np.column_stack([center, a, b, theta, flux, sides, scores, classes, cut]), rms

    def merge(self, found: Table) -> Table:
        """Return the boxes of all tiles without the twins and pieces that neighbors saw."""
        half = found[:, [_WIDTH, _HEIGHT]] / 2
        boxes = np.column_stack([found[:, :2] - half, found[:, :2] + half])
        cut = found[:, _CUT] > 0
        # Of two boxes the whole one is right, however sure the network was of the piece.
        kept = _suppress(boxes, found[:, _SCORE] + ~cut, self.settings.onnx_iou)
        found, boxes, cut = found[kept], boxes[kept], cut[kept]
        whole, pieces = np.flatnonzero(~cut), np.flatnonzero(cut)
        if not len(whole) or not len(pieces):
            return found
        reach = float(found[:, [_WIDTH, _HEIGHT]].max())
        near = cKDTree(found[whole, :2]).query_ball_point(found[pieces, :2], reach)
        keep = np.ones(len(found), bool)
        for piece, others in zip(pieces, near, strict=True):
            box, around = boxes[piece], boxes[whole[np.array(others, int)]]
            low, high = np.maximum(around[:, :2], box[:2]), np.minimum(around[:, 2:], box[2:])
            common = np.clip(high - low, 0, None).prod(1)
            keep[piece] = not (common > _INSIDE * (box[2:] - box[:2]).prod()).any()
        return found[keep]

    def _boxes(self, pixels: NDArray[np.uint8]) -> tuple[Table, Table, NDArray[np.int64]]:
        """Return all boxes x0, y0, x1, y1 in pixels of the window, their scores and classes."""
        channels, height, width = self.shape
        scale = min(height, width) / self.side
        part = _with_channels(pixels, channels)
        # Beside the view goes on its sky: a step in brightness would look like a source.
        canvas = np.empty((height, width, channels), np.uint8)
        canvas[:] = np.median(part, axis=(0, 1)).astype(np.uint8)
        if scale != 1:
            size = tuple(max(1, round(length * scale)) for length in part.shape[1::-1])
            image = Image.fromarray(part[..., 0] if channels == 1 else part)
            part = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
            part = part.reshape(*part.shape[:2], channels)
        canvas[: part.shape[0], : part.shape[1]] = part
        kind = _TYPES[self.kind]
        batch = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None])  # (1, C, H, W) uint8
        if kind is not np.uint8:
            batch = (batch / np.float32(255)).astype(kind)  # in [0, 1]
        try:
            outputs = _session(self.path).run(None, {self.name: batch})
        except Exception as error:  # its errors have no common class of their own
            raise InputError(f"{self.path} failed on a tile: {_line(error)}") from error
        boxes, scores, classes = decode_boxes(
            outputs,
            self.settings.onnx_layout,
            (height, width),
            where=self.path,
            logits=self.settings.onnx_logits,
        )
        # Pixel i covers i - 0.5 to i + 0.5 here, i to i + 1 there.
        return boxes / scale - 0.5, scores, classes

    def _light(
        self, pixels: NDArray[np.uint8], center: Table, a: Table, b: Table, theta: Table
    ) -> tuple[Table, float]:
        import sep

        image = luma(pixels)
        cell = min(max(round(self.settings.mesh * self.zoom), 32), *image.shape)
        sky = sep.Background(image, bw=cell, bh=cell, fw=3, fh=3)
        rms = float(sky.globalrms)
        if not len(center):
            return np.zeros(0), rms
        flux, _, _ = sep.sum_ellipse(
            image - sky.back(), center[:, 0].copy(), center[:, 1].copy(), a, b, theta, r=1.0
        )
        return np.asarray(flux, np.float64), rms


def open_onnx(settings: MeasureFieldSettings) -> OnnxFinder:
    """Open the network `settings.onnx` on the CPU.

    Raises
    ------
    MissingExtraError
        If ONNX Runtime is not installed.
    InputError
        If the file is not there or no ONNX file, or has no image as its input.
    """
    path = str(settings.onnx)
    session = _session(path)
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise InputError(f"{path} has {len(inputs)} inputs; a detector has one, the image")
    given = inputs[0]
    if len(given.shape) != 4:
        raise InputError(
            f"{path} has an input of rank {len(given.shape)} {given.shape}; a detector's is of "
            "rank 4: batch, channels, height, width"
        )
    if given.type not in _TYPES:
        raise InputError(f"{path} has an input of {given.type}; known are {', '.join(_TYPES)}")
    batch, channels, height, width = (
        length if isinstance(length, int) and length > 0 else None for length in given.shape
    )
    if batch not in (None, 1) or channels not in (None, 1, 3):
        raise InputError(
            f"{path} has an input of shape {given.shape}; a detector's is (1, 3 or 1, height, "
            "width)"
        )
    size = settings.onnx_size
    shape = (channels or 3, height or size, width or size)
    return OnnxFinder(path, settings, given.name, shape, given.type)


def decode_boxes(
    outputs: list[NDArray[Any]],
    layout: Layout,
    size: tuple[int, int],
    *,
    where: str,
    logits: bool = False,
) -> tuple[Table, Table, NDArray[np.int64]]:
    """Return a network's boxes, scores and classes, whatever its layout.

    Parameters
    ----------
    outputs : list of ndarray
        What the network returned; the first array of rank 3 is meant.
    layout : {"auto", "yolov5", "yolov8", "end2end"}
        `detect_layout` tells, if auto.
    size : tuple of int
        Height and width of the network's input.
    where : str
        Names the network in errors.
    logits : bool
        Whether scores are yet to pass a sigmoid.

    Returns
    -------
    boxes : ndarray
        ``(N, 4)`` float64: x0, y0, x1, y1 in pixels of the network's input.
    scores : ndarray
        ``(N,)`` float64 in 0 to 1: of the likeliest class, times objectness where there is one.
    classes : ndarray
        ``(N,)`` int64.

    Raises
    ------
    InputError
        If the layout is not known or does not fit, or scores are no probabilities.
    """
    found = [output for output in outputs if output.ndim == 3 and output.shape[0] == 1]
    if not found:
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise InputError(
            f"{where} returns {shapes}; known layouts are (1, N, 5+C), (1, 4+C, N) and (1, N, 6): "
            "export the network with its boxes decoded"
        )
    output = found[0][0].astype(np.float64)
    if not np.isfinite(output).all():
        raise InputError(f"{where} returns numbers that are not finite; is its input in 0 to 1?")
    if layout == "auto":
        layout = detect_layout(output.shape, size, where=where)
    if layout == "yolov8":
        output = output.T
    least = {"yolov5": 6, "yolov8": 5, "end2end": 6}[layout]
    if output.shape[1] < least or (layout == "end2end" and output.shape[1] != 6):
        raise InputError(
            f"{where} returns {found[0].shape}, which is not {layout}; give another --onnx-layout"
        )
    if layout == "end2end":
        scores = _probabilities(output[:, 4:5], where, logits=logits)[:, 0]
        return output[:, :4], scores, np.rint(output[:, 5]).astype(np.int64)
    values = _probabilities(output[:, 4:], where, logits=logits)
    if layout == "yolov5":
        values = values[:, 1:] * values[:, :1]
    half = output[:, 2:4] / 2
    boxes = np.column_stack([output[:, :2] - half, output[:, :2] + half])
    return boxes, values.max(1, initial=0), values.argmax(1)


def detect_layout(shape: tuple[int, ...], size: tuple[int, int], *, where: str) -> Layout:
    """Tell the layout from the shape ``(rows, columns)`` of an output.

    More columns than rows is yolov8, where boxes are columns. Six columns are end2end, unless
    there are more than 1,000 rows or as many as three anchors to each cell of the usual grids
    (every 8, 16 and 32 pixels): then, and with more columns, it is yolov5.

    Raises
    ------
    InputError
        If the shape can be either.
    """
    rows, columns = shape
    cells = sum((size[0] // step) * (size[1] // step) for step in (8, 16, 32))
    if columns > rows >= 5:
        return "yolov8"
    if columns == 6 and rows != 3 * cells and (rows <= _MOST_END2END or rows == 0):
        return "end2end"
    if rows > columns >= 6:
        return "yolov5"
    raise InputError(
        f"{where} returns (1, {rows}, {columns}), whose layout cannot be told from its shape; "
        "give --onnx-layout yolov5, yolov8 or end2end"
    )


@functools.lru_cache(maxsize=2)
def _session(path: str) -> Any:
    """Open a network, once to a process; one thread, so that sums have one order."""
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            'ONNX Runtime is not installed; pip install "parhelion[onnx]"'
        ) from error
    if not Path(path).is_file():
        raise InputError(f"there is no ONNX file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class of their own
        raise InputError(f"{path} cannot be read as an ONNX network: {_line(error)}") from error


def _suppress(boxes: Table, scores: Table, iou: float) -> NDArray[np.int64]:
    """Return the boxes that remain when each removes the lesser ones that it overlaps."""
    import torch
    from torchvision.ops import nms

    kept = nms(torch.from_numpy(boxes.copy()), torch.from_numpy(scores.copy()), iou)
    # In the order that they came in.
    return np.sort(kept.numpy())


def _probabilities(values: Table, where: str, *, logits: bool) -> Table:
    if logits:
        return np.asarray(expit(values), np.float64)
    low, high = values.min(initial=0), values.max(initial=0)
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(
            f"{where} returns scores of {low:.3g} to {high:.3g}, which are no probabilities; "
            "give --onnx-logits, or another --onnx-layout"
        )
    return values


def _with_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 1:
        return np.rint(luma(pixels))[..., None].astype(np.uint8)
    return np.repeat(pixels, channels, axis=-1)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
