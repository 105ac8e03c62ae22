"""Copies: the nearest real image of every made one, and how near real ones are to each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog
from parhelion.measurement._copies import (
    NEXT,
    Found,
    copies,
    distinctness,
    distinctness_apart,
    summarize_null,
)
from parhelion.measurement._memorisation_settings import MeasureMemorisationSettings
from parhelion.measurement._real_parts import group_numbers
from parhelion.measurement._ssim_search import nearest_by_ssim

Pixels = NDArray[np.uint8]


class Nearest:
    """Seeks copies among the real images that a generator may have seen.

    Parameters
    ----------
    pixels : ndarray
        ``(N, S, S, 3)`` uint8, all real images.
    real : Catalog
        Their catalog.
    known : ndarray
        ``(K,)`` int64, rows of those to search.
    seed : int
        Of the draw of real images that say what is usual, where there are many.

    Raises
    ------
    InputError
        If all of them are of one group.
    """

    def __init__(self, pixels: Pixels, real: Catalog, known: NDArray[np.int64], seed: int) -> None:
        self._images, self._rows = pixels[known], known
        self._paths = real.column("path")
        self._groups = group_numbers(real)[known]
        usual = MeasureMemorisationSettings()
        asked = np.random.default_rng([seed, 9]).permutation(len(known))[: usual.null_count]
        asked.sort()
        indices, scores = nearest_by_ssim(
            self._images[asked],
            self._images,
            NEXT + 1,
            query_groups=self._groups[asked],
            reference_groups=self._groups,
        )
        ratios = distinctness(indices, scores, self._groups)
        self._null = summarize_null(scores[:, 0], ratios, usual.distinct)

    def search(self, made: Pixels, catalog: Catalog, most: int) -> dict[str, Any]:
        """Return what `measure_generator` says under ``memorisation``.

        ``flagged`` made images are nearer to a real one than two different real objects are;
        ``copies`` also stand out: they are much nearer to one real image than to the next ones.

        Parameters
        ----------
        made : ndarray
            ``(M, S, S, 3)`` uint8, all images of `catalog`.
        catalog : Catalog
            The made set.
        most : int
            Pairs to list.
        """
        nearest, scores = nearest_by_ssim(made, self._images, NEXT + 1)
        best = scores[:, 0]

        def seek(rows: NDArray[np.int64], groups: NDArray[np.int64]) -> Found:
            return nearest_by_ssim(
                made[rows],
                self._images,
                NEXT,
                query_groups=groups,
                reference_groups=self._groups,
            )

        ratios = distinctness_apart(nearest, scores, self._groups, seek)
        found = copies(best, ratios, self._null)
        # What two different real objects reach, a made image may reach as well.
        threshold = self._null.threshold
        paths = catalog.column("path")
        order = np.lexsort((-best, ~found))[:most]  # copies first, then the most alike
        rows = self._rows[nearest[:, 0]]
        return {
            "max_ssim": float(best.max()),
            "null_max_ssim": threshold,
            "threshold": threshold,
            "flagged": int((best > threshold).sum()),
            "copies": int(found.sum()),
            "median_ssim": float(np.median(best)),
            "null_median_ssim": self._null.median,
            "searched": len(self._images),
            "pairs": [
                {
                    "generated": paths[i],
                    "real": self._paths[rows[i]],
                    "ssim": float(best[i]),
                    "copy": bool(found[i]),
                    "generated_row": int(i),
                    "real_row": int(rows[i]),
                }
                for i in order
            ],
        }
