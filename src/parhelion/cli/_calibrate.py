"""``parhelion calibrate``"""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from parhelion.cli._main import emit
from parhelion.cli._options import Json
from parhelion.detection import SHIPPED


def calibrate(
    *,
    data: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    out: Path,
    model: Path = Path(SHIPPED),
    split: Literal["test", "validation", "train", "all"] = "all",
    chain: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    error: float | None = None,
    json: Json = False,
) -> None:
    """Give a detector the probabilities and thresholds that fit your own images.

    A detector's thresholds hold for surveys and generators like those it learned from. A few
    hundred observed and made images of yours move them; the network stays as it is.

    For example:

        parhelion calibrate --data real made --out mine
        parhelion calibrate --data real made --chain plain jpeg-75 --out mine
        parhelion calibrate --model detector --data real made --split validation --out mine
        parhelion detect pictures/ --model mine

    Parameters
    ----------
    data
        Catalogs that together hold real and made images; each weighs the same in its class.
    out
        Folder for the detector with its new card.
    model
        Folder of a trained detector, or made-detector, which ships.
    split
        Part of the catalogs to use; all also takes catalogs that are not split.
    chain
        What both classes go through first: one or several of plain (JPEG 90), jpeg-75, resize-70
        and resize-70-jpeg-75; files as they are when not given.
    error
        Share of either class that may be called the other; the detector's own when not given.
    """
    from parhelion.detection import calibrate as run

    part = None if split == "all" else split
    card = run(model, data, out, split=part, chains=chain, error=error)
    told = {
        "out": out,
        "model_id": card["model_id"],
        "images": card["calibration"]["images"],
        "lines": card["lines"],
        "bands": card["bands"],
        "error": card["band_error"],
    }
    bands = "; ".join(
        f"patches of {side} pixels and more: observed below {low:.3f}, made above {high:.3f}"
        for side, low, high in card["bands"]
    )
    text = f"{out}: {bands}; fitted on {told['images']} images"
    emit(told, as_json=json, text=text)
