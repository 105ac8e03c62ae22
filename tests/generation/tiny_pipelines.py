"""Tiny text-to-image pipelines with random weights, saved as diffusers saves real ones."""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    UniDiffuserModel,
    UniDiffuserPipeline,
    UniDiffuserTextDecoder,
)
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    GPT2Tokenizer,
)

#: Side of the images that they make, and words of a text.
SIDE, WORDS = 16, 16
_WIDTH = 16
_LETTERS = [chr(code) for code in range(33, 127)]
_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def stable_diffusion(folder: Path) -> Path:
    """Save a Stable Diffusion pipeline of a few thousand weights; return its folder."""
    torch.manual_seed(0)
    tokenizer = _tokenizer(folder / "words")
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=SIDE // 2,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=_WIDTH,
        norm_num_groups=4,
        attention_head_dim=2,
    )
    pipeline = StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=_text_encoder(len(tokenizer)),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1, **_NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def unidiffuser(folder: Path) -> Path:
    """Save a UniDiffuser pipeline of a few thousand weights; return its folder."""
    torch.manual_seed(0)
    tokenizer, speller = _tokenizer(folder / "words"), _speller(folder / "spelling")
    decoder = UniDiffuserTextDecoder(
        prefix_length=WORDS,
        prefix_inner_dim=_WIDTH,
        prefix_hidden_dim=_WIDTH,
        vocab_size=len(speller),
        n_positions=128,
        n_embd=_WIDTH,
        n_layer=1,
        n_head=2,
    )
    # Two names for one tensor cannot be saved as safetensors.
    head = decoder.transformer.lm_head
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    vision = CLIPVisionConfig(
        hidden_size=_WIDTH,
        intermediate_size=_WIDTH,
        num_attention_heads=2,
        num_hidden_layers=1,
        image_size=SIDE,
        patch_size=4,
        projection_dim=_WIDTH,
    )
    network = UniDiffuserModel(
        text_dim=_WIDTH,
        clip_img_dim=_WIDTH,
        num_text_tokens=WORDS,
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        norm_num_groups=4,
        sample_size=SIDE // 2,
        patch_size=2,
        activation_fn="gelu",
        num_embeds_ada_norm=1000,
        ff_final_dropout=False,
        use_data_type_embedding=True,
    )
    pipeline = UniDiffuserPipeline(
        vae=_autoencoder(),
        text_encoder=_text_encoder(len(tokenizer)),
        image_encoder=CLIPVisionModelWithProjection(vision),
        clip_image_processor=CLIPImageProcessor(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
        ),
        clip_tokenizer=tokenizer,
        text_decoder=decoder,
        text_tokenizer=speller,
        unet=network,
        scheduler=DPMSolverMultistepScheduler(solver_order=2, **_NOISE),
    )
    pipeline.save_pretrained(folder / "pipeline")
    return folder / "pipeline"


def _autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SIDE,
    )


def _text_encoder(words: int) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=words,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
        hidden_size=_WIDTH,
        intermediate_size=_WIDTH,
        num_attention_heads=2,
        num_hidden_layers=1,
        max_position_embeddings=WORDS,
        projection_dim=_WIDTH,
    )
    return CLIPTextModel(config)


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """Return a tokenizer that knows single letters."""
    ends = [f"{letter}</w>" for letter in _LETTERS]
    words = [*_LETTERS, *ends, "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(*_written(folder, words), model_max_length=WORDS)


def _speller(folder: Path) -> GPT2Tokenizer:
    words = [*_LETTERS, "\u0120", "<|EOS|>", "<|endoftext|>"]
    return GPT2Tokenizer(*_written(folder, words), eos_token="<|EOS|>")


def _written(folder: Path, words: list[str]) -> tuple[str, str]:
    folder.mkdir(parents=True)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    merges.write_text("#version: 0.2\n")
    return str(vocabulary), str(merges)
