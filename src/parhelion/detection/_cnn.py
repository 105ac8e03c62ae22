"""A plain small convolutional network: the least of the three backbones of AstroSpy's Table 2."""

from torch import Tensor, nn

#: The name that ``--backbone`` knows it by; timm has no network of that name.
CNN = "cnn"

_WIDTHS = (32, 64, 128, 256)


class PlainCnn(nn.Module):
    """Four times convolution, normalization, ReLU and halving; then the mean over the image.

    It stands for what the paper's Table 2 calls CNN; its widths are ours.

    Parameters
    ----------
    channels : int
        Channels of the images, ``(N, channels, H, W)`` with sides of at least 16 pixels; its
        features are ``(N, 256)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in _WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
            channels = width
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``(N, 256)`` of images."""
        features: Tensor = self.layers(images)
        return features.mean((-2, -1))
