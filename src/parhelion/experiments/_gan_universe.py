"""GAN-Universe's experiments, stage by stage, resumable at each, with the paper's beside ours."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parhelion._files import write_json
from parhelion._settings import load_recipe, settings_dict
from parhelion.catalog import Catalog, open_catalog
from parhelion.classification import load_classifier
from parhelion.errors import InputError
from parhelion.experiments._settings import ReproduceSettings
from parhelion.experiments._stages import Figures, Stages, machine, say
from parhelion.generation import (
    GanSettings,
    GenerateSettings,
    InterpolateSettings,
    SheetSettings,
    generate,
    interpolate,
    sheet,
    train_gan,
)
from parhelion.measurement import (
    MINIMUM,
    MeasureFieldSettings,
    MeasureGeneratorSettings,
    MeasureMemorisationSettings,
    load_features,
    measure_field,
    measure_generator,
    measure_memorisation,
)
from parhelion.reporting import report_reproduction
from parhelion.sky import WidefieldSettings, widefield
from parhelion.training import read_card

#: Made images that the paper searched for copies, and neighbors that it shows of each.
_SEARCHED, _NEIGHBORS = 40, 5
_WALK = (1, 2, 3, 4)


@dataclass(frozen=True)
class _Scale:
    galaxies: str
    bodies: str
    made: int
    placed: int
    canvas: int
    zoom: tuple[float, ...]


_SCALES = {
    "small": _Scale("gan-universe-small", "gan-universe-small", 1000, 6000, 8192, (1.0, 0.5, 2.0)),
    "paper": _Scale(
        "gan-universe-galaxies-256",
        "gan-universe-bodies-128",
        5000,
        25_000,
        60_000,
        (1.0, 0.5, 2.0),
    ),
}


def reproduce_gan_universe(
    data: Path | str,
    out: Path | str,
    settings: ReproduceSettings | None = None,
    *,
    bodies: Path | str | None = None,
) -> Figures:
    """Do the experiments of the GAN-Universe paper, and write its tables and figures beside ours.

    Training, Fréchet distance with a galaxy classifier, class distribution (Table 1), SSIM
    search for memorized images (Figure 5), a wide view of the universe, and a galaxy detector
    run over it (Figure 4).

    Parameters
    ----------
    data : Path
        Catalog of galaxies, split; the paper's has 61,636 of Galaxy Zoo.
    out : Path
        Folder for everything. ``index.html`` and ``summary.json`` are the results. Stages that
        an earlier run with the same settings finished are not done again.
    settings : ReproduceSettings, optional
        Scale, classifier and seed.
    bodies : Path, optional
        Catalog of the paper's other experiment, 283 web images of celestial bodies; it is left
        out when not given.

    Returns
    -------
    summary : dict
        What ``summary.json`` holds.

    Raises
    ------
    InputError
        If `data` is not split, or `out` holds a run with other settings.
    """
    settings = settings or ReproduceSettings()
    out, real = Path(out), _split_catalog(data)
    others = None if bodies is None else _split_catalog(bodies)
    _check(real, settings)
    scale = _SCALES[settings.scale]
    facts = {"data": str(data), "bodies": None if bodies is None else str(bodies)}
    images = {"--data": real} | ({} if others is None else {"--bodies": others})
    stages = Stages(out, "reproduce gan-universe", settings, facts, images=images)
    run, made, sky = out / "1-generator", out / "2-made", out / "5-sky"

    def draw_figures() -> Figures:
        sheet(run, out / "made.png", SheetSettings(count=64, columns=16, seed=settings.seed))
        interpolate(run, _WALK, out / "walk.gif", InterpolateSettings())
        return {"made.png": "64 made images", "walk.gif": f"seeds {_WALK}"}

    def measure() -> Figures:
        options = MeasureGeneratorSettings(
            image_size=_side(scale.galaxies),
            features=(settings.classifier, Path("self-supervised"), *settings.features),
            classifier=settings.classifier,
            split="test",
            seed=settings.seed,
        )
        return measure_generator(real, made, out / "3-measured", options)

    def search() -> Figures:
        options = MeasureMemorisationSettings(
            neighbors=_NEIGHBORS, image_size=_side(scale.galaxies), split="train"
        )
        chosen = open_catalog(made)
        chosen = Catalog(chosen.root, chosen.table.slice(0, _SEARCHED))
        return measure_memorisation(real, chosen, out / "4-copies", options)

    def paint() -> Figures:
        options = WidefieldSettings(
            count=scale.placed,
            size=scale.canvas,
            seed=settings.seed,
            format=("deepzoom",),
            overwrite=True,
        )
        view = widefield(made, sky, options)
        return {"galaxies": view.galaxies, "size": view.size, "seconds": view.seconds}

    def paint_grid() -> Figures:
        options = WidefieldSettings(
            count=400, size=2048, seed=settings.seed, layout="grid", overwrite=True
        )
        view = widefield(made, out / "6-grid", options)
        return {"galaxies": view.galaxies, "size": view.size, "seconds": view.seconds}

    def find() -> Figures:
        return measure_field(sky, MeasureFieldSettings(zoom=scale.zoom), out / "7-found")

    galaxies = stages.run(
        "train the generator of galaxies",
        lambda: _train(real, run, scale.galaxies, settings),
    )
    stages.run("draw galaxies", lambda: _draw(run, made, scale.made, settings.seed))
    stages.run("draw a sheet and a walk", draw_figures)
    summary: dict[str, Any] = {
        "paper": "gan-universe",
        "galaxies": galaxies,
        "measures": stages.run("measure them", measure),
        "memorisation": stages.run("search for memorized images", search),
        "widefield": stages.run("paint the universe", paint),
        "grid": stages.run("paint it in the paper's way", paint_grid),
        "field": stages.run("find its galaxies", find),
        "bodies": None,
    }
    if others is not None:
        summary["bodies"] = _bodies(stages, others, out, scale, settings)
    summary |= {
        "images": len(real),
        "settings": settings_dict(settings),
        "machine": machine(),
        **stages.costs(),
    }
    write_json(out / "summary.json", summary)
    report_reproduction(out)
    say(f"{out / 'index.html'} is written; {summary['seconds'] / 60:.1f} minutes in all")
    return summary


def _bodies(
    stages: Stages, real: Catalog, out: Path, scale: _Scale, settings: ReproduceSettings
) -> Figures:
    """The paper's first experiment: few and various images, 128 pixels."""
    run, made = out / "8-bodies", out / "9-bodies-made"

    def measure() -> Figures:
        options = MeasureGeneratorSettings(
            image_size=_side(scale.bodies), features=settings.features, seed=settings.seed
        )
        return measure_generator(real, made, out / "10-bodies-measured", options)

    return {
        "images": len(real),
        "generator": stages.run(
            "train the generator of celestial bodies",
            lambda: _train(real, run, scale.bodies, settings),
        ),
        "made": stages.run(
            "draw celestial bodies", lambda: _draw(run, made, scale.made, settings.seed)
        ),
        "measures": stages.run("measure these", measure),
    }


