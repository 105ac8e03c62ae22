"""``parhelion enhance``"""

from pathlib import Path
from typing import Annotated

from parhelion.augmentation import DEFAULT_UPSCALER, EnhanceSettings
from parhelion.cli._main import emit_catalog
from parhelion.cli._options import Config, Flat, Json


def enhance(
    data: Path,
    *,
    out: Path,
    model: str = DEFAULT_UPSCALER,
    settings: Annotated[EnhanceSettings, Flat] = EnhanceSettings(),  # noqa: B008
    config: Config = None,
    json: Json = False,
) -> None:
    """Enlarge the images of a catalog with a super-resolution network.

    Any network that spandrel knows from its weights will do (SwinIR, Real-ESRGAN and others), or
    one that `parhelion train upscaler` trained. Large images go through it in tiles that overlap
    and pass into one another. An interrupted call goes on where it was.

    For example:

        parhelion enhance galaxies --out larger
        parhelion train upscaler --data galaxies --out upscaler
        parhelion enhance galaxies --model upscaler --out larger
        parhelion enhance galaxies --model RealESRGAN_x4plus.safetensors --out larger

    Parameters
    ----------
    data
        Catalog of images.
    model
        File of weights (.safetensors, .pth, .pt, .ckpt), folder of a trained upscaler, or the name
        of one that ships.
    out
        Folder of the new catalog.
    """
    from parhelion.augmentation import enhance as run

    emit_catalog(run(data, out, model, settings), as_json=json)
