"""Screening a catalog before anything is learned from it: what is tiny, blank, lettered, double."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parhelion._cores import cores
from parhelion._files import link_or_copy
from parhelion._progress import progress
from parhelion._settings import save_settings
from parhelion.catalog._decode import decode
from parhelion.catalog._lettering import lettering
from parhelion.catalog._place import check_free, make_room
from parhelion.catalog._settings import ScreenSettings
from parhelion.catalog._sources import luma
from parhelion.catalog._table import Catalog, open_catalog, write_catalog
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
        In the catalog's order; an image may occur for several reasons. Of near-duplicates (observed
        images of one group) the largest is not listed. Lettering is told by its shape alone: a row
        of craters or clouds may be taken for it.

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
    twins = _twins(rows)

    def look(number: int) -> list[Finding]:
        item = rows[number]
        found = [
            Finding(item["path"], item["label"], reason, detail)
            for reason, detail in _unfit(files[number], item, settings)
        ]
        if item["path"] in twins:
            detail = f"near-duplicate of {twins[item['path']]}"
            found.append(Finding(item["path"], item["label"], "duplicate", detail))
        return found

    with ThreadPoolExecutor(settings.workers or cores()) as pool:
        looked = progress(pool.map(look, range(len(rows))), total=len(rows), what="screening")
        findings = [finding for part in looked for finding in part]
    if out is not None:
        _set_aside(catalog, findings, Path(out), settings)
    return findings


def _unfit(path: Path, item: Row, settings: ScreenSettings) -> list[tuple[str, str]]:
    found = []
    shorter = min(item["width"], item["height"])
    if shorter < settings.least:
        found.append(("tiny", f"{item['width']} x {item['height']} pixels"))
    try:
        gray = luma(decode(path)[0].pixels)
    except DecodeError as error:
        return [("unreadable", str(error))]
    spread = float(gray.std())
    if spread < settings.contrast:
        found.append(("blank", f"its luma varies by {spread:.1f} gray levels"))
    lines = lettering(gray)
    share = sum(height * width for _, _, height, width in lines) / gray.size
    if share > settings.lettering:
        found.append(("lettering", f"{len(lines)} lines, {100 * share:.1f} % of the area"))
    return found


def _twins(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the path of the largest near-duplicate for each observed image that has one."""
    largest: dict[str, Row] = {}
    observed = [item for item in rows if item["origin"] == "observed"]
    for item in observed:
        best = largest.setdefault(item["group_id"], item)
        if item["width"] * item["height"] > best["width"] * best["height"]:
            largest[item["group_id"]] = item
    return {
        item["path"]: largest[item["group_id"]]["path"]
        for item in observed
        if largest[item["group_id"]] is not item
    }


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
