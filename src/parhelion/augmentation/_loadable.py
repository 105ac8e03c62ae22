"""Whether the network that settings describe is told again from its weights."""

from typing import Any

import torch

from parhelion.augmentation._settings import UpscalerSettings
from parhelion.augmentation._upscaler import build, described
from parhelion.errors import ModelError, SettingsError

#: Largest difference, of outputs near 1, that is arithmetic.
_SAME = 1e-4


def check_loadable(settings: UpscalerSettings) -> None:
    """Refuse settings whose trained weights would be loaded as another network, or not at all.

    `load_upscaler` knows a network from its weights alone, as spandrel does, which guesses some of
    its sizes: better before a training than after it.

    Raises
    ------
    SettingsError
        If the network comes back as another one; the message names the flags.
    """
    network: Any = build(settings)
    numbers = torch.Generator().manual_seed(0)
    with torch.no_grad():
        # Zero when new, so that nothing between the ends would be compared.
        network.conv_after_body.weight.normal_(0, 0.1, generator=numbers)
    images = torch.rand(1, 3, settings.patch, settings.patch, generator=numbers)
    try:
        found = described(network.state_dict(), "the network").model
        with torch.inference_mode():
            expected, loaded = network.eval()(images), found.eval()(images)
        is_same = expected.shape == loaded.shape and torch.allclose(
            expected, loaded, rtol=_SAME, atol=_SAME
        )
    except ModelError:
        is_same = False
    if not is_same:
        depths = ", ".join(str(depth) for depth in settings.depths)
        raise SettingsError(
            f"--window (={settings.window}), --patch (={settings.patch}) and --depths (={depths}) "
            "are of a network that cannot be told from its weights, and so not be loaded; give a "
            "--window other than 7, a --patch of two windows or more, and a first --depths above 1"
        )
