"""The Lightweight GAN's losses (Liu et al. 2021, equations 4 to 6) and gradient penalty."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parhelion.generation._networks import quarter


def hinge_discriminator(real: tuple[Tensor, ...], fake: tuple[Tensor, ...]) -> Tensor:
    """Push real logits above 1 and made ones below -1 (equation 5), summed over the scales."""
    terms = [F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).sum()


def hinge_generator(fake: tuple[Tensor, ...]) -> Tensor:
    """Raise the logits of made images (equation 6), summed over the scales."""
    return -torch.stack([f.mean() for f in fake]).sum()


def reconstruction(decoded: Tensor, images: Tensor) -> Tensor:
    """Mean squared error of a decoder's small image against the images it should show."""
    target = F.interpolate(images, size=decoded.shape[-1], mode="area")
    return F.mse_loss(decoded, target)


def gradient_penalty(images: Tensor, logits: tuple[Tensor, ...]) -> Tensor:
    """Squared norm of the gradient at the images: R1 (Mescheder et al. 2018, equation 9).

    Parameters
    ----------
    images : Tensor
        ``(N, C, H, W)`` float that the logits were computed from, with gradients enabled.
    logits : tuple of Tensor
        Logit maps; each counts by its mean over the image.
    """
    total = torch.stack([scale.flatten(1).mean(1).sum() for scale in logits]).sum()
    (gradient,) = torch.autograd.grad(total, images, create_graph=True)
    squares: Tensor = gradient.flatten(1).square().sum(dim=1)
    return squares.mean()


class Judge(nn.Module):
    """The discriminator with the losses that need it: one forward call for each backward.

    Several processes share gradients per forward call, and the gradient penalty differentiates
    inside it, so the losses live here rather than in the loop.

    Parameters
    ----------
    discriminator : torch.nn.Module
        See `Discriminator`.
    penalize_made : bool
        Take the gradient penalty at made images too, not only at real ones.
    """

    def __init__(self, discriminator: nn.Module, *, penalize_made: bool = False) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.penalize_made = penalize_made

    def forward(
        self,
        made: Tensor,
        labels: Tensor | None,
        real: Tensor | None = None,
        crop: Tensor | None = None,
        *,
        penalize: bool = False,
    ) -> dict[str, Tensor]:
        """Return the generator's loss, or with `real` and `crop` the discriminator's terms.

        Parameters
        ----------
        made, real : Tensor
            ``(N, C, H, W)`` float in [-1, 1], augmented.
        labels : Tensor or None
            ``(N, K)`` int64 class indices.
        crop : Tensor
            ``(2,)`` int64, 0 or 1: the quarter that the discriminator has to reconstruct.
        penalize : bool
            Whether to add the gradient penalty's term.
        """
        if real is None or crop is None:
            return {"generator": hinge_generator(self._judge(made, labels))}
        count = len(real)
        real, made = real.detach(), made.detach()
        if penalize and not self.penalize_made:
            # Apart, so that the penalty's graph holds the real images only.
            shown = real.requires_grad_()
            *judged, whole, part = self._judge(shown, labels, crop)
            real_logits, fake_logits = tuple(judged), self._judge(made, labels)
        else:
            shown = torch.cat([real, made]).requires_grad_(penalize)
            twice = None if labels is None else torch.cat([labels, labels])
            *judged, whole, part = self._judge(shown, twice, crop, count)
            real_logits = tuple(scale[:count] for scale in judged)
            fake_logits = tuple(scale[count:] for scale in judged)
        target = real.detach()
        losses = {
            "discriminator": hinge_discriminator(real_logits, fake_logits),
            "reconstruction": reconstruction(whole, target)
            + reconstruction(part, quarter(target, crop)),
        }
        if penalize:
            losses["penalty"] = gradient_penalty(shown, tuple(judged))
        return losses

    def _judge(self, *arguments: Tensor | int | None) -> tuple[Tensor, ...]:
        # Losses are sums of small differences: bfloat16 has too few digits for them.
        return tuple(output.float() for output in self.discriminator(*arguments))
