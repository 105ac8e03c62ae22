"""The page of ``parhelion reproduce gan-universe``: the paper's experiments beside ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parhelion._files import write_text
from parhelion.reporting._blocks import Block, Section
from parhelion.reporting._field_page import field_section
from parhelion.reporting._measure_page import measure_sections
from parhelion.reporting._pictures import file_uri
from parhelion.reporting._render import render
from parhelion.reporting._report import costs_section, read_summary
from parhelion.reporting._sections import sections_of

PAGE_FILE = "index.html"

Figures = Mapping[str, Any]


def report_reproduction(folder: Path | str) -> Path:
    """Write the page of a folder that `reproduce_gan_universe` wrote.

    Parameters
    ----------
    folder : Path
        Holds ``summary.json`` and the folders of the stages.

    Returns
    -------
    path : Path
        ``index.html`` in the folder; it needs no other file, but for the links to the view.

    Raises
    ------
    InputError
        If the folder holds no such summary.
    """
    folder = Path(folder)
    summary = read_summary(folder, "gan-universe")
    sections = [
        _beside(summary),
        _galaxies(folder),
        *sections_of(folder / "1-generator"),
        *measure_sections(folder / "3-measured"),
        _copies(folder, summary["memorisation"]),
        *sections_of(folder / "5-sky"),
        _grid(folder, summary["grid"]),
        field_section(folder / "7-found"),
    ]
    if summary["bodies"] is not None:
        sections += sections_of(folder / "8-bodies")
        sections += measure_sections(folder / "10-bodies-measured")
    page = render(
        [*sections, costs_section(summary)],
        title="GAN-Universe, done again",
        lead=(
            "The experiments of Generative Adversarial Networks for Astronomical Images "
            f"Generation at {summary['settings']['scale']} scale, on {summary['images']:,} "
            "images. Everything on this page was measured by the run that wrote it; what is the "
            "paper's is said to be."
        ),
        cards=_cards(summary),
        place=folder,
    )
    target = folder / PAGE_FILE
    write_text(target, page)
    return target


def _cards(summary: Figures) -> list[dict[str, str]]:
    measures, field = summary["measures"], summary["field"]
    found = summary["memorisation"]
    return [
        {"name": "images seen in training", "value": f"{summary['galaxies']['images_seen']:,}"},
        {
            "name": f"Fréchet, galaxy classifier (floor {measures['frechet_floor']:.3g})",
            "value": f"{measures['frechet']:.3g}",
        },
        {"name": "largest SSIM with a real image", "value": f"{found['max_ssim']:.2f}"},
        {"name": "galaxies in the universe", "value": f"{summary['widefield']['galaxies']:,}"},
        {"name": "found by the detector", "value": f"{field['completeness']:.0%}"},
        {"name": "minutes, all in all", "value": f"{summary['seconds'] / 60:.1f}"},
    ]


def _beside(summary: Figures) -> Section:
    """Each experiment: what the paper did, what was done here, and what differs."""
    training, measures = summary["galaxies"], summary["measures"]
    found, sky, field = summary["memorisation"], summary["widefield"], summary["field"]
    settings = training["settings"]
    side = f"{settings['image_size']} px"
    rows = [
        (
            "Training, galaxies",
            "Lightweight GAN, 61,636 images of Galaxy Zoo, 256 px, on a GPU",
            f"Lightweight GAN, {summary['images']:,} images (its train part), {side}, "
            f"{training['images_seen']:,} seen at {training['images_per_second']:.0f} per second",
            f"fewer images, other widths ({training['generator_parameters'] / 1e6:.1f} M "
            f"parameters in the generator), R1 penalty, {summary['machine']}",
        ),
        (
            "Fréchet distance",
            "features of an Xception that classifies galaxies, no interval",
            f"{measures['frechet']:.3g} at n = {measures['count']:,}, 95 % interval "
            f"{measures['frechet_interval'][0]:.3g} to {measures['frechet_interval'][1]:.3g}; "
            f"floor {measures['frechet_floor']:.3g}",
            f"{measures['network']}: another classifier, so the two figures have no common "
            "scale; real images are of the test part, which the generator never saw",
        ),
        (
            "Class distribution",
            "Table 1: shares of spiral, elliptical and irregular, side by side",
            _classes(measures),
            "a chi-square test beside the shares; the classifier and its errors are ours",
        ),
        (
            "Memorized images",
            "40 made images against 61,577 real ones by SSIM, a loop of five hours",
            f"{found['generated']} against {found['searched']:,} in {found['seconds']:.1f} s: "
            f"largest SSIM {found['max_ssim']:.3f}, {found['flagged']} flagged",
            "a null from real images tells what similarity is usual",
        ),
        (
            "The universe",
            "25,000 made tiles, resized and laid out in a chaotic grid",
            f"{sky['galaxies']:,} galaxies on {sky['size']:,} x {sky['size']:,} px in "
            f"{sky['seconds']:.0f} s",
            "galaxies are cut out of their sky and laid into one, with a truth catalog; the "
            "paper's grid is below, for comparison",
        ),
        (
            "Detector over it",
            "a trained galaxy detector, whole and zoomed, shown in Figure 4, not scored",
            f"completeness {field['completeness']:.3f}, purity {field['purity']:.3f}",
            "sep in place of a network; scored against the truth",
        ),
    ]
    header = ("experiment", "the paper", "here", "what differs")
    text = "The figures are not of the same data: read them as the same questions, asked again."
    return Section("The paper's experiments beside ours", text, [Block(header=header, rows=rows)])


def _classes(measures: Figures) -> str:
    if not measures["classes"]:
        return "no classifier was given"
    table = measures["classes"][0]
    if table["cramers_v"] is None:
        return "too few images or classes for a test; the table is below"
    return f"Cramér's V {table['cramers_v']:.2f} at n = {measures['count']:,}; the table is below"


def _galaxies(folder: Path) -> Section:
    blocks = [
        Block("64 seeds in order, none chosen.", picture=file_uri(folder / "made.png")),
        Block("A walk through latent space.", picture=file_uri(folder / "walk.gif"), half=True),
    ]
    return Section("Made galaxies", "Drawn by the averaged weights, without truncation.", blocks)


def _copies(folder: Path, found: Figures) -> Section:
    null = found["null"]
    text = (
        f"{found['generated']} made images against every one of {found['searched']:,} real ones "
        f"that the generator saw, at {found['image_size']} px: gray SSIM, a 7 x 7 uniform window. "
        f"Real images have a nearest other real image with an SSIM of {null['median']:.2f} at the "
        f"median and {null['max']:.2f} at most; of the made ones "
        f"{found['exceeding']} exceed that, and {found['flagged']} stand out as copies do."
    )
    caption = "Made images, and the real ones most like each; as in the paper's Figure 5."
    picture = file_uri(folder / "4-copies" / "memorisation.png")
    return Section("Memorized images", text, [Block(caption, picture=picture)])


def _grid(folder: Path, grid: Figures) -> Section:
    text = (
        f"The paper's own way, for comparison: {grid['galaxies']} whole images, resized, in a "
        "chaotic grid. Their frames show, and nobody knows afterwards what was where."
    )
    view = next((folder / "6-grid").glob("view.*"))
    return Section("The paper's universe", text, [Block(picture=file_uri(view))])
