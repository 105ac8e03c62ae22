"""What AstroSpy's page shows besides tables: mean spectra, and a t-SNE with its thumbnails."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from parhelion._files import atomic_path
from parhelion._names import short_names
from parhelion.catalog import MADE_ORIGINS, Catalog, decode, resize
from parhelion.detection import embed, load_detector
from parhelion.measurement import mean_spectrum, tsne
from parhelion.provenance import encode_image

SPECTRA_FILE = "spectra.npz"
EMBEDDING_FILE = "embedding.parquet"

#: Most images of a t-SNE: each comes with its picture, in a page of one file.
_SHOWN = 600
_THUMBNAIL = 64


def write_spectra(out: Path, run: Path, test: Sequence[Catalog], device: str) -> dict[str, Any]:
    """Write mean spectra of the observed and of the made images of catalogs.

    They are seen as the detector in `run` sees them. ``spectra.npz`` holds, for each class, the
    spectrum ``(S, S)`` and the profiles ``(3, S // 2)`` of `mean_spectrum`.
    """
    detector = load_detector(run, device=device)
    images = _images(test)
    observed, made = (
        [path for _, path, is_made in images if is_made == wanted] for wanted in (False, True)
    )
    (spectrum, rings), (made_spectrum, made_rings) = (
        mean_spectrum(detector.see(pixels).patches[0] for pixels in _decoded(files))
        for files in (observed, made)
    )
    with atomic_path(out / SPECTRA_FILE) as temporary:
        np.savez(
            temporary,
            observed_spectrum=spectrum,
            observed_profiles=rings,
            made_spectrum=made_spectrum,
            made_profiles=made_rings,
        )
    return {"observed": len(observed), "made": len(made)}


def write_embedding(
    out: Path, runs: Sequence[tuple[str, Path]], test: Sequence[Catalog], device: str, seed: int
) -> dict[str, Any]:
    """Write a t-SNE of the features of each of several detectors, for the same images.

    ``embedding.parquet`` has a row per image: `source` (its catalog's name), `is_made`,
    `thumbnail` (a JPEG file), and for each detector its name with ``_x`` and ``_y``.

    Parameters
    ----------
    out : Path
        Folder to write to.
    runs : sequence of (str, Path)
        Names and folders of the detectors.
    test : sequence of Catalog
        The images; 600 of them, evenly spaced, where there are more.
    device : str
        Where to compute.
    seed : int
        Of the layout.
    """
    rows = _images(test)
    step = np.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().astype(int)
    rows = [rows[index] for index in step]
    columns: dict[str, Any] = {
        "source": [source for source, _, _ in rows],
        "is_made": [made for _, _, made in rows],
        "thumbnail": [_thumbnail(path, made) for _, path, made in rows],
    }
    for name, run in runs:
        features = embed(load_detector(run, device=device), _decoded([path for _, path, _ in rows]))
        places = tsne(features, seed=seed)
        columns |= {f"{name}_x": places[:, 0], f"{name}_y": places[:, 1]}
    with atomic_path(out / EMBEDDING_FILE) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
    return {"images": len(rows)}


def _images(catalogs: Sequence[Catalog]) -> list[tuple[str, Path, bool]]:
    """Return the catalog's name, the file, and whether a model made it, of every image."""
    return [
        (name, path, origin in MADE_ORIGINS)
        for name, catalog in zip(short_names([c.root for c in catalogs]), catalogs, strict=True)
        for path, origin in zip(catalog.files(), catalog.column("origin"), strict=True)
    ]


def _decoded(files: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    return (decode(path)[0].pixels for path in files)


def _thumbnail(path: Path, made: bool) -> bytes:
    pixels = resize(decode(path)[0].pixels, _THUMBNAIL)
    return encode_image(pixels, "JPEG", recipe={"operation": "thumbnail"}, made=made, quality=80)
