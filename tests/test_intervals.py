"""The interval of a proportion against one worked by hand."""

import pytest

from parhelion._intervals import wilson_interval


def test_wilson_interval_is_the_textbooks() -> None:
    # 8 of 10: (0.8 + 0.19207) / 1.38415 -+ 1.96 / 1.38415 * sqrt(0.016 + 0.0096036)
    assert wilson_interval(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert wilson_interval(0, 10) == pytest.approx([0, 0.2775], abs=1e-4)
    assert wilson_interval(0, 0) is None
