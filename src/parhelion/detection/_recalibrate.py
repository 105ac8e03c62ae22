"""New thresholds and probabilities for a trained detector, from images that it has not seen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parhelion._names import short_name_of_each
from parhelion.catalog import Catalog
from parhelion.detection._align import fit_bands, fit_lines, joined, limits, log_odds, temperatures
from parhelion.detection._figures import sigmoid, told
from parhelion.detection._predict import load_detector, near_edges
from parhelion.detection._scores import SCORES_FILE, check_chain, evaluate, verdicts, write_scores
from parhelion.errors import InputError, SettingsError
from parhelion.training import find_model, read_card, save_model


def calibrate(
    model: Path | str,
    catalogs: Sequence[Catalog | Path | str],
    out: Path | str,
    *,
    split: str | None = None,
    chains: Sequence[str] = (),
    error: float | None = None,
) -> dict[str, Any]:
    """Calibrate a trained detector on images whose truth is known.

    Parameters
    ----------
    model : Path
        Folder of a trained detector, or the name of one that ships.
    catalogs : sequence of Catalog or Path
        Observed and made images that the detector did not learn from. Each catalog weighs the
        same within its class.
    out : Path
        Folder for the detector with its new card; may be `model`.
    split : {"test", "validation", "train"} or None
        Part to use; None uses every row, split or not.
    chains : sequence of str
        What both classes go through first: each of these of `CHAINS`, one after the other; files
        as they are when none is given.
    error : float, optional
        Share of either class that may be called the other; the detector's own setting when not
        given.

    Returns
    -------
    card : dict
        As `recalibrate` returns it.

    Raises
    ------
    InputError
        If a class is missing, there is no such chain, or `error` is not in (0, 0.5).
    ModelError
        If the folder holds no detector, or a damaged one.
    """
    # Before images are judged, which takes long.
    _check_error(error)
    for chain in chains:
        check_chain(chain)
    parts = [evaluate(model, catalogs, split=split, chain=chain) for chain in chains or (None,)]
    scores = pa.concat_tables(parts)
    sources = pa.array(short_name_of_each(scores["catalog"].to_pylist()))
    return recalibrate(model, scores.append_column("source", sources), out, error=error)


def recalibrate(
    model: Path | str, scores: pa.Table, out: Path | str, *, error: float | None = None
) -> dict[str, Any]:
    """Calibrate a trained detector on given logits, and save it with its new card.

    Parameters
    ----------
    model : Path
        Folder of a trained detector, or the name of one that ships.
    scores : pyarrow.Table
        With `logit` (float: log-odds as the detector's card has them), `is_made` (bool), `side`
        (int, of the patches judged, in pixels) and `source` (str): what each image is from. Sources
        weigh alike within a class.
    out : Path
        Folder for the detector; may be `model`.
    error : float, optional
        Share of either class that may be called the other; the detector's own setting when not
        given.

    Returns
    -------
    card : dict
        What was saved: new are ``lines``, ``bands``, ``band_error`` and what
        depends on them: the figures of the test part, if its scores are in the folder, and how
        often a verdict at lower precision has to be computed again.

    Raises
    ------
    InputError
        If the scores lack one of the classes.
    ModelError
        If the folder holds no detector, or a damaged one.
    """
    _check_error(error)
    detector = load_detector(model, device="cpu")
    logits = scores["logit"].to_numpy().astype(np.float64)
    is_made = np.array(scores["is_made"].to_pylist(), bool)
    sources = scores["source"].to_pylist()
    if is_made.all() or not is_made.any():
        raise InputError("scores to calibrate on need both observed and made images")
    card = dict(detector.card)
    sides = scores["side"].to_numpy()
    lines = fit_lines(logits, is_made, sides, sources)
    odds = log_odds(logits, sides, lines)
    card["lines"] = joined(card["lines"], lines)
    wanted = detector.settings.error if error is None else error
    card["bands"], card["band_error"] = fit_bands(sigmoid(odds), is_made, sides, wanted, sources)
    heat, bounds = temperatures(sides, card["lines"]), limits(sides, card["bands"])
    card["lower"] = {
        name: {**lower, "again": float(near_edges(odds, lower["margin"] / heat, bounds).mean())}
        for name, lower in card.get("lower", {}).items()
    }
    card["calibration"] = {
        "images": len(logits),
        "sources": {
            kind: sorted({s for s, made in zip(sources, is_made, strict=True) if made == is_kind})
            for kind, is_kind in (("observed", False), ("made", True))
        },
    }
    for name in ("kind", "model_id", "parhelion"):
        card.pop(name)
    test = find_model(model) / SCORES_FILE
    if test.is_file():
        # What the network says of the test part is what it was; what that means is not.
        table = pq.read_table(test)
        sides = table["side"].to_numpy()
        anew = log_odds(table["logit"].to_numpy(), sides, lines)
        card["test"] = told(anew, np.array(table["is_made"].to_pylist(), bool))
        columns = {name: table[name] for name in table.column_names}
        probability = sigmoid(anew)
        columns |= {
            "logit": pa.array(anew),
            "probability_made": pa.array(probability),
            "verdict": pa.array(verdicts(probability, table["distance"].to_numpy(), sides, card)),
        }
        write_scores(Path(out) / SCORES_FILE, pa.table(columns))
    save_model(Path(out), "detector", detector.state(), card)
    return read_card(Path(out), "detector")


def _check_error(error: float | None) -> None:
    if error is not None and not 0 < error < 0.5:
        raise SettingsError(f"--error (={error}) must be in (0, 0.5)")
