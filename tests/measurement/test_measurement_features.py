"""Feature networks: kinds of weights, saving, and that they see quality fall."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torchvision.models import inception_v3, squeezenet1_1

from parhelion.errors import InputError, ModelError
from parhelion.measurement import (
    FeatureNetwork,
    kernel_distance,
    load_features,
    save_features,
    train_features,
)


def galaxies(seed: int, count: int, size: int = 64) -> NDArray[np.uint8]:
    """Elongated blobs of many sizes, colors and angles on a noisy sky."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2
    angle, ratio = rng.uniform(0, np.pi, (count, 1, 1)), rng.uniform(0.3, 1, (count, 1, 1))
    u = np.cos(angle) * x + np.sin(angle) * y
    v = (np.cos(angle) * y - np.sin(angle) * x) / ratio
    light = np.exp(-np.hypot(u, v) / rng.uniform(3, 12, (count, 1, 1)))
    color = rng.uniform(80, 220, (count, 1, 1, 3))
    sky = rng.normal(12, 3, (count, size, size, 3))
    return np.clip(light[..., None] * color + sky, 0, 255).astype(np.uint8)


def blurred(images: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    x = images.astype(float)
    for _ in range(times):
        for axis in (1, 2):
            x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
    return x.round().astype(np.uint8)


def noisy(images: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(9).normal(0, sigma, images.shape)
    return np.clip(images + noise, 0, 255).round().astype(np.uint8)


def in_blocks(images: NDArray[np.uint8], part: float) -> NDArray[np.uint8]:
    count, size = images.shape[:2]
    means = images.reshape(count, size // 8, 8, size // 8, 8, 3).mean((2, 4))
    blocks = means.repeat(8, 1).repeat(8, 2)
    return ((1 - part) * images + part * blocks).round().astype(np.uint8)


def collapsed(images: NDArray[np.uint8], modes: int) -> NDArray[np.uint8]:
    return images[np.arange(len(images)) % modes]


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return train_features(galaxies(0, 48), seed=0, steps=12)


@pytest.mark.parametrize(
    ("worsen", "amounts"),
    [
        (blurred, (1, 2, 4)),
        (noisy, (3, 6, 12)),
        (in_blocks, (0.2, 0.5, 1.0)),
        (collapsed, (12, 4, 1)),
    ],
)
def test_distance_rises_as_quality_falls(network, worsen, amounts) -> None:  # type: ignore[no-untyped-def]
    real, made = network(galaxies(0, 48)), galaxies(1, 48)
    values = [
        kernel_distance(real, network(images), bootstrap=20).value
        for images in (made, *(worsen(made, amount) for amount in amounts))
    ]
    assert values == sorted(values)
    assert values[-1] > 0.1


def test_the_name_says_what_it_was_trained_on(network: FeatureNetwork) -> None:
    assert network.name == "parhelion self-supervised (trained on 48 real images, seed 0)"


def test_a_saved_network_gives_the_same_features(network: FeatureNetwork, tmp_path: Path) -> None:
    save_features(network, tmp_path / "features")
    loaded = load_features(tmp_path / "features")
    images = galaxies(2, 3, size=40)
    assert loaded.name == network.name
    assert (loaded(images) == network(images)).all()
    assert loaded(images).dtype == np.float32


def test_batches_do_not_change_features(network: FeatureNetwork) -> None:
    images = galaxies(2, 5)
    np.testing.assert_allclose(network(images, batch=2), network(images), atol=1e-3)


def squeezenet_file(folder: Path, **changed: torch.Tensor) -> Path:
    torch.manual_seed(0)
    state = {key: value.half() for key, value in squeezenet1_1(weights=None).state_dict().items()}
    path = folder / "weights.safetensors"
    save_file({**state, **changed}, path)
    return path


def test_squeezenet_weights_are_recognized(tmp_path: Path) -> None:
    path = squeezenet_file(tmp_path)
    network = load_features(path)
    assert network.name == "torchvision squeezenet1_1 (weights.safetensors)"
    features = network(galaxies(0, 2, size=32))
    assert features.shape == (2, 512)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), np.sqrt(512), rtol=1e-5)
    # The same by torchvision alone, on an image that needs no resizing.
    image = galaxies(3, 1, size=128)
    torch.manual_seed(0)
    trunk = squeezenet1_1(weights=None).half().float().features.eval()
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    x = (torch.from_numpy(image).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.no_grad():
        expected = trunk(x).mean((2, 3))[0]
    expected *= np.sqrt(512) / expected.norm()
    np.testing.assert_allclose(network(image)[0], expected, atol=1e-4)


def test_inception_weights_are_recognized(tmp_path: Path) -> None:
    model = inception_v3(weights=None, aux_logits=True, init_weights=False)
    state = {key: value.half() for key, value in model.state_dict().items()}
    save_file(state, tmp_path / "inception.safetensors")
    network = load_features(tmp_path / "inception.safetensors")
    assert network.name == "torchvision inception_v3 (inception.safetensors)"
    assert network.size == 299
    assert network(galaxies(0, 1)).shape == (1, 2048)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no .*--features takes"),
        (b"not a weight file", "cannot be read as safetensors"),
        ({"layer.weight": torch.zeros(2)}, "holds layer.weight, .*squeezenet1_1"),
        ({"features.12.expand3x3.weight": torch.zeros(2)}, "does not fit"),
    ],
)
def test_other_files_are_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        save_file(content, path)
    with pytest.raises(ModelError, match=message):
        load_features(path)


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model"):
        load_features(tmp_path)


def test_too_few_images_are_refused(network: FeatureNetwork) -> None:
    with pytest.raises(InputError, match="from 1 images"):
        train_features(galaxies(0, 1))
    with pytest.raises(InputError, match="no images"):
        network(galaxies(0, 0))