def _train(real: Catalog, run: Path, recipe: str, settings: ReproduceSettings) -> Figures:
    wanted = load_recipe(recipe, "train gan", GanSettings)
    images = max(wanted.batch, round(wanted.images * settings.share))
    wanted = replace(wanted, images=images, seed=settings.seed)
    card = read_card(train_gan(real, run, wanted, resume=True), "gan")
    names = (
        "settings",
        "images_seen",
        "images_per_second",
        "precision",
        "generator_parameters",
        "discriminator_parameters",
        "model_id",
    )
    return {name: card[name] for name in names}


def _draw(run: Path, made: Path, count: int, seed: int) -> Figures:
    options = GenerateSettings(count=count, seed=seed * 1_000_000, overwrite=True)
    return {"count": len(generate(run, made, options))}


def _side(recipe: str) -> int:
    return load_recipe(recipe, "train gan", GanSettings).image_size


def _check(real: Catalog, settings: ReproduceSettings) -> None:
    """Raise `InputError` for what would end the job hours from now."""
    load_classifier(settings.classifier)
    for network in settings.features:
        load_features(network)
    count = len(real.select(origin="observed", split="test"))
    if count < 2 * MINIMUM:
        raise InputError(
            f"{real.root} has {count} observed images in its test part, and {2 * MINIMUM} are "
            "needed to compare made ones with; split it with a larger --test"
        )


def _split_catalog(data: Path | str) -> Catalog:
    catalog = open_catalog(data)
    if not any(catalog.column("split")):
        raise InputError(
            f"{data} is not split, and made images must be compared with ones that the "
            f"generator never saw; run `parhelion split {data}` first"
        )
    return catalog
