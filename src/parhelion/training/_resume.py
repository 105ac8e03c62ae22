"""Going on with a run: not by accident, not with other settings, not on other data."""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

from parhelion._settings import SETTINGS_FILE, settings_dict
from parhelion.errors import InputError, SettingsError
from parhelion.training._checkpoint import Checkpoints

_log = logging.getLogger(__name__)

#: What may differ in runs of every kind: what to change after a loss that became NaN (see
#: `check_finite`), and what is only said on the model's card.
_ALWAYS_FREE = {"learning_rate", "precision", "data_name", "credits"}


def check_resume(
    out: Path,
    settings: Any,
    free: Set[str],
    *,
    resume: bool,
    folders: Sequence[str] = ("checkpoints",),
) -> None:
    """Refuse to overwrite a run by accident, or to go on with it as another one.

    Parameters
    ----------
    out : Path
        The run's folder.
    settings : dataclass
        Settings of the continuation.
    free : set of str
        Fields that may differ, since they do not change what the run converges to; beside those
        that may in every run.
    resume : bool
        Whether the user asked to go on.
    folders : sequence of str
        Where in `out` a run of this kind may have checkpoints.

    Raises
    ------
    InputError
        If `out` holds a run and `resume` is False.
    SettingsError
        If another setting differs from the run's.
    """
    if not any(Checkpoints(out / folder).exist() for folder in folders):
        return
    if not resume:
        raise InputError(f"{out} already holds a run; go on with --resume or give another --out")
    before = json.loads((out / SETTINGS_FILE).read_text(encoding="utf-8"))["settings"]
    for name, value in settings_dict(settings).items():
        if name not in free | _ALWAYS_FREE and before.get(name, value) != value:
            raise SettingsError(
                f"--{name.replace('_', '-')} (={value}) differs from the run in {out} "
                f"(={before[name]}); resume with its settings, or give another --out"
            )


def warn_of_cooldown(out: Path, settings: Any, images: int) -> None:
    """Log a warning where a run whose learning rate was falling goes on to another end.

    Call it before the continuation's settings are saved.

    Parameters
    ----------
    out : Path
        The run's folder.
    settings : dataclass
        Settings of the continuation; with `images` and `cooldown`.
    images : int
        Images seen so far.
    """
    before = json.loads((out / SETTINGS_FILE).read_text(encoding="utf-8"))["settings"]["images"]
    was_falling = images > (1 - settings.cooldown) * before
    if was_falling and before != settings.images > images:
        _log.warning(
            "the learning rate was falling towards the end at %d images (--cooldown %g); at %d it "
            "jumps, for the end is now at %d (--images)",
            before,
            settings.cooldown,
            images,
            settings.images,
        )


def check_same_data(out: Path, before: str, now: str) -> None:
    """Raise `InputError` if the fingerprint in a checkpoint is not that of the data given."""
    if before != now:
        raise InputError(
            f"the catalogs are not those of the run in {out}; resume with the same --data, or "
            "give another --out"
        )


def fingerprint(items: Iterable[str]) -> str:
    """Return 32 hexadecimal digits that stand for a sequence of texts, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for item in items:
        digest.update(item.encode() + b"\0")
    return digest.hexdigest()
