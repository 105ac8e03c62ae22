"""Clusters of places, and tables of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from parhelion.errors import InputError
from parhelion.sky._frame import to_sky, view_cards
from parhelion.sky._positions import clustered, read_given

CARDS = view_cards(100, ra=10.0, dec=-20.0, pixel_scale=1.0)


def test_clusters_keep_the_total_and_no_edge_is_empty():
    size, count = 1000, 2000
    totals = np.zeros((10, 10))
    for seed in range(30):
        x, y = clustered(count, size, seed=seed, members=25, radius=40)
        assert len(x) == len(y) == count
        assert min(x.min(), y.min()) >= -0.5
        assert max(x.max(), y.max()) < size - 0.5
        totals += np.histogram2d(y, x, 10, [[-0.5, 999.5]] * 2)[0]
    edge = np.ones((10, 10), bool)
    edge[1:-1, 1:-1] = False
    # 36 cells of 30 * 20; clusters scatter their mean by some 5 %.
    assert totals[edge].mean() / totals[~edge].mean() == pytest.approx(1, abs=0.12)


def test_clusters_are_clusters():
    x, y = clustered(4000, 2000, seed=1, members=20, radius=15)
    counts, _, _ = np.histogram2d(y, x, 40, [[-0.5, 1999.5]] * 2)
    # Of independent places the variance is the mean; a cluster adds some 20 to the ratio.
    assert counts.var() / counts.mean() > 6
    other, _ = clustered(4000, 2000, seed=2, members=20, radius=15)
    assert not np.array_equal(x, other)
    np.testing.assert_array_equal(x, clustered(4000, 2000, seed=1, members=20, radius=15)[0])


def test_a_few_clusters_are_enough():
    x, _ = clustered(5, 100, seed=0, members=1000, radius=50)
    assert len(x) == 5


def test_tables_in_every_format_say_the_same(tmp_path):
    x, y, flux = [10.0, 50.5, 400.0], [20.0, 99.0, 3.0], [5.0, None, 7.0]
    ids = ["one", None, "three"]
    pq.write_table(
        pa.table({"X": x, "y": y, "flux": flux, "image_id": ids}), tmp_path / "t.parquet"
    )
    (tmp_path / "t.csv").write_text("x,y,flux,image_id\n10,20,5,one\n50.5,99,,\n400,3,7,three\n")
    columns = [
        fits.Column("x", "D", array=x),
        fits.Column("y", "D", array=y),
        fits.Column("flux", "D", array=[5.0, np.nan, 7.0]),
        fits.Column("image_id", "5A", array=["one", "", "three"]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    for name in ("t.parquet", "t.csv", "t.fits"):
        given = read_given(str(tmp_path / name), 100, CARDS)
        assert len(given) == 2
        assert given.outside == 1
        assert given.x.tolist() == [10, 50.5]
        assert given.y.tolist() == [20, 99]
        np.testing.assert_array_equal(given.flux, [5, np.nan])
        assert np.isnan(given.size).all()
        assert given.image_id == ["one", ""]


def test_coordinates_become_pixels_and_the_far_side_is_outside(tmp_path):
    ra, dec = to_sky(CARDS, np.array([3.0, 80.0]), np.array([4.0, 60.0]))
    rows = [*zip(ra, dec, strict=True), (190.0, 20.0)]
    text = "".join(f"{float(a)!r},{float(d)!r},90\n" for a, d in rows)
    (tmp_path / "t.csv").write_text("ra,dec,angle\n" + text)
    given = read_given(str(tmp_path / "t.csv"), 100, CARDS)
    np.testing.assert_allclose(given.x, [3, 80], atol=1e-6)
    np.testing.assert_allclose(given.y, [4, 60], atol=1e-6)
    np.testing.assert_allclose(given.angle, np.pi / 2)
    assert given.outside == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("no.csv", None, "no table at"),
        ("t.txt", "x,y\n1,2\n", "must end in"),
        ("t.csv", "x,z\n1,2\n", r"has neither x, y nor ra, dec among its columns \(x, z\)"),
        ("t.csv", "x,y\n", "has no rows"),
        ("t.csv", "x,y\n1,2\nfar,2\n", r"x \(='far'\) in row 2 is not a number"),
        ("t.csv", "x,y\n1,2\n,2\n", "x, y in row 2 cannot be used"),
        ("t.csv", "x,y,size\n1,2,0\n", "size in row 1 cannot be used"),
        ("t.csv", "x,y\n100,2\n", "none of its 1 positions is in the view of 100 pixels"),
        ("t.parquet", "not one", "cannot be read as a table"),
        ("t.fits", "not one", "cannot be read as a table"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_given(str(tmp_path / name), 100, CARDS)
    assert "\n" not in str(caught.value)
    assert "--placement" in str(caught.value)
