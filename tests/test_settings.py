"""Settings: bad values name their flag, TOML and Python fill the same dataclass."""

from pathlib import Path

import pytest

from parhelion._settings import load_recipe, recipe_path, save_settings, settings_from_dict
from parhelion.errors import InputError, SettingsError
from parhelion.generation import GanSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_size": 48}, "--image-size (=48) must be one of"),
        ({"batch": 1}, "--batch (=1) must be at least 2"),
        ({"learning_rate": 0.0}, "--learning-rate (=0.0) must be in (0, 1)"),
        ({"augmentations": ("blur",)}, "--augmentations (=['blur']) must be of"),
        ({"seed": -1}, "--seed (=-1) must not be negative"),
        ({"beta1": 1.0}, "--beta1 (=1.0) must be in [0, 1)"),
        ({"batch": 6, "processes": 4}, "--batch (=6) must be divisible by --processes (=4)"),
    ],
)
def test_a_bad_value_names_flag_value_and_what_to_do(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        GanSettings(**values)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_fills_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[train.gan]\nimage-size = 128\naugmentations = ['color']\n")
    settings = load_recipe(path, "train gan", GanSettings)
    assert settings == GanSettings(image_size=128, augmentations=("color",))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("batch = '16'", r"batch \(='16'\) in .* must be a whole number"),
        ("images = 2.5", r"images \(=2.5\) in .* must be a whole number"),
        ("seed = true", r"seed \(=True\) in .* must be a whole number"),
        ("learning-rate = 'fast'", "must be a number"),
        ("upsampling = 'shufle'", "must be .*'shuffle'"),
        ("augmentations = 'color'", "must be a list of a text in quotes"),
    ],
)
def test_values_of_a_recipe_are_of_the_field_s_type(
    line: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[train.gan]\n{line}\n")
    with pytest.raises(SettingsError, match=message):
        load_recipe(path, "train gan", GanSettings)


def test_a_recipe_for_another_verb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text in ("train = 3\n", "[train.detector]\nbatch = 4\n[classes]\na = 'b'\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"has no table \[train.gan\]; its tables are: "):
            load_recipe(path, "train gan", GanSettings)
    with pytest.raises(InputError, match=r"are: \[train.detector\], \[classes\]"):
        load_recipe(path, "train gan", GanSettings)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown setting 'imagesize' in here"):
        settings_from_dict(GanSettings, {"imagesize": 64}, where="here")


@pytest.mark.parametrize(
    "name", ["demo-64", "gan-universe-bodies-128", "gan-universe-galaxies-256"]
)
def test_the_recipes_that_ship_are_valid(name: str) -> None:
    settings = load_recipe(name, "train gan", GanSettings)
    assert str(settings.image_size) in name


def test_published_settings_of_gan_universe() -> None:
    settings = load_recipe("gan-universe-galaxies-256", "train gan", GanSettings)
    assert (settings.batch, settings.learning_rate) == (3, 2e-4)
    assert settings.augment_probability == 0.25


def test_an_unknown_recipe_lists_those_that_ship() -> None:
    with pytest.raises(InputError, match="no settings file 'demo-63'.*demo-64"):
        recipe_path("demo-63")


def test_broken_toml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = = 1")
    with pytest.raises(InputError, match="not valid TOML"):
        load_recipe(path, "train gan", GanSettings)


def test_saved_settings_name_verb_and_values(tmp_path: Path) -> None:
    save_settings(tmp_path, "train gan", GanSettings(seed=5), data=tmp_path)
    text = (tmp_path / "settings.json").read_text()
    assert '"verb": "train gan"' in text
    assert '"seed": 5' in text
