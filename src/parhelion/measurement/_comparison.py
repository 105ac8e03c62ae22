"""All comparisons of one made set with the real images, and of the real images with themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parhelion.catalog import Catalog
from parhelion.classification import Classifier
from parhelion.measurement._classes import compare_classes
from parhelion.measurement._distances import Distance, frechet_distance, kernel_distance
from parhelion.measurement._features import Features
from parhelion.measurement._histograms import compare_quantities
from parhelion.measurement._morphology import MORPHOLOGY, Morphology, measure_morphology
from parhelion.measurement._neighborhoods import neighborhood_figures
from parhelion.measurement._photometry import PHOTOMETRY, photometry
from parhelion.measurement._real_parts import RealParts
from parhelion.measurement._settings import MeasureGeneratorSettings
from parhelion.measurement._spectra import SpectrumComparison, compare_spectra

Rows = NDArray[np.int64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Draw:
    """Which images are compared, as rows of their catalogs, in random order."""

    reference: Rows
    """``(n,)`` real images."""
    first: Rows
    """``(m,)`` of the floor's one side, m at most n."""
    second: Rows
    """``(m,)`` of its other side."""
    made: tuple[Rows, ...]
    """``(n,)`` of each made set; the first m of them stand against `first`."""


def draw_rows(parts: RealParts, made: Sequence[int], most: int, seed: int) -> Draw:
    """Draw equally many images of all sets, at most `most`, and of the floor's sides."""
    generator = np.random.default_rng([seed, 5])
    count = min(len(parts.reference), *made, most)
    floor = min(count, len(parts.first), len(parts.second))
    order = generator.permutation(parts.reference)
    second = generator.permutation(parts.second)[:floor]
    return Draw(
        reference=order[:count],
        first=order[np.isin(order, parts.first)][:floor],
        second=second,
        made=tuple(generator.permutation(size)[:count] for size in made),
    )


