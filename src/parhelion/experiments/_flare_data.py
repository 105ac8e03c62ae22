"""FLARE's sets of images: raw, enlarged, augmented, drawn and varied, each a catalog, made once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from parhelion._files import write_bytes
from parhelion._progress import progress
from parhelion.augmentation import (
    AugmentSettings,
    EnhanceSettings,
    augment,
    enhance,
    load_upscaler,
)
from parhelion.catalog import (
    CATALOG_FILE,
    Catalog,
    decode,
    derived_row,
    image_id,
    joined,
    open_catalog,
    resize,
    stems,
    write_derived,
)
from parhelion.errors import DecodeError, ModelError
from parhelion.experiments._settings import ReproduceFlareSettings
from parhelion.experiments._stages import Figures, Stages
from parhelion.generation import (
    GenerateSettings,
    VarySettings,
    generate,
    is_pipeline,
    trained_on,
    vary,
)
from parhelion.provenance import encode_image
from parhelion.training import find_model, read_card


@dataclass(frozen=True)
class Sets:
    """The images of the experiments.

    Attributes
    ----------
    low, high : Catalog
        Real images, all parts: as they came (or brought to the scale's side), and enlarged.
    low_augmented, high_augmented : Catalog
        The standard augmentations of each, of all parts: the judged ones serve the audit alone.
    synthetic : Catalog
        What the generator made from the train part (drawn from classes, and varied from images),
        enlarged, and the augmentations of it.
    elsewhere : mapping
        For each test elsewhere its real images, and these enlarged.
    """

    low: Catalog
    high: Catalog
    low_augmented: Catalog
    high_augmented: Catalog
    synthetic: Catalog
    elsewhere: Mapping[str, tuple[Catalog, Catalog]]


def prepare(
    stages: Stages,
    folder: Path,
    whole: Catalog,
    elsewhere: Mapping[str, Catalog],
    generator: str,
    settings: ReproduceFlareSettings,
    *,
    side: int | None,
    drawn: int,
    upscaler: str,
) -> Sets:
    """Make all sets of images, a stage for each.

    Parameters
    ----------
    stages : Stages
        What has been done.
    folder : Path
        A folder for each set is made here.
    whole : Catalog
        The real images, split and labeled.
    elsewhere : mapping of str to Catalog
        Tests out of the domain, labeled with classes of `whole`.
    generator : str
        See `check_generator`.
    settings : ReproduceFlareSettings
        Seed and device.
    side : int or None
        Pixels that real images are first brought to; as they came where None.
    drawn : int
        Images to draw of each class.
    upscaler : str
        Network that enlarges.
    """
    check_generator(generator, whole)
    load_upscaler(upscaler, settings.device)  # hours before it is needed, if it is not there

    def made(name: str, what: str, make: Callable[[Path], object]) -> Catalog:
        target = folder / name
        stages.run(what, partial(_once, target, make))
        return open_catalog(target)

    def enlarged(name: str, what: str, data: Catalog) -> Catalog:
        wanted = EnhanceSettings(device=settings.device)
        return made(name, what, lambda out: enhance(data, out, upscaler, wanted))

    def altered(name: str, what: str, data: Catalog) -> Catalog:
        wanted = AugmentSettings(split="all", seed=settings.seed, workers=settings.workers)
        return made(name, what, lambda out: augment(data, out, wanted))

    def brought(name: str, what: str, data: Catalog) -> Catalog:
        return data if side is None else made(name, what, lambda out: _smaller(data, out, side))

    low = brought("low", f"bring the images to {side} px", whole)
    high = enlarged("high", "enlarge them", low)
    low_augmented = altered("low-augmented", "augment the raw images", low)
    high_augmented = altered("high-augmented", "augment the enlarged images", high)

    parts = []
    for place, label in enumerate(_labels(whole)):
        seed = settings.seed + place * drawn
        wanted = GenerateSettings(drawn, seed, label, device=settings.device)
        parts.append(
            made(
                f"drawn-{place}",
                f"draw images of class {label}",
                partial(_generate, generator, wanted),
            )
        )
    freedom = VarySettings(strength=settings.strength, seed=settings.seed, device=settings.device)
    varied = made(
        "varied",
        "vary the images to learn from",
        lambda out: vary(generator, low, out, freedom),
    )
    synthetic = enlarged("synthetic", "enlarge what was made", joined([*parts, varied]))
    altered_too = altered("synthetic-augmented", "augment what was made", synthetic)

    abroad = {}
    for place, (name, catalog) in enumerate(elsewhere.items()):
        small = brought(f"elsewhere-{place}", f"bring {name} to {side} px", catalog)
        abroad[name] = (small, enlarged(f"elsewhere-{place}-high", f"enlarge {name}", small))
    return Sets(low, high, low_augmented, high_augmented, joined([synthetic, altered_too]), abroad)


def check_generator(generator: str, whole: Catalog) -> None:
    """Raise `ModelError` unless a generator learned from the train part alone, with its labels.

    What a pretrained pipeline learned from is not known, and passes.
    """
    if is_pretrained(generator):
        return
    card = read_card(find_model(generator))
    is_ours = card["kind"] == "diffusion" and "label" in card["conditions"]
    if not (is_ours or card["kind"] == "lora"):
        raise ModelError(
            f"--generator (={generator}) must be a diffusion model conditioned on labels: "
            "`parhelion train diffusion --condition-on label`"
        )
    columns = card["settings"].get("condition_on", ["label"])
    if card["data"]["fingerprint"] != trained_on([whole], columns):
        raise ModelError(
            f"--generator (={generator}) did not learn from the train part of {whole.root} and "
            "from nothing else; what it knows of judged images would leak: train one with "
            f"`parhelion train diffusion --data {whole.root}`"
        )


def is_pretrained(generator: str) -> bool:
    """Tell whether a generator is a pipeline as somebody else trained it."""
    return is_pipeline(generator) and not (Path(generator) / "model.json").is_file()


def _once(target: Path, make: Callable[[Path], object]) -> Figures:
    """Make a catalog unless a run that was killed has just made it, and count it."""
    if not (target / CATALOG_FILE).is_file():
        make(target)
    return {"images": len(open_catalog(target))}


def _generate(generator: str, settings: GenerateSettings, out: Path) -> Catalog:
    return generate(generator, out, settings)


def _smaller(catalog: Catalog, out: Path, side: int) -> Catalog:
    """Write the middle square of each image, brought to one side (Lanczos)."""
    rows, rejected = [], {}
    jobs = zip(catalog.rows(), catalog.files(), stems(catalog), strict=True)
    for parent, path, stem in progress(jobs, total=len(catalog), what="resizing"):
        try:
            pixels = resize(decode(path)[0].pixels, side)
        except DecodeError as error:
            rejected[parent["path"]] = str(error)
            continue
        recipe = {"operation": "resize", "side": side, "parent_id": parent["image_id"]}
        file = out / "images" / f"{stem}.png"
        write_bytes(file, encode_image(pixels, "PNG", recipe=recipe, made=False))
        rows.append(
            derived_row(
                parent,
                "observed",  # fewer pixels of the same observation
                file=file,
                image_id=image_id(pixels),
                shape=pixels.shape,
                format="PNG",
                recipe=recipe,
            )
        )
    return write_derived(out, catalog, rows, rejected, done="resized")


def _labels(catalog: Catalog) -> list[str]:
    return sorted({label for label in catalog.select(split="train").column("label") if label})
