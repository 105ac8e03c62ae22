"""Pretrained text-to-image pipelines of diffusers, from a folder or a hub (FLARE, stage 2)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from parhelion._settings import settings_from_dict
from parhelion.errors import MissingExtraError, ModelError, SettingsError
from parhelion.generation._lora_settings import LoraSettings
from parhelion.generation._settings import GenerateSettings, SheetSettings, VarySettings
from parhelion.training import load_model, make_fabric, read_card

#: What a name begins with that is looked up on the hub.
HUB = "hub:"
#: FLARE's settings: DPM-Solver++ of 50 steps, guidance 8; its text is the default of a LoRA's.
STEPS, GUIDANCE = 50, 8.0

_INDEX = "model_index.json"
_UNIDIFFUSER = "UniDiffuserPipeline"
_CHUNK = 1 << 24  # bytes of a file hashed at a time


def is_pipeline(model: Path | str) -> bool:
    """Tell whether a model is a pipeline of diffusers, or a LoRA for one."""
    if str(model).startswith(HUB) or (Path(model) / _INDEX).is_file():
        return True
    return (Path(model) / "model.json").is_file() and read_card(Path(model))["kind"] == "lora"


class PipelineSampler:
    """Draws what a text says, or variations of images; see `Sampler`.

    UniDiffuser (Bao et al. 2023) varies an image by way of a text: it says what it sees, and draws
    that, so that there is no strength. Other pipelines take an image part of the way to noise.

    Parameters
    ----------
    model : Path or str
        A folder that diffusers saved, ``hub:OWNER/NAME``, or a folder of `train_lora`. Pickled
        code is never run.
    prompt : str, optional
        What to draw; ``{label}`` stands for the class, underscores as spaces. When not given, what
        a LoRA was taught with, or FLARE's text.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute, in bfloat16 on a GPU.
    steps : int
        Steps back from noise.
    guidance : float
        How far to go towards the text.

    Raises
    ------
    MissingExtraError
        If diffusers or transformers is not installed.
    ModelError
        If the pipeline cannot be read, or is not one that makes images of texts.
    """

    def __init__(
        self,
        model: Path | str,
        prompt: str | None = None,
        device: str = "auto",
        *,
        steps: int = STEPS,
        guidance: float = GUIDANCE,
    ) -> None:
        fabric = make_fabric(device, "fp32")
        self.device = fabric.device
        dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.precision = "bf16" if dtype == torch.bfloat16 else "fp32"
        self.conditions: dict[str, list[str]] = {}
        self.channels = 3
        taught = _taught(model)
        self._prompt = taught.prompt if prompt is None else prompt
        self._steps, self._guidance = steps, guidance
        self._labels: list[str | None] = []
        self._pipe, self.model_id = load_pipeline(model, dtype)
        self._pipe.to(self.device)
        self._is_unidiffuser = type(self._pipe).__name__ == _UNIDIFFUSER
        self._from_images: Any = None
        network = getattr(self._pipe, "unet", None) or self._pipe.transformer
        own = int(network.config.sample_size * self._pipe.vae_scale_factor)
        self.image_size = taught.image_size or own
        # A pipeline is asked for a size only where it is not its own: not all take one.
        self._size = (
            {} if self.image_size == own else dict.fromkeys(("height", "width"), self.image_size)
        )

    def draw(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
        """Yield pixels and recipe of each seed, in order; see `Sampler`."""
        for seed, recipe in zip(seeds, self.recipes(seeds, truncation, **wanted), strict=True):
            # One by one: an image must not depend on its neighbors.
            yield self._drawn(recipe["prompt"], seed), recipe

    def recipes(
        self, seeds: Sequence[int], truncation: float = 1.0, **wanted: str | None
    ) -> list[dict[str, Any]]:
        """Return the recipes that `draw` yields, without the pixels.

        Raises
        ------
        SettingsError
            If no label is given though the prompt asks for one, or truncation or a source is.
        """
        if truncation != 1:
            raise SettingsError(f"--truncation (={truncation}) is of GANs; this is a pipeline")
        if wanted.get("source"):
            raise SettingsError(
                f"--source (={wanted['source']}) is of models that learned surveys; say it in "
                "--prompt"
            )
        told = self._told(wanted.get("label"))
        return [
            {"operation": "generate", "origin": "text_to_image", "seed": int(seed)} | told
            for seed in seeds
        ]

    def kinds_of(self, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the classes of a catalog's rows as `vary` takes them."""
        self._labels = sorted({row["label"] for row in rows}, key=str)
        return [self._labels.index(row["label"]) for row in rows]

    def variation(self, seed: int, kind: int, strength: float) -> dict[str, Any]:
        """Return the recipe of a variation, but for its parent."""
        recipe = {"operation": "vary", "origin": "image_to_image", "seed": int(seed)}
        if self._is_unidiffuser:
            told = {**self._shared(), "label": self._labels[kind]}
            return recipe | {name: value for name, value in told.items() if value is not None}
        return recipe | {"strength": strength} | self._told(self._labels[kind])

    def vary(
        self, pixels: NDArray[np.uint8], seeds: Sequence[int], strength: float, kinds: Sequence[int]
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield variations of images ``(N, S, S, 3)`` uint8; see `DiffusionSampler.vary`."""
        for image, seed, kind in zip(pixels, seeds, kinds, strict=True):
            picture = Image.fromarray(image)
            if self._is_unidiffuser:
                yield self._drawn(self._seen(picture, seed), seed)
            else:
                prompt = self._told(self._labels[kind])["prompt"]
                yield self._altered(picture, prompt, strength, seed)

    def _told(self, label: str | None) -> dict[str, Any]:
        if "{label}" in self._prompt and label is None:
            raise SettingsError(
                f"--prompt (={self._prompt}) names a {{label}}, and none is given: give --label, "
                "images with labels, or another --prompt"
            )
        prompt = self._prompt.replace("{label}", (label or "").replace("_", " "))
        told = {**self._shared(), "prompt": prompt}
        return told | ({"label": label} if label is not None else {})

    def _shared(self) -> dict[str, Any]:
        return {
            "model_id": self.model_id,
            "steps": self._steps,
            "guidance": float(self._guidance),
            "precision": self.precision,
        }

    def _asked(self, seed: int) -> dict[str, Any]:
        return {
            "num_inference_steps": self._steps,
            "guidance_scale": self._guidance,
            "generator": torch.Generator("cpu").manual_seed(seed),
        }

    @torch.inference_mode()
    def _drawn(self, prompt: str, seed: int) -> NDArray[np.uint8]:
        with _quiet():
            if self._is_unidiffuser:
                self._pipe.set_text_to_image_mode()
            found = self._pipe(prompt, output_type="np", **self._size, **self._asked(seed))
        return _levels(found.images[0])

    @torch.inference_mode()
    def _seen(self, picture: Image.Image, seed: int) -> str:
        """Return what UniDiffuser says of an image."""
        with _quiet():
            self._pipe.set_image_to_text_mode()
            found = self._pipe(image=picture, **self._asked(seed))
        return str(found.text[0])

    @torch.inference_mode()
    def _altered(
        self, picture: Image.Image, prompt: str, strength: float, seed: int
    ) -> NDArray[np.uint8]:
        least = min(1.0, 1.01 / self._steps)  # a step at least: of none diffusers knows nothing
        with _quiet():
            if self._from_images is None:
                from diffusers import AutoPipelineForImage2Image

                self._from_images = AutoPipelineForImage2Image.from_pipe(self._pipe)
                self._from_images.set_progress_bar_config(disable=True)
            found = self._from_images(
                prompt,
                image=picture,
                strength=max(strength, least),
                output_type="np",
                **self._asked(seed),
            )
        return _levels(found.images[0])


def pipeline_for(
    model: Path | str, settings: GenerateSettings | VarySettings
) -> PipelineSampler | None:
    """Return the sampler of a pipeline with what settings ask of it; None if `model` is none.

    Raises
    ------
    SettingsError
        If a prompt is given to a model that reads no texts.
    """
    if is_pipeline(model):
        asked = asked_of(settings, "prompt", "steps", "guidance")
        return PipelineSampler(model, device=settings.device, **asked)
    if settings.prompt is not None:
        raise SettingsError(
            f"--prompt (={settings.prompt}) is of text-to-image pipelines; {model} is none"
        )
    return None


def asked_of(
    settings: GenerateSettings | VarySettings | SheetSettings, *names: str
) -> dict[str, Any]:
    """Return what settings ask for under some names, and nothing of what they leave open."""
    given = {name: getattr(settings, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def _taught(model: Path | str) -> LoraSettings:
    """Return what a LoRA was taught with, and what is usual for a pipeline as it is."""
    if not (Path(model) / "model.json").is_file():
        return LoraSettings()
    told = read_card(Path(model), "lora")["settings"]
    return settings_from_dict(LoraSettings, told, where=str(model))


def load_pipeline(model: Path | str, dtype: torch.dtype) -> tuple[Any, str]:
    """Return a pipeline of diffusers, with its LoRA if `model` is one, and the digest of both.

    Its scheduler is DPM-Solver++ where the pipeline can take it.

    Raises
    ------
    MissingExtraError, ModelError
        See `PipelineSampler`.
    """
    if not (Path(model) / "model.json").is_file():
        with _quiet():
            folder = pipeline_folder(model)
            return _read(folder, dtype), _digest(folder)
    card, weights = load_model(Path(model), "lora")
    pipe, base_id = load_pipeline(card["base"], dtype)
    if base_id != card["base_id"]:
        raise ModelError(
            f"{card['base']}, which the LoRA in {model} was trained on, has changed since "
            f"({card['base_id']} then, {base_id} now); train it again"
        )
    with _quiet():
        pipe.load_lora_weights({f"unet.{name}": weight for name, weight in weights.items()})
    both = f"{base_id} {card['model_id']}".encode()
    return pipe, hashlib.blake2b(both, digest_size=8).hexdigest()


def _digest(folder: Path) -> str:
    """Return the digest of the weights in a folder."""
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".bin"):
            found.update(str(path.relative_to(folder)).encode())
            with path.open("rb") as file:
                while part := file.read(_CHUNK):
                    found.update(part)
    return found.hexdigest()


def pipeline_folder(model: Path | str) -> Path:
    """Return the folder of a pipeline, fetched from the hub where its name says so."""
    if not str(model).startswith(HUB):
        if not (Path(model) / _INDEX).is_file():
            raise ModelError(
                f"{model} is not a pipeline: it has no {_INDEX}; give a folder that diffusers "
                f"saved, or {HUB}OWNER/NAME"
            )
        return Path(model)
    name = str(model).removeprefix(HUB)
    try:
        return Path(_diffusers().DiffusionPipeline.download(name))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{name} cannot be fetched from the hub: {reason}") from error


def _read(folder: Path, dtype: torch.dtype) -> Any:
    diffusers = _diffusers()
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    kind = (
        diffusers.DiffusionPipeline
        if index.get("_class_name") == _UNIDIFFUSER
        else diffusers.AutoPipelineForText2Image
    )
    # What it makes of galaxies need not be censored, and what is missing need not be fetched.
    unused = {"safety_checker": None} if "safety_checker" in index else {}
    try:
        pipe = kind.from_pretrained(folder, torch_dtype=dtype, local_files_only=True, **unused)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{folder} cannot be read as a pipeline: {reason}") from error
    solver = diffusers.DPMSolverMultistepScheduler
    if solver in pipe.scheduler.compatibles:
        pipe.scheduler = solver.from_config(pipe.scheduler.config, algorithm_type="dpmsolver++")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _diffusers() -> Any:
    try:
        import diffusers
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "text-to-image needs diffusers and transformers; run `pip install 'parhelion[text]'`"
        ) from error
    return diffusers


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries say of versions, bars and long prompts from the terminal."""
    import logging
    import warnings

    loud = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    before = [logger.level for logger in loud]
    bars = _bars()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loud:
            logger.setLevel(logging.ERROR)
        for module in bars:
            module.disable_progress_bar()
        try:
            yield
        finally:
            for module in bars:
                module.enable_progress_bar()
            for logger, level in zip(loud, before, strict=True):
                logger.setLevel(level)


def _bars() -> list[Any]:
    diffusers = _diffusers()
    import transformers

    return [diffusers.utils.logging, transformers.utils.logging]


def _levels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn ``(H, W, 3)`` in [0, 1] into uint8."""
    levels: NDArray[np.uint8] = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    return levels
