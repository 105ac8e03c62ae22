"""The page of `reproduce gan-universe`, where classes cannot be tested."""

from typing import Any

import pytest

from parhelion.reporting._reproduction_page import _classes


@pytest.mark.parametrize(
    ("tables", "text"),
    [
        ([], "no classifier was given"),
        ([{"cramers_v": None}], "too few images or classes for a test"),
        ([{"cramers_v": 0.25}], "V 0.25 at n = 1,000"),
    ],
)
def test_classes_are_said_as_far_as_they_are_known(tables: list[dict[str, Any]], text: str) -> None:
    assert text in _classes({"classes": tables, "count": 1000})