class Comparer:
    """Measures the real images once, and compares made sets with them.

    Parameters
    ----------
    pixels : ndarray
        ``(N, S, S, 3)`` uint8, all real images.
    draw : Draw
        Which of them are compared.
    networks : sequence of Features
        Feature networks.
    classifier : Classifier, optional
        Names the class of each image.
    settings : MeasureGeneratorSettings
        Seed, bootstrap and sizes.
    """

    def __init__(
        self,
        pixels: Pixels,
        draw: Draw,
        networks: Sequence[Features],
        classifier: Classifier | None,
        settings: MeasureGeneratorSettings,
    ) -> None:
        self._draw, self._networks, self._classifier = draw, networks, classifier
        self._settings = settings
        self._options: dict[str, int] = {"seed": settings.seed, "bootstrap": settings.bootstrap}
        # Each real image that is drawn is measured once, whatever it is compared with.
        self._rows = np.unique(np.concatenate([draw.reference, draw.first, draw.second]))
        real = pixels[self._rows]
        self._pixels = real
        self._features = [network(real) for network in networks]
        self._photometry = photometry(real)
        self._classes = _named(classifier, real)
        self._shapes = self._measure_shapes()

    def compare(self, images: Pixels) -> dict[str, Any]:
        """Compare made images ``(n, S, S, 3)`` uint8, in the order of the draw."""
        figures: dict[str, Any] = {
            "networks": [
                {"network": network.name, "dimension": real.shape[1]}
                | self._distances(real, network(images))
                for network, real in zip(self._networks, self._features, strict=True)
            ],
            "spectra": self._spectra(images),
            "photometry": self._quantities(
                PHOTOMETRY, self._photometry, photometry(images), len(images)
            ),
            "morphology": self._morphology(images),
            "classes": [],
        }
        if self._classifier is not None:
            about = {"by": f"predicted by classifier {self._classifier.model_id}"}
            table = self._class_table(self._classes, _named(self._classifier, images))
            figures["classes"].append(about | table)
        return figures

    def compare_labels(self, real: Catalog, made: Catalog, number: int) -> list[dict[str, Any]]:
        """Compare the labels of both catalogs; nothing where a part that is compared has none."""
        ours, theirs = (
            np.array([name or "" for name in catalog.column("label")], dtype=object)
            for catalog in (real, made)
        )
        labels, other = ours[self._rows], theirs[self._draw.made[number]]
        draw = self._draw
        parts = [ours[rows] for rows in (draw.reference, draw.first, draw.second)]
        if not all(part.any() for part in (*parts, other[: len(draw.first)])):
            return []
        return [{"by": "labels in the catalogs"} | self._class_table(labels, other)]

    def _at(self, rows: Rows) -> Rows:
        """Where real rows are in what was measured."""
        return np.searchsorted(self._rows, rows)

    def _three(self, compare: Callable[[Any, Any, bool], Any], real: Any, made: Any) -> list[Any]:
        """Compare at the full count, at the floor's, and the real images with themselves."""
        draw, floor = self._draw, len(self._draw.first)
        first, second = real[self._at(draw.first)], real[self._at(draw.second)]
        reference = real[self._at(draw.reference)]
        main = compare(reference, made, True)
        return [main, compare(first, made[:floor], False), compare(first, second, True)]

    def _distances(self, real: NDArray[np.float32], made: NDArray[np.float32]) -> dict[str, Any]:
        neighbors, seed = self._settings.neighbors, self._settings.seed

        def compare(one: Any, other: Any, interval: bool) -> dict[str, Distance]:
            lies = neighborhood_figures(one, other, neighbors=neighbors, seed=seed)
            return {
                "kid": kernel_distance(one, other, **self._options),
                "frechet": frechet_distance(one, other, interval=interval),
                "precision": lies.precision,
                "recall": lies.recall,
                "density": lies.density,
                "coverage": lies.coverage,
            }

        return with_floor(*self._three(compare, real, made))

    def _spectra(self, made: Pixels) -> dict[str, Any]:
        def compare(one: Pixels, other: Pixels, interval: bool) -> SpectrumComparison:
            return compare_spectra(one, other, **self._options)

        main, at_floor, floor = self._three(compare, self._pixels, made)
        distances = [
            {"log_difference": Distance(part.difference, part.interval)}
            for part in (main, at_floor, floor)
        ]
        return {
            "frequency": main.frequency.tolist(),
            "real_mean": main.first_mean.tolist(),
            "real_spread": main.first_spread.tolist(),
            "generated_mean": main.second_mean.tolist(),
            "generated_spread": main.second_spread.tolist(),
            **with_floor(*distances),
        }

    def _quantities(
        self,
        labels: Mapping[str, str],
        real: Mapping[str, NDArray[np.float64]],
        made: Mapping[str, NDArray[np.float64]],
        most: int,
    ) -> list[dict[str, Any]]:
        """Compare each quantity of the first `most` images of every part of the draw."""
        draw, floor = self._draw, min(most, len(self._draw.first))
        found = []
        for name, label in labels.items():
            values = real[name]
            about = compare_quantities(
                values[self._at(draw.reference[:most])],
                made[name][:most],
                values[self._at(draw.first[:floor])],
                values[self._at(draw.second[:floor])],
                made[name][:floor],
                **self._options,
            )
            if about is not None:
                found.append({"name": name, "label": label} | about)
        return found

    def _measure_shapes(self) -> Morphology | None:
        """Shapes of the first real images of each part of the draw; NaN of the others."""
        most = self._settings.morphology
        if not most:
            return None
        draw = self._draw
        parts = (draw.reference, draw.first, draw.second)
        rows = self._at(np.unique(np.concatenate([part[:most] for part in parts])))
        found = measure_morphology(self._pixels[rows], workers=self._settings.workers)
        values = {name: np.full(len(self._rows), np.nan) for name in MORPHOLOGY}
        for name, column in found.values.items():
            values[name][rows] = column
        return Morphology(values, found.failures | {"measured": len(rows)})

    def _morphology(self, images: Pixels) -> dict[str, Any] | None:
        if self._shapes is None:
            return None
        most = self._settings.morphology
        made = measure_morphology(images[:most], workers=self._settings.workers)
        real_failures = dict(self._shapes.failures)
        return {
            "measured": len(images[:most]),
            "failures": made.failures,
            "real_measured": real_failures.pop("measured"),
            "real_failures": real_failures,
            "quantities": self._quantities(MORPHOLOGY, self._shapes.values, made.values, most),
        }

    def _class_table(self, real: NDArray[Any], made: NDArray[Any]) -> dict[str, Any]:
        def compare(one: NDArray[Any], other: NDArray[Any], interval: bool) -> dict[str, Any]:
            first, second = ([str(name) for name in part if name] for part in (one, other))
            return compare_classes(first, second, **self._options)

        main: dict[str, Any]
        main, at_floor, floor = self._three(compare, real, made)
        return main | {
            "cramers_v_at_floor": at_floor["cramers_v"],
            "cramers_v_floor": floor["cramers_v"],
            "cramers_v_floor_interval": floor["cramers_v_interval"],
            "p_value_floor": floor["p_value"],
        }


def with_floor(
    main: Mapping[str, Distance], at_floor: Mapping[str, Distance], floor: Mapping[str, Distance]
) -> dict[str, Any]:
    """Flatten figures: value and ``_interval``, ``_at_floor``, ``_floor``, ``_floor_interval``."""
    flat: dict[str, Any] = {}
    for name, figure in main.items():
        flat[name] = figure.value
        flat[f"{name}_interval"] = list(figure.interval)
        flat[f"{name}_at_floor"] = at_floor[name].value
        flat[f"{name}_floor"] = floor[name].value
        flat[f"{name}_floor_interval"] = list(floor[name].interval)
    return flat


def _named(classifier: Classifier | None, images: Pixels) -> NDArray[Any]:
    """The most probable class of each image: ``(N,)`` of str."""
    if classifier is None:
        return np.full(len(images), "", dtype=object)
    labels = np.array(classifier.labels, dtype=object)
    named: NDArray[Any] = labels[classifier.predict(images).argmax(1)]
    return named
