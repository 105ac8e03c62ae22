"""What a generator is asked for."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from parhelion.catalog import row, write_catalog
from parhelion.errors import SettingsError
from parhelion.generation._conditions import (
    draw_classes,
    proportions,
    read_conditions,
    steady_classes,
)

#: spiral and elliptical, each of two surveys; no elliptical of the second.
_SEEN = [[0, 0, 30], [1, 0, 10], [1, 1, 60]]


def test_classes_are_drawn_as_often_as_they_occur() -> None:
    drawn = Counter(tuple(draw_classes(seed, _SEEN)) for seed in range(2000))
    assert set(drawn) == {(0, 0), (1, 0), (1, 1)}
    assert drawn[1, 1] / 2000 == pytest.approx(0.6, abs=0.04)
    assert drawn[1, 0] / 2000 == pytest.approx(0.1, abs=0.03)


def test_what_is_asked_for_is_kept_and_the_rest_drawn_beside_it() -> None:
    drawn = Counter(tuple(draw_classes(seed, _SEEN, {1: 0})) for seed in range(2000))
    assert set(drawn) == {(0, 0), (1, 0)}
    assert drawn[0, 0] / 2000 == pytest.approx(0.75, abs=0.04)
    assert draw_classes(5, _SEEN, {0: 1, 1: 1}) == [1, 1]


def test_a_combination_never_seen_is_refused() -> None:
    with pytest.raises(SettingsError, match="never occur together"):
        draw_classes(0, _SEEN, {0: 0, 1: 1})


def test_an_unconditional_generator_has_one_empty_combination() -> None:
    assert draw_classes(3, proportions(np.zeros((7, 0), dtype=np.int64))) == []


def test_conditions_of_a_catalog(tmp_path: Path) -> None:
    rows = [
        row(image_id=str(i), path=f"{i}.png", width=1, height=1, format="PNG", label=a, source=b)
        for i, (a, b) in enumerate([("spiral", "Zoo"), ("disk", "EFIGI"), ("spiral", "EFIGI")])
    ]
    catalog = write_catalog(tmp_path, rows, rejected=[])
    conditions, targets = read_conditions(catalog.rows(), ("label", "source"))
    assert conditions == {"label": ["disk", "spiral"], "source": ["EFIGI", "Zoo"]}
    assert sorted(map(tuple, targets.tolist())) == [(0, 0), (1, 0), (1, 1)]
    assert proportions(targets) == [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    empty, none = read_conditions(catalog.rows(), ())
    assert empty == {}
    assert none.shape == (3, 0)


def test_several_wishes_keep_the_survey_that_knows_most_of_them() -> None:
    """Classes 0, 1, 2; survey 0 knows 0 and 1, survey 1 knows all but 0, survey 2 only 1."""
    seen = [[0, 0, 90], [1, 0, 90], [1, 1, 1], [2, 1, 1], [1, 2, 900]]
    for seed in range(20):
        assert steady_classes(seed, seen, [{0: 1}, {0: 2}]) == [[1, 1], [2, 1]]
        assert steady_classes(seed, seen, [{0: 0}, {0: 1}]) == [[0, 0], [1, 0]]
    # Surveys 0 and 1 know two of all three: the seed decides, and the third has its own survey.
    both = [[[0, 0], [1, 0], [2, 1]], [[0, 0], [1, 1], [2, 1]]]
    drawn = [steady_classes(seed, seen, [{0: 0}, {0: 1}, {0: 2}]) for seed in range(200)]
    assert sorted(map(str, both)) == sorted({str(classes) for classes in drawn})


def test_equal_wishes_are_one_draw() -> None:
    for seed in range(50):
        assert steady_classes(seed, _SEEN, [{}, {}]) == [draw_classes(seed, _SEEN)] * 2
        assert steady_classes(seed, _SEEN, [{1: 0}] * 3) == [draw_classes(seed, _SEEN, {1: 0})] * 3


def test_a_wish_never_seen_is_refused() -> None:
    with pytest.raises(SettingsError, match="never occur together"):
        steady_classes(0, _SEEN, [{0: 1, 1: 1}, {0: 0, 1: 1}])
