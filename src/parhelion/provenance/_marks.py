"""The mark itself: what a made file says, in the terms of IPTC, XMP and FITS."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from parhelion._version import __version__

#: IPTC digital source type of an image that a trained model made.
MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_OURS = "https://parhelion.invalid/ns/1.0/"
# Recipes hold recipes of what came before, not this many; Python writes no more than some hundred.
_DEEPEST = 50


@dataclass(frozen=True)
class Mark:
    """What a file says of itself."""

    software: str | None
    """Program that wrote the file, such as ``Parhelion 0.1.0``."""
    source_type: str | None
    """IPTC digital source type (a URI), or None if the file states none."""
    recipe: dict[str, Any] | None
    """How the file was made, or None if the file does not say."""

    @property
    def made(self) -> bool:
        """Whether the file says that a trained model made it (wholly or in part)."""
        return self.source_type is not None and "trainedalgorithmicmedia" in (
            self.source_type.lower()
        )


def software() -> str:
    """Return the name and version that marks carry."""
    return f"Parhelion {__version__}"


def mark_text(recipe: Mapping[str, Any], *, made: bool) -> str:
    """Return the mark as one line of JSON, for formats that only have a comment."""
    return json.dumps(
        {"software": software(), "source_type": MADE if made else None, "recipe": dict(recipe)},
        sort_keys=True,
    )


def xmp_packet(recipe: Mapping[str, Any], *, made: bool) -> bytes:
    """Return the mark as an XMP packet (ISO 16684-1), UTF-8.

    Parameters
    ----------
    recipe : mapping
        JSON-serializable description of how the file was made.
    made : bool
        Whether a trained model made the pixels; sets ``Iptc4xmpExt:DigitalSourceType``.
    """
    source = f"Iptc4xmpExt:DigitalSourceType={quoteattr(MADE)} " if made else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        f'xmlns:Iptc4xmpExt="{_IPTC}" xmlns:parhelion="{_OURS}" '
        f"xmp:CreatorTool={quoteattr(software())} {source}"
        f"parhelion:Recipe={quoteattr(json.dumps(dict(recipe), sort_keys=True))}/>"
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def fits_cards(recipe: Mapping[str, Any], *, made: bool) -> list[tuple[str, str | bool, str]]:
    """Return the mark as FITS header cards: keyword, value, comment."""
    cards: list[tuple[str, str | bool, str]] = [
        ("ORIGIN", software(), "program that wrote this file"),
        ("SYNTHETC", made, "made by a trained model"),
    ]
    if made:
        cards.append(("SRCTYPE", MADE.rsplit("/", 1)[1], "IPTC digital source type"))
    cards.append(("RECIPE", json.dumps(dict(recipe), sort_keys=True), "how it was made"))
    return cards


def read_mark(path: Path) -> Mark | None:
    """Read the mark of an image, animation, film, Parquet or FITS file.

    Parameters
    ----------
    path : Path
        File to read; only its metadata is, the pixels are not decoded.

    Returns
    -------
    mark : Mark or None
        None if the file carries neither a Parhelion mark nor an IPTC source type.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith((b"SIMPLE", b"\x1f\x8b", b"BZh")):  # astropy unpacks gzip and bzip2
        return _read_fits(path)
    if head.startswith(b"PAR1"):
        return _read_parquet(path)
    if head[4:8] == b"ftyp":
        return _read_film(path)
    return _read_picture(path)


