"""Which files are bands of one field, by their names."""

import pytest

from parhelion.catalog._bands import band_sets


def sets(*names: str) -> list[tuple[list[str], list[str], str]]:
    return [
        ([names[i] for i in found.color], [names[i] for i in found.others], found.name)
        for found in band_sets(names)
    ]


@pytest.mark.parametrize(
    ("names", "color"),
    [
        (["n_g.fits", "n_i.fits", "n_r.fits"], ["n_i.fits", "n_r.fits", "n_g.fits"]),
        (["n-B.fit", "n-V.fit"], ["n-V.fit", "n-B.fit"]),
        (["n_b.fits", "n_g.fits", "n_r.fits"], ["n_r.fits", "n_g.fits", "n_b.fits"]),
        (
            ["frame-g-0028.fits.bz2", "frame-r-0028.fits.bz2"],
            ["frame-r-0028.fits.bz2", "frame-g-0028.fits.bz2"],
        ),
        (
            ["x-F435W.fits.gz", "x-F606W.fits.gz", "x-F160W.fits.gz"],
            ["x-F160W.fits.gz", "x-F606W.fits.gz", "x-F435W.fits.gz"],
        ),
        (
            ["x_f150w.fits", "x_f277w.fits", "x_f444w.fits"],
            ["x_f444w.fits", "x_f277w.fits", "x_f150w.fits"],
        ),
        (["a.J.fits", "a.Ks.fits", "a.H.fits"], ["a.Ks.fits", "a.H.fits", "a.J.fits"]),
    ],
)
def test_the_reddest_is_first(names: list[str], color: list[str]) -> None:
    ((found, others, _),) = sets(*names)
    assert (found, others) == (color, [])


def test_of_five_bands_three_are_shown() -> None:
    ((color, others, name),) = sets(*(f"n_{band}.fits" for band in "grizu"))
    assert color == ["n_i.fits", "n_r.fits", "n_g.fits"]
    assert sorted(others) == ["n_u.fits", "n_z.fits"]
    assert name == "n_irg"
    ((color, _, _),) = sets(*(f"n_{band}.fits" for band in "UBVRI"))
    assert color == ["n_R.fits", "n_V.fits", "n_B.fits"]


@pytest.mark.parametrize(
    "names",
    [
        ["a_g.fits", "b_r.fits"],  # other fields
        ["x/a_g.fits", "y/a_r.fits"],  # other folders
        ["a_g.jpg", "a_r.jpg"],  # pictures
        ["a_g.fits"],  # alone
        ["a_1.fits", "a_2.fits"],  # no bands
        ["ag.fits", "ar.fits"],  # no separator
        ["a_g.fits", "a_G.fits", "a_r.fits"],  # which g?
    ],
)
def test_what_is_no_set(names: list[str]) -> None:
    assert sets(*names) == []


def test_a_file_is_in_one_set_at_most() -> None:
    found = sets("h_g_1.fits", "h_r_1.fits", "h_i_1.fits", "k_g_1.fits", "k_r_1.fits")
    names = [name for color, others, _ in found for name in color + others]
    assert len(names) == len(set(names))
    assert found[0][0] == ["h_i_1.fits", "h_r_1.fits", "h_g_1.fits"]
