"""Short names for folders."""

from collections.abc import Sequence
from pathlib import Path


def short_names(paths: Sequence[Path | str]) -> list[str]:
    """Return the last part of each path, or of each the last two where some would be alike."""
    parts = [Path(path).parts for path in paths]
    count = 1 if len({part[-1] for part in parts}) == len(parts) else 2
    return ["/".join(part[-count:]) for part in parts]


def short_name_of_each(paths: Sequence[Path | str]) -> list[str]:
    """Return the short name of each path, of which many may be the same."""
    places = list(dict.fromkeys(paths))
    names = dict(zip(places, short_names(places), strict=True))
    return [names[path] for path in paths]
