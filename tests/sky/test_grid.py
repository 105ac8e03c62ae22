"""The chaotic grid."""

import numpy as np
from PIL import Image

from parhelion.sky import WidefieldSettings, read_truth, widefield
from parhelion.sky._grid import Grid, grid_order


def test_every_image_has_its_cell(tmp_path, made, real_field):
    asked = WidefieldSettings(
        count=10, size=200, seed=3, like=str(real_field), min_area=30, layout="grid"
    )
    view = widefield(made, tmp_path / "out", asked)
    truth = read_truth(view.folder)
    assert truth["kind"].to_pylist() == ["tile"] * 10
    x, y = truth["x"].to_numpy(), truth["y"].to_numpy()
    # Ten images on 4 x 4 cells of 50 pixels.
    assert (x // 50 + 4 * (y // 50)).tolist() == list(range(10))
    with Image.open(view.image) as image:
        pixels = np.asarray(image)
    assert (pixels[150:] == 0).all()
    for index in range(10):
        near = pixels[round(y[index]) - 2 : round(y[index]) + 3, round(x[index]) - 2 :][:, :5]
        assert near.max() > 60


def test_sides_are_half_a_cell_to_a_cell_and_images_take_turns(tmp_path):
    grid = Grid(tmp_path, ["x"] * 400, size=2000, seed=0, channels=3)
    assert grid._side.min() >= 50
    assert grid._side.max() <= 100
    assert np.bincount(grid_order(400, 40, 0)).tolist() == [10] * 40
