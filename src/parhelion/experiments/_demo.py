"""The whole loop on real Hubble Deep Field pixels, stage by stage, resumable at each."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from parhelion._files import write_json, write_text
from parhelion._settings import load_recipe, settings_dict
from parhelion.catalog import CutoutSettings, cutouts, open_catalog, split
from parhelion.detection import DetectorSettings, DetectSettings, detect, train_detector
from parhelion.errors import InputError
from parhelion.experiments._demo_settings import DemoSettings
from parhelion.experiments._stages import Figures, Stages, machine, say
from parhelion.generation import GanSettings, GenerateSettings, generate, train_gan
from parhelion.measurement import (
    MeasureFieldSettings,
    MeasureGeneratorSettings,
    measure_detector,
    measure_field,
    measure_generator,
)
from parhelion.reporting import report
from parhelion.sky import WidefieldSettings, widefield
from parhelion.training import read_card

#: Minutes that the recipes' budgets were chosen for.
_REFERENCE_MINUTES = 8.0
_MADE = 512
_EXPLAINED = 4  # of each kind


def demo(out: Path | str = "demo", settings: DemoSettings | None = None) -> Figures:
    """Cut out, split, train, generate, check for copies, paint a sky, detect, judge, report.

    Parameters
    ----------
    out : Path
        Folder for everything. ``report.html`` and ``summary.json`` are the results. Stages
        that an earlier run with the same settings finished are not done again.
    settings : DemoSettings, optional
        How much to do.

    Returns
    -------
    summary : dict
        What ``summary.json`` holds.

    Raises
    ------
    InputError
        If `out` holds a demo with other settings.
    """
    settings = settings or DemoSettings()
    out = Path(out)
    field = settings.field or _hubble_deep_field()
    share = settings.minutes / _REFERENCE_MINUTES
    real, run, made = out / "1-cutouts", out / "2-generator", out / "3-made"
    measured, sky = out / "4-measured", out / "5-sky"
    detector, judged, verdicts = out / "6-detector", out / "7-judged", out / "8-verdicts"
    stages = Stages(out, "demo", settings)

    def cut() -> Figures:
        cutouts([field], real, CutoutSettings(overwrite=True))
        (catalog,) = split([real])
        parts = {name: len(catalog.select(split=name)) for name in ("train", "validation", "test")}
        return {"count": len(catalog), "groups": len(set(catalog.column("group_id"))), **parts}

    def learn() -> Figures:
        name = "demo-64" if settings.from_scratch else "demo-fine-tune"
        recipe = load_recipe(name, "train gan", GanSettings)
        images = max(recipe.batch, round(recipe.images * share))
        recipe = replace(recipe, images=images, seed=settings.seed, sample_every=images // 12 + 1)
        card = read_card(train_gan(real, run, recipe, resume=True), "gan")
        wanted = (
            "images_seen",
            "images_per_second",
            "precision",
            "generator_parameters",
            "discriminator_parameters",
            "model_id",
        )
        return {name: card[name] for name in wanted}

    def draw() -> Figures:
        start = settings.seed * 1_000_000
        options = GenerateSettings(count=_MADE, seed=start, overwrite=True)
        return {"count": len(generate(run, made, options))}

    def compare() -> Figures:
        figures = measure_generator(
            real, made, measured, MeasureGeneratorSettings(seed=settings.seed)
        )
        copies, spectra = figures["memorisation"], figures["spectra"]
        return {
            "kid": figures["kid"],
            "kid_interval": figures["kid_interval"],
            "kid_count": figures["count"],
            "kid_floor": figures["kid_floor"],
            "kid_floor_interval": figures["kid_floor_interval"],
            "kid_floor_count": figures["floor_count"],
            "frechet": figures["frechet"],
            "frechet_interval": figures["frechet_interval"],
            "features": figures["network"],
            "memorisation": {name: copies[name] for name in copies if name != "pairs"},
            "spectrum_difference": spectra["log_difference"],
            "spectrum_difference_interval": spectra["log_difference_interval"],
        }

    def paint() -> Figures:
        options = WidefieldSettings(
            count=settings.galaxies,
            size=settings.size,
            seed=settings.seed,
            like=None if settings.field is None else str(settings.field),
            format=("png", "deepzoom"),
            overwrite=True,
        )
        view = widefield(made, sky, options)
        return {"galaxies": view.galaxies, "size": view.size}

    def find() -> Figures:
        figures = measure_field(sky, MeasureFieldSettings(zoom=()))
        write_json(sky / "measure.json", figures)
        wanted = ("detected", "matched", "completeness", "purity")
        intervals = {f"{k}_interval": figures[f"{k}_interval"] for k in ("completeness", "purity")}
        return {**{name: figures[name] for name in wanted}, **intervals}

    def judge() -> Figures:
        split([made])
        recipe = load_recipe("demo-detector", "train detector", DetectorSettings)
        images = max(recipe.batch, round(recipe.images * share))
        recipe = replace(recipe, images=images, seed=settings.seed)
        train_detector([real, made], detector, recipe, resume=True)
        figures = measure_detector(detector, [real, made], judged, seed=settings.seed)
        names = ("accuracy", "balanced_accuracy", "auc", "ece", "brier")
        wanted = [*names, *(f"{name}_interval" for name in names), "count", "observed", "made"]
        controls = ("format_only_accuracy", "format_only_raw_accuracy")
        return {name: figures[name] for name in (*wanted, *controls)}

    def explain() -> Figures:
        unseen = []
        for catalog in (open_catalog(real), open_catalog(made)):
            test = catalog.select(split="test")
            unseen += list(zip(test.files(), test.column("origin"), strict=True))[:_EXPLAINED]
        paths = [path for path, _ in unseen]
        given = list(detect(paths, detector, DetectSettings(explain=verdicts)))
        lines = [
            json.dumps({**asdict(verdict), "origin": origin})
            for verdict, (_, origin) in zip(given, unseen, strict=True)
        ]
        write_text(verdicts / "verdicts.jsonl", "\n".join(lines) + "\n")
        return {"count": len(given)}

    figures = {
        "cutouts": stages.run("cut out galaxies, split by group", cut),
        "generator": stages.run("train the generator", learn),
        "made": stages.run("draw galaxies", draw),
        **stages.run("measure them, look for copies", compare),
        "widefield": stages.run("paint a wide view", paint)
        | stages.run("find its sources again", find),
        "detector": stages.run("train the detector, judge held-apart images", judge),
        "verdicts": stages.run("explain verdicts", explain),
    }
    summary = {
        **figures,
        "field": str(field.name),
        "settings": settings_dict(settings),
        "machine": machine(),
        **stages.costs(),
    }
    write_json(out / "summary.json", summary)
    report([out], out / "report.html")
    say(f"{out / 'report.html'} is written; {summary['seconds'] / 60:.1f} minutes in all")
    return summary


def _hubble_deep_field() -> Path:
    """Return the JPEG file that comes with scikit-image: real pixels, no download."""
    import skimage.data

    path = Path(skimage.data.__file__).with_name("hubble_deep_field.jpg")
    if not path.is_file():
        raise InputError(f"this scikit-image lacks {path.name}; give a field with --field FILE")
    return path
