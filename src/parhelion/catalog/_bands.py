"""Which FITS files are one field in several bands, by their names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_FITS = re.compile(r"(\.(fits?|fts|fz))(\.(fz|gz|bz2))*$", re.IGNORECASE)
_TOKEN = re.compile(r"(?<=[-_.])[A-Za-z0-9]+(?=$|[-_.])")
_FILTER = re.compile(r"f(\d{3,4})(w|m|n|lp|x|w2)", re.IGNORECASE)
# Wavelengths in nanometers; capital and small letters of one name are in the same place.
_WAVELENGTH = {
    "u": 360,
    "b": 445,
    "blue": 450,
    "g": 477,
    "v": 551,
    "green": 550,
    "r": 640,
    "red": 650,
    "i": 780,
    "z": 905,
    "y": 1020,
    "j": 1220,
    "h": 1630,
    "k": 2190,
    "ks": 2150,
}
_CLASSIC = {"i", "r", "g"}


@dataclass(frozen=True)
class BandSet:
    """Files of one field: indices, the reddest first.

    Attributes
    ----------
    color : tuple of int
        The two or three that make a color image.
    others : tuple of int
        Further bands of the same field.
    name : str
        File name with the bands in place of the band.
    """

    color: tuple[int, ...]
    others: tuple[int, ...]
    name: str


def band_sets(names: Sequence[str]) -> list[BandSet]:
    """Find files of one folder whose names differ only in the band.

    Parameters
    ----------
    names : sequence of str
        Paths; only FITS suffixes are looked at. Files in different folders never match.

    Returns
    -------
    sets : list of BandSet
        In the order of their first file; a file is in one set at most.
    """
    keys: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    spoiled = set()
    for index, path in enumerate(names):
        for key, band in _keys(path):
            if band in keys[key]:
                spoiled.add(key)  # `a_g.fits` and `a_G.fits`: which is meant cannot be told
            keys[key][band] = index
    used: set[int] = set()
    sets = []
    # The largest set wins where a file fits several; among equals, the later token.
    order = sorted(keys, key=lambda key: (-len(keys[key]), len(key[2]), key))
    for key in order:
        members = keys[key]
        if key in spoiled or len(members) < 2 or used & set(members.values()):
            continue
        used |= set(members.values())
        sets.append(_band_set(members, key))
    return sorted(sets, key=lambda found: min(found.color + found.others))


def _band_set(members: dict[str, int], key: tuple[str, str, str]) -> BandSet:
    bands = _by_wavelength(list(members))
    if len(bands) <= 3:
        chosen = bands
    elif set(bands) >= _CLASSIC:
        chosen = [band for band in bands if band in _CLASSIC]
    else:
        first = (len(bands) - 2) // 2
        chosen = bands[first : first + 3]
    others = [band for band in bands if band not in chosen]
    return BandSet(
        tuple(members[band] for band in chosen),
        tuple(members[band] for band in others),
        f"{key[1]}{''.join(chosen)}{key[2]}",
    )


def _keys(path: str) -> list[tuple[tuple[str, str, str], str]]:
    """Return what is left of a name without each band token, and that band in small letters."""
    suffix = _FITS.search(path)
    if suffix is None:
        return []
    folder, slash, stem = path[: suffix.start()].rpartition("/")
    found = []
    for match in _TOKEN.finditer(stem):
        band = match.group().casefold()
        if band in _WAVELENGTH or _FILTER.fullmatch(band):
            found.append(((folder + slash, stem[: match.start()], stem[match.end() :]), band))
    return found


def _by_wavelength(bands: list[str]) -> list[str]:
    """Return bands with the reddest first.

    Space telescopes name filters by tens of nanometers in the infrared: F160W is redder than
    F814W, which an optical filter beside it (500 to 999 nm) gives away.
    """
    numbers = {band: int(found[1]) for band in bands if (found := _FILTER.fullmatch(band))}
    optical = any(500 <= number < 1000 for number in numbers.values())

    def wavelength(band: str) -> float:
        if band not in numbers:
            return _WAVELENGTH[band]
        return numbers[band] * (10 if optical and numbers[band] < 200 else 1)

    return sorted(bands, key=lambda band: (-wavelength(band), band))
