"""Seeds on the command line."""

import pytest

from parhelion.cli._seeds import parse_seeds
from parhelion.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", [7]), ("3,14, 15", [3, 14, 15]), ("0..3,9", [0, 1, 2, 3, 9]), ("5 .. 5", [5])],
)
def test_numbers_and_ranges(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "1,", "-1", "1..", "..3", "1...3", "1.5", "5..3", "0..1000000", "9" * 30]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--seeds"):
        parse_seeds(text)
