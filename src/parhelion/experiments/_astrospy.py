"""AstroSpy's three tables, its spectra and its t-SNE, stage by stage, the paper's beside ours."""

from collections.abc import Sequence
from pathlib import Path

from parhelion._files import write_json
from parhelion._settings import settings_dict
from parhelion.catalog import open_catalog
from parhelion.experiments._astrospy_data import choose
from parhelion.experiments._astrospy_pictures import write_embedding, write_spectra
from parhelion.experiments._astrospy_runs import Runs
from parhelion.experiments._astrospy_tables import FOURIER, JOINT, SCALES, tables
from parhelion.experiments._elsewhere import check_unseen, named
from parhelion.experiments._settings import ReproduceAstrospySettings
from parhelion.experiments._stages import Figures, Stages, machine, say
from parhelion.reporting import report_astrospy
from parhelion.training import read_card


def reproduce_astrospy(
    data: Sequence[Path | str],
    out: Path | str,
    settings: ReproduceAstrospySettings | None = None,
    *,
    elsewhere: Sequence[Sequence[Path | str]] = (),
) -> Figures:
    """Do the experiments of the AstroSpy paper, and write its tables and figures beside ours.

    Table 1 (Fourier path, image path, with augmentation, both joined in two ways; in-domain and
    on images from elsewhere), Table 2 (backbones), Table 3 (augmentations one by one), mean
    spectra of observed and made images (Figure 3), and a t-SNE of the joint features beside the
    Fourier path's.

    Parameters
    ----------
    data : sequence of Path
        Catalogs that together have observed and made images in each of train, validation and
        test; the paper splits 80-10-10.
    out : Path
        Folder for everything. ``index.html`` and ``summary.json`` are the results. Stages that
        an earlier run with the same settings finished are not done again.
    settings : ReproduceAstrospySettings, optional
        Scale, number of seeds, pretrained weights.
    elsewhere : sequence of sequences of Path
        Tests out of the domain, each of one or several catalogs, none of whose images is in
        `data` or descends from one there.

    Returns
    -------
    summary : dict
        What ``summary.json`` holds.

    Raises
    ------
    InputError
        If `data` is not split or lacks a class, `elsewhere` shares images with it, or `out` holds
        a run with other settings.
    """
    settings, out = settings or ReproduceAstrospySettings(), Path(out)
    scale = SCALES[settings.scale]
    whole, abroad = [open_catalog(root) for root in data], named(elsewhere)
    for name, catalogs in abroad.items():
        check_unseen(name, catalogs, whole)
    chosen = choose(whole, scale.most)
    fewer = {name: choose(c, scale.most, whole=True) for name, c in abroad.items()}
    facts = {
        "data": [str(root) for root in data],
        "elsewhere": [[str(root) for root in roots] for roots in elsewhere],
    }
    stages = Stages(out, "reproduce astrospy", settings, facts)
    runs = Runs(out / "runs", chosen, fewer, settings, scale.passes)
    plan = tables(scale)
    for number, rows in plan.items():
        seeds = 1 if scale.one_seed and number != "1" else settings.seeds
        for row in rows:
            runs.train(stages, row, seeds, abroad=number == "1")

    joint, fourier = (runs.done[name][0] for name in (JOINT, FOURIER))
    test = [catalog.select(split="test") for catalog in chosen]

    def spectra() -> Figures:
        return write_spectra(out, joint, test, settings.device)

    def embedding() -> Figures:
        pair = (("joint", joint), ("fourier", fourier))
        return write_embedding(out, pair, test, settings.device, settings.seed)

    card = read_card(joint, "detector")
    summary: Figures = {
        "paper": "astrospy",
        "spectra": stages.run("take mean spectra", spectra),
        "embedding": stages.run("lay out the features by t-SNE", embedding),
        "tables": {
            number: [runs.figures(row, abroad=number == "1") for row in rows]
            for number, rows in plan.items()
        },
        "order": runs.order(plan["1"]),
        "format_only_accuracy": card["format_only_accuracy"],
        "format_only_raw_accuracy": card["format_only_raw_accuracy"],
        "data": {**facts, "counts": card["data"]["counts"]},
        "detector": card["settings"],
        "settings": settings_dict(settings),
        "machine": machine(),
        **stages.costs(),
    }
    write_json(out / "summary.json", summary)
    report_astrospy(out)
    say(f"{out / 'index.html'} is written; {summary['seconds'] / 60:.1f} minutes in all")
    return summary
