"""Settings of an upscaler that trains in a moment."""

from parhelion.augmentation import UpscalerSettings

TINY = UpscalerSettings(
    patch=16,
    width=8,
    depths=(2,),
    heads=2,
    images=32,
    batch=8,
    validate_every=16,
    precision="fp32",
    workers=1,
)
