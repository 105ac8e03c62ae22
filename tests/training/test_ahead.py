"""Working ahead: in order, bounded, errors in their turn."""

import threading
from itertools import count, islice

import pytest

from parhelion.training._ahead import map_ahead


def test_results_keep_their_order() -> None:
    assert list(map_ahead(lambda n: n * n, range(50), workers=4, depth=7)) == [
        n * n for n in range(50)
    ]


def test_an_endless_source_is_read_only_so_far() -> None:
    taken: list[int] = []

    def source() -> object:
        for number in count():
            taken.append(number)
            yield number

    results = map_ahead(str, source(), workers=2, depth=5)  # type: ignore[arg-type, var-annotated]
    assert list(islice(results, 3)) == ["0", "1", "2"]
    results.close()
    assert len(taken) <= 3 + 5


def test_an_error_is_raised_in_its_turn_and_the_threads_end() -> None:
    def halve(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number // 2

    before = threading.active_count()
    results = map_ahead(halve, range(10), workers=2, depth=4)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert threading.active_count() == before
