"""Writing pictures with their mark, by suffix: PNG, JPEG, WebP, TIFF, GIF and MP4."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from parhelion._files import atomic_path, write_bytes
from parhelion.errors import InputError
from parhelion.provenance._marks import mark_text, software, xmp_packet

#: Formats that `encode_image` writes, by the suffix of a file.
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
_TIFF = ("tif", "tiff")


def encode_image(
    pixels: NDArray[np.uint8],
    format: str,
    *,
    recipe: Mapping[str, Any],
    made: bool,
    quality: int = 95,
) -> bytes:
    """Encode one picture, with its mark inside.

    Parameters
    ----------
    pixels : ndarray
        ``(H, W, 3)`` or ``(H, W, 1)`` uint8.
    format : {"PNG", "JPEG", "WEBP"}
        File format.
    recipe : mapping
        How the picture was made; JSON-serializable.
    made : bool
        Whether a trained model made the pixels.
    quality : int
        JPEG or WebP quality, 1 to 100.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    packet = xmp_packet(recipe, made=made)
    buffer = io.BytesIO()
    if format == "PNG":
        info = PngInfo()
        info.add_text("Software", software())
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save(buffer, "PNG", pnginfo=info, compress_level=4)
    else:
        exif = Image.Exif()
        exif[0x0131] = software()  # TIFF tag "Software"
        image.save(buffer, format, quality=quality, xmp=packet, exif=exif)
    return buffer.getvalue()


def write_image(
    path: Path,
    pixels: NDArray[np.uint8],
    *,
    recipe: Mapping[str, Any],
    made: bool,
    quality: int = 95,
) -> None:
    """Write one picture atomically, in the format of its suffix; see `encode_image`.

    Raises
    ------
    InputError
        If the suffix is none of .png, .jpg, .jpeg, .webp, .tif, .tiff.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in _TIFF:
        _write_tiff(path, pixels, xmp_packet(recipe, made=made))
    elif suffix in FORMATS:
        data = encode_image(pixels, FORMATS[suffix], recipe=recipe, made=made, quality=quality)
        write_bytes(path, data)
    else:
        known = ", ".join(f".{name}" for name in (*FORMATS, *_TIFF))
        raise InputError(f"cannot write {path}: its suffix must be one of {known}")


def _write_tiff(path: Path, pixels: NDArray[np.uint8], packet: bytes) -> None:
    import tifffile

    data = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            data,
            photometric="minisblack" if data.ndim == 2 else "rgb",
            compression="zlib",
            software=software(),
            extratags=[(700, "B", len(packet), packet, True)],
            metadata=None,
        )


def write_animation(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    *,
    recipe: Mapping[str, Any],
    made: bool,
    frames_per_second: int = 24,
) -> None:
    """Write frames ``(H, W, 3)`` uint8 as .gif (looping) or .mp4 (H.264), atomically.

    Raises
    ------
    InputError
        If there are no frames, or the suffix is neither .gif nor .mp4.
    """
    if not frames:
        raise InputError(f"cannot write {path}: no frames")
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    if path.suffix.lower() not in writers:
        raise InputError(f"cannot write {path}: its suffix must be .gif or .mp4")
    with atomic_path(path) as temporary:
        writers[path.suffix.lower()](
            temporary, frames, mark_text(recipe, made=made), frames_per_second
        )


def _write_gif(path: Path, frames: Sequence[NDArray[np.uint8]], mark: str, rate: int) -> None:
    # Pillow's own choice of 256 colors flattens the few bright pixels of a galaxy's core.
    images = [Image.fromarray(f).quantize(256, Image.Quantize.MAXCOVERAGE) for f in frames]
    images[0].save(
        path,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 / rate),
        loop=0,
        comment=mark.encode(),
    )


def _write_mp4(path: Path, frames: Sequence[NDArray[np.uint8]], mark: str, rate: int) -> None:
    import av

    height, width = frames[0].shape[:2]
    # H.264 with 4:2:0 chroma wants even sides.
    pad = [(0, height % 2), (0, width % 2), (0, 0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        options = {"movflags": "use_metadata_tags"}
        with av.open(str(path), "w", format="mp4", options=options) as out:
            out.metadata["comment"] = mark
            stream = out.add_stream("h264", rate=rate, options={"crf": "16"})
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = "yuv420p"
            for frame in frames:
                padded = np.pad(frame, pad, mode="edge")
                for packet in stream.encode(av.VideoFrame.from_ndarray(padded, format="rgb24")):
                    out.mux(packet)
            for packet in stream.encode():
                out.mux(packet)
