"""The sampler of a trained generator, of whatever kind it is."""

from pathlib import Path

from parhelion.errors import SettingsError
from parhelion.generation._diffusion_sample import DiffusionSampler
from parhelion.generation._pipelines import asked_of
from parhelion.generation._sample import GanSampler, load_sampler
from parhelion.generation._settings import GenerateSettings, SheetSettings
from parhelion.training import find_model, read_card


def sampler_of(
    model: Path | str, settings: GenerateSettings | SheetSettings
) -> GanSampler | DiffusionSampler:
    """Load a generator that was trained here, with what was asked of its kind.

    Raises
    ------
    ModelError
        If there is none, or it is damaged.
    SettingsError
        If `settings` ask for what its kind does not have.
    """
    folder = find_model(model)
    asked = asked_of(settings, "steps", "guidance")
    if read_card(folder)["kind"] != "diffusion":
        for name, value in asked.items():
            raise SettingsError(f"--{name} (={value}) is of diffusion models; {model} is a GAN")
        return load_sampler(folder, settings.device)
    truncated: dict[str, object] = (
        {"truncation": settings.truncation} if settings.truncation != 1 else {}
    )
    if isinstance(settings, SheetSettings) and settings.sweep == "truncation":
        truncated = {"sweep": settings.sweep}
    for name, value in truncated.items():
        raise SettingsError(f"--{name} (={value}) is of GANs; a diffusion model has --guidance")
    return DiffusionSampler(folder, settings.device, **asked)
