"""Short names: the last part, or the last two where that is not enough."""

from parhelion._names import short_name_of_each, short_names


def test_the_last_part_is_enough_where_it_is_the_only_one() -> None:
    assert short_names(["a/zoo", "b/efigi/"]) == ["zoo", "efigi"]


def test_where_two_are_alike_all_have_the_part_before() -> None:
    found = short_names(["made/gan/nearest", "made/vae/nearest", "real/zoo"])
    assert found == ["gan/nearest", "vae/nearest", "real/zoo"]


def test_of_paths_that_come_again_each_has_its_name() -> None:
    assert short_name_of_each(["a/zoo", "b/zoo", "a/zoo"]) == ["a/zoo", "b/zoo", "a/zoo"]
    assert short_name_of_each(["a/zoo", "a/zoo", "b/efigi"]) == ["zoo", "zoo", "efigi"]
