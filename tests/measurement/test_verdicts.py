"""Shares of answers: they sum to one, source by source, and the intervals are Wilson's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parhelion.errors import InputError
from parhelion.measurement import verdict_shares

ANSWERS = st.sampled_from(["made", "observed", "cannot tell"])


@given(st.lists(st.tuples(ANSWERS, st.booleans(), st.sampled_from("ab")), min_size=1))
def test_every_image_is_counted_once(rows: list[tuple[str, bool, str]]) -> None:
    verdicts, is_made, sources = (list(column) for column in zip(*rows, strict=True))
    shares = verdict_shares(verdicts, is_made, sources)
    told = [mine for kind in shares.values() for mine in kind.values()]
    assert sum(mine["count"] for mine in told) == len(rows)
    for kind, of_kind in shares.items():
        for mine in of_kind.values():
            assert mine["made"] + mine["observed"] + mine["cannot_tell"] == pytest.approx(1)
            low, high = mine["wrong_interval"]
            wrong = mine["observed" if kind == "made" else "made"]
            assert 0 <= low <= wrong + 1e-12
            assert wrong - 1e-12 <= high <= 1


def test_false_alarms_are_those_of_observed_images() -> None:
    verdicts = ["made"] * 5 + ["observed"] * 95 + ["observed"]
    shares = verdict_shares(verdicts, [False] * 100 + [True], ["sky"] * 101)
    assert shares["observed"]["sky"]["made"] == 0.05
    # Wilson 1927: (p + z^2/2n -+ z sqrt(pq/n + z^2/4n^2)) / (1 + z^2/n)
    assert shares["observed"]["sky"]["wrong_interval"] == pytest.approx([0.0215, 0.1118], abs=1e-4)
    assert shares["made"]["sky"]["observed"] == 1


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match="verdict 'fake' is none of"):
        verdict_shares(["fake"], [True], ["a"])
    with pytest.raises(InputError, match="2 verdicts, 1 truths"):
        verdict_shares(["made", "made"], [True], ["a"])
