"""Seeds on the command line: numbers and ranges, with commas between."""

from parhelion._settings import require

_MOST = 1_000_000


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that `text` names, such as ``0..3,14`` for 0, 1, 2, 3 and 14.

    Raises
    ------
    SettingsError
        If it is anything else, a range runs backwards, or it names more than a million.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dots, last = (piece.strip() for piece in part.partition(".."))
        ends = [first, last] if dots else [first]
        require(
            all(end.isascii() and end.isdecimal() and len(end) < 19 for end in ends),
            "seeds",
            text,
            "be numbers or ranges such as 3,14,15 or 0..63",
        )
        span = range(int(first), int(last if dots else first) + 1)
        require(len(span) > 0, "seeds", text, "have ranges that run upwards, such as 0..63")
        require(len(seeds) + len(span) <= _MOST, "seeds", text, f"name at most {_MOST:,} seeds")
        seeds += span
    return seeds
