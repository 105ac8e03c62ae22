"""Opening pictures of any size for what their header says; no pixel is decoded."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

Plugin = Callable[[Any], Image.Image]


def open_header(path: Path) -> Image.Image:
    """Open a picture to read its metadata, however many pixels it claims to have.

    `PIL.Image.open` refuses very large ones, which is right before they are decoded; here they are
    not. PNG, JPEG, TIFF and GIF are opened by their plug-ins, which have no such limit.

    Parameters
    ----------
    path : Path
        Picture in any format that Pillow knows.

    Returns
    -------
    image : PIL.Image.Image
        Not loaded; to be closed.

    Raises
    ------
    PIL.UnidentifiedImageError, OSError
        If it is no picture, or cannot be read.
    PIL.Image.DecompressionBombError
        If it is very large, and in another format.
    """
    with path.open("rb") as file:
        plugin = _plugin(file.read(16))
    with warnings.catch_warnings():
        # Parsers warn of much that does not matter here; what does is raised.
        warnings.simplefilter("ignore")
        if plugin is None:
            return Image.open(path)
        try:
            return plugin(str(path))
        except SyntaxError as error:  # so plug-ins call all that is not theirs, or is damaged
            raise UnidentifiedImageError(f"cannot identify image file {str(path)!r}") from error


def _plugin(head: bytes) -> Plugin | None:
    """Return what opens a file that begins so; imported when needed, for they are not light."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile
    if head.startswith(b"\xff\xd8\xff"):
        from PIL.JpegImagePlugin import jpeg_factory

        return jpeg_factory
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        from PIL.TiffImagePlugin import TiffImageFile

        return TiffImageFile
    if head.startswith((b"GIF87a", b"GIF89a")):
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile
    return None  # nor WebP: its decoder takes memory for all pixels as soon as it is opened
