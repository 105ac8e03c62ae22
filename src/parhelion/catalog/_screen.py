"""Screening a catalog before anything is learned from it: what is tiny, blank, lettered, double."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parhelion._cores import cores
from parhelion._files import link_or_copy
from parhelion._progress import progress
from parhelion._settings import save_settings
from parhelion.catalog._decode import decode
from parhelion.catalog._duplicates import near_duplicates
from parhelion.catalog._lettering import lettering
from parhelion.catalog._place import check_free, make_room
from parhelion.catalog._settings import ScreenSettings
from parhelion.catalog._sources import luma
from parhelion.catalog._table import Catalog, open_catalog, write_catalog
from parhelion.catalog._thumbnail import SIDE, thumbnail
from parhelion.errors import CatalogError, DecodeError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """Why an image may be unfit."""

    path: str
    label: str | None
    reason: str
    """tiny, blank, lettering, duplicate or unreadable."""
    detail: str


class _Look(NamedTuple):
    """What one image shows: why it may be unfit, and its thumbnail if it may have a twin."""

    reasons: list[tuple[str, str]]
    thumbnail: bytes | None


def screen(
    data: Catalog | Path | str,
    out: Path | str | None = None,
    settings: ScreenSettings | None = None,
) -> list[Finding]:
    """Look for images that are unfit to learn from; set them aside if that is asked for.

    Parameters
    ----------
    data : Catalog or Path
        What to look at; it is left as it is.
    out : Path, optional
        Folder of a catalog without what was found for one of `settings.reasons`; the rest is in
        its ``rejected.parquet``, with the reason.
    settings : ScreenSettings, optional
        What counts as unfit.

    Returns
    -------
    findings : list of Finding
        In the catalog's order; an image may occur for several reasons. Near-duplicates are observed
        images of one group that nearly are the same, as `ingest` has it; cut-outs that overlap and
        planes of one file share a group and are none. Of near-duplicates the largest one that is
        fit otherwise is not listed. Lettering is told by its shape alone: a row of craters or
        clouds may be taken for it.

    Raises
    ------
    CatalogError
        If `out` is taken, or nothing would be left.
    """
    settings = settings or ScreenSettings()
    catalog = data if isinstance(data, Catalog) else open_catalog(data)
    if out is not None:
        check_free(Path(out), settings.overwrite, [catalog])
    rows, files = catalog.rows(), catalog.files()
    known = Counter(item["group_id"] for item in rows if item["origin"] == "observed")

    def look(number: int) -> _Look:
        item = rows[number]
        may_have_twin = item["origin"] == "observed" and known[item["group_id"]] > 1
        return _look(files[number], item, settings, may_have_twin)

    with ThreadPoolExecutor(settings.workers or cores()) as pool:
        found = progress(pool.map(look, range(len(rows))), total=len(rows), what="screening")
        looks = list(found)
    twins = _twins(rows, looks, settings)
    findings = []
    for number, (item, seen) in enumerate(zip(rows, looks, strict=True)):
        reasons = list(seen.reasons)
        if number in twins:
            reasons.append(("duplicate", f"near-duplicate of {rows[twins[number]]['path']}"))
        findings += [Finding(item["path"], item["label"], *reason) for reason in reasons]
    if out is not None:
        _set_aside(catalog, findings, Path(out), settings)
    return findings


def _look(path: Path, item: Row, settings: ScreenSettings, may_have_twin: bool) -> _Look:
    found = []
    shorter = min(item["width"], item["height"])
    if shorter < settings.least:
        found.append(("tiny", f"{item['width']} x {item['height']} pixels"))
    try:
        pixels = decode(path)[0].pixels
    except DecodeError as error:
        return _Look([("unreadable", str(error))], None)
    gray = luma(pixels)
    spread = float(gray.std())
    if spread < settings.contrast:
        found.append(("blank", f"its luma varies by {spread:.1f} gray levels"))
    lines = lettering(gray)
    share = sum(height * width for _, _, height, width in lines) / gray.size
    if share > settings.lettering:
        found.append(("lettering", f"{len(lines)} lines, {100 * share:.1f} % of the area"))
    return _Look(found, thumbnail(pixels) if may_have_twin else None)


def _twins(rows: Sequence[Row], looks: Sequence[_Look], settings: ScreenSettings) -> dict[int, int]:
    """Return for each observed image that has a better near-duplicate which one stays for it."""
    firsts: dict[tuple[str, str], int] = {}
    first_of = {
        number: firsts.setdefault((rows[number]["group_id"], rows[number]["image_id"]), number)
        for number, seen in enumerate(looks)
        if seen.thumbnail is not None
    }
    alike = _alike(list(firsts.values()), rows, looks)

    def worth(number: int) -> tuple[bool, int, int]:
        unfit = any(reason in settings.reasons for reason, _ in looks[number].reasons)
        return unfit, -rows[number]["width"] * rows[number]["height"], number

    stays: set[int] = set()
    twins: dict[int, int] = {}
    # The best first: whatever goes has a near-duplicate of its own that stays, not one by a chain.
    for number in sorted(alike, key=worth):
        better = min(alike[number] & stays, key=worth, default=None)
        if better is None:
            stays.add(number)
        else:
            twins[number] = better
    copies = {number: first for number, first in first_of.items() if number != first}
    return twins | {number: twins.get(first, first) for number, first in copies.items()}


def _alike(
    numbers: Sequence[int], rows: Sequence[Row], looks: Sequence[_Look]
) -> dict[int, set[int]]:
    """Return for each of these images those of its group that are nearly the same."""
    alike: dict[int, set[int]] = defaultdict(set)
    if len(numbers) < 2:
        return alike
    data = b"".join(looks[number].thumbnail or b"" for number in numbers)
    for pairs in near_duplicates(np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE)):
        for places in pairs.tolist():
            first, second = (numbers[place] for place in places)
            if rows[first]["group_id"] == rows[second]["group_id"]:
                alike[first].add(second)
                alike[second].add(first)
    return alike


def _set_aside(
    catalog: Catalog, findings: list[Finding], out: Path, settings: ScreenSettings
) -> None:
    """Write a catalog of what is fit."""
    why: dict[str, str] = {}
    for finding in findings:
        if finding.reason in settings.reasons:
            why.setdefault(finding.path, f"{finding.reason}: {finding.detail}")
    kept = [item for item in catalog.rows() if item["path"] not in why]
    if not kept:
        raise CatalogError(f"no image of {catalog.root} is fit; nothing was written to {out}")
    make_room(out)
    for item in kept:
        link_or_copy(catalog.root / item["path"], out / item["path"])
    save_settings(out, "screen", settings, data=catalog.root)
    rejected = [
        {"source": str(catalog.root), "path": path, "reason": reason}
        for path, reason in why.items()
    ]
    write_catalog(out, kept, rejected=rejected)
