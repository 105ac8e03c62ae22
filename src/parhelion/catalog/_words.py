"""The words that the columns `origin` and `split` know."""

#: Everything that an image can be.
ORIGINS = (
    "observed",
    "augmented",
    "enhanced",
    "gan",
    "vae",
    "diffusion",
    "text_to_image",
    "image_to_image",
    "reconstructed",
)
#: The origins whose pixels a trained model made.
MADE_ORIGINS = ("gan", "vae", "diffusion", "text_to_image", "image_to_image", "reconstructed")
#: The parts of a split.
SPLITS = ("train", "validation", "test")
