"""A model on disk: ``model.safetensors`` and its card ``model.json``; never pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from parhelion._files import write_bytes, write_json
from parhelion._version import __version__
from parhelion.errors import ModelError

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"
#: Models that come with the package, a folder each.
_SHIPPED = Path(__file__).parents[1] / "weights"


def find_model(model: Path | str) -> Path:
    """Return the folder of a model: `model` itself, or the one of that name that ships.

    Raises
    ------
    ModelError
        If neither is there.
    """
    # A folder of that name which is no model, a catalog say, does not hide what ships.
    if (Path(model) / CARD_FILE).is_file():
        return Path(model)
    shipped = {path.parent.name: path.parent for path in _SHIPPED.glob(f"*/{CARD_FILE}")}
    if str(model) in shipped:
        return shipped[str(model)]
    if not Path(model).exists():
        raise ModelError(
            f"{model} is not a model: there is no such folder, and what ships is "
            f"{', '.join(sorted(shipped)) or 'nothing'}; give a folder that `parhelion train` wrote"
        )
    return Path(model)


def save_model(
    folder: Path, kind: str, state: Mapping[str, Tensor], card: Mapping[str, Any]
) -> None:
    """Write weights and card atomically.

    Parameters
    ----------
    folder : Path
        The model's folder.
    kind : str
        What it is: ``gan``, ``detector``, ``classifier``, ``features``.
    state : mapping of str to Tensor
        The weights.
    card : mapping
        JSON-serializable: settings, data, seed, images seen, figures.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    data = save(weights)
    write_bytes(folder / WEIGHTS_FILE, data)
    write_json(
        folder / CARD_FILE,
        {"kind": kind, "parhelion": __version__, "model_id": _digest(data), **card},
    )


def read_card(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Read a model's card, and check that it is of `kind`.

    Raises
    ------
    ModelError
        If the folder holds no model, or one of another kind.
    """
    folder = Path(folder)
    path = folder / CARD_FILE
    missing = [name for name in (CARD_FILE, WEIGHTS_FILE) if not (folder / name).is_file()]
    if missing:
        found = sorted(p.name for p in folder.iterdir())[:6] if folder.is_dir() else []
        there = f"it holds {', '.join(found)}" if found else "there is nothing"
        raise ModelError(
            f"{folder} is not a model: {' and '.join(missing)} missing ({there}); "
            f"make one with `parhelion train {kind or 'gan'} --data CATALOG --out {folder}`"
        )
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error
    if kind is not None and card.get("kind") != kind:
        raise ModelError(f"{folder} is a model of kind {card.get('kind')!r}, not {kind!r}")
    return card


def load_model(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read card and weights of a model of `kind`; see `read_card` for errors."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    card = read_card(folder, kind)
    try:
        return card, load_file(folder / WEIGHTS_FILE)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{folder / WEIGHTS_FILE} is damaged: {error}") from error


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.blake2b(data, digest_size=8).hexdigest()
