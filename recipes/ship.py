"""Put a trained model among the weights that come with the package.

    python recipes/ship.py RUN NAME --credits TEXT [--figures FILE.json]

Weights are stored in half precision, and loaded into single; the card keeps the run's settings,
seed and images seen, and gets credits and measured figures. The discriminator, where the run kept
it, goes along, so that the model can be fine-tuned.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from parhelion._files import write_bytes
from parhelion.training import read_card, save_model

_WEIGHTS = Path(__file__).parents[1] / "src" / "parhelion" / "weights"
_CRITIC = "critic.safetensors"


def main() -> None:
    """Convert, describe, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--credits", required=True)
    parser.add_argument("--figures", type=Path)
    chosen = parser.parse_args()
    card = read_card(chosen.run)
    kind = card.pop("kind")
    trained = card.pop("model_id")
    card.pop("parhelion")
    for key, value in card["data"].items():  # by name, not by where they lay
        if key == "catalog":
            card["data"][key] = Path(value).name
        if key == "catalogs":
            card["data"][key] = ["/".join(Path(path).parts[-2:]) for path in value]
    for name, value in card["settings"].items():
        if isinstance(value, str) and Path(value).is_absolute():
            card["settings"][name] = Path(value).name
    card |= {"name": chosen.name, "trained_model_id": trained, "credits": chosen.credits}
    if chosen.figures is not None:
        card["figures"] = json.loads(chosen.figures.read_text())
    out = _WEIGHTS / chosen.name
    save_model(out, kind, _halved(chosen.run / "model.safetensors"), card)
    if (chosen.run / _CRITIC).is_file():
        write_bytes(out / _CRITIC, save(_halved(chosen.run / _CRITIC)))
    for path in sorted(out.iterdir()):
        print(path.name, path.stat().st_size)


def _halved(path: Path) -> dict[str, torch.Tensor]:
    weights = load_file(path)
    # What is not a network's (a detector's domain) keeps its digits.
    return {
        name: tensor.half().contiguous() if tensor.dtype == torch.float32 else tensor
        for name, tensor in weights.items()
    }


if __name__ == "__main__":
    main()
