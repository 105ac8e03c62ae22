"""The two-path network of AstroSpy: image and spectrum, fused, one logit."""

import timm
import torch
from torch import Tensor, nn

from parhelion.detection._cnn import CNN, PlainCnn
from parhelion.detection._fine_network import FINE, Fine
from parhelion.detection._linear_path import LinearPath
from parhelion.detection._settings import DetectorSettings
from parhelion.detection._spectrum import frequencies, log_spectrum
from parhelion.errors import ModelError, SettingsError
from parhelion.training import timm_network


class TwoPath(nn.Module):
    """A backbone looks at the image, another at its spectrum; features are fused to one logit.

    AstroSpy, section "Methodology": both backbones lose their classifier, their features are
    added (or concatenated), and one linear layer gives the logit of "made". A third path, fitted
    when the others have learned, may add to it (`linear_path`).

    Parameters
    ----------
    settings : DetectorSettings
        `backbone`, `paths`, `spectrum`, `placed`, `fusion`, `image_size` and `pretrained` are
        used.

    Raises
    ------
    SettingsError
        If there is no such backbone, or it cannot work at the image size.
    ModelError
        If the pretrained weights cannot be read, or are of another network.
    """

    def __init__(self, settings: DetectorSettings) -> None:
        super().__init__()
        self.image_path: nn.Module | None = None
        self.spectrum_path: nn.Module | None = None
        self.linear_path: LinearPath | None = None
        if settings.paths != "spectrum":
            self.image_path = _backbone(settings)
        if settings.paths != "image":
            self.spectrum_path = _backbone(settings, spectrum=True)
        share = settings.image_share
        self.shares = None if share == 0.5 else (share, 1 - share)
        self.color, self.placed = settings.spectrum == "color", settings.placed
        self.concatenate = settings.fusion == "concatenate"
        features = _width(settings, self.image_path, self.spectrum_path)
        both = settings.paths == "both" and self.concatenate
        self.head = nn.Linear(features * (2 if both else 1), 1)

    def features(self, images: Tensor, spectrum_of: Tensor | None = None) -> Tensor:
        """Return the fused features ``(N, F)`` of ``(N, 3, H, W)`` images in [-1, 1].

        The spectrum is that of `spectrum_of` where it is given: to ask what the image path
        alone makes of a change.
        """
        parts = []
        if self.image_path is not None:
            parts.append(self.image_path(images))
        if self.spectrum_path is not None:
            parts.append(self.spectrum_path(self.spectrum(images, spectrum_of)))
        if self.concatenate:
            return torch.cat(parts, 1)
        return torch.stack(parts).sum(0)

    def spectrum(self, images: Tensor, spectrum_of: Tensor | None = None) -> Tensor:
        """Return the spectra as the spectrum path sees them; images as in `features`."""
        seen = log_spectrum(images if spectrum_of is None else spectrum_of, color=self.color)
        if self.placed:
            places = frequencies(seen.shape[2], seen.shape[3], seen.device)
            seen = torch.cat([seen, places.expand(len(seen), -1, -1, -1)], 1)
        return seen.contiguous(memory_format=torch.channels_last)

    def forward(
        self, images: Tensor, spectrum_of: Tensor | None = None, *, apart: bool = False
    ) -> Tensor:
        """Return logits ``(N,)`` float32 of "a model made it"; images as in `features`.

        With `apart`, ``(N, 2)``: what each path says alone, of which the logit is the mean, weighed
        by `image_share`. For two paths whose features are concatenated.
        """
        features = self.features(images, spectrum_of)
        if apart:
            return self._apart(features)
        if self.shares is None:
            logits: Tensor = self.head(features).squeeze(1).float()
        else:
            image, spectrum = self.shares
            said = self._apart(features)
            logits = image * said[:, 0] + spectrum * said[:, 1]
        if self.linear_path is not None:
            logits = logits + self.linear_path(images if spectrum_of is None else spectrum_of)
        return logits

    def _apart(self, features: Tensor) -> Tensor:
        """Return what each path says alone: ``(N, 2)``."""
        parts = zip(features.chunk(2, 1), self.head.weight.chunk(2, 1), strict=True)
        # The layer over both holds half of what each path says.
        own = [nn.functional.linear(part, 2 * weight, self.head.bias) for part, weight in parts]
        return torch.cat(own, 1).float()


def build(settings: DetectorSettings) -> TwoPath:
    """Return the network with its starting weights, a function of ``settings.seed``."""
    # timm initializes from the global generator: it is set for this, then put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return TwoPath(settings)


def _backbone(settings: DetectorSettings, *, spectrum: bool = False) -> nn.Module:
    channels = _channels(settings, spectrum=spectrum)
    if settings.backbone in (CNN, FINE) and settings.pretrained is not None:
        raise ModelError(
            f"--pretrained (={settings.pretrained}) has no weights for --backbone "
            f"(={settings.backbone}); leave it out"
        )
    if settings.backbone == CNN:
        return PlainCnn(channels)
    if settings.backbone == FINE:
        residual = settings.detail != "image" and not spectrum
        return Fine(channels, residual=residual, plain=settings.detail != "residual" or spectrum)
    if not timm.is_model(settings.backbone):
        close = ", ".join(timm.list_models(f"{settings.backbone[:6]}*")[:5]) or "resnet50"
        raise SettingsError(
            f"--backbone (={settings.backbone}) must name a network that timm has, such as "
            f"{close}, or be {CNN} or {FINE}"
        )
    return timm_network(
        settings.backbone, settings.pretrained, settings.image_size, channels=channels
    )


def _channels(settings: DetectorSettings, *, spectrum: bool) -> int:
    if not spectrum:
        return 3
    return (3 if settings.spectrum == "color" else 1) + 3 * settings.placed


def _width(settings: DetectorSettings, *paths: nn.Module | None) -> int:
    """Return the number of features of a path, measured: timm's own figure is not always it."""
    size = settings.image_size
    network = next(path for path in paths if path is not None)
    channels = _channels(settings, spectrum=network is paths[1])
    network.eval()
    try:
        with torch.no_grad():
            return int(network(torch.zeros(1, channels, size, size)).shape[1])
    except (RuntimeError, AssertionError, ValueError) as error:
        raise SettingsError(
            f"--backbone (={settings.backbone}) cannot work at --image-size (={size}): "
            f"{str(error).splitlines()[0]}"
        ) from error
    finally:
        network.train()
