"""What a file's mark claims for its images: that a model made them, or what they were made from."""

import io
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from parhelion.catalog._decode import HEAD, sniff
from parhelion.catalog._words import ORIGINS

# What `enhance` and `augment` make of an observed image: no model's own, and yet not observed. What
# else carries a mark and was not made (cut-outs, smaller copies) still is the observation.
_DERIVED = {"enhance": "enhanced", "augment": "augmented"}
# Words without which no picture carries a mark; looking for them is faster than parsing.
_IPTC, _OURS, _XMP = b"igitalSourceType", b"arhelion", b"XML:com.adobe.xmp"
# Comments of GIF are stored in blocks of 255 bytes, which may cut any word.
_GIF = b"GIF8"


class Claim(NamedTuple):
    """What a file's mark says of images that are not, or no longer, observed."""

    origin: str
    recipe: dict[str, Any] | None
    made: bool

    @property
    def parent(self) -> str | None:
        """The `image_id` of what it was made from, where the recipe has it."""
        told = self.recipe.get("parent_id") if isinstance(self.recipe, dict) else None
        return told if told and isinstance(told, str) else None


def read_claim(file: BinaryIO, name: str) -> Claim | None:
    """Return what the mark of a picture claims for it, if anything; of FITS, decoding does."""
    if isinstance(file, io.BytesIO):
        data = file.getvalue()
        # Spelled out: this is done for every file.
        known = _IPTC in data or _OURS in data or _XMP in data
        if not known and not data.startswith(_GIF):
            return None
    file.seek(0)
    if sniff(file.read(HEAD)) == "FITS":
        return None
    # Not at the top: most files carry no mark, and it would take a helper longer to start.
    from parhelion.provenance import read_mark

    mark = read_mark(Path(name))
    if mark is None:
        return None
    recipe = mark.recipe
    if mark.made:
        recipe = recipe or {
            "operation": "ingest",
            "source_type": mark.source_type,
            "software": mark.software,
        }
        return Claim(origin_of(recipe), recipe, True)
    if not isinstance(recipe, dict):
        return None
    named = _DERIVED.get(str(recipe.get("operation"))) or recipe.get("origin")
    return Claim(str(named), recipe, False) if named in _DERIVED.values() else None


def origin_of(recipe: Any) -> str:
    """Return the origin of a file that says that a model made it."""
    named = recipe.get("origin") if isinstance(recipe, dict) else None
    # Files of other programs do not say how; most of them are made from text.
    return named if named in ORIGINS and named != "observed" else "text_to_image"
