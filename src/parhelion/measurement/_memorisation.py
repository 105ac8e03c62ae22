"""Memorisation: the most similar real images of every made one, and which ones are copies."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from parhelion._cores import cores
from parhelion._files import write_json
from parhelion._settings import save_settings
from parhelion.catalog import Catalog, decode, open_catalog, resize
from parhelion.errors import CatalogError, InputError
from parhelion.measurement._copies import (
    NEXT,
    Found,
    Null,
    copies,
    distinctness,
    distinctness_apart,
    summarize_null,
)
from parhelion.measurement._memorisation_files import (
    keep_others,
    neighbors_of,
    write_figure,
    write_neighbors,
)
from parhelion.measurement._memorisation_settings import MeasureMemorisationSettings
from parhelion.measurement._ssim_images import TURNS, Gray
from parhelion.measurement._ssim_search import Neighbors, most_similar

MEMORISATION_FILE = "memorisation.json"
NEIGHBORS_FILE = "neighbors.parquet"
FIGURE_FILE = "memorisation.png"
_MOST_PIXELS = 256


def measure_memorisation(
    real: Catalog | Path | str,
    generated: Catalog | Path | str,
    out: Path | str | None = None,
    settings: MeasureMemorisationSettings | None = None,
    *,
    keep: Path | str | None = None,
) -> dict[str, Any]:
    """Find the real images most similar to every made one, and flag the copies.

    Similarity is SSIM over all pairs, of gray images at one size, as the GAN-Universe paper
    has it for 40 made images (its Fig. 5). The nearest other real image of each real one, of
    another group, says what is usual. An image is flagged when it stands out (see
    `parhelion.measurement.distinctness`) and is nearer to a real image than the median of
    those. How many exceed the greatest of those is said as well: most are featureless sources.

    Parameters
    ----------
    real : Catalog or Path
        Images that the generator may have seen; rows whose origin is not ``observed`` are
        left out. They are read in parts, as many times as `settings.memory` makes needed.
    generated : Catalog or Path
        Made images; all rows are used.
    out : Path, optional
        Folder for ``memorisation.json``, ``neighbors.parquet`` (a row per made image and
        neighbor), ``memorisation.png`` (the figure) and the settings.
    settings : MeasureMemorisationSettings, optional
        How to search and what to flag.
    keep : Path, optional
        Folder of a new catalog: the made images that are not flagged.

    Returns
    -------
    figures : dict
        What can be written as JSON. ``generated``, ``searched`` (counts), ``image_size``,
        ``neighbors``, ``dihedral``; ``max_ssim`` and ``median_ssim`` of made images with their
        nearest real one; ``null``: ``count``, ``of``, ``max``, ``median``, ``twins`` and
        ``least_distinctness`` of real images; ``threshold`` (the null's greatest SSIM) and
        ``exceeding`` (made images above it); ``distinct`` (distinctness below which one
        stands out), ``flagged`` and
        ``flagged_share``; ``rows``: those in the figure, each with ``generated``, ``flagged``,
        ``exceeding``, ``distinctness`` and ``nearest``: ``real``, ``ssim``, ``turn``;
        ``pairs``, ``compared`` (share of the work that pruning left), ``kept`` and ``seconds``.

    Raises
    ------
    InputError
        If a set is empty, or all real images are of one group.
    CatalogError
        If `keep` holds a catalog already.
    """
    settings = settings or MeasureMemorisationSettings()
    start = time.monotonic()
    sets = _open(real, generated, settings)
    if keep is not None and (Path(keep) / "catalog.parquet").exists():
        raise CatalogError(f"{keep} already holds a catalog; give another --keep")
    made = sets.read(sets.generated)
    found, ratios = sets.nearest(made, None, "nearest real images")
    null, drawn = _null(sets)
    best = found.scores[:, 0]
    flagged = copies(best, ratios, null)
    exceeding = best > null.threshold
    # Flagged ones first, each part by similarity.
    shown = np.lexsort((-best, ~flagged))[: settings.rows].tolist()
    paths, real_paths = sets.generated.column("path"), sets.real.column("path")
    figures: dict[str, Any] = {
        "generated": len(made),
        "searched": len(sets.real),
        "image_size": sets.size,
        "neighbors": settings.neighbors,
        "dihedral": settings.dihedral,
        "max_ssim": float(best.max()),
        "median_ssim": float(np.median(best)),
        "null": {
            "count": drawn,
            "of": len(sets.real),
            "max": null.threshold,
            "median": null.median,
            "twins": null.twins,
            "least_distinctness": null.least,
        },
        "threshold": null.threshold,
        "exceeding": int(exceeding.sum()),
        "distinct": null.distinct,
        "flagged": int(flagged.sum()),
        "flagged_share": float(flagged.mean()),
        "rows": [
            {
                "generated": paths[i],
                "flagged": bool(flagged[i]),
                "exceeding": bool(exceeding[i]),
                "distinctness": None if np.isnan(ratios[i]) else float(ratios[i]),
                "nearest": [
                    {"real": real_paths[j], "ssim": float(score), "turn": TURNS[turn]}
                    for j, score, turn in neighbors_of(found, i, settings.neighbors)
                ],
            }
            for i in shown
        ],
        "pairs": len(made) * len(sets.real),
        "compared": found.compared,
    }
    if keep is not None:
        figures["kept"] = keep_others(sets.generated, flagged, Path(keep))
    figures["seconds"] = round(time.monotonic() - start, 2)
    if out is not None:
        out, both = Path(out), (sets.real, sets.generated, found, settings.neighbors)
        verdicts = {"exceeding": exceeding, "flagged": flagged}
        write_neighbors(out / NEIGHBORS_FILE, *both, verdicts)
        write_figure(out / FIGURE_FILE, *both, sets.size, shown, flagged)
        write_json(out / MEMORISATION_FILE, figures)
        roots = {"real": sets.real.root, "generated": sets.generated.root}
        save_settings(out, "measure memorisation", settings, **roots)
    return figures


@dataclass(frozen=True)
class _Sets:
    """Both sets, how to read them, and how to search in the real one."""

    real: Catalog
    generated: Catalog
    groups: NDArray[np.int64]
    size: int
    settings: MeasureMemorisationSettings

    def read(self, catalog: Catalog) -> Gray:
        """Return all images of a catalog ``(N, S, S)`` uint8, gray."""
        images = np.empty((len(catalog), self.size, self.size), np.uint8)

        def load(index: int, file: Path) -> None:
            images[index] = resize(decode(file)[0].pixels, self.size, 1)[..., 0]

        with ThreadPoolExecutor(self.settings.workers or cores()) as pool:
            for _ in pool.map(load, range(len(catalog)), catalog.files()):
                pass
        return images

    def parts(self, size: int) -> Iterator[Gray]:
        """Yield the real images, so many at a time."""
        for start in range(0, len(self.real), size):
            yield self.read(Catalog(self.real.root, self.real.table.slice(start, size)))

    def nearest(
        self, images: Gray, own: NDArray[np.int64] | None, what: str
    ) -> tuple[Neighbors, NDArray[np.float64]]:
        """Return the nearest real images, not of groups `own`, and the distinctness of each."""
        count = max(self.settings.neighbors, NEXT + 1)
        found = self._search(images, count, own, what)
        if own is not None:
            return found, distinctness(found.indices, found.scores, self.groups)

        def seek(rows: NDArray[np.int64], groups: NDArray[np.int64]) -> Found:
            further = self._search(images[rows], NEXT, groups, "further real images")
            return further.indices, further.scores

        return found, distinctness_apart(found.indices, found.scores, self.groups, seek)

    def _search(
        self, images: Gray, count: int, own: NDArray[np.int64] | None, what: str
    ) -> Neighbors:
        return most_similar(
            images,
            self.parts,
            count,
            dihedral=self.settings.dihedral,
            query_groups=own,
            reference_groups=self.groups,
            count=len(self.real),
            memory=self.settings.memory,
            workers=self.settings.workers,
            what=what,
        )


def _open(
    real: Catalog | Path | str,
    generated: Catalog | Path | str,
    settings: MeasureMemorisationSettings,
) -> _Sets:
    real = (real if isinstance(real, Catalog) else open_catalog(real)).select(origin="observed")
    generated = generated if isinstance(generated, Catalog) else open_catalog(generated)
    if settings.split is not None:
        real = real.select(split=settings.split)
    for what, catalog in (("observed images", real), ("made images", generated)):
        if not len(catalog):
            of = f" of split {settings.split!r}" if settings.split and catalog is real else ""
            raise InputError(f"no {what}{of} in {catalog.root}; give a catalog that has some")
    names = np.array(real.column("group_id"), dtype=str)
    groups = np.unique(names, return_inverse=True)[1].astype(np.int64)
    first = min(generated.column("width")[0], generated.column("height")[0])
    size = settings.image_size or min(_MOST_PIXELS, first)
    return _Sets(real, generated, groups, size, settings)


def _null(sets: _Sets) -> tuple[Null, int]:
    """Return what is usual among real images, and how many of them were asked."""
    settings = sets.settings
    count = min(settings.null_count, len(sets.real))
    rows = np.random.default_rng([settings.seed, 6]).permutation(len(sets.real))[:count]
    rows = np.sort(rows)
    chosen = Catalog(sets.real.root, sets.real.table.take(pa.array(rows)))
    found, ratios = sets.nearest(sets.read(chosen), sets.groups[rows], "nearest of real images")
    return summarize_null(found.scores[:, 0], ratios, settings.distinct), count