def carries(file: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether a file is there and its mark holds this very recipe: it need not be made again."""
    if not file.is_file():
        return False
    mark = read_mark(file)
    return mark is not None and mark.recipe == recipe


def _read_picture(path: Path) -> Mark | None:
    from parhelion.provenance._packets import hidden_packets

    info = _info(path)
    for packet in chain([info.get("xmp"), info.get("XML:com.adobe.xmp")], hidden_packets(path)):
        if isinstance(packet, (bytes, str)):  # tags of TIFF may be anything
            mark = _parse_xmp(packet if isinstance(packet, bytes) else packet.encode())
            if mark is not None:
                return mark
    return _parse_text(info.get("comment"))


def _info(path: Path) -> dict[Any, Any]:
    """Return what Pillow finds before the pixels; nothing of what it does not know."""
    from PIL import Image, UnidentifiedImageError

    from parhelion.provenance._header import open_header

    try:
        with open_header(path) as image:
            return image.info
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return {}


def _parse_xmp(packet: bytes) -> Mark | None:
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0 or b"<!DOCTYPE" in packet:
        return None
    try:
        root = ElementTree.fromstring(packet[start : end + len(b"</x:xmpmeta>")])
    except ElementTree.ParseError:
        return None
    source = _find(root, f"{{{_IPTC}}}DigitalSourceType")
    recipe = _find(root, f"{{{_OURS}}}Recipe")
    if source is None and recipe is None:
        return None
    return Mark(
        software=_find(root, "{http://ns.adobe.com/xap/1.0/}CreatorTool"),
        source_type=source,
        recipe=_json(recipe),
    )


def _find(root: ElementTree.Element, name: str) -> str | None:
    """Find an XMP property, which may be an attribute or an element."""
    for node in root.iter():
        if name in node.attrib:
            return node.attrib[name]
        if node.tag == name:
            return node.get(f"{{{_RDF}}}resource") or (node.text or "").strip() or None
    return None


def _parse_text(comment: Any) -> Mark | None:
    if isinstance(comment, bytes):
        comment = comment.decode(errors="replace")
    value = _json(comment)
    if value is None or not isinstance(value.get("recipe"), dict):
        return None
    told = value.get("software"), value.get("source_type")
    if not all(text is None or isinstance(text, str) for text in told):
        return None
    return Mark(*told, value["recipe"])


def _json(text: Any) -> dict[str, Any] | None:
    """Return the object that a text holds; None where it cannot be written again as JSON."""
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _is_deep(value, _DEEPEST) else None


def _is_deep(value: Any, left: int) -> bool:
    """Whether lists and objects lie in one another more than `left` deep."""
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, (dict, list)) and (
        left == 0 or any(_is_deep(item, left - 1) for item in inner)
    )


def read_cards(header: Mapping[str, Any]) -> Mark | None:
    """Return what the cards of `fits_cards` say in a header, if there are any."""
    if "SYNTHETC" not in header:
        return None
    # A card that bends the standard is there to say that a model made it.
    made = bool(_card(header, "SYNTHETC", True))
    software = _card(header, "ORIGIN")
    return Mark(
        software if isinstance(software, str) else None,
        MADE if made else None,
        _json(_card(header, "RECIPE")),
    )


def _card(header: Mapping[str, Any], name: str, otherwise: Any = None) -> Any:
    """Return the value of a card; `otherwise` where it cannot be read."""
    from astropy.io.fits import VerifyError

    try:
        return header.get(name)
    except VerifyError:
        return otherwise


def _read_fits(path: Path) -> Mark | None:
    import warnings

    from astropy.io import fits

    marks = []
    # Headers that bend the standard are common, and are read all the same. What damage raises may
    # be anything; what came before it counts. Of an image in tiles, the header of its table does.
    with (
        warnings.catch_warnings(action="ignore"),
        suppress(Exception),
        fits.open(path, disable_image_compression=True) as hdus,
    ):
        for hdu in hdus:
            marks.append(read_cards(hdu.header))  # noqa: PERF401
    found = [mark for mark in marks if mark is not None]
    return next((mark for mark in found if mark.made), found[0] if found else None)


def _read_parquet(path: Path) -> Mark | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    return _parse_text(metadata.get(b"parhelion"))


def _read_film(path: Path) -> Mark | None:
    import av

    try:
        with av.open(str(path)) as container:
            return _parse_text(container.metadata.get("comment"))
    except (av.FFmpegError, OSError):
        return None
