"""Teaching a pretrained pipeline one's own classes, by small matrices added to its attention."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion._progress import bar
from parhelion._settings import save_settings, settings_dict
from parhelion.catalog import Catalog, load_pixels
from parhelion.errors import MissingExtraError, ModelError
from parhelion.generation._conditions import training_part
from parhelion.generation._lora_settings import LoraSettings
from parhelion.generation._pipelines import HUB, load_pipeline
from parhelion.generation._turns import draw_turns, turned
from parhelion.training import (
    Checkpoints,
    Interrupt,
    RunLog,
    check_finite,
    check_resume,
    check_same_data,
    check_weights,
    data_order,
    due,
    fingerprint,
    make_fabric,
    save_model,
    step_generator,
    stopped,
    to_model,
)

# What may differ between a run and its continuation without changing what it converges to.
_FREE = {"images", "device", "checkpoint_every", "log_every"}
#: Layers of the U-Net's attention that are adapted.
_ADAPTED = ["to_q", "to_k", "to_v", "to_out.0"]
#: What a U-Net may have been taught to predict: the noise, or v (Salimans & Ho 2022).
_AIMS = ("epsilon", "v_prediction")


def train_lora(
    data: Sequence[Catalog | Path | str],
    base: Path | str,
    out: Path | str,
    settings: LoraSettings | None = None,
    *,
    resume: bool = False,
) -> Path:
    """Fine-tune a Stable Diffusion pipeline on labeled images (LoRA, Hu et al. 2021).

    The pipeline itself is left as it is: what is trained, and saved, are pairs of thin matrices.

    Parameters
    ----------
    data : sequence of Catalog or Path
        Labeled images. Where a catalog is split, only its train part is used.
    base : Path or str
        The pipeline: a folder that diffusers saved, or ``hub:OWNER/NAME``.
    out : Path
        The run's folder: weights, card, settings, checkpoints, log.
    settings : LoraSettings, optional
        Text, rank, budget.
    resume : bool
        Go on from the newest checkpoint in `out`, if there is one.

    Returns
    -------
    out : Path
        The folder, ready for `generate` and `vary`, which find the pipeline by its card.

    Raises
    ------
    MissingExtraError
        If diffusers, transformers or peft is not installed.
    ModelError
        If there is no such pipeline, or it has no U-Net that texts guide, or one that
        predicts what is not known here.
    InputError
        If there are no labels, or `out` holds a run and `resume` is not given.
    NonFiniteLossError
        If the loss becomes infinite or NaN.
    TrainingError
        If training was interrupted; it can be resumed.
    """
    settings, out = settings or LoraSettings(), Path(out)
    check_resume(out, settings, _FREE, resume=resume)
    catalogs = [training_part(item, ["label"]) for item in data]
    labels = [label for catalog in catalogs for label in catalog.column("label")]
    names = [name for catalog in catalogs for name in catalog.column("image_id")]
    fabric = make_fabric(settings.device, settings.precision)
    pipe, base_id = load_pipeline(base, torch.float32)
    pipe.to(fabric.device)
    unet = _adapted(pipe, settings)
    side = settings.image_size or int(unet.config.sample_size * pipe.vae_scale_factor)
    pixels = torch.cat([torch.from_numpy(load_pixels(c, side)) for c in catalogs]).numpy()
    trained = nn.ParameterDict(
        {name.replace(".", "/"): w for name, w in unet.named_parameters() if w.requires_grad}
    )
    optimizer: Any = torch.optim.AdamW(trained.values(), lr=settings.learning_rate)
    model, optimizer = fabric.setup(unet, optimizer)
    state = Checkpoints(out / "checkpoints", added=trained, optimizer=optimizer)
    restored = state.restore() if resume else None
    images = restored[0] if restored else 0
    seen = fingerprint(f"{name} {label}" for name, label in zip(names, labels, strict=True))
    if restored:
        check_same_data(out, restored[1]["data"], f"{base_id} {seen}")
        for group in optimizer.param_groups:  # a checkpoint holds the rate of before
            group["lr"] = settings.learning_rate
    roots = [str(catalog.root) for catalog in catalogs]
    save_settings(out, "train lora", settings, data=roots, base=base)
    texts = _encoded(pipe, labels, settings)

    def keep() -> None:
        check_weights(images, trained)
        state.save(images, data=f"{base_id} {seen}")
        card = {
            "settings": settings_dict(settings),
            "base": str(base) if str(base).startswith(HUB) else str(Path(base).resolve()),
            "base_id": base_id,
            "labels": sorted(set(labels)),
            "data": {
                "name": settings.data_name or ", ".join(Path(root).name for root in roots),
                "images": len(labels),
                "fingerprint": seen,
            },
            "credits": settings.credits,
            "images_seen": images,
            "parameters": sum(weight.numel() for weight in trained.values()),
        }
        save_model(out, "lora", _weights(unet), card)

    batch = settings.batch
    with RunLog(out, images) as log, Interrupt() as interrupt:
        progress = bar(total=settings.images, initial=images, what="training LoRA")
        while images < settings.images and not interrupt.requested:
            order = data_order(len(labels), images, batch, settings.seed)
            numbers = step_generator(settings.seed, images)
            ways = draw_turns(batch, numbers, dihedral=settings.dihedral)
            shown = turned(pixels[order], ways)
            said = [labels[index] for index in order]
            hidden = (torch.rand(batch, generator=numbers) < settings.unprompted).tolist()
            words = torch.stack(
                [texts[None if hide else label] for label, hide in zip(said, hidden, strict=True)]
            )
            with fabric.autocast():
                maps = _maps(pipe.vae, to_model(shown, fabric.device), numbers)
            loss = _loss(model, pipe.scheduler, maps, words, numbers)
            fabric.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            images += batch
            values = check_finite(images, loss=loss)
            progress.update(batch)
            if due(images, batch, settings.log_every) or images >= settings.images:
                log.scalars(images, **values)
            if due(images, batch, settings.checkpoint_every):
                keep()
        progress.close()
        keep()
        if images < settings.images:
            raise stopped(images, settings.images)
    return out


def _adapted(pipe: Any, settings: LoraSettings) -> Any:
    """Return the pipeline's U-Net with thin matrices beside those of its attention."""
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingExtraError(
            "fine-tuning needs peft; run `pip install 'parhelion[text]'`"
        ) from error
    unet = getattr(pipe, "unet", None)
    if unet is None or type(unet).__name__ != "UNet2DConditionModel":
        raise ModelError(
            f"a {type(pipe).__name__} cannot be fine-tuned here: it has no U-Net that texts guide; "
            "give a Stable Diffusion pipeline"
        )
    predicted = pipe.scheduler.config.get("prediction_type")
    if predicted not in _AIMS:
        raise ModelError(
            f"this pipeline cannot be fine-tuned here: its U-Net predicts {predicted}, and what is "
            f"known is {' and '.join(_AIMS)}; give another pipeline"
        )
    for part in (unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    torch.manual_seed(settings.seed)
    unet.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=_ADAPTED))
    return unet


