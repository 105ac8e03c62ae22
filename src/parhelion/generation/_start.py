"""Fine-tuning: another model's weights as the start of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from parhelion._files import write_bytes
from parhelion.errors import ModelError
from parhelion.training import load_model

CRITIC_FILE = "critic.safetensors"
#: Where `Conditions` keeps its embeddings, in the generator and in the discriminator.
_TABLES = ("embedding.table.weight", "projection.table.weight")


def start_from(
    folder: Path, generator: nn.Module, discriminator: nn.Module, conditions: Mapping[str, Any]
) -> bool:
    """Copy a model's generator, and its discriminator where it was kept, into new networks.

    Both networks have learned each other: a generator that starts beside a new discriminator
    forgets most of what it knew.

    Classes that the model knows keep their embedding. A new class, such as another survey, starts
    at the mean of what the model adds to its latent vectors, so that it starts as a generator of
    everything that the model makes.

    Parameters
    ----------
    folder : Path
        The model's folder.
    generator, discriminator : torch.nn.Module
        Networks of the same widths; changed in place.
    conditions : mapping of str to sequence of str
        Classes of each condition of the new run.

    Returns
    -------
    complete : bool
        Whether the discriminator came along.

    Raises
    ------
    ModelError
        If the widths differ, or the model is conditional and the run is not, or the reverse.
    """
    card, weights = load_model(folder, "gan")
    known, seen = card["conditions"], card["proportions"]
    if bool(known) != bool(conditions):
        raise ModelError(
            f"{folder} is conditioned on {' and '.join(known) or 'nothing'}, the run on "
            f"{' and '.join(conditions) or 'nothing'}; set --condition-on, or leave --start out"
        )
    _copy(generator, weights, known, seen, conditions, folder)
    critic = folder / CRITIC_FILE
    if critic.is_file():
        try:
            judged = load_file(critic)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{critic} is damaged: {error}") from error
        _copy(discriminator, judged, known, seen, conditions, folder)
    return critic.is_file()


def save_critic(folder: Path, discriminator: nn.Module) -> None:
    """Keep a discriminator beside its generator, for who fine-tunes it."""
    state = discriminator.state_dict()
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_bytes(folder / CRITIC_FILE, save(weights))


def _copy(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    known: Mapping[str, Sequence[str]],
    seen: Sequence[Sequence[int]],
    conditions: Mapping[str, Sequence[str]],
    folder: Path,
) -> None:
    own = network.state_dict()
    new = {name: tensor.float() for name, tensor in weights.items()}
    for name in _TABLES:
        if name in new:
            new[name] = _table(new[name], known, seen, conditions)
    misfits = [name for name in own if name not in new or own[name].shape != new[name].shape]
    if misfits or set(new) - set(own):
        name = misfits[0] if misfits else min(set(new) - set(own))
        raise ModelError(
            f"the weights of {folder} do not fit the networks of this run (at {name}); "
            "--image-size, --width, --discriminator-width, --max-channels, --latent, --noise, "
            "--upsampling and --channels must be the model's"
        )
    network.load_state_dict(new)


def _table(
    old: Tensor,
    known: Mapping[str, Sequence[str]],
    seen: Sequence[Sequence[int]],
    conditions: Mapping[str, Sequence[str]],
) -> Tensor:
    """Return the embeddings of the run's classes, from those of the model's."""
    counts = torch.tensor([row[-1] for row in seen], dtype=old.dtype)
    means, rows, start = {}, {}, 0
    for place, (name, classes) in enumerate(known.items()):
        part = old[start : start + len(classes)]
        used = part[[row[place] for row in seen]]
        means[name] = (used * counts[:, None]).sum(dim=0) / counts.sum()
        rows[name] = dict(zip(classes, part, strict=True))
        start += len(classes)
    # What a condition adds that the run does not have is added by the run's first one.
    missing = [mean for name, mean in means.items() if name not in conditions]
    table = []
    for place, (name, classes) in enumerate(conditions.items()):
        extra = sum(missing) if missing and place == 0 else 0
        default = means.get(name, torch.zeros(old.shape[1]))
        table += [rows.get(name, {}).get(label, default) + extra for label in classes]
    return torch.stack(table)
