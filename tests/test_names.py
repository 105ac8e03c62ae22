"""Short names: the last part, or the last two where that is not enough."""

from parhelion._names import short_names


def test_the_last_part_is_enough_where_it_is_the_only_one() -> None:
    assert short_names(["a/zoo", "b/efigi/"]) == ["zoo", "efigi"]


def test_the_part_before_tells_two_apart() -> None:
    found = short_names(["made/gan/nearest", "made/vae/nearest", "real/zoo"])
    assert found == ["gan/nearest", "vae/nearest", "zoo"]