def _weights(unet: Any) -> dict[str, Tensor]:
    from peft.utils import get_peft_model_state_dict

    found: Mapping[str, Tensor] = get_peft_model_state_dict(unet)
    return {name: weight.detach().cpu().contiguous() for name, weight in found.items()}


@torch.no_grad()
def _encoded(pipe: Any, labels: Sequence[str], settings: LoraSettings) -> dict[str | None, Tensor]:
    """Return what the text encoder makes of each label's text, and of none."""
    texts: dict[str | None, str] = {
        label: settings.prompt.replace("{label}", label.replace("_", " ")) for label in set(labels)
    }
    texts[None] = ""
    found = {}
    for label, text in texts.items():
        numbers = pipe.tokenizer(
            text,
            padding="max_length",
            max_length=pipe.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        found[label] = pipe.text_encoder(numbers.to(pipe.device))[0][0]
    return found


@torch.no_grad()
def _maps(vae: Any, images: Tensor, numbers: torch.Generator) -> Tensor:
    """Return latent maps of images, drawn from what the autoencoder says of them."""
    said = vae.encode(images).latent_dist
    noise = torch.randn(said.mean.shape, generator=numbers).to(images.device)
    drawn: Tensor = (said.mean + said.std * noise).float() * vae.config.scaling_factor
    return drawn


def _loss(
    model: Any, scheduler: Any, maps: Tensor, words: Tensor, numbers: torch.Generator
) -> Tensor:
    """Return the loss that the pipeline itself was trained with (Ho et al. 2020, equation 14)."""
    noise = torch.randn(maps.shape, generator=numbers).to(maps.device)
    last = scheduler.config.num_train_timesteps
    times = torch.randint(last, (len(maps),), generator=numbers).to(maps.device)
    # Not by the scheduler's own `add_noise`: DPM-Solver++ looks times up in a list that runs
    # backwards until its steps are set.
    level = scheduler.alphas_cumprod.to(maps.device)[times].reshape(-1, 1, 1, 1)
    noisy = level.sqrt() * maps + (1 - level).sqrt() * noise
    if scheduler.config.prediction_type == "v_prediction":
        aim = level.sqrt() * noise - (1 - level).sqrt() * maps
    else:
        aim = noise
    said = model(noisy, times, encoder_hidden_states=words).sample
    return F.mse_loss(said.float(), aim)
